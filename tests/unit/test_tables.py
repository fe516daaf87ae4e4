"""Tables of an exporter: statements, and the counts of one table by a column of it, on a real database."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.pool import NullPool

from include.core.errors import Fatal
from include.core.format import CsvText
from include.core.params import ParamSpec, make_params_type
from include.core.query import Filter, Order, Selection
from include.core.request import Op
from include.core.schema import Column, ColumnType, Schema
from include.core.source import Sources
from include.core.table import CountsTable, SqlTable, StatementTable
from include.sources._statement import build
from include.sources.database import DatabaseSource
from tests.unit.stand_ins import connection_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pydantic import BaseModel

    from include.core.source import Batches

ROWS = [
    *((number, "LINUX", "open") for number in range(3)),
    *((number, "MACOS", "open") for number in range(3, 8)),
    *((number, None, "closed") for number in range(8, 11)),
    (11, "", "open"),
    (12, 'x"; drop table machines --', "open"),
]
COLUMNS = Schema.of(
    Column.of("id", ColumnType.INTEGER),
    Column.of("order", ColumnType.STRING, "Platform", description="what it runs", sensitive=True),
    Column.of("state", ColumnType.STRING),
    Column.of("facts", ColumnType.JSON),
    Column.of("made", ColumnType.STRING, derived=True),
)
SQL = """
    select id, platform as "order", state, '{}' as facts from machines -- all of them
    where (:state is null or state = :state) and id >= :least -- and no more
"""
PARAMS = make_params_type(
    "machines",
    {
        "state": ParamSpec.model_validate({"type": "string", "required": False}),
        "days": ParamSpec.model_validate({"type": "date_frame", "required": False}),
    },
    source="warehouse",
)


def machines(**changes: Any) -> StatementTable[BaseModel]:
    facts = {"title": "Machines", "source": "warehouse", "sql": SQL.strip(), "columns": COLUMNS, "key": ("id",)}
    return StatementTable(**{**facts, "extra": {"least": 0}, **changes})


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/machines.db", poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table machines (id integer, platform text, state text)")
        connection.exec_driver_sql("insert into machines values (?, ?, ?)", ROWS)
    facts = connection_with(lambda: engine)
    opened = Sources(lambda _: ("sqlite", DatabaseSource(facts, application="test", timeout_seconds=60)))
    with closing(opened):
        yield opened


def read(
    sources: Sources, table: SqlTable[Any], params: dict[str, Any] | None = None, **selected: Any
) -> list[tuple[Any, ...]]:
    selection = Selection(tuple(column for column in table.columns if not column.derived), **selected)
    batches = table.batches(PARAMS.model_validate(params or {}), selection, sources)
    return [tuple(row.values()) for batch in batches.stream for row in batch.to_pylist()]


# Statements


def test_a_statement_binds_the_parameters_and_what_else_it_is_given(sources: Sources) -> None:
    assert [row[0] for row in read(sources, machines(), {"state": "closed"})] == [8, 9, 10]
    assert [row[0] for row in read(sources, machines(extra={"least": 9}), {"state": "closed"})] == [9, 10]
    params = PARAMS.model_validate({"state": "closed", "days": "2026-01-01/"})
    assert {**machines().arguments(params)} == {
        "state": "closed",
        "days_first": params.days.first,  # type: ignore[attr-defined]
        "days_last": None,
        "least": 0,
    }


def test_a_bind_that_nobody_gives_is_named(sources: Sources) -> None:
    with pytest.raises(Fatal, match=":least") as caught:
        read(sources, machines(extra=None))
    assert caught.value.error_code == "exporter_broken"


def test_what_else_it_is_given_is_its_own() -> None:
    extra = {"least": 1}
    table = machines(extra=extra)
    extra["least"] = 2
    assert table.arguments(PARAMS())["least"] == 1


def test_the_query_says_key_time_and_order() -> None:
    table = machines(timeout_seconds=7.5)
    query = table.query(PARAMS(), Selection((COLUMNS["id"],)))
    assert (query.timeout_seconds, query.counted) == (7.5, None)
    assert [order.column.name for order in query.full_order] == ["id"]
    assert table.origin(PARAMS(), Selection((COLUMNS["id"],))) == ("warehouse", query)
    assert machines(key=()).origin(PARAMS(), Selection((COLUMNS["id"],))) is None


class Reversed(StatementTable[Any]):
    """Makes its batches in a way of its own."""

    def batches(self, params: Any, selection: Selection, sources: Sources) -> Batches:
        return super().batches(params, replace(selection, order_by=()), sources)


def test_a_table_with_batches_of_its_own_is_read_in_no_other_way(sources: Sources) -> None:
    table = Reversed(title="R", source="warehouse", sql=SQL, columns=COLUMNS, key=("id",))
    asked = PARAMS(), Selection((COLUMNS["id"],))
    assert table.origin(*asked) is None
    assert table.estimate(*asked, sources) is None
    text = CsvText(head=b"", delimiter=",", line_end="\r\n")
    assert table.text(*asked, sources, text) is None


# Counts


def counts(by: str = "order", **changes: Any) -> CountsTable[BaseModel]:
    return CountsTable(machines(**changes), by, title="By platform")


def test_every_value_is_counted_null_too_the_most_frequent_first(sources: Sources) -> None:
    found = read(sources, counts())
    expected = Counter(platform for _, platform, _ in ROWS)
    assert {value: count for value, count, _ in found} == expected
    assert [count for _, count, _ in found] == [5, 3, 3, 1, 1]
    assert found[0] == ("MACOS", 5, Decimal("38.46"))
    assert {value for value, *_ in found[1:3]} == {None, "LINUX"}
    assert {percent for *_, percent in found[3:]} == {Decimal("7.69")}


def test_values_of_equal_counts_come_in_their_order(sources: Sources) -> None:
    values = [value for value, *_ in read(sources, counts())]
    assert values[3:] == ["", 'x"; drop table machines --']
    assert read(sources, counts()) == read(sources, counts())


def test_parameters_and_binds_of_the_counted_table_count(sources: Sources) -> None:
    assert read(sources, counts(), {"state": "closed"}) == [(None, 3, Decimal("100.00"))]
    assert read(sources, counts(extra={"least": 12})) == [('x"; drop table machines --', 1, Decimal("100.00"))]
    assert read(sources, counts(), {"state": "no such state"}) == []


def test_a_column_of_integers_is_counted_as_integers(sources: Sources) -> None:
    table = counts("id")
    assert table.columns["value"].type is ColumnType.INTEGER
    assert read(sources, table, {"state": "closed"}) == [(number, 1, Decimal("33.33")) for number in (8, 9, 10)]


def test_a_request_may_sort_filter_and_limit_the_counts(sources: Sources) -> None:
    table = counts()
    by_value = read(sources, table, order_by=(Order(table.columns["value"], descending=True),), limit=2)
    assert [value for value, *_ in by_value] == ['x"; drop table machines --', "MACOS"]
    assert sources.truncated
    often = (Filter(table.columns["count"], Op.GE, 3), Filter(table.columns["value"], Op.NOT_NULL))
    # The percentage is of all rows, not of those that a condition on the counts leaves.
    assert [(value, percent) for value, _, percent in read(sources, table, filters=often)] == [
        ("MACOS", Decimal("38.46")),
        ("LINUX", Decimal("23.08")),
    ]


def test_the_counts_columns_say_what_the_counted_column_does() -> None:
    table = counts()
    value, number, percent = table.columns
    assert (value.name, value.origin, value.label) == ("value", "value", "Value")
    assert (value.type, value.sensitive, value.description) == (ColumnType.STRING, True, "what it runs")
    assert (number.type, percent.type, percent.precision, percent.scale) == (
        ColumnType.INTEGER,
        ColumnType.DECIMAL,
        5,
        2,
    )
    assert (table.title, table.source, table.key) == ("By platform", "warehouse", ("value",))
    assert counts(timeout_seconds=3).timeout_seconds == 3


@pytest.mark.parametrize(
    ("dialect", "quoted"),
    [(postgresql.dialect, '"order"'), (sqlite.dialect, '"order"'), (mysql.dialect, "`order`")],
)
def test_the_counted_column_is_quoted_as_the_database_quotes(dialect: Callable[[], sa.Dialect], quoted: str) -> None:
    table = counts()
    statement = build(table.query(PARAMS(), Selection(tuple(table.columns)))).compile(dialect=dialect())
    assert f"GROUP BY counted.{quoted}" in str(statement)


def test_a_strange_name_stays_a_name(sources: Sources) -> None:
    for name in ('a"b', "a:b", "a%(b)s", "--x"):
        quoted = '"' + name.replace('"', '""') + '"'
        table = machines(
            sql=f"select platform as {quoted} from machines".replace(":", "\\:"),
            columns=Schema.of(Column.of(name, ColumnType.STRING)),
            key=(),
        )
        assert read(sources, CountsTable(table, name, title="C"))[0][:2] == ("MACOS", 5)


def test_counts_are_another_query_than_the_rows_and_than_other_counts() -> None:
    asked = PARAMS(), Selection(tuple(counts().columns))
    hashes = {table.query(*asked).sha256() for table in (machines(), counts(), counts("state"))}
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("table", "by", "says"),
    [(machines(), "facts", "json"), (machines(), "made", "computed after"), (counts(), "value", "counts already")],
    ids=["json", "derived", "counts"],
)
def test_what_a_source_cannot_count_is_refused(table: SqlTable[Any], by: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        CountsTable(table, by, title="No")


def test_a_column_that_is_not_there_cannot_be_counted() -> None:
    with pytest.raises(KeyError, match="nothing"):
        counts("nothing")
