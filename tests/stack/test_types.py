"""A table of one's own, with only the README's steps: a connection, one YAML file, no code."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.stack.reading import assert_same

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.local.stack import Stack
    from tests.stack.client import ExportsClient

COLUMNS = """
  id: {type: integer}
  text: {type: string}
  big: {type: integer}
  small: {type: integer}
  money: {type: decimal}
  exact: {type: decimal}
  wide: {type: decimal}
  free: {type: decimal}
  ratio: {type: float}
  half: {type: float}
  flag: {type: boolean}
  day: {type: date}
  moment: {type: datetime}
  wall: {type: local_datetime}
  clock: {type: time}
  key: {type: uuid}
  doc: {type: json}
  kind: {type: string}
  tags: {type: string}
"""
POSTGRES_YAML = f"title: Typed\nsource: shop\ncolumns:{COLUMNS}key: [id]\nsql: select * from typed.samples\n"

TABLE = """
    drop schema if exists typed cascade; create schema typed;
    create type typed.color as enum ('red', 'green');
    create domain typed.cents as numeric(12, 2) check (value > -1000000000);
    create table typed.samples (
        id bigint primary key, text text, big bigint, small smallint, money typed.cents, exact numeric(38, 8),
        wide numeric(60, 10), free numeric, ratio float8, half float4, flag boolean, day date, moment timestamptz,
        wall timestamp, clock time, key uuid, doc jsonb, kind typed.color, tags text[]);
    insert into typed.samples values
        (1, '', 9223372036854775807, 32767, 0.10, 123456789012345678901234567890.12345678,
         12345678901234567890123456789012345678901234567890.0123456789, 0.1, 0.1, 0.1, true, '2026-02-28',
         '2026-03-29T02:59:59.999999+02', '2026-03-29T02:30:00', '23:59:59.999999',
         'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, "ü", null]}', 'red', '{a,"b,c"}'),
        (2, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
        (3, E'line\\r\\nbreak, "quoted"; tab\\t', -9223372036854775808, -32768, -0.01, -0.00000001, -1e-10,
         -123456789012345678901234567890123456789012345678901234567890.000000000000000000000000000001, 'NaN', 'NaN',
         false, '0001-01-01', '1900-02-28T00:00:00Z', '1899-12-31T23:59:59', '00:00', null, '[]', 'green', '{}'),
        (4, '=1+1', 9007199254740993, 0, 999999999.99, 100000000000000000000, 0, 1e30, 'Infinity', 'Infinity', null,
         '9999-12-31', '2026-10-25T00:30:00+02', '2026-10-25T02:30:00.123', '12:00:00.5', null, '"x"', null, null),
        (5, E'\\U0001F468\\u200D\\U0001F469 \\u202Eabc _x0041_ \\x01', -1, 1, -5, 1, 1, 0.0000000000000000000000000001,
         '-Infinity', '-Infinity', null, '1900-03-01', '9999-12-31T23:59:59.999999Z', '0001-01-01T00:00:00',
         '01:02:03.004005',
         null, '{"n": 1e400}', null, '{NULL,"NULL"}'),
        (6, ' padded ', 999999999999999, 1, 100.00, 1e15, 5, 100, 5e-324, 1e-45, true, '1969-07-20',
         '1969-07-20T20:17:40Z',
         '1969-07-20T20:17:40', '20:17:40', null, '{}', null, null),
        (7, '\\N', 1000000000000000, 1, 99.90, 99.9, 7, 7.10, 0.30000000000000004, 3.4028235e38, true, '2000-02-29',
         '2000-02-29T00:00:00Z', '2000-02-29T00:00:00', '00:00:00', null, 'null', null, null)
"""
NAMES = [line.split(":")[0].strip() for line in COLUMNS.strip().splitlines()]
READ = """
    select id, text, big, small, money, exact, wide, free, ratio, half::text::float8, flag, day, moment, wall, clock,
           key::text, doc::text, kind::text, tags::text from typed.samples order by id
"""


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet", "xlsx"])
def test_every_type_of_a_table_of_ones_own_reads_back_equal(
    stack: Stack, exports: ExportsClient, workshop: Path, file_format: str
) -> None:
    with psycopg.connect(stack.demo_dsn) as connection:
        connection.execute(TABLE)
    (workshop / "exporters" / "typed.yaml").write_text(POSTGRES_YAML)
    export = exports.run(
        exporter="typed", format=file_format, options={"header": "name"} if file_format == "xlsx" else {}
    )
    with psycopg.connect(stack.demo_dsn, options="-c TimeZone=UTC") as connection:
        rows = connection.execute(READ).fetchall()
    content = exports.download(export)
    assert_same(content, file_format, NAMES, [tuple(documented(row, file_format)) for row in rows])


def documented(row: tuple[object, ...], file_format: str) -> list[object]:
    """Apply what the formats' documentation says beyond the value itself."""
    import json
    from decimal import Decimal

    values = dict(zip(NAMES, row, strict=True))
    if file_format == "jsonl" and isinstance(values["doc"], str):
        values["doc"] = json.loads(values["doc"], parse_float=Decimal)  # json is nested, not quoted
    if file_format == "parquet" and isinstance(values["free"], Decimal):
        values["free"] = format(values["free"], "f")  # a numeric without bounds is exact text
    return list(values.values())


SQLITE_YAML = """
title: Lite
source: lite
columns:
  id: {type: integer}
  text: {type: string}
  amount: {type: decimal}
  ratio: {type: float}
  flag: {type: boolean}
  day: {type: date}
  moment: {type: datetime}
params:
  above: {type: integer, default: 0}
key: [id]
sql: select * from things where id > :above
"""


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet", "xlsx"])
def test_any_other_database_of_airflow_is_a_source(exports: ExportsClient, workshop: Path, file_format: str) -> None:
    from datetime import UTC, date, datetime
    from decimal import Decimal

    with sqlite3.connect(workshop / "lite.db") as connection:
        connection.execute("drop table if exists things")
        connection.execute("create table things (id integer, text text, amount text, ratio real, flag, day, moment)")
        connection.executemany(
            "insert into things values (?, ?, ?, ?, ?, ?, ?)",
            [
                (1, "", "123456789012345678901234567890.10", 0.1, 1, "2026-03-29", "2026-03-29T03:00:00+02:00"),
                (2, None, None, None, None, None, None),
                (2**62, "=x\r\n", "-0.50", 1e300, 0, "1999-12-31", "1999-12-31T23:59:59.5+00:00"),
                *((n, f"row {n}", "1.50", 0.5, 1, "2026-01-01", "2026-01-01T00:00:00Z") for n in range(3, 25_000)),
            ],
        )
    (workshop / "exporters" / "lite.yaml").write_text(SQLITE_YAML)
    export = exports.run(
        exporter="lite",
        format=file_format,
        params={"above": 1},
        where=[{"column": "text", "op": "not_null"}],
        order_by=["-id"],
        limit=20_000,
        options={"header": "name"} if file_format == "xlsx" else {},
    )
    first = (2**62, "=x\r\n", Decimal("-0.50"), 1e300, False, date(1999, 12, 31))
    rows: list[tuple[object, ...]] = [(*first, datetime(1999, 12, 31, 23, 59, 59, 500_000, UTC))]
    usual = (Decimal("1.50"), 0.5, True, date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC))
    rows += [(n, f"row {n}", *usual) for n in range(24_999, 24_999 - 19_999, -1)]
    if file_format == "parquet":
        rows = [(*row[:2], format(row[2], "f"), *row[3:]) for row in rows]
    assert_same(exports.download(export), file_format, ["id", "text", "amount", "ratio", "flag", "day", "moment"], rows)
    assert export["result"]["truncated"] is True
    assert export["result"]["consistency"] == "none"
