"""PostgreSQL: COPY to CSV, parsed into Arrow with the types that the exporter declares.

The server does the work that it is best at, and its own row count (the command tag of COPY) comes with the data.
Everything one export reads is one ``REPEATABLE READ READ ONLY`` transaction, so it is of one moment.
"""

from __future__ import annotations

import logging
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, LiteralString

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg, PGDialect_psycopg

from include.core.errors import Fatal, Retriable
from include.core.manifest import Consistency
from include.core.schema import MAX_DECIMAL_DIGITS, Column, ColumnType
from include.core.source import Reading, Source, SourceConnection
from include.sources._copy import parse, whole_rows
from include.sources._statement import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    import pyarrow as pa

    from include.core.query import Query

log = logging.getLogger(__name__)

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

_INTEGERS = frozenset({"int2", "int4", "int8"})
_NUMBERS = _INTEGERS | {"numeric"}
ACCEPTED: dict[ColumnType, frozenset[str]] = {
    ColumnType.INTEGER: _INTEGERS,
    ColumnType.DECIMAL: _NUMBERS,
    ColumnType.FLOAT: frozenset({"float4", "float8"}),
    ColumnType.BOOLEAN: frozenset({"bool"}),
    ColumnType.DATE: frozenset({"date"}),
    ColumnType.DATETIME: frozenset({"timestamptz"}),
    ColumnType.LOCAL_DATETIME: frozenset({"timestamp"}),
    ColumnType.TIME: frozenset({"time"}),
    ColumnType.UUID: frozenset({"uuid"}),
    ColumnType.JSON: frozenset({"json", "jsonb"}),
}
"""Which of the server's types a declared type can hold exactly; ``string`` takes any type's text."""


class PostgresSource(Source):
    """One connection and one read-only transaction."""

    consistency = Consistency.SNAPSHOT

    def __init__(self, connection: SourceConnection, *, application: str, timeout_seconds: int) -> None:
        import psycopg

        self._name = connection.conn_id
        self._reading = False
        self._closed = False
        extra = {key: value for key, value in connection.extra.items() if key in KEYWORDS}
        with self._errors():
            self._connection = psycopg.connect(
                host=connection.host,
                port=connection.port or 5432,
                user=connection.login,
                password=connection.password,
                dbname=connection.database,
                application_name=application,
                **({"connect_timeout": 10} | extra),
            )
            self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
            for name, value in SESSION.items():
                self._connection.execute("select set_config(%s, %s, false)", (name, value))
            self._set_timeout(timeout_seconds)
            self._snapshot = self._scalar("select pg_current_snapshot()::text")
        self._timeout_seconds: float = timeout_seconds

    @property
    def snapshot(self) -> str | None:
        """The transaction's snapshot, as ``xmin:xmax:running`` (pg_current_snapshot)."""
        return self._snapshot

    def estimate(self, query: Query) -> int | None:
        """Return the planner's estimate."""
        statement, arguments = compile_statement(query)
        with self._errors():
            plan = self._client_cursor().execute("explain (format json) " + statement, arguments).fetchone()
        return int(plan[0][0]["Plan"]["Plan Rows"]) if plan else None

    def read(self, query: Query) -> Reading:
        """Ask the server for the columns' types, then start COPY at the first batch."""
        if query.timeout_seconds is not None and query.timeout_seconds < self._timeout_seconds:
            with self._errors():
                self._set_timeout(query.timeout_seconds)
        statement, arguments = compile_statement(query)
        with self._errors():
            cursor = self._client_cursor()
            cursor.execute(f"select * from ({statement}) as described limit 0", arguments)  # noqa: S608 - see _statement
            description = cursor.description or []
        import pyarrow as pa

        fields = []
        for column, described in zip(query.selection.columns, description, strict=True):
            exact = self._exact_column(column, described)
            fields.append(pa.field(column.name, exact.arrow_type()))
        return _CopyReading(self, statement, arguments, pa.schema(fields))

    def close(self) -> None:
        """Cancel a COPY that runs; the connection ends when its reader is gone."""
        self._closed = True
        if self._reading:
            import psycopg

            with suppress(psycopg.Error):
                self._connection.cancel_safe(timeout=5)
        else:
            self._connection.close()

    @contextmanager
    def copying(self, statement: str, arguments: dict[str, Any]) -> Iterator[tuple[psycopg.Cursor[Any], psycopg.Copy]]:
        """Run a COPY; errors leave as ours, and a source closed meanwhile ends with it."""
        with self._errors():
            self._reading = True
            try:
                with (
                    self._client_cursor() as cursor,
                    cursor.copy(f"copy ({statement}) to stdout (format csv)", arguments) as copy,
                ):
                    yield cursor, copy
            finally:
                self._reading = False
                if self._closed:
                    self._connection.close()

    def _client_cursor(self) -> psycopg.Cursor[Any]:
        import psycopg

        return psycopg.ClientCursor(self._connection)

    def _scalar(self, statement: LiteralString) -> str:
        row = self._connection.execute(statement).fetchone()
        return str(row[0]) if row else ""

    def _set_timeout(self, seconds: float) -> None:
        milliseconds = str(max(int(seconds * 1000), 1))
        for name in ("statement_timeout", "lock_timeout"):
            self._connection.execute("select set_config(%s, %s, false)", (name, milliseconds))
        self._timeout_seconds = seconds

    def _exact_column(self, column: Column, described: psycopg.Column) -> Column:
        """Return the column with the precision that the server gives, after checking that the types fit.

        :raises Fatal: when the declared type cannot hold the server's type exactly.
        """
        from dataclasses import replace

        from psycopg.postgres import types

        info = types.get(described.type_code)
        server_type = info.name if info else str(described.type_code)
        accepted = ACCEPTED.get(column.type)
        if accepted is not None and server_type not in accepted:
            raise Fatal(
                f"The exporter declares {column.origin!r} as {column.type}, but source {self._name!r} gives it as "
                f"{server_type}. Declare the type that fits, or cast it in the statement.",
                code="exporter_broken",
            )
        if column.type is not ColumnType.DECIMAL or column.precision is not None:
            return column
        if server_type in _INTEGERS:
            return replace(column, precision=19, scale=0)
        if described.precision is None or described.precision > MAX_DECIMAL_DIGITS:
            return column
        return replace(column, precision=described.precision, scale=described.scale or 0)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the driver's errors into ours: what and where, without a row's content or the statement."""
        import psycopg

        try:
            yield
        except psycopg.errors.QueryCanceled as error:
            if self._closed:
                raise Retriable(f"Reading from source {self._name!r} was stopped.", code="source_stopped") from error
            raise Fatal(
                f"The query on source {self._name!r} ran longer than its {self._timeout_seconds:g} s and was ended. "
                "Ask for less, or raise the exporter's timeout or [waybill] statement_timeout_seconds.",
                code="query_timeout",
            ) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("Source %s: %s", self._name, type(error).__name__)
            raise Retriable(
                f"The connection to source {self._name!r} failed or was lost ({type(error).__name__}). Check that the "
                "database runs and that the Airflow connection is right.",
                code="source_unavailable",
            ) from error
        except psycopg.Error as error:
            raise Fatal(f"Source {self._name!r} refused the query: {describe(error)}.", code="query_refused") from error


class _CopyReading(Reading):
    def __init__(self, source: PostgresSource, statement: str, arguments: dict[str, Any], arrow: pa.Schema) -> None:
        self.arrow = arrow
        self._source = source
        self._statement = statement
        self._arguments = arguments
        self._sent = 0

    @property
    def rows_sent(self) -> int:
        return self._sent

    def batches(self) -> Iterator[pa.RecordBatch]:
        with self._source.copying(self._statement, self._arguments) as (cursor, copy):
            with closing(whole_rows(copy)) as blocks:
                for block in blocks:
                    yield parse(block, self.arrow)
            self._sent = cursor.rowcount


def compile_statement(query: Query) -> tuple[str, dict[str, Any]]:
    """Return the statement in psycopg's notation, and its arguments; always pass both, for ``%`` is doubled."""
    compiled = build(query).compile(dialect=_dialect(), compile_kwargs={"render_postcompile": True})
    return str(compiled), dict(compiled.params)


class _Compiler(PGCompiler_psycopg):
    """Puts numbers in parentheses before their cast, which binds tighter than the minus that is a part of them."""

    def render_bind_cast(self, type_: Any, dbapi_type: Any, sqltext: str) -> str:
        """Return ``(x)::bigint``: without the parentheses, the smallest bigint is out of range."""
        number = issubclass(dbapi_type._type_affinity, sa.Integer | sa.Numeric)  # noqa: SLF001 - as the base does it
        cast: str = super().render_bind_cast(type_, dbapi_type, f"({sqltext})" if number else sqltext)  # type: ignore[no-untyped-call]
        return cast


class _Dialect(PGDialect_psycopg):
    statement_compiler = _Compiler
    supports_statement_cache = False


def _dialect() -> sa.Dialect:
    return _Dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]


def describe(error: psycopg.Error) -> str:
    """Return what a person can act on: names of tables and columns, but neither values nor the statement."""
    import psycopg

    naming = (
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedColumn,
        psycopg.errors.InsufficientPrivilege,
    )
    kind = f"{type(error).__name__}, SQLSTATE {error.sqlstate}"
    if isinstance(error, naming) and error.diag.message_primary:
        return f"{error.diag.message_primary} ({kind})"
    return kind
