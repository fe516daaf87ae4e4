"""An export that was killed in the middle goes on where it stopped, and its file is the same byte by byte."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.stack.client import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.local.stack import Stack
    from tests.stack.bucket import Bucket
    from tests.stack.client import AirflowClient, ExportsClient

LARGE = """
title: Large
source: shop
columns:
  id: {type: integer}
  half: {type: decimal}
  at: {type: datetime}
  note: {type: string}
key: [id]
sql: |
  select g as id, g / 2.0 as half, timestamptz '2026-01-01 00:00Z' + g * interval '1 millisecond' as at,
         case when mod(g, 7) = 0 then null when mod(g, 5) = 0 then E'a "quoted"\\nline'
         else md5(g::text) || repeat('x', 60) end as note
  from generate_series(1, %d) as g
"""
MANY = 2_000_000


def copied(stack: Stack, export_id: str) -> int:
    """Return how many rows the server has sent in an export's COPY."""
    statement = """
        select coalesce(max(tuples_processed), 0) from pg_stat_progress_copy join pg_stat_activity using (pid)
        where application_name = %s
    """
    with psycopg.connect(stack.superuser_dsn, autocommit=True) as connection:
        row = connection.execute(statement, (f"waybill {export_id}",)).fetchone()
    return int(row[0]) if row else 0


def killed(stack: Stack, airflow: AirflowClient, export_id: str, *, rows: int) -> int:
    """Kill an export's process once so many rows were read; return how many it had read."""
    wait_for("half of the rows", lambda: copied(stack, export_id) >= rows or None)
    pid = airflow.get(f"/dags/export/dagRuns/export__{export_id}/taskInstances/export")["pid"]
    os.kill(pid, signal.SIGSTOP)
    read = copied(stack, export_id)
    os.kill(pid, signal.SIGKILL)
    return read


@pytest.mark.parametrize(
    ("file_format", "options", "rows"),
    [("csv", {}, MANY), ("csv", {"null": "NULL"}, 1_200_000), ("jsonl", {}, 800_000)],
)
def test_a_killed_export_goes_on_where_it_stopped(
    stack: Stack,
    exports: ExportsClient,
    airflow: AirflowClient,
    bucket: Bucket,
    exporter: Callable[[str, str], str],
    file_format: str,
    options: dict[str, Any],
    rows: int,
) -> None:
    request = {"exporter": exporter(f"large_{rows}", LARGE % rows), "format": file_format, "options": options}
    whole = exports.run(**request)
    export_id = exports.submit(**request)["id"]
    read = killed(stack, airflow, export_id, rows=rows // 2)
    resumed = exports.finish(export_id, 300)
    assert (resumed["status"], resumed["attempt"]) == ("succeeded", 2), resumed["error"]
    before, behind = exports.get(f"/exports/{export_id}/manifest").json()["sources"]
    assert before["rows"] + behind["rows"] == rows
    twice = 15 if rows == MANY else 60  # percent; what is on its way when it is killed weighs the same for all
    assert (read + behind["rows"]) / rows <= 1 + twice / 100, (read, before, behind)
    [made], [again] = whole["result"]["files"], resumed["result"]["files"]
    assert (again["sha256"], again["bytes"], again["rows"]) == (made["sha256"], made["bytes"], rows)
    assert resumed["result"]["consistency"] == "none"
    assert len(bucket.left_of(export_id)) == 2  # the file and its manifest
