"""PostgreSQL: COPY to CSV, parsed into Arrow with the types that the exporter declares, or passed on as it is.

The server does the work that it is best at, and its own row count (the command tag of COPY) comes with the data.
Everything one export reads is one ``REPEATABLE READ READ ONLY`` transaction, so it is of one moment.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from include.core.errors import Fatal, Retriable
from include.core.manifest import Consistency
from include.core.schema import Column, ColumnType
from include.core.source import Reading, Source, SourceConnection, TextReading
from include.sources._copy import BATCH_BYTES, CHUNK_BYTES, CopiedRows
from include.sources._dialect import dialect
from include.sources._misfit import unreadable
from include.sources._parse import parse
from include.sources._render import bounded, position, rendered, renders, told_misfit
from include.sources._server_types import INTEGERS, ServerType
from include.sources._session import connect, set_all, timeouts
from include.sources._statement import build

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg
    import pyarrow as pa

    from include.core.format import CsvText
    from include.core.query import Query
    from include.core.source import TextRows

log = logging.getLogger(__name__)

ACCEPTED: dict[ColumnType, frozenset[str]] = {
    ColumnType.INTEGER: INTEGERS,
    ColumnType.DECIMAL: INTEGERS | {"numeric"},
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


FEW_ROWS = 1_000
"""Limits up to which the planner is not asked for an estimate, which would take as long as the query."""


@dataclass(frozen=True, slots=True)
class _Described:
    """A statement in psycopg's notation with its arguments, and the types of its columns here and there."""

    statement: str
    arguments: dict[str, Any] | None
    arrow: pa.Schema
    server: list[ServerType]

    def showing(self, expressions: Sequence[str]) -> _Described:
        """Return the same rows with an expression for each column.

        They stand around the ordered query: next to its ``order by``, they would all be worked out before the first
        row is sent, and an error could not say in which row it is.
        """
        names = ", ".join(position(index) for index in range(len(expressions)))
        return replace(self, statement=f"select {', '.join(expressions)} from ({self.statement}) as shown({names})")  # noqa: S608 - see _render


class PostgresSource(Source):
    """One connection and one read-only transaction."""

    consistency = Consistency.SNAPSHOT
    begins_anywhere = True

    def __init__(self, connection: SourceConnection, *, application: str, timeout_seconds: int) -> None:
        self._name = connection.conn_id
        self._reading = False
        self._closed = False
        with self._errors():
            self._connection, self._snapshot = connect(connection, application, timeout_seconds=timeout_seconds)
        self._longest_seconds = self._timeout_seconds = float(timeout_seconds)

    @property
    def snapshot(self) -> str | None:
        """The transaction's snapshot, as ``xmin:xmax:running`` (pg_current_snapshot)."""
        return self._snapshot

    def estimate(self, query: Query) -> int | None:
        """Return the planner's estimate; of few rows, that they are few."""
        if query.selection.limit is not None and query.selection.limit <= FEW_ROWS:
            return query.selection.limit
        statement, arguments = compile_statement(query)
        with self._errors():
            plan = self._client_cursor().execute("explain (format json) " + statement, arguments).fetchone()
        return int(plan[0][0]["Plan"]["Plan Rows"]) if plan else None

    def read(self, query: Query) -> Reading:
        """Ask the server for the columns' types, then start COPY at the first batch."""
        described = self._describe(query)
        expressions = bounded(query.selection.columns, described.server, described.arrow)
        return _CopyReading(self, described.showing(expressions) if expressions else described)

    def read_text(self, query: Query, text: CsvText) -> TextReading | None:
        """Have the server write the rows; None where it would not write a type as the formats do."""
        columns = query.selection.columns
        if not renders(columns):
            return None
        described = self._describe(query)
        expressions = rendered(columns, described.server, described.arrow)
        return _CopyTextReading(self, described.showing(expressions), text, query.selection.limit)

    def _describe(self, query: Query) -> _Described:
        """Return what the server says of the columns.

        :raises Fatal: when a declared type cannot hold the server's type exactly, or the server refuses the query.
        """
        import pyarrow as pa

        self._limit(query.timeout_seconds)
        statement, arguments = compile_statement(query)
        with self._errors():
            cursor = self._client_cursor()
            cursor.execute(f"select * from ({statement}) as described limit 0", arguments)  # noqa: S608 - see _statement
            described = cursor.description or []
        server = [ServerType.of(column) for column in described]
        fields = []
        for column, found, kind in zip(query.selection.columns, described, server, strict=True):
            accepted = ACCEPTED.get(column.type)
            if accepted is not None and kind.name not in accepted:
                raise self._wrong_type(column, found)
            fields.append(pa.field(column.name, kind.exact(column).arrow_type()))
        return _Described(statement, arguments, pa.schema(fields), server)

    def _wrong_type(self, column: Column, found: psycopg.Column) -> Fatal:
        with self._errors():
            named = self._connection.execute("select format_type(%s, null)", (found.type_code,)).fetchone()
        return Fatal(
            f"The exporter declares {column.origin!r} as {column.type}, but source {self._name!r} gives it as "
            f"{named[0] if named else found.type_code}. Declare the type that fits, or cast it in the statement.",
            code="exporter_broken",
        )

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
    def copying(
        self, described: _Described, *, delimiter: str = ",", line_end: str = "\n", limit: int | None = None
    ) -> Iterator[CopiedRows]:
        """Run a COPY; errors leave as ours, and a source closed meanwhile ends with it."""
        import psycopg

        copy = f"copy ({described.statement}) to stdout (format csv, delimiter '{delimiter}')"
        with self._errors():
            self._reading = True
            try:
                with self._client_cursor() as cursor, cursor.copy(copy, described.arguments):
                    copied = CopiedRows(self._connection, line_end=line_end.encode(), limit=limit)
                    try:
                        yield copied
                    except psycopg.DataError as error:
                        if (told := told_misfit(error)) is None:
                            raise
                        index, kind = told
                        raise unreadable(described.arrow.field(index), copied.received + 1, kind) from None
            finally:
                self._reading = False
                if self._closed:
                    self._connection.close()

    def _client_cursor(self) -> psycopg.Cursor[Any]:
        import psycopg

        return psycopg.ClientCursor(self._connection)

    def _limit(self, seconds: float | None) -> None:
        """Give the next query its own time, at most the source's."""
        seconds = self._longest_seconds if seconds is None else min(seconds, self._longest_seconds)
        if seconds == self._timeout_seconds:
            return
        limits = timeouts(seconds)
        with self._errors():
            self._connection.execute(f"select {set_all(limits)}", [text for pair in limits.items() for text in pair])
        self._timeout_seconds = seconds

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
    def __init__(self, source: PostgresSource, described: _Described) -> None:
        self.arrow = described.arrow
        self._source = source
        self._described = described
        self._sent = 0

    @property
    def rows_sent(self) -> int:
        return self._sent

    def batches(self) -> Iterator[pa.RecordBatch]:
        rows = 0
        with self._source.copying(self._described) as copied:
            for block in copied.blocks(BATCH_BYTES):
                batch = parse(block, self.arrow, rows_before=rows)
                rows += batch.num_rows
                yield batch
            self._sent = copied.sent


class _CopyTextReading(TextReading):
    def __init__(self, source: PostgresSource, described: _Described, text: CsvText, limit: int | None) -> None:
        self._source = source
        self._described = described
        self._text = text
        self._limit = limit
        self._sent = 0

    @property
    def rows_sent(self) -> int:
        return self._sent

    def chunks(self) -> TextRows:
        text, before = self._text, 0
        with self._source.copying(
            self._described, delimiter=text.delimiter, line_end=text.line_end, limit=self._limit
        ) as copied:
            for block in copied.blocks(CHUNK_BYTES):
                kept = copied.received if self._limit is None else min(copied.received, self._limit)
                yield kept - before, bytes(block)
                before = kept
            self._sent = copied.sent


def compile_statement(query: Query) -> tuple[str, dict[str, Any] | None]:
    """Return the statement in psycopg's notation, and its arguments: None where there are none, to be passed as such.

    SQLAlchemy doubles every ``%``, and psycopg takes that back where there are arguments; given an empty mapping,
    ``execute`` does and ``copy`` does not.
    """
    compiled = build(query).compile(dialect=dialect(), compile_kwargs={"render_postcompile": True})
    if arguments := dict(compiled.params):
        return str(compiled), arguments
    return str(compiled).replace("%%", "%"), None


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
