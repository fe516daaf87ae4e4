"""The table that is exported: business data of many types, and the select that every contender reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy.local.stack import Stack

PLAIN = (
    "id", "small", "amount", "exact", "flag", "day", "moment", "changed", "code", "name", "comment", "key",
)  # fmt: skip
"""Twelve columns without floats: csv's straight path can copy them."""
FLOATS = tuple("ratio" if name == "changed" else name for name in PLAIN)
"""Twelve columns, one a float: csv takes the general path."""

_TABLE = """
    drop schema if exists bench cascade;
    create schema bench;
    create table bench.rows as
        select i::bigint as id, (i % 1000)::int as small, (i * 0.37)::numeric(13, 2) as amount,
               (i * 1234567.12345678)::numeric(30, 8) as exact, i / 7.0::float8 as ratio, i % 3 = 0 as flag,
               date '2020-01-01' + (i % 2000)::int as day,
               timestamptz '2025-01-01' + i * interval '1.5 seconds' as moment,
               timestamptz '2025-02-01' + i * interval '1.501001 seconds' as changed,
               'C' || i as code, 'Name ' || md5(i::text) as name,
               case when i % 5 <> 0 then repeat('comment ', (i % 9)::int) end as comment, md5(i::text)::uuid as key
        from generate_series(1, {rows}) as i;
    alter table bench.rows add primary key (id);
    analyze bench.rows;
"""


def fill(stack: Stack, rows: int) -> None:
    """Make the table with so many rows; read it once, so that nobody is the first."""
    import psycopg

    with psycopg.connect(stack.demo_dsn, autocommit=True) as connection:
        connection.execute(_TABLE.format(rows=rows).encode())
        connection.execute("vacuum bench.rows")
        connection.execute("select sum(id), count(comment) from bench.rows")


def select(columns: tuple[str, ...], rows: int) -> str:
    """Return the statement of the first rows, as the exporter `bench_rows` reads them."""
    return f"select {', '.join(columns)} from bench.rows where id <= {rows:d} order by id"  # noqa: S608 - of constants
