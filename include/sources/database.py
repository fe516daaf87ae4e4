"""Any other database that Airflow has a connection for: a streaming cursor through its hook's SQLAlchemy engine."""

from __future__ import annotations

import json
import re
import time as clock
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError, InterfaceError, NoSuchModuleError, OperationalError, SQLAlchemyError

from include.core.errors import Fatal, Retriable
from include.core.manifest import Consistency
from include.core.query import NULL_TESTS
from include.core.schema import Column, ColumnType
from include.core.source import Reading, Source, SourceConnection
from include.sources._statement import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa
    from sqlalchemy import Connection

    from include.core.query import Query

ROWS_PER_BATCH = 10_000


class DatabaseSource(Source):
    """One connection of a SQLAlchemy engine; what it promises of consistency differs by database, so: none."""

    consistency = Consistency.NONE

    def __init__(self, connection: SourceConnection, *, application: str, timeout_seconds: int) -> None:  # noqa: ARG002
        self._name = connection.conn_id
        self._timeout_seconds: float = timeout_seconds
        with self._errors():
            self._engine = connection.engine()
            self._connection = self._connected().execution_options(stream_results=True, max_row_buffer=ROWS_PER_BATCH)

    def _connected(self) -> Connection:
        try:
            return self._engine.connect()
        except (OperationalError, InterfaceError) as error:
            kind = type(error.orig).__name__
            raise Retriable(
                f"The connection to source {self._name!r} failed ({kind}). Check that the database runs and that the "
                "Airflow connection is right.",
                code="source_unavailable",
            ) from error

    @property
    def snapshot(self) -> str | None:
        """Nothing that all databases could name."""
        return None

    def estimate(self, query: Query) -> int | None:  # noqa: ARG002
        """Return None: there is no quick way that all databases share."""
        return None

    def read(self, query: Query) -> Reading:
        """Start the query."""
        self._check_comparisons(query)
        seconds = min(query.timeout_seconds or self._timeout_seconds, self._timeout_seconds)
        with self._errors():
            result = self._connection.execute(build(query))
        return _CursorReading(self, result.partitions(ROWS_PER_BATCH), query, seconds)

    def _check_comparisons(self, query: Query) -> None:
        """Refuse what would compare texts where values were meant.

        :raises Fatal: naming the column.
        """
        untyped = UNTYPED.get(self._connection.dialect.name, frozenset())
        compared = [
            *(item.column for item in query.selection.filters if item.op not in NULL_TESTS),
            *(item.column for item in query.selection.order_by),
        ]
        for column in compared:
            if column.type in untyped:
                raise Fatal(
                    f"Source {self._name!r} ({self._connection.dialect.name}) has no type {column.type}, so it cannot "
                    f"compare or sort {column.origin!r}. Do that in the exporter's statement.",
                    code="source_cannot_compare",
                )

    def close(self) -> None:
        """End the connection; the engine's pool would keep it open."""
        self._connection.close()
        self._engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the driver's errors into ours, without the statement, its arguments or a row's content."""
        try:
            yield
        except NoSuchModuleError as error:
            raise Fatal(f"Source {self._name!r} has no SQLAlchemy dialect installed.", code="source_unknown") from error
        except DBAPIError as error:
            kind = type(error.orig).__name__ if error.orig else type(error).__name__
            if error.connection_invalidated:
                raise Retriable(f"The connection to source {self._name!r} was lost.", code="source_lost") from error
            raise Fatal(
                f"Source {self._name!r} refused the query ({kind}). Check the exporter's statement.",
                code="query_refused",
            ) from error
        except SQLAlchemyError as error:
            raise Fatal(f"Source {self._name!r} failed ({type(error).__name__}).", code="query_refused") from error


class _CursorReading(Reading):
    def __init__(self, source: DatabaseSource, partitions: Iterator[Any], query: Query, timeout_seconds: float) -> None:
        self.arrow = query.selection.schema.arrow()
        self._columns = query.selection.columns
        self._source = source
        self._partitions = partitions
        self._timeout_seconds = timeout_seconds
        self._sent = 0

    @property
    def rows_sent(self) -> int:
        return self._sent

    def batches(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        deadline = clock.monotonic() + self._timeout_seconds
        with self._source._errors():  # noqa: SLF001 - one translation of errors for the source and its reading
            for rows in self._partitions:
                if clock.monotonic() > deadline:
                    raise Fatal(f"The query ran longer than its {self._timeout_seconds:g} s.", code="query_timeout")
                first = self._sent
                self._sent += len(rows)
                arrays = [
                    _array(column, field.type, values, first)
                    for column, field, values in zip(self._columns, self.arrow, zip(*rows, strict=True), strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=self.arrow)


def _array(column: Column, arrow_type: pa.DataType, values: tuple[Any, ...], first_row: int) -> pa.Array:
    """Return one column of a batch.

    :raises Fatal: naming column and row when a value is not of the declared type; never the value.
    """
    import pyarrow as pa

    convert = CONVERTERS[column.type]
    converted: list[Any] = []
    for index, value in enumerate(values):
        try:
            converted.append(None if value is None else convert(value))
        except (ValueError, TypeError, InvalidOperation):
            raise _misfit(column, first_row + index, value) from None
    if column.type is ColumnType.DECIMAL and pa.types.is_string(arrow_type):
        converted = [None if value is None else format(value, "f") for value in converted]
    try:
        return pa.array(converted, type=arrow_type)
    except (pa.ArrowInvalid, OverflowError):
        row = first_row + next(index for index, value in enumerate(converted) if not _fits(value, arrow_type))
        raise Fatal(
            f"Column {column.name!r}, row {row + 1}: a {type(values[row - first_row]).__name__} does not fit "
            f"{arrow_type}. Cast it in the statement, or leave the column out.",
            code="value_unreadable",
        ) from None


def _fits(value: Any, arrow_type: pa.DataType) -> bool:
    import pyarrow as pa

    try:
        pa.scalar(value, type=arrow_type)
    except (pa.ArrowInvalid, OverflowError):
        return False
    return True


def _misfit(column: Column, row: int, value: object) -> Fatal:
    return Fatal(
        f"Column {column.name!r}, row {row + 1}: a {type(value).__name__} is no {column.type}. Declare the type that "
        "fits, or cast it in the statement.",
        code="value_unreadable",
    )


def _text(value: object) -> str:
    if isinstance(value, bytes):
        raise TypeError
    return value if isinstance(value, str) else str(value)


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _decimal(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(_text(value))


def _float(value: Any) -> float:
    number = float(value)
    if isinstance(value, int) and int(number) != value:
        raise ValueError
    return number


def _boolean(value: object) -> bool:
    if value not in (0, 1):
        raise ValueError
    return bool(value)


def _parsed(value: object, parse: Callable[[str], T]) -> T:
    """Parse a time's text; Python would silently cut what is finer than a microsecond."""
    text = str(value)
    if _FINER_THAN_MICROSECONDS.search(text):
        raise ValueError
    return parse(text)


def _datetime(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else _parsed(value, datetime.fromisoformat)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _local_datetime(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else _parsed(value, datetime.fromisoformat)
    if moment.tzinfo is not None:
        raise ValueError
    return moment


def _date(value: object) -> date:
    if isinstance(value, datetime):
        raise TypeError
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _time(value: object) -> time:
    if isinstance(value, timedelta) and timedelta(0) <= value < timedelta(days=1):  # as MySQL's drivers give it
        return (datetime.min + value).time()  # noqa: DTZ901 - a time of day has no zone here
    moment = value if isinstance(value, time) else _parsed(value, time.fromisoformat)
    if moment.tzinfo is not None:
        raise ValueError
    return moment


def _uuid(value: object) -> str:
    return str(value if isinstance(value, UUID) else UUID(_text(value)))


def _json(value: object) -> str:
    if not isinstance(value, str | bytes):
        return json.dumps(value, ensure_ascii=False)
    text = _text(value)
    json.loads(text)
    return text


T = TypeVar("T")

_FINER_THAN_MICROSECONDS = re.compile(r"\.\d{7}")

CONVERTERS: dict[ColumnType, Callable[[Any], Any]] = {
    ColumnType.STRING: _text,
    ColumnType.INTEGER: _integer,
    ColumnType.DECIMAL: _decimal,
    ColumnType.FLOAT: _float,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
    ColumnType.LOCAL_DATETIME: _local_datetime,
    ColumnType.TIME: _time,
    ColumnType.UUID: _uuid,
    ColumnType.JSON: _json,
}
"""From what drivers give (SQLite gives text for times and decimals) to the declared type, exactly."""

UNTYPED = {"sqlite": frozenset({ColumnType.DECIMAL, ColumnType.DATETIME, ColumnType.LOCAL_DATETIME, ColumnType.TIME,
                                ColumnType.UUID})}  # fmt: skip
"""Types that a database has not: it keeps them as text in whatever form, so it can neither compare nor sort them."""
