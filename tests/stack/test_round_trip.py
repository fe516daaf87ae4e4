"""Each of PostgreSQL's types, bound into a real table and read out of the files of every format by somebody else."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from include.core.errors import Fatal
from include.core.format import Encoding, Sheet
from include.core.query import Query, Selection
from include.core.schema import Column, ColumnType, Schema
from include.core.source import SourceConnection
from include.formats import FORMATS
from include.sources.postgres import PostgresSource
from tests.properties.readers import read_back
from tests.properties.refusals import LIMITS, holdable
from tests.properties.tables import Table, meaning
from tests.properties.test_formats import assert_same
from tests.properties.values import AWKWARD, AWKWARD_TEXTS, VALUES, decimals, free_decimals, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from deploy.local.stack import Stack
    from tests.stack.client import ExportsClient

Kind = ColumnType
Values = st.SearchStrategy[Any]

SESSION = "-c TimeZone=UTC -c IntervalStyle=iso_8601 -c extra_float_digits=1 -c bytea_output=hex"


class Case(NamedTuple):
    """A type of the database, the type that an exporter declares for it, and values: some always, any besides."""

    name: LiteralString
    declared: ColumnType
    always: Sequence[Any] = ()
    any: Values = st.nothing()


def whole(bits: int) -> tuple[list[int], Values]:
    top = 2 ** (bits - 1)
    return [0, 1, -1, top - 1, -top], st.integers(-top, top - 1)


def numeric(precision: int, scale: int) -> Case:
    name: Any = f"numeric({precision}, {scale})"
    return Case(name, Kind.DECIMAL, ["0"], decimals(precision, scale))


WITHOUT_NUL = [text for text in AWKWARD_TEXTS if "\0" not in text]
some_texts = texts.filter(lambda text: "\0" not in text)
documents = VALUES[Kind.JSON].filter(lambda text: "\0" not in text)
arrays = st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), max_size=4)
MOMENTS = ["0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00", "2026-03-29 02:30:00+01", "1883-11-18 12:00-05"]
SPANS = ["0", "1 year -2 mons 3 days -04:05:06.000001", "-1 day", "178000000 years", "1.5 days", "-00:00:00.5"]
ADDRESSES = ["127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "::ffff:1.2.3.4"]

CASES = [
    Case("smallint", Kind.INTEGER, *whole(16)),
    Case("integer", Kind.INTEGER, *whole(32)),
    Case("bigint", Kind.INTEGER, AWKWARD[Kind.INTEGER], VALUES[Kind.INTEGER]),
    Case("bigint", Kind.DECIMAL, AWKWARD[Kind.INTEGER], VALUES[Kind.INTEGER]),
    Case("smallint", Kind.DECIMAL, *whole(16)),
    *(numeric(*each) for each in ((1, 0), (5, 2), (12, 2), (15, 15), (18, 6), (38, 0), (38, 10), (38, 38))),
    *(numeric(*each) for each in ((39, 1), (60, 10), (76, 0), (76, 76), (77, 0), (90, 45), (3, 5), (5, -2))),
    Case("numeric", Kind.DECIMAL, [*AWKWARD[Kind.DECIMAL], "Infinity", "-Infinity", "1e-1000"], free_decimals),
    Case("real", Kind.FLOAT, [0.0, -0.0, 0.1, 1e-45, 3.4028235e38, 16777217.0], st.floats(width=32)),
    Case("double precision", Kind.FLOAT, AWKWARD[Kind.FLOAT], VALUES[Kind.FLOAT]),
    Case("boolean", Kind.BOOLEAN, [True, False], st.booleans()),
    Case("date", Kind.DATE, AWKWARD[Kind.DATE], VALUES[Kind.DATE]),
    Case("timestamptz", Kind.DATETIME, [*AWKWARD[Kind.DATETIME], *MOMENTS], VALUES[Kind.DATETIME]),
    Case("timestamp", Kind.LOCAL_DATETIME, AWKWARD[Kind.LOCAL_DATETIME], VALUES[Kind.LOCAL_DATETIME]),
    Case("timestamp(3)", Kind.LOCAL_DATETIME, ["2026-01-01 00:00:00.0005", "2026-01-01 00:00:00.001"]),
    Case("time", Kind.TIME, AWKWARD[Kind.TIME], VALUES[Kind.TIME]),
    Case("uuid", Kind.UUID, AWKWARD[Kind.UUID], VALUES[Kind.UUID]),
    Case("json", Kind.JSON, AWKWARD[Kind.JSON], documents),
    Case("jsonb", Kind.JSON, ["{}", "1E400", '{"b": 1, "a": 2}'], documents.filter(lambda text: "\\u0000" not in text)),
    Case("text", Kind.STRING, WITHOUT_NUL, some_texts),
    Case("varchar(40)", Kind.STRING, ["", " ", "x" * 40], some_texts.map(lambda text: text[:40])),
    Case("char(8)", Kind.STRING, ["", " a", "a ", "ü"]),
    Case("typed.mood", Kind.STRING, ["sad", "so, so", 'he said "ok"', ""]),
    Case("typed.cents", Kind.DECIMAL, ["0.10", "-0.01", "9999999999.99"], decimals(12, 2)),
    Case("typed.pair", Kind.STRING, ['(1,"a,b")', "(,)", '(2,"""")']),
    Case("integer[]", Kind.STRING, [[], [None], [[1, 2], [3, 4]]], arrays),
    Case("text[]", Kind.STRING, [[], WITHOUT_NUL, [None, "NULL", "null", '{"'], [["a"], ["b"]]]),
    Case("numeric[]", Kind.STRING, ["{1.10,NULL,NaN}"]),
    Case("bytea", Kind.STRING, [b"", bytes(range(256)), b"\\x00"], st.binary(max_size=40)),
    Case("interval", Kind.STRING, SPANS),
    Case("timetz", Kind.STRING, ["02:30:00+05:30", "24:00:00-12"]),
    Case("inet", Kind.STRING, ADDRESSES),
    Case("cidr", Kind.STRING, ["10.0.0.0/8", "::/0"]),
    Case("macaddr", Kind.STRING, ["08:00:2b:01:02:03"]),
    Case("int4range", Kind.STRING, ["empty", "[1,5)", "(,)", "[7,7]"]),
    Case("numrange", Kind.STRING, ["(1.10,2.20]"]),
    Case("tstzrange", Kind.STRING, ["[2026-03-29 02:30:00+01,infinity)", "(,2026-01-01 00:00+00]"]),
    Case("datemultirange", Kind.STRING, ["{[2026-01-01,2026-02-01),[2026-03-01,)}", "{}"]),
    Case("money", Kind.STRING, ["-1.50", "92233720368547758.07"]),
    Case("bit(4)", Kind.STRING, ["1010"]),
    Case("varbit", Kind.STRING, ["", "1"]),
    Case("point", Kind.STRING, ["(0.1,-0)"]),
    Case("tsvector", Kind.STRING, ["'a b':1A c:2"]),
]
"""What the table "What a column's type takes from PostgreSQL" of docs/fidelity.md says, and more types for `string`."""


def label(case: Case) -> str:
    return f"{case.name} as {case.declared}"


@pytest.fixture(scope="module")
def database(stack: Stack) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stack.demo_dsn, options=SESSION, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("drop schema if exists typed cascade")
        connection.execute("create schema typed")
        connection.execute("""create type typed.mood as enum ('sad', 'so, so', 'he said "ok"', '')""")
        connection.execute("create domain typed.cents as numeric(12, 2)")
        connection.execute("create type typed.pair as (number int, word text)")
        yield connection
        connection.execute("drop schema typed cascade")


def fill(database: psycopg.Connection, type_name: LiteralString, values: Sequence[Any]) -> None:
    """Make a table of the values, each bound as a parameter, and a NULL before, between and behind them."""
    database.execute("drop table if exists typed.things")
    database.execute(sql.SQL("create table typed.things (n bigint primary key, v {})").format(sql.SQL(type_name)))
    with database.cursor() as cursor:
        cursor.executemany(
            sql.SQL("insert into typed.things values (%s, %s::{})").format(sql.SQL(type_name)),
            list(enumerate([None, *values[:1], None, *values[1:], None])),
        )


def read(database: psycopg.Connection, schema: Schema) -> tuple[pa.Schema, list[pa.RecordBatch]]:
    """The table as the product reads it."""
    facts = conninfo_to_dict(database.info.dsn, password=database.info.password)
    connection = SourceConnection(
        conn_id="shop",
        conn_type="postgres",
        host=str(facts["host"]),
        port=int(facts["port"] or 0),
        login=str(facts["user"]),
        password=str(facts["password"]),
        database=str(facts["dbname"]),
        engine=lambda: pytest.fail("PostgreSQL is read without SQLAlchemy."),
    )
    query = Query("select * from typed.things", {}, Selection(tuple(schema)), key=(schema["n"],))
    with closing(PostgresSource(connection, application="test", timeout_seconds=60)) as source:
        reading = source.read(query)
        batches = list(reading.batches())
        assert reading.rows_sent == sum(batch.num_rows for batch in batches)
        return reading.arrow, batches


def told(database: psycopg.Connection, declared: ColumnType, name: str) -> list[tuple[Any, ...]]:
    """The table as psycopg reads it; texts as the database's own output function writes them."""
    value: LiteralString = "v"
    if declared in {Kind.STRING, Kind.JSON, Kind.UUID}:
        value = "case when v is distinct from null then format('%s', v) end"
    elif name == "real":
        value = "v::text::float8"  # of all doubles that are this real, the one with the shortest text
    rows = database.execute(sql.SQL("select n, {} from typed.things order by n").format(sql.SQL(value))).fetchall()
    return [(number, None if found is None else meaning(declared, found)) for number, found in rows]


def assert_told_the_same(database: psycopg.Connection, declared: ColumnType, name: str) -> None:
    """Assert that every format's file says what psycopg says; characters that a format refuses are left to others."""
    schema = Schema.of(Column.of("n", Kind.INTEGER), Column.of("v", declared))
    arrow, batches = read(database, schema)
    rows = told(database, declared, name)
    for format_name in FORMATS.names:
        sheet, wanted = Sheet("Things", schema, arrow, batches), rows
        if format_name in LIMITS:
            held = holdable(format_name, as_read(schema, arrow, batches))
            sheet, wanted = Sheet("Things", held.schema, arrow, held.batches()), held.values()
        made = FORMATS.load(format_name)()
        data = b"".join(made.encode([sheet], made.options_type(), Encoding()))
        assert_same(format_name, read_back(format_name, data, schema)[1], wanted)


def as_read(schema: Schema, arrow: pa.Schema, batches: list[pa.RecordBatch]) -> Table:
    """The batches as a table, its decimals of the precision that was found."""
    found = (getattr(field.type, "precision", None) for field in arrow)
    columns = (
        replace(column, precision=precision, scale=precision and field.type.scale)
        for column, field, precision in zip(schema, arrow, found, strict=True)
    )
    rows = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    return Table(Schema(tuple(columns)), rows, len(rows))


@pytest.mark.parametrize("case", CASES, ids=label)
@settings(
    max_examples=4,  # of up to forty values each, in every format
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_what_was_bound_into_a_table_is_read_from_the_file(
    database: psycopg.Connection, case: Case, data: st.DataObject
) -> None:
    values = [*case.always, *([] if case.any.is_empty else data.draw(st.lists(case.any, min_size=10, max_size=40)))]
    fill(database, case.name, values)
    assert_told_the_same(database, case.declared, case.name)


@pytest.mark.parametrize("case", [case for case in CASES if case.declared is not Kind.STRING], ids=label)
def test_any_type_can_be_declared_as_string_and_is_as_postgresql_writes_it(
    database: psycopg.Connection, case: Case
) -> None:
    fill(database, case.name, case.always)
    assert_told_the_same(database, Kind.STRING, case.name)


UNHOLDABLE: list[tuple[LiteralString, ColumnType, list[str]]] = [
    ("date", Kind.DATE, ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01", "4713-01-01 BC", "5874897-12-31"]),
    ("timestamp", Kind.LOCAL_DATETIME, ["infinity", "-infinity", "0044-03-15 12:00 BC", "10000-01-01 00:00"]),
    ("timestamptz", Kind.DATETIME, ["infinity", "-infinity", "9999-12-31 23:59:59-14", "0001-01-01 00:00:00+14"]),
    ("time", Kind.TIME, ["24:00:00"]),
    ("numeric(12, 2)", Kind.DECIMAL, ["NaN"]),
    ("numeric(60, 2)", Kind.DECIMAL, ["NaN"]),
]


@pytest.mark.parametrize(
    ("name", "declared", "value"),
    [(name, declared, value) for name, declared, values in UNHOLDABLE for value in values],
)
def test_a_value_that_the_type_cannot_hold_ends_the_export_and_as_string_it_is_told(
    database: psycopg.Connection, name: LiteralString, declared: ColumnType, value: str
) -> None:
    fill(database, name, [value])
    with pytest.raises(Fatal, match="'v', row 2") as caught:
        assert_told_the_same(database, declared, name)
    assert caught.value.error_code == "value_unreadable"
    assert value == "NaN" or value not in str(caught.value)
    assert_told_the_same(database, Kind.STRING, name)


def test_the_same_request_on_an_unchanged_table_gives_the_same_bytes_in_every_format(exports: ExportsClient) -> None:
    wanted = {
        "exporter": "orders",
        "limit": 300,
        "filename": "orders",
        "columns": ["id", "code", "total", "created_at"],
    }
    submitted = [(name, exports.submit(**wanted, format=name)["id"]) for name in FORMATS.names for _ in range(2)]
    digests: dict[str, set[str]] = {name: set() for name in FORMATS.names}
    for name, export_id in submitted:
        export = exports.finish(export_id)
        assert export["status"] == "succeeded", export
        content = exports.download(export)
        assert export["result"]["files"][0]["sha256"] == hashlib.sha256(content).hexdigest()
        digests[name].add(export["result"]["files"][0]["sha256"])
    assert {name: len(found) for name, found in digests.items()} == dict.fromkeys(FORMATS.names, 1)
