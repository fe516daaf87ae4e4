"""Kinds of sources: one file each, named as the Airflow connection type that it reads."""

from include.core.registry import Registry
from include.core.source import Source, SourceConnection

SOURCES: Registry[Source] = Registry("include.sources", Source)  # type: ignore[type-abstract]

FALLBACK = "database"
"""The kind that reads every connection type without a file of its own, through its Airflow hook."""


def open_source(connection: SourceConnection, *, application: str, timeout_seconds: int) -> tuple[str, Source]:
    """Open the source behind a connection; return its kind and the source.

    :raises Retriable: when it does not answer.
    """
    kind = connection.conn_type if connection.conn_type in SOURCES else FALLBACK
    return kind, SOURCES.load(kind)(connection, application=application, timeout_seconds=timeout_seconds)
