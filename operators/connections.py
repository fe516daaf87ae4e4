"""From Airflow connections to what include works with: sources, and who signs manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.core.signing import Signer
from include.core.source import SourceConnection
from include.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.core.settings import Settings
    from include.core.source import Source


def source_opener(settings: Settings, *, application: str) -> Callable[[str], tuple[str, Source]]:
    """Return a function that opens the source behind an Airflow connection id."""
    return lambda conn_id: open_source(
        source_connection(conn_id), application=application, timeout_seconds=settings.statement_timeout_seconds
    )


def source_connection(conn_id: str) -> SourceConnection:
    """Return the facts of an Airflow connection.

    :raises Fatal: when there is none of that id.
    """
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = Connection.get(conn_id)
    except AirflowNotFoundException:
        raise SourceConnection.missing(conn_id) from None
    return SourceConnection.of_airflow(found)


def open_signer(settings: Settings) -> Signer | None:
    """Return who signs manifests, or None where they are not signed.

    :raises Fatal: when the settings' connection is missing, or holds no key for it.
    """
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    if settings.signing_connection is None:
        return None
    try:
        password = Connection.get(settings.signing_connection).password
    except AirflowNotFoundException:
        password = None
    return Signer.of_password(password)
