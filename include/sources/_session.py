"""A session of PostgreSQL in which the same rows always have the same text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg

    from include.core.source import SourceConnection

SESSION = {
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "synchronize_seqscans": "off",
    "max_parallel_workers_per_gather": "0",
}
"""Settings on which the text of a value, or the order of rows without ``order by``, would depend."""

KEYWORDS = frozenset(
    {"sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "connect_timeout", "keepalives", "keepalives_idle",
     "keepalives_interval", "keepalives_count", "target_session_attrs", "options", "channel_binding"}
)  # fmt: skip
"""libpq keywords that an Airflow connection's extra may carry."""


def connect(
    connection: SourceConnection, application: str, *, timeout_seconds: float
) -> tuple[psycopg.Connection[Any], str]:
    """Connect and begin a transaction of one snapshot, read only; return the connection and the snapshot's name.

    :raises psycopg.Error: when the server does not answer or refuses.
    """
    import psycopg

    extra = {key: value for key, value in connection.extra.items() if key in KEYWORDS}
    opened = psycopg.connect(
        host=connection.host,
        port=connection.port or 5432,
        user=connection.login,
        password=connection.password,
        dbname=connection.database,
        application_name=application,
        **({"connect_timeout": 10} | extra),
    )
    opened.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    opened.read_only = True
    settings = SESSION | timeouts(timeout_seconds)
    statement = f"select pg_current_snapshot()::text, {set_all(settings)}"
    row = opened.execute(statement, [text for pair in settings.items() for text in pair]).fetchone()
    return opened, str(row[0]) if row else ""


def timeouts(seconds: float) -> dict[str, str]:
    """Return the settings that end a query, or its waiting for a lock, after so many seconds."""
    milliseconds = str(max(int(seconds * 1000), 1))
    return {"statement_timeout": milliseconds, "lock_timeout": milliseconds}


def set_all(settings: Mapping[str, str]) -> str:
    """Return the expressions that set as many settings, each with placeholders for its name and its value."""
    return ", ".join(["set_config(%s, %s, false)"] * len(settings))
