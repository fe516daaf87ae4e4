"""The statement around an exporter's own: names quoted, values bound, on every database the same way."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import NullPool

from include.core.errors import Fatal
from include.core.query import Filter, Order, Query, Selection
from include.core.request import Op
from include.core.schema import Column, ColumnType, Schema
from include.sources._statement import build
from include.sources.postgres import compile_statement

if TYPE_CHECKING:
    from collections.abc import Sequence

CODE = Column.of("code", ColumnType.STRING)
TOTAL = Column.of("total", ColumnType.INTEGER)
HOSTILE_TEXTS = [
    "x' or '1'='1",
    "'; drop table orders; --",
    "a\\' or 1=1",
    "100%",
    "%s %(code)s %%",
    "_",
    ":code",
    "\\",
    "$$x$$",
    "/*",
    "\n--",
    "ü📦",
]
HOSTILE_NAMES = [
    'a"b',
    "a b",
    "select",
    "a%b",
    "a%(b)s",
    "a:b",
    "a.b",
    "a(b)",
    "a]b",
    "a'b",
    "a\\b",
    "$1",
    "?",
    "--x",
    "ü📦",
    "x; drop table t",
    "1",
    "UPPER",
]

_CAST = re.compile(r"::(?:VARCHAR|INTEGER|BIGINT|DATE)\b")


def query(sql: str = "select code, total from orders", **given: Any) -> Query:
    selection = Selection(
        given.pop("columns", (CODE, TOTAL)),
        given.pop("filters", ()),
        given.pop("order_by", ()),
        given.pop("limit", None),
    )
    return Query(sql=sql, arguments=given.pop("arguments", {}), selection=selection, **given)


def for_sqlite(asked: Query) -> str:
    return str(build(asked).compile(dialect=sqlite.dialect()))


def sent_to_postgres(asked: Query) -> str:
    """The text that psycopg sends when it quotes on the client, as COPY needs; without SQLAlchemy's casts."""
    from psycopg._queries import PostgresClientQuery
    from psycopg.adapt import Transformer

    statement, arguments = compile_statement(asked)
    made = PostgresClientQuery(Transformer())
    made.convert(statement, arguments)
    return _CAST.sub("", made.query.decode())


def test_the_exporters_statement_is_wrapped_and_columns_are_chosen_in_order() -> None:
    text, arguments = compile_statement(query(columns=(TOTAL, CODE.renamed("Order code"))))
    assert " ".join(text.split()) == (
        'SELECT rows.total AS total, rows.code AS "Order code" FROM (select code, total from orders ) AS rows'
    )
    assert arguments is None


def test_conditions_order_and_limit_are_pushed_down_with_bound_values() -> None:
    asked = query(
        filters=(Filter(TOTAL, Op.GE, 10), Filter(CODE, Op.IN, ("a", "b"))),
        order_by=(Order(TOTAL, descending=True),),
        key=(CODE,),
        limit=5,
    )
    text, arguments = compile_statement(asked)
    assert "rows.total >= (%(" in text
    assert "ORDER BY rows.total DESC, rows.code ASC" in text
    assert sorted(map(str, (arguments or {}).values())) == ["10", "a", "b"]


def test_one_row_more_than_the_limit_is_asked_for() -> None:
    assert sent_to_postgres(query(limit=10)).rstrip().endswith("LIMIT 11")


def test_a_key_that_is_already_sorted_by_is_not_added_again() -> None:
    text, _ = compile_statement(query(order_by=(Order(CODE, descending=True),), key=(CODE, TOTAL)))
    assert text.endswith("ORDER BY rows.code DESC, rows.total ASC")


def test_a_column_that_is_only_filtered_or_sorted_by_does_not_appear_in_the_file() -> None:
    text, _ = compile_statement(query(columns=(CODE,), filters=(Filter(TOTAL, Op.NOT_NULL),)))
    assert text.startswith("SELECT rows.code AS code")
    assert "rows.total IS NOT NULL" in text


def test_a_renamed_column_is_filtered_and_sorted_by_its_own_values() -> None:
    asked = query(columns=(CODE.renamed("total"), TOTAL.renamed("code")), order_by=(Order(CODE),))
    assert compile_statement(asked)[0].endswith("ORDER BY rows.code ASC")


@pytest.mark.parametrize("value", HOSTILE_TEXTS)
@pytest.mark.parametrize("op", [Op.EQ, Op.NE, Op.CONTAINS, Op.STARTS_WITH, Op.GE])
def test_a_value_never_becomes_part_of_the_statement(op: Op, value: str) -> None:
    plain = query(filters=(Filter(CODE, op, "plain"),))
    hostile = query(filters=(Filter(CODE, op, value),), arguments={})
    assert compile_statement(hostile)[0] == compile_statement(plain)[0]
    assert for_sqlite(hostile) == for_sqlite(plain)


@pytest.mark.parametrize("value", HOSTILE_TEXTS)
def test_a_value_is_sent_to_postgres_as_one_quoted_literal(value: str) -> None:
    sent = sent_to_postgres(query(filters=(Filter(CODE, Op.EQ, value),)))
    literal = value.replace("'", "''")
    wanted = f"'{literal}'" if "\\" not in value else " E'" + literal.replace("\\", "\\\\") + "'"
    assert sent.endswith(f"= {wanted}")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_declared_name_is_quoted_whatever_it_holds(name: str) -> None:
    column = Column.of(name, ColumnType.STRING)
    quoted = '"' + name.replace('"', '""') + '"'
    asked = query(
        f"select 1 as {quoted.replace(':', chr(92) + ':')}",
        columns=(column,),
        filters=(Filter(column, Op.EQ, "x"), Filter(column, Op.IN, ("y", "z"))),
        order_by=(Order(column),),
        limit=1,
    )
    sent = sent_to_postgres(asked)
    assert sent.count(quoted) >= 5 or name == "ü📦"
    assert "'x'" in sent
    assert "'y'" in sent


def rows_in_sqlite(create: Sequence[str], asked: Query) -> list[tuple[Any, ...]]:
    engine = sa.create_engine("sqlite://", poolclass=NullPool)
    with engine.connect() as connection:
        for statement in create:
            connection.exec_driver_sql(statement)
        return [tuple(row) for row in connection.execute(build(asked))]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_read_filtered_and_sorted_by_in_a_real_database(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    column, renamed = Column.of(name, ColumnType.STRING), Column.of(name, ColumnType.STRING).renamed(f"{name} 2")
    asked = query(
        "select * from t", columns=(column, renamed), filters=(Filter(column, Op.NE, "b"),), order_by=(Order(column),)
    )
    found = rows_in_sqlite([f"create table t ({quoted} text)", "insert into t values ('c'), ('a'), ('b')"], asked)
    assert found == [("a", "a"), ("c", "c")]


@pytest.mark.parametrize("value", HOSTILE_TEXTS)
@pytest.mark.parametrize("op", [Op.EQ, Op.CONTAINS, Op.STARTS_WITH, Op.IN])
def test_a_hostile_value_finds_itself_and_nothing_else_in_a_real_database(op: Op, value: str) -> None:
    asked = query(
        "select :value as code union all select 'another'",
        columns=(CODE,),
        filters=(Filter(CODE, op, (value,) if op is Op.IN else value),),
        arguments={"value": value},
    )
    assert rows_in_sqlite([], asked) == [(value,)]


@pytest.mark.parametrize("value", ["%", "_", "/", "%a", "\\"])
def test_contains_and_starts_with_take_wildcards_for_themselves(value: str) -> None:
    for op in (Op.CONTAINS, Op.STARTS_WITH):
        asked = query("select 'abc' as code", columns=(CODE,), filters=(Filter(CODE, op, value),))
        assert rows_in_sqlite([], asked) == []


def test_nulls_are_found_by_null_tests_and_by_nothing_else() -> None:
    create = ["create table t (code text)", "insert into t values ('a'), (''), (null)"]

    def found(op: Op, value: object = None) -> list[Any]:
        asked = query("select code from t", columns=(CODE,), filters=(Filter(CODE, op, value),))
        return sorted(row[0] or "" if row[0] is not None else "NULL" for row in rows_in_sqlite(create, asked))

    assert found(Op.IS_NULL) == ["NULL"]
    assert found(Op.NOT_NULL) == ["", "a"]
    assert found(Op.NE, "a") == [""]
    assert found(Op.NOT_IN, ("a",)) == [""]
    assert found(Op.CONTAINS, "") == ["", "a"]


@pytest.mark.parametrize(
    ("sql", "arguments", "sent"),
    [
        ("select :since::date", {"since": date(2026, 1, 2)}, "select ('2026-01-02'::date)::date"),
        ("select :name::text", {"name": "a"}, "select ('a')::text"),
        ("select :a::text || :b::text", {"a": "1", "b": "2"}, "select ('1')::text || ('2')::text"),
        ("select :a::text::int", {"a": "1"}, "select ('1')::text::int"),
        ("select now()::date, x::text", {}, "select now()::date, x::text"),
        ("select '12\\:30'", {}, "select '12:30'"),
        ("select '12:30:00', 'a: b'", {}, "select '12:30:00', 'a: b'"),
        ("select '{\"a\"\\:1}'", {}, "select '{\"a\":1}'"),
        ("select 5 % 2, 'a%', x like '%s'", {}, "select 5 % 2, 'a%', x like '%s'"),
        ("select 5 % :n", {"n": 2}, "select 5 % (2)"),
        ("select '%(n)s', :n", {"n": 2}, "select '%(n)s', (2)"),
        ("select x from t where :a is null or x = :a", {"a": None}, "select x from t where NULL is null or x = NULL"),
    ],
)
def test_binds_casts_colons_and_percents_reach_postgres_as_written(
    sql: str, arguments: dict[str, Any], sent: str
) -> None:
    asked = query(sql, columns=(Column.of("x", ColumnType.STRING),), arguments=arguments)
    assert f"({sent}\n)" in sent_to_postgres(asked)


def test_a_statement_may_end_in_a_comment() -> None:
    assert rows_in_sqlite([], query("select 'a' as code, 1 as total -- no more")) == [("a", 1)]


def test_times_reach_postgres_with_their_zone() -> None:
    asked = query(
        "select :a, :b, :c",
        columns=(Column.of("x", ColumnType.STRING),),
        arguments={"a": datetime(2026, 10, 1, tzinfo=UTC), "b": datetime(2026, 10, 1), "c": time(10)},  # noqa: DTZ001
    )
    sent = sent_to_postgres(asked)
    assert "'2026-10-01 00:00:00+00:00'::timestamptz" in sent
    assert "::TIMESTAMP WITH TIME ZONE, '2026-10-01 00:00:00'::timestamp" in sent
    assert "'10:00:00'::time" in sent


def test_the_smallest_integer_is_sent_so_that_postgres_can_read_it() -> None:
    # A cast binds tighter than a minus: -9223372036854775808::bigint is "bigint out of range".
    from psycopg._queries import PostgresClientQuery
    from psycopg.adapt import Transformer

    made = PostgresClientQuery(Transformer())
    made.convert(*compile_statement(query(filters=(Filter(TOTAL, Op.EQ, -(2**63)),))))
    assert b" -9223372036854775808::BIGINT" not in made.query


def test_a_bind_that_is_no_parameter_is_an_error_that_names_it() -> None:
    with pytest.raises(Fatal, match=r":sinze.*none of its parameters") as caught:
        build(query("select :sinze::date", arguments={"since": date(2026, 1, 1)}))
    assert caught.value.error_code == "exporter_broken"


def test_a_colon_that_looks_like_a_bind_is_an_error_that_says_how_to_write_it() -> None:
    with pytest.raises(Fatal, match=r":1.*write \\:"):
        build(query("select '{\"a\":1}'"))


def test_an_argument_that_the_statement_does_not_use_is_left_out() -> None:
    assert compile_statement(query(arguments={"unused": "x"}))[1] is None


@pytest.mark.parametrize("name", ["code", "code_1", "total_1", "rows", "self"])
def test_a_parameter_may_have_any_name_beside_conditions_and_limits(name: str) -> None:
    asked = query(
        f"select code, total from (select 'a' as code, 1 as total) x where :{name} = 'mine'",
        filters=(Filter(CODE, Op.EQ, "a"), Filter(TOTAL, Op.GE, 1)),
        limit=3,
        arguments={name: "mine"},
    )
    assert rows_in_sqlite([], asked) == [("a", 1)]
    assert "'mine' = 'mine'" in sent_to_postgres(asked)


@pytest.mark.parametrize("length", [64, 255])
def test_a_column_may_be_renamed_to_255_characters(length: int) -> None:
    asked = query(columns=(CODE.renamed("a" * length), TOTAL.renamed("b" * length)))
    assert f"AS {'b' * length}" in compile_statement(asked)[0]


def test_the_hash_of_a_query_tells_apart_what_reads_other_rows() -> None:
    asked = [
        query(),
        query("select code, total from orders where true"),
        query(arguments={"a": 1}),
        query(arguments={"a": "1"}),
        query(limit=1),
        query(filters=(Filter(TOTAL, Op.GE, 1),)),
        query(filters=(Filter(TOTAL, Op.GT, 1),)),
        query(order_by=(Order(CODE),)),
        query(order_by=(Order(CODE, descending=True),)),
        query(columns=(CODE,)),
    ]
    assert len({one.sha256() for one in asked}) == len(asked)
    assert query().sha256() == query().sha256()


def test_schemas_find_columns_by_name() -> None:
    schema = Schema.of(CODE, TOTAL)
    assert "code" in schema
    assert schema["total"] is TOTAL
    with pytest.raises(KeyError):
        schema["nope"]
