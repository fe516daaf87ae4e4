"""Exports that take their time, or never end by themselves, and how to see that they go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from tests.stack.client import wait_for

if TYPE_CHECKING:
    from deploy.local.stack import Stack
    from tests.stack.client import ExportsClient

ENDLESS = """
title: Endless
source: shop
columns: {id: {type: integer}, filler: {type: string}}
sql: |
  select g as id, md5(g::text) || repeat('-', 500) as filler
  from (select generate_series(1, 100000000) as g) as endless
"""
"""In a from clause of its own, the series would all be made first."""


SLOW = """
title: Slow
source: shop
columns: {id: {type: integer}, filler: {type: string}}
key: [id]
sql: |
  select g as id, md5(g::text) || repeat('-', 500) as filler
  from generate_series(1, 60000) as g left join lateral (select pg_sleep(0.02) where g % 100 = 0) as pause on true
"""
"""It takes 12 seconds and ends; bytes are written all the while."""


def running(exports: ExportsClient, export_id: str) -> dict[str, Any]:
    """Wait until rows have been read and bytes were written."""

    def look() -> dict[str, Any] | None:
        export = exports.read(export_id)
        assert export["error"] is None, export["error"]
        return export if (export["progress"] or {}).get("bytes") else None

    return wait_for("progress", look)


def queries_of(stack: Stack, export_id: str) -> int:
    """Count the connections that an export has to its source."""
    statement = "select count(*) from pg_stat_activity where application_name = %s"
    with psycopg.connect(stack.superuser_dsn, autocommit=True) as connection:
        row = connection.execute(statement, (f"waybill {export_id}",)).fetchone()
    return int(row[0]) if row else 0
