"""The text that PostgreSQL writes itself is, byte for byte, the file that goes through Arrow; what is refused, too."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from include.core.errors import Fatal, Retriable, WaybillError
from include.core.format import Encoding, Sheet
from include.core.query import Filter, Order, Query, Selection
from include.core.request import Op
from include.core.schema import Column, ColumnType
from include.core.source import SourceConnection
from include.formats.csv import CsvFormat, CsvOptions
from include.sources.postgres import PostgresSource
from tests.properties.tables import tables
from tests.properties.values import AWKWARD_TEXTS
from tests.stack.client import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

    from deploy.local.stack import Stack
    from tests.properties.tables import Table

Kind = ColumnType
N = Column.of("n", Kind.INTEGER)
DEFAULT = CsvOptions()
FEW = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def connection_to(dsn: str) -> SourceConnection:
    def engine() -> Engine:
        raise AssertionError("PostgreSQL is read without SQLAlchemy's engine.")

    facts: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(dsn)
    return SourceConnection(
        conn_id="shop",
        conn_type="postgres",
        host=facts["host"],
        port=int(facts["port"]),
        login=facts["user"],
        password=facts.get("password"),
        database=facts["dbname"],
        engine=engine,
    )


def opened(dsn: str, *, timeout_seconds: int = 60) -> PostgresSource:
    return PostgresSource(connection_to(dsn), application="test", timeout_seconds=timeout_seconds)


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> Iterator[str]:
    with psycopg.connect(stack.demo_dsn, autocommit=True) as connection:
        connection.execute("drop schema if exists straight cascade; create schema straight")
        yield stack.demo_dsn
        connection.execute("drop schema straight cascade")


def asked(statement: str, *columns: Column, **given: Any) -> Query:
    selection = Selection(
        columns, given.pop("filters", ()), order_by=given.pop("order_by", ()), limit=given.pop("limit", None)
    )
    return Query(sql=statement, arguments=given.pop("arguments", {}), selection=selection, **given)


def general(dsn: str, query: Query, options: CsvOptions = DEFAULT) -> bytes:
    """The file by way of Arrow."""
    schema = query.selection.schema
    with closing(opened(dsn)) as source:
        reading = source.read(query)
        sheet = Sheet("T", schema, reading.arrow, reading.batches())
        return b"".join(CsvFormat().encode([sheet], options, Encoding()))


def straight(dsn: str, query: Query, options: CsvOptions = DEFAULT) -> bytes | None:
    """The file as the server writes it, or None where it cannot."""
    text = CsvFormat().plain_text(query.selection.schema, options, Encoding())
    assert text is not None
    with closing(opened(dsn)) as source:
        reading = source.read_text(query, text)
        if reading is None:
            return None
        chunks = [chunk for _, chunk in reading.chunks()]
        assert all(chunks)
        return text.head + b"".join(chunks)


def outcome(made: Any) -> bytes | str | None:
    """What a way gives: bytes, or the error's code and message."""
    try:
        found: bytes | None = made()
    except WaybillError as error:
        return f"{error.error_code}: {error}"
    return found


MOMENTS = [
    "2026-03-29 02:59:59",
    "2026-03-29 02:59:59.5",
    "2026-03-29 02:59:59.12",
    "2026-03-29 02:59:59.100",
    "2026-03-29 02:59:59.123",
    "2026-03-29 02:59:59.999",
    "2026-03-29 02:59:59.1234",
    "2026-03-29 02:59:59.12345",
    "2026-03-29 02:59:59.123456",
    "2026-03-29 02:59:59.000001",
    "2026-03-29 02:59:59.00001",
    "2026-03-29 02:59:59.999999",
    "2026-12-31 23:59:59.9999",
    "0001-01-01 00:00:00",
    "0044-03-15 12:00:00.25",
    "0999-12-31 23:59:59.001",
    "1899-12-31 00:00:00",
    "1969-12-31 23:59:59.999999",
    "9999-12-31 23:59:59.999999",
    "9999-12-31 23:59:59.999",
    "9999-12-31 23:59:59",
]
NUMBERS = ["0", "-0", "0.1", "-0.01", "1", "12345678.91", "-99999999.99", "0.10"]

WRITTEN: dict[tuple[ColumnType, str], Sequence[str]] = {
    (Kind.STRING, "text"): [*(text for text in AWKWARD_TEXTS if "\0" not in text), "\\.", " a ", 'a"b,c\r\nd', "a;b|c"],
    (Kind.STRING, "varchar(3)"): ["", "a", "ü\r\n"],
    (Kind.STRING, "char(3)"): ["", "a"],
    (Kind.STRING, "text[]"): ["{}", '{a,"b,c",NULL,"NULL"}'],
    (Kind.STRING, "numeric[]"): ["{1.50,NaN}"],
    (Kind.STRING, "float8[]"): ["{0.1,1e300,-Infinity,NaN}"],
    (Kind.STRING, "timestamptz[]"): ["{2026-03-29 02:59:59+02,infinity}"],
    (Kind.STRING, "interval"): ["1 year 2 months -3 days 04:05:06.789", "0", "-1 second"],
    (Kind.STRING, "bytea"): ["\\x", "\\x00ff0a0d22"],
    (Kind.STRING, "bool"): ["true", "false"],
    (Kind.STRING, "date"): ["2026-02-28", "infinity", "0044-03-15 BC"],
    (Kind.STRING, "timestamptz"): ["2026-03-29 02:59:59.5+02", "infinity"],
    (Kind.STRING, "timetz"): ["02:59:59.5+02", "24:00:00-12"],
    (Kind.STRING, "float8"): ["0.1", "1e23", "-Infinity", "NaN", "1e-7"],
    (Kind.STRING, "numeric"): ["0.10", "NaN", "1e30"],
    (Kind.STRING, "money"): ["12.50", "-1234567.89"],
    (Kind.STRING, "inet"): ["10.0.0.1", "::1/64"],
    (Kind.STRING, "int4range"): ["[1,5)", "empty", "(,3]"],
    (Kind.STRING, "uuid"): ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
    (Kind.STRING, "jsonb"): ['{"a": "x, \\"y\\""}', "null"],
    (Kind.STRING, "point"): ["(1,2.5)"],
    (Kind.STRING, "bit(3)"): ["101"],
    (Kind.STRING, "straight.color"): ["red", "a,b"],
    (Kind.STRING, "straight.pair"): ['(1,"a ""b"",")'],
    (Kind.STRING, "straight.name"): ["", "x\ny"],
    (Kind.INTEGER, "int2"): ["-32768", "0"],
    (Kind.INTEGER, "int8"): ["9223372036854775807", "-9223372036854775808"],
    (Kind.INTEGER, "straight.age"): ["0", "150"],
    (Kind.DECIMAL, "numeric(12, 2)"): ["0.1", "-0", "9999999999.99", "-0.01"],
    (Kind.DECIMAL, "numeric(38, 9)"): ["12345678901234567890123456789.123456789", "-0.000000001"],
    (Kind.DECIMAL, "numeric(60, 10)"): ["-12345678901234567890123456789012345678901234567890.0123456789"],
    (Kind.DECIMAL, "numeric(100, 50)"): ["1", "-0.1"],
    (Kind.DECIMAL, "numeric(5, -2)"): ["12345", "-50"],
    (Kind.DECIMAL, "numeric(3, 5)"): ["0.00123", "0"],
    (Kind.DECIMAL, "numeric"): ["0.10", "NaN", "Infinity", "1e40", "-1e-40", "100"],
    (Kind.DECIMAL, "int2"): ["-1"],
    (Kind.DECIMAL, "int8"): ["-9223372036854775808"],
    (Kind.DECIMAL, "straight.cents"): ["0.1", "-12.34"],
    (Kind.BOOLEAN, "bool"): ["true", "false"],
    (Kind.BOOLEAN, "straight.yes"): ["true"],
    (Kind.DATE, "date"): ["0001-01-01", "0999-02-28", "2026-02-28", "9999-12-31"],
    (Kind.DATE, "straight.day"): ["2026-02-28"],
    (Kind.DATETIME, "timestamptz"): [*(moment + "+00" for moment in MOMENTS), "2026-03-29 02:30:00-11:59:59"],
    (Kind.DATETIME, "timestamptz(1)"): [moment + "+00" for moment in MOMENTS[:10]],
    (Kind.DATETIME, "straight.moment"): ["2026-03-29 02:59:59.5+02"],
    (Kind.LOCAL_DATETIME, "timestamp"): MOMENTS,
    (Kind.LOCAL_DATETIME, "timestamp(0)"): MOMENTS[:10],
    (Kind.TIME, "time"): ["00:00:00", "24:00:00".replace("24", "23"), *(moment[11:] for moment in MOMENTS)],
    (Kind.TIME, "time(2)"): ["02:59:59.129"],
    (Kind.UUID, "uuid"): ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
    (Kind.JSON, "json"): ['{"a" :  [1, "ü,\\n"]}', "[\n1\r\n]", "null"],
    (Kind.JSON, "jsonb"): ['{"b": 1, "a": 1e400}', '"x"', "{}"],
}
DOMAINS = """
    create type straight.color as enum ('red', 'a,b');
    create type straight.pair as (a int, b text);
    create domain straight.name as text;
    create domain straight.age as int check (value < 200);
    create domain straight.cents as numeric(12, 2);
    create domain straight.yes as bool;
    create domain straight.day as date;
    create domain straight.moment as timestamptz;
"""


@pytest.fixture(scope="module")
def kinds(dsn: str) -> str:
    with psycopg.connect(dsn) as connection:
        connection.execute(DOMAINS)
    return dsn


def filled(dsn: str, types: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
    """Make the table straight.t, with a first column n that numbers the rows."""
    names = [sql.Identifier(f"c{index}") for index in range(len(types))]
    columns = [sql.SQL("{} {}").format(name, sql.SQL(kind)) for name, kind in zip(names, types, strict=True)]
    with psycopg.connect(dsn, options="-c TimeZone=UTC") as connection:
        connection.execute("drop table if exists straight.t")
        connection.execute(sql.SQL("create table straight.t (n int, {})").format(sql.SQL(", ").join(columns)))
        with connection.cursor().copy("copy straight.t from stdin") as copy:
            for number, row in enumerate(rows, 1):
                copy.write_row([number, *row])


ALL = "select * from straight.t"


@pytest.mark.parametrize(("kind", "server_type"), WRITTEN)
@pytest.mark.parametrize("alone", [False, True])
def test_every_type_is_written_with_the_same_bytes(
    kinds: str, kind: ColumnType, server_type: str, *, alone: bool
) -> None:
    filled(kinds, [server_type], [[None], *([text] for text in WRITTEN[kind, server_type]), [None]])
    column = Column.of("c0", kind)
    query = asked(ALL, *([column] if alone else [N, column]), order_by=(Order(N),))
    for options in (
        DEFAULT,
        CsvOptions(delimiter=";", line_end="lf", header="label"),
        CsvOptions(delimiter="\t", bom=True, header="none"),
        CsvOptions(delimiter="|", line_end="lf", bom=True),
    ):
        written = straight(kinds, query, options)
        if alone and kind.textual:
            assert written is None  # COPY would put a lone \. in quotes
        else:
            assert written == general(kinds, query, options)


@settings(FEW)
@given(table=tables())
def test_any_table_is_written_with_the_same_bytes(dsn: str, table: Table) -> None:
    servers = {
        Kind.STRING: "text",
        Kind.INTEGER: "int8",
        Kind.FLOAT: "float8",
        Kind.BOOLEAN: "bool",
        Kind.DATE: "date",
        Kind.DATETIME: "timestamptz",
        Kind.LOCAL_DATETIME: "timestamp",
        Kind.TIME: "time",
        Kind.UUID: "uuid",
        Kind.JSON: "json",
    }
    types = [
        servers.get(
            column.type, "numeric" if column.precision is None else f"numeric({column.precision},{column.scale})"
        )
        for column in table.schema
    ]
    rows = [[value.replace("\0", "") if isinstance(value, str) else value for value in row] for row in table.rows]
    filled(dsn, types, rows)
    columns = [replace(column, origin=f"c{index}") for index, column in enumerate(table.schema)]
    query = asked(ALL, *columns, order_by=(Order(N),))
    written = straight(dsn, query)
    if any(column.type is Kind.FLOAT for column in table.schema):
        assert written is None
    else:
        assert written in {None, general(dsn, query)}
        assert written is not None or (len(types) == 1 and table.schema.columns[0].type.textual)


AT_BOUNDS = [
    "0",
    "0.0000",
    "1.230",
    "1.2300",
    "99.99",
    "99.990",
    "100",
    "NaN",
    "0.001",
    "-9.9",
    "Infinity",
    "9.999",
    "1E+3",
]


@settings(FEW)
@given(
    values=st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4)
        | st.sampled_from([*AT_BOUNDS, "NaN"]).map(Decimal),
        min_size=1,
        max_size=3,
    ),
    bounds=st.sampled_from([(4, 2), (3, 3), (12, 4), (38, 0), (40, 2), (76, 76)]),
    server_type=st.sampled_from(["numeric", "numeric(20, 5)", "int8"]),
)
def test_a_decimal_of_declared_bounds_is_written_or_refused_alike(
    dsn: str, values: list[Decimal], bounds: tuple[int, int], server_type: str
) -> None:
    def stored(value: Decimal) -> str:
        if server_type == "int8":
            return str(int(value)) if value.is_finite() else "0"
        return "NaN" if value.is_infinite() and server_type != "numeric" else format(value, "f")

    filled(dsn, [server_type], [[stored(value)] for value in values])
    query = asked(ALL, N, Column.of("c0", Kind.DECIMAL, precision=bounds[0], scale=bounds[1]), order_by=(Order(N),))
    assert outcome(lambda: straight(dsn, query)) == outcome(lambda: general(dsn, query))


REFUSED = [
    (Kind.DATE, "date", "infinity", "an infinite date"),
    (Kind.DATE, "date", "-infinity", "an infinite date"),
    (Kind.DATE, "date", "10000-01-01", "a year beyond 9999"),
    (Kind.DATE, "date", "0044-03-15 BC", "a year before 1"),
    (Kind.DATETIME, "timestamptz", "infinity", "an infinite time"),
    (Kind.DATETIME, "timestamptz", "294276-12-31 23:59:59+00", "a year beyond 9999"),
    (Kind.DATETIME, "timestamptz", "0001-01-01 00:00:00+01", "a year before 1"),
    (Kind.LOCAL_DATETIME, "timestamp", "-infinity", "an infinite time"),
    (Kind.LOCAL_DATETIME, "timestamp", "10000-01-01 00:00:00", "a year beyond 9999"),
    (Kind.LOCAL_DATETIME, "timestamp", "4713-01-01 00:00:00 BC", "a year before 1"),
    (Kind.TIME, "time", "24:00:00", "24:00, the end of a day"),
    (Kind.DECIMAL, "numeric(12, 2)", "NaN", "a NaN"),
    (Kind.DECIMAL, "numeric(60, 2)", "NaN", "a NaN"),
]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("row", [1, 4_999])
@pytest.mark.parametrize(("kind", "server_type", "text", "said"), REFUSED)
def test_a_value_that_cannot_be_held_is_refused_alike_and_its_row_is_named(
    dsn: str, kind: ColumnType, server_type: str, text: str, said: str, row: int, *, ordered: bool
) -> None:
    fine = {Kind.TIME: "10:00", Kind.DECIMAL: "1.5"}.get(kind, "2026-01-01")
    rows = [[text if number == row else fine] for number in range(1, 20_001)]
    filled(dsn, [server_type], rows)
    column = Column.of("c0", kind).renamed("When")
    query = asked(ALL, N, column, order_by=(Order(N, descending=True),) if ordered else ())
    where = 20_001 - row if ordered else row
    for way in (general, straight):
        with pytest.raises(Fatal, match=f"^Column 'When', row {where}: {said} cannot be held") as caught:
            way(dsn, query)
        assert caught.value.error_code == "value_unreadable"
        assert caught.value.__cause__ is None
        assert text.split(maxsplit=1)[0] not in str(caught.value).replace("24:00, the", "").replace("a NaN", "")


def test_the_first_of_many_misfits_is_named(dsn: str) -> None:
    filled(dsn, ["date", "timestamp"], [["2026-01-01", "infinity"], ["infinity", "2026-01-01"]])
    query = asked(ALL, N, Column.of("c0", Kind.DATE), Column.of("c1", Kind.LOCAL_DATETIME), order_by=(Order(N),))
    for way in (general, straight):
        with pytest.raises(Fatal, match="'c1', row 1: an infinite time"):
            way(dsn, query)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_text_may_say_nan(dsn: str, delimiter: str) -> None:
    filled(dsn, ["text", "numeric(12, 2)"], [["NaN", "1"], ["NaN,;NaN\n", None], [None, "1.5"]] * 3)
    query = asked(ALL, N, Column.of("c0", Kind.STRING), Column.of("c1", Kind.DECIMAL))
    options = CsvOptions(delimiter=delimiter)
    assert straight(dsn, query, options) == general(dsn, query, options)
    with psycopg.connect(dsn) as connection:
        connection.execute("update straight.t set c1 = 'NaN' where n = 8")
    with pytest.raises(Fatal, match="'c1', row 8: a NaN"):
        straight(dsn, replace(query, key=(N,)), options)


def test_an_error_of_the_statement_itself_is_no_misfit(dsn: str) -> None:
    query = asked(
        "select 1 as n, ('swordfish ' || g)::int as c0 from generate_series(1, 3) g", N, Column.of("c0", Kind.INTEGER)
    )
    for way in (general, straight):
        with pytest.raises(Fatal, match="InvalidTextRepresentation, SQLSTATE 22P02") as caught:
            way(dsn, query)
        assert caught.value.error_code == "query_refused"
        assert "swordfish" not in str(caught.value)


@pytest.mark.parametrize("server_type", ["float4", "float8"])
def test_floats_are_left_to_the_formats(dsn: str, server_type: str) -> None:
    filled(dsn, [server_type], [["0.1"]])
    assert straight(dsn, asked(ALL, N, Column.of("c0", Kind.FLOAT))) is None


@pytest.mark.parametrize(
    ("kind", "server_type", "named"),
    [
        (Kind.INTEGER, "int[]", "integer[]"),
        (Kind.DECIMAL, "numeric(12, 2)[]", "numeric[]"),
        (Kind.JSON, "jsonb[]", "jsonb[]"),
        (Kind.UUID, "uuid[]", "uuid[]"),
        (Kind.INTEGER, "straight.color", "straight.color"),
        (Kind.TIME, "timetz", "time with time zone"),
        (Kind.DECIMAL, "money", "money"),
        (Kind.DATETIME, "timestamp", "timestamp without time zone"),
    ],
)
def test_a_type_that_cannot_hold_the_servers_is_named_before_a_row_is_read(
    kinds: str, kind: ColumnType, server_type: str, named: str
) -> None:
    filled(kinds, [server_type], [])
    query = asked(ALL, N, Column.of("c0", kind))
    for way in (general, straight):
        with pytest.raises(Fatal, match=rf"'c0' as {kind}, but source 'shop' gives it as ") as caught:
            way(kinds, query)
        assert f" {named}. Declare" in str(caught.value)


def test_order_conditions_hostile_names_and_values_are_those_of_the_general_way(dsn: str) -> None:
    filled(dsn, ["text"], [[f"it's {number % 7}%"] for number in range(5_000)])
    name = Column.of("c0", Kind.STRING)
    query = asked(
        ALL,
        name.renamed('%(a)s "%" é'),
        N.renamed("c0"),
        filters=(Filter(name, Op.IN, ("it's 3%", "it's 4%", "%(x)s")),),
        order_by=(Order(name, descending=True),),
        key=(N,),
    )
    written = straight(dsn, query)
    assert written == general(dsn, query)
    assert written is not None
    assert written.count(b"\r\n") == 1429


PERCENT = "select g as n, format('%s%%', g) as t from generate_series(1, 4) as g where g % 2 = 0 and 'a%' like '_\\%'"


@pytest.mark.parametrize(
    ("statement", "arguments"), [(PERCENT, {}), (f"{PERCENT} and g < :most", {"most": 9})], ids=["alone", "arguments"]
)
def test_a_percent_sign_is_one_with_arguments_and_without(dsn: str, statement: str, arguments: dict[str, int]) -> None:
    query = asked(statement, N, Column.of("t", Kind.STRING), arguments=arguments)
    assert general(dsn, query) == straight(dsn, query) == b"n,t\r\n2,2%\r\n4,4%\r\n"


@pytest.mark.parametrize(("rows", "limit", "kept"), [(9, 5, 5), (5, 5, 5), (3, 5, 3)])
def test_a_limit_keeps_the_row_more_out_of_the_text_but_in_the_count(
    dsn: str, rows: int, limit: int, kept: int
) -> None:
    filled(dsn, ["text"], [["x"]] * rows)
    query = asked(ALL, N, Column.of("c0", Kind.STRING), limit=limit)
    text = CsvFormat().plain_text(query.selection.schema, DEFAULT, Encoding())
    assert text is not None
    with closing(opened(dsn)) as source:
        reading = source.read_text(query, text)
        assert reading is not None
        chunks = list(reading.chunks())
        assert b"".join(chunk for _, chunk in chunks).count(b"\r\n") == sum(count for count, _ in chunks) == kept
        assert reading.rows_sent == min(rows, limit + 1)


def test_large_rows_and_many_rows_come_in_blocks_of_whole_rows(dsn: str) -> None:
    filled(dsn, ["text"], [["x" * 3_000_000], *(["a\nb"] for _ in range(400_000)), ["y" * 3_000_000 + '"']])
    query = asked(ALL, N, Column.of("c0", Kind.STRING), order_by=(Order(N),))
    text = CsvFormat().plain_text(query.selection.schema, DEFAULT, Encoding())
    assert text is not None
    with closing(opened(dsn)) as source:
        reading = source.read_text(query, text)
        assert reading is not None
        counts, chunks = zip(*reading.chunks(), strict=True)
        assert reading.rows_sent == sum(counts) == 400_002
    assert len(chunks) > 3
    assert all(chunk.endswith(b"\r\n") for chunk in chunks)
    assert text.head + b"".join(chunks) == general(dsn, query)


def test_no_rows_are_no_chunks(dsn: str) -> None:
    filled(dsn, ["text"], [])
    query = asked(ALL, N, Column.of("c0", Kind.STRING))
    assert straight(dsn, query) == general(dsn, query) == b"n,c0\r\n"


ENDLESS = "select generate_series(1, 2000000000) as n"  # in a from clause, it would all be made first
SLOW = "select 1 as n from pg_sleep(0.5)"


def chunks_of(source: PostgresSource, query: Query, *, way: str) -> Iterator[Any]:
    if way == "general":
        return source.read(query).batches()
    text = CsvFormat().plain_text(query.selection.schema, DEFAULT, Encoding())
    assert text is not None
    reading = source.read_text(query, text)
    assert reading is not None
    return reading.chunks()


@pytest.mark.parametrize("way", ["general", "straight"])
def test_closing_from_another_thread_ends_a_copy_that_runs(dsn: str, way: str) -> None:
    source = opened(dsn)
    chunks = chunks_of(source, asked(ENDLESS, N), way=way)
    next(chunks)
    closer = threading.Thread(target=source.close)
    closer.start()
    with pytest.raises(Retriable) as caught:
        for _ in chunks:
            pass
    closer.join()
    assert caught.value.error_code == "source_stopped"
    wait_for("the end of the query", lambda: None if running(dsn) else True)


@pytest.mark.parametrize("way", ["general", "straight"])
def test_leaving_a_copy_early_ends_it_on_the_server(dsn: str, way: str) -> None:
    with closing(opened(dsn)) as source:
        chunks = chunks_of(source, asked(ENDLESS, N), way=way)
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
    wait_for("the end of the query", lambda: None if running(dsn) else True)


@pytest.mark.parametrize("way", ["general", "straight"])
def test_a_connection_that_is_lost_is_retriable(dsn: str, way: str) -> None:
    with closing(opened(dsn)) as source:
        chunks = chunks_of(source, asked(ENDLESS, N), way=way)
        next(chunks)
        with psycopg.connect(dsn) as connection:
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test'")
        with pytest.raises(Retriable) as caught:
            for _ in chunks:
                pass
    assert caught.value.error_code == "source_unavailable"


@pytest.mark.parametrize("way", ["general", "straight"])
def test_a_query_that_runs_too_long_is_ended_with_a_reason(dsn: str, way: str) -> None:
    with closing(opened(dsn)) as source:
        chunks = chunks_of(source, asked(ENDLESS, N, timeout_seconds=0.2), way=way)
        with pytest.raises(Fatal, match=r"longer than its 0\.2 s") as caught:
            for _ in chunks:
                pass
    assert caught.value.error_code == "query_timeout"


def test_a_query_has_its_own_time_whatever_the_one_before_had(dsn: str) -> None:
    with closing(opened(dsn, timeout_seconds=60)) as source:
        of_before = asked("select 1 as n", N, timeout_seconds=0.2)
        assert sum(batch.num_rows for batch in source.read(of_before).batches()) == 1
        for slower in (asked(SLOW, N), asked(SLOW, N, timeout_seconds=30)):
            assert sum(batch.num_rows for batch in source.read(slower).batches()) == 1


def running(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "select count(*) from pg_stat_activity where application_name = 'test' and state = 'active'"
        ).fetchone()
    return int(found[0]) if found else 0
