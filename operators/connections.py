"""From Airflow connections to what include works with: sources and the artifact store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.artifacts.s3 import S3Store
from include.core.errors import Fatal
from include.core.source import Source, SourceConnection
from include.sources import FALLBACK, SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from include.core.settings import Settings


def source_opener(settings: Settings, *, application: str) -> Callable[[str], tuple[str, Source]]:
    """Return a function that opens the source behind an Airflow connection id."""

    def open_source(conn_id: str) -> tuple[str, Source]:
        connection = source_connection(conn_id)
        kind = connection.conn_type if connection.conn_type in SOURCES else FALLBACK
        source = SOURCES.load(kind)(
            connection, application=application, timeout_seconds=settings.statement_timeout_seconds
        )
        return kind, source

    return open_source


def source_connection(conn_id: str) -> SourceConnection:
    """Return the facts of an Airflow connection.

    :raises Fatal: when there is none of that id.
    """
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = Connection.get(conn_id)
    except AirflowNotFoundException:
        raise Fatal(
            f"There is no Airflow connection {conn_id!r}, which the exporter reads. Add it under Admin, Connections, "
            f"or as the environment variable AIRFLOW_CONN_{conn_id.upper()}.",
            code="source_unknown",
        ) from None

    def engine() -> Engine:
        made: Engine = found.get_hook().get_sqlalchemy_engine()
        return made

    return SourceConnection(
        conn_id=conn_id,
        conn_type=found.conn_type,
        host=found.host,
        port=found.port,
        login=found.login,
        password=found.password,
        database=found.schema,
        extra=found.extra_dejson,
        engine=engine,
    )


def open_store(settings: Settings) -> S3Store:
    """Return the artifact store behind the settings' connection."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    from operators.sessions import session_of

    hook = S3Hook(aws_conn_id=settings.store_connection)
    return S3Store.connect(
        session_of(hook),
        hook.conn_config.extra_config,
        prefix=settings.store_prefix,
        part_bytes=settings.part_bytes,
    )
