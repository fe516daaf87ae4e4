"""Any other database, shown on SQLite: every declared type, what does not fit, batches, and streaming."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from include.core.catalog import ExporterSpec, make_exporter
from include.core.errors import Fatal, Retriable, VerificationFailed, WaybillError
from include.core.manifest import Consistency
from include.core.query import Query, Selection, check_filters, fitting_ops
from include.core.request import Condition, Op
from include.core.schema import Column, ColumnType, Schema
from include.core.source import Sources
from include.sources.database import ROWS_PER_BATCH, DatabaseSource
from tests.unit.stand_ins import connection_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

A_UUID = "8f14e45f-ceea-467f-a5a5-2f1b5bd7e0c1"


class Warehouse:
    """A database in a file, and the way to read it."""

    def __init__(self, path: Path) -> None:
        self.engine = sa.create_engine(f"sqlite:///{path}", poolclass=NullPool)

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def fill(self, table: str, values: Sequence[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(values[0]))
        with self.engine.begin() as connection:
            connection.exec_driver_sql(f"insert into {table} values ({marks})", list(values))

    def source(self, *, timeout_seconds: int = 60) -> DatabaseSource:
        return DatabaseSource(connection_with(lambda: self.engine), application="test", timeout_seconds=timeout_seconds)

    def batches(self, query: Query, *, timeout_seconds: int = 60) -> list[pa.RecordBatch]:
        with closing(self.source(timeout_seconds=timeout_seconds)) as source:
            return list(source.read(query).batches())

    def values(
        self, sql: str, *columns: Column, where: Sequence[Condition] = (), limit: int | None = None
    ) -> list[Any]:
        batches = self.batches(query(sql, *columns, where=where, limit=limit))
        return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def query(sql: str, *columns: Column, where: Sequence[Condition] = (), limit: int | None = None) -> Query:
    errors: list[Any] = []
    filters = check_filters(Schema(columns), where, errors)
    assert not errors
    return Query(sql=sql, arguments={}, selection=Selection(columns, filters, limit=limit))


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.db")


BERLIN = "2026-03-29T03:30:00+02:00"

STORED: dict[ColumnType, list[tuple[object, object]]] = {
    ColumnType.STRING: [("", ""), ("None", "None"), ("=1+1", "=1+1"), ("a\nb\r\n", "a\nb\r\n"), ("ü📦", "ü📦")],
    ColumnType.INTEGER: [(0, 0), (-1, -1), (2**63 - 1, 2**63 - 1), (-(2**63), -(2**63))],
    ColumnType.DECIMAL: [
        ("0.10", "0.10"),
        ("-12345678901234567890.123456789", "-12345678901234567890.123456789"),
        (7, "7"),
        ("1E+3", "1000"),
    ],
    ColumnType.FLOAT: [(0.1, 0.1), (-1e300, -1e300), (5e-324, 5e-324), (2, 2.0)],
    ColumnType.BOOLEAN: [(1, True), (0, False)],
    ColumnType.DATE: [("2026-02-28", date(2026, 2, 28)), ("0001-01-01", date(1, 1, 1))],
    ColumnType.DATETIME: [
        ("2026-03-29 01:30:00+00:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (BERLIN, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-03-29T01:30:00.000001Z", datetime(2026, 3, 29, 1, 30, 0, 1, tzinfo=UTC)),
    ],
    ColumnType.LOCAL_DATETIME: [("2026-03-29 02:30:00", datetime(2026, 3, 29, 2, 30))],  # noqa: DTZ001 - local
    ColumnType.TIME: [("23:59:59.999999", time(23, 59, 59, 999_999)), ("00:00:00", time(0))],
    ColumnType.UUID: [(A_UUID, A_UUID)],
    ColumnType.JSON: [('{"a": [1, null]}', '{"a": [1, null]}'), ("null", "null")],
}


@pytest.mark.parametrize("kind", list(ColumnType))
def test_every_type_is_read_exactly_and_null_stays_null(warehouse: Warehouse, kind: ColumnType) -> None:
    warehouse.run("create table t (n integer, v)")
    stored = [*STORED[kind], (None, None)]
    warehouse.fill("t", [(index, value) for index, (value, _) in enumerate(stored)])
    column = Column.of("v", kind)
    batches = warehouse.batches(query("select v from t order by n", column))
    assert batches[0].schema == Schema.of(column).arrow()
    assert [value for batch in batches for value in batch.column(0).to_pylist()] == [wanted for _, wanted in stored]


def test_a_decimal_with_a_declared_precision_is_a_decimal_of_it(warehouse: Warehouse) -> None:
    column = Column.of("v", ColumnType.DECIMAL, precision=12, scale=2)
    [batch] = warehouse.batches(query("select '12.5' as v union all select '-0.01'", column))
    assert batch.column(0).to_pylist() == [Decimal("12.50"), Decimal("-0.01")]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ColumnType.STRING, b"hunter2"),
        (ColumnType.INTEGER, "hunter2"),
        (ColumnType.INTEGER, 1.5),
        (ColumnType.DECIMAL, "hunter2"),
        (ColumnType.DECIMAL, b"1"),
        (ColumnType.FLOAT, "hunter2"),
        (ColumnType.FLOAT, 2**63 - 1),
        (ColumnType.BOOLEAN, 2),
        (ColumnType.BOOLEAN, "hunter2"),
        (ColumnType.DATE, "29.03.2026"),
        (ColumnType.DATE, "2026-02-30"),
        (ColumnType.DATE, "2026-03-29 00:00:00"),
        (ColumnType.DATETIME, "2026-03-29 01:30:00"),
        (ColumnType.DATETIME, 1_774_747_800),
        (ColumnType.DATETIME, "2026-03-29T01:30:00.1234567Z"),
        (ColumnType.LOCAL_DATETIME, BERLIN),
        (ColumnType.TIME, "25:00:00"),
        (ColumnType.TIME, "10:00:00+02:00"),
        (ColumnType.TIME, "10:00:00.1234567"),
        (ColumnType.UUID, "hunter2"),
        (ColumnType.UUID, b"hunter2"),
        (ColumnType.JSON, b"{}"),
        (ColumnType.JSON, "{hunter2"),
        (ColumnType.JSON, "hunter2\n{}"),
    ],
)
def test_a_value_of_another_type_names_column_and_row_and_never_itself(
    warehouse: Warehouse, kind: ColumnType, value: object
) -> None:
    fine = STORED[kind][0][0]
    warehouse.run("create table t (n integer, v)")
    warehouse.fill("t", [(0, fine), (1, None), (2, value), (3, fine)])
    with pytest.raises(Fatal, match=r"'v'.*row 3") as caught:
        warehouse.values("select v from t order by n", Column.of("v", kind))
    assert caught.value.error_code == "value_unreadable"
    assert "hunter2" not in str(caught.value)


def test_the_row_that_is_named_is_the_row_of_the_export_and_not_of_the_batch(warehouse: Warehouse) -> None:
    sql = (
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 15000) "
        "select case when i = 12345 then 'x' else i end as v from n"
    )
    with pytest.raises(Fatal, match="row 12345:"):
        warehouse.values(sql, Column.of("v", ColumnType.INTEGER))


@pytest.mark.parametrize("row", [1, 2, 12_345, 15_000])
def test_a_decimal_beyond_its_declared_precision_names_its_row_and_not_its_value(
    warehouse: Warehouse, row: int
) -> None:
    column = Column.of("v", ColumnType.DECIMAL, precision=4, scale=2)
    for value in ("123.45", "1.234"):
        sql = (
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 15000) "
            f"select case when i = {row} then '{value}' when i % 2 then '1.5' end as v from n"
        )
        with pytest.raises(Fatal, match=f"'v', row {row}: a str does not fit decimal128") as caught:
            warehouse.values(sql, column)
        assert caught.value.error_code == "value_unreadable"
        assert value not in str(caught.value)


def thousands(count: int, expression: str = "i") -> str:
    return (
        f"with recursive n(i) as (select 1 union all select i + 1 from n where i < {count}) "
        f"select {expression} as v from n"
    )


def test_25000_rows_come_in_batches_of_bounded_size(warehouse: Warehouse) -> None:
    batches = warehouse.batches(query(thousands(25_000), Column.of("v", ColumnType.INTEGER)))
    assert [batch.num_rows for batch in batches] == [ROWS_PER_BATCH, ROWS_PER_BATCH, 5_000]
    assert [value for batch in batches for value in batch.column(0).to_pylist()] == list(range(1, 25_001))


def test_rows_stream_the_database_has_not_made_the_last_when_the_first_are_here(warehouse: Warehouse) -> None:
    made: list[int] = []

    def witness(number: int) -> int:
        made.append(number)
        return number

    @sa.event.listens_for(warehouse.engine, "connect")
    def count_rows(connection: Any, _: object) -> None:
        connection.create_function("witness", 1, witness)

    with closing(warehouse.source()) as source:
        batches = source.read(query(thousands(25_000, "witness(i)"), Column.of("v", ColumnType.INTEGER))).batches()
        assert next(batches).num_rows == ROWS_PER_BATCH
        assert len(made) < 2 * ROWS_PER_BATCH
        assert sum(batch.num_rows for batch in batches) == 15_000
    assert len(made) == 25_000


def test_the_source_counts_what_the_cursor_gave(warehouse: Warehouse) -> None:
    with closing(warehouse.source()) as source:
        reading = source.read(query(thousands(12_345), Column.of("v", ColumnType.INTEGER)))
        assert sum(batch.num_rows for batch in reading.batches()) == reading.rows_sent == 12_345


def test_no_rows_are_no_batches_and_the_schema_is_known(warehouse: Warehouse) -> None:
    with closing(warehouse.source()) as source:
        reading = source.read(query("select 1 as v where 0", Column.of("v", ColumnType.INTEGER)))
        assert reading.arrow.names == ["v"]
        assert list(reading.batches()) == []
        assert reading.rows_sent == 0


def test_a_query_that_runs_too_long_is_ended_with_a_reason(warehouse: Warehouse) -> None:
    asked = query(thousands(25_000), Column.of("v", ColumnType.INTEGER))
    asked = Query(asked.sql, asked.arguments, asked.selection, timeout_seconds=1e-9)
    with pytest.raises(Fatal, match="longer than") as caught:
        warehouse.batches(asked)
    assert caught.value.error_code == "query_timeout"


@pytest.mark.parametrize(
    "sql", ["select v from nowhere", "selekt 1", "select missing as w from (select 1 as v) x", "select 'hunter2' from"]
)
def test_a_statement_that_the_database_refuses_is_fatal_without_its_text(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(Fatal) as caught:
        warehouse.values(sql, Column.of("v", ColumnType.INTEGER))
    assert caught.value.error_code == "query_refused"
    assert "hunter2" not in str(caught.value)
    assert "select" not in str(caught.value).lower()


def test_a_database_that_cannot_be_opened_may_come_back_and_no_secret_is_told(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/hunter2/missing.db", poolclass=NullPool)
    with pytest.raises(Retriable, match="'warehouse'") as caught:
        DatabaseSource(connection_with(lambda: engine), application="test", timeout_seconds=1)
    assert caught.value.error_code == "source_unavailable"
    assert "hunter2" not in str(caught.value)


def test_closing_twice_is_fine_and_a_database_promises_no_snapshot(warehouse: Warehouse) -> None:
    source = warehouse.source()
    assert source.consistency is Consistency.NONE
    assert source.snapshot is None
    assert source.estimate(query("select 1 as v", Column.of("v", ColumnType.INTEGER))) is None
    source.close()
    source.close()


def test_a_closed_source_leaves_no_connection_in_a_pool(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/pooled.db")
    opened: list[object] = []
    sa.event.listen(engine, "connect", lambda connection, _: opened.append(connection))
    sa.event.listen(engine, "close", lambda connection, _: opened.remove(connection))
    source = DatabaseSource(connection_with(lambda: engine), application="test", timeout_seconds=1)
    assert len(opened) == 1
    source.close()
    assert opened == []


def with_limit(warehouse: Warehouse, rows: int, limit: int) -> tuple[int, Sources]:
    sources = Sources(lambda _: ("database", warehouse.source()))
    with closing(sources):
        asked = query(thousands(rows), Column.of("v", ColumnType.INTEGER), limit=limit)
        return sum(batch.num_rows for batch in sources.read("warehouse", asked).stream), sources


@pytest.mark.parametrize(
    ("rows", "limit", "got", "truncated"),
    [
        (25_000, 7, [7], [True]),
        (25_000, 10_000, [10_000], [True]),
        (10_001, 10_000, [10_000], [True]),
        (10_000, 10_000, [10_000], [False]),
        (3, 10, [3], [False]),
    ],
)
def test_a_limit_reads_one_row_more_to_know_whether_there_was_more(
    warehouse: Warehouse, rows: int, limit: int, got: list[int], truncated: list[bool]
) -> None:
    arrived, sources = with_limit(warehouse, rows, limit)
    assert [arrived] == got
    assert [sources.truncated] == truncated
    assert [record.rows for record in sources.records] == got


# The condition on a value that the export itself would show must find its row, and a later one must not.
FOUND: list[tuple[ColumnType, object, object]] = [
    (ColumnType.STRING, "ü'\"%", "ü'\"%"),
    (ColumnType.INTEGER, 2**63 - 1, 2**63 - 1),
    (ColumnType.DECIMAL, "12.50", "12.50"),
    (ColumnType.DECIMAL, "12345678901234567.89", "12345678901234567.89"),
    (ColumnType.FLOAT, 0.1, 0.1),
    (ColumnType.BOOLEAN, 1, True),
    (ColumnType.DATE, "2026-03-29", "2026-03-29"),
    (ColumnType.DATETIME, "2026-03-29 01:30:00+00:00", "2026-03-29T01:30:00Z"),
    (ColumnType.DATETIME, "2026-03-29 01:30:00+00:00", BERLIN),
    (ColumnType.LOCAL_DATETIME, "2026-03-29 02:30:00", "2026-03-29T02:30:00"),
    (ColumnType.TIME, "10:00:00", "10:00:00"),
    (ColumnType.UUID, A_UUID, A_UUID),
]


@pytest.mark.parametrize(
    ("kind", "stored", "asked", "op"),
    [(*case, op) for case in FOUND for op in (Op.EQ, Op.IN, Op.GE, Op.LE) if op in fitting_ops(case[0])],
)
def test_a_condition_finds_the_row_whose_value_the_export_shows_or_is_refused(
    warehouse: Warehouse, kind: ColumnType, stored: object, asked: Any, op: Op
) -> None:
    warehouse.run("create table t (v)")
    warehouse.fill("t", [(stored,)])
    where = [Condition(column="v", op=op, value=[asked] if op is Op.IN else asked)]
    try:
        found = warehouse.values("select v from t", Column.of("v", kind), where=where)
    except WaybillError:
        return  # a clear refusal is honest too; the wrong rows are not
    assert len(found) == 1


def test_a_yaml_exporter_reads_the_database_with_its_parameters(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.run("create table t (code text, day text)")
    warehouse.fill("t", [("a", "2026-01-01"), ("b", "2026-02-01"), ("c", None)])
    spec = ExporterSpec.model_validate(
        {
            "title": "T",
            "source": "warehouse",
            "params": {"since": {"type": "date"}},
            "columns": {"code": {"type": "string"}, "day": {"type": "date"}},
            "key": ["code"],
            "sql": "select code, day from t where day >= :since;",
        }
    )
    exporter = make_exporter("t", spec, tmp_path)
    (table,) = exporter.declared().values()
    params = exporter.params_type.model_validate({"since": "2026-01-15"})
    with closing(Sources(lambda _: ("database", warehouse.source()))) as sources:
        batches = table.batches(params, Selection(tuple(table.columns)), sources)
        assert [batch.to_pylist() for batch in batches.stream] == [[{"code": "b", "day": date(2026, 2, 1)}]]
    assert sources.records[0].rows == 1


class Shortened(DatabaseSource):
    """A source that loses a batch on the way."""

    def read(self, query: Query) -> Any:
        reading = super().read(query)
        whole: Callable[[], Iterator[Any]] = reading.batches
        reading.batches = lambda: (batch for index, batch in enumerate(whole()) if index)  # type: ignore[method-assign]
        return reading


def test_rows_lost_between_source_and_exporter_are_noticed(warehouse: Warehouse) -> None:
    source = Shortened(connection_with(lambda: warehouse.engine), application="test", timeout_seconds=60)
    with closing(Sources(lambda _: ("database", source))) as sources:
        stream = sources.read("warehouse", query(thousands(25_000), Column.of("v", ColumnType.INTEGER))).stream
        with pytest.raises(VerificationFailed, match="sent 25000 rows, but 15000 arrived"):
            list(stream)


def test_a_postgres_that_does_not_answer_is_retriable_and_no_password_is_told() -> None:
    from include.sources.postgres import PostgresSource

    connection = connection_with(
        lambda: sa.create_engine("sqlite://"), host="127.0.0.1", port=1, login="anna", password="hunter2"
    )
    with pytest.raises(Retriable, match="'warehouse'") as caught:
        PostgresSource(connection, application="test", timeout_seconds=1)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(connection)
