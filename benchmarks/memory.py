"""Peak memory of the task process, for few rows and for many: it must be the same.

Every export is a real one: POST to the API, an Airflow task, SeaweedFS. The task itself logs the peak of its resident
memory (VmHWM of /proc/self/status), read here from its log.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg  # noqa: TID253 - start-up time does not matter here

from deploy.local.client import Client
from deploy.local.stack import Stack

FORMATS = ("csv", "jsonl", "parquet", "xlsx")
FEW, MANY = 200_000, 2_000_000
ALLOWED_MB = 30
TABLE = f"""
    drop schema if exists bench cascade;
    create schema bench;
    create table bench.rows as
        select i::bigint as id, (i % 1000)::int as small, (i * 0.37)::numeric(13, 2) as amount,
               (i * 1234567.12345678)::numeric(30, 8) as exact, i / 7.0::float8 as ratio, i % 3 = 0 as flag,
               date '2020-01-01' + (i % 2000)::int as day,
               timestamptz '2025-01-01' + i * interval '1.5 seconds' as moment,
               'C' || i as code, 'Name ' || md5(i::text) as name,
               case when i % 5 <> 0 then repeat('comment ', (i % 9)::int) end as comment, md5(i::text)::uuid as key
        from generate_series(1, {MANY}) as i;
    alter table bench.rows add primary key (id);
    analyze bench.rows;
"""  # noqa: S608 - a constant of this file
PEAK = re.compile(r"peak memory (\d+) MB")


def main() -> int:
    """Run the exports and print the table; return 1 when memory grows with the rows."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        Path(folder).chmod(0o755)
        stack = Stack(
            Path(folder) / "home",
            extra_environment={"AIRFLOW__WAYBILL__EXPORTERS_FOLDER": str(Path(__file__).parent / "exporters")},
            say=print,
        )
        try:
            stack.start()
            with psycopg.connect(stack.demo_dsn) as connection:
                connection.execute(TABLE)
            return report(stack)
        finally:
            stack.clean()


def report(stack: Stack) -> int:
    """Measure every format and print what was found."""
    print(f"{'format':8} {'rows':>10} {'seconds':>8} {'rows/s':>9} {'peak MB':>8} {'more than with few':>18}")
    grown = False
    for file_format in FORMATS:
        few = 0
        for rows in (FEW, MANY):
            seconds, peak = measure(stack, file_format, rows)
            few = few or peak
            grown |= peak - few > ALLOWED_MB
            print(f"{file_format:8} {rows:10,} {seconds:8.1f} {rows / seconds:9,.0f} {peak:8} {peak - few:18}")
    print(
        f"{'FAILED' if grown else 'ok'}: at most {ALLOWED_MB} MB more for ten times the rows ({os.cpu_count()} cores)"
    )
    return int(grown)


def measure(stack: Stack, file_format: str, rows: int) -> tuple[float, int]:
    """Run one export; return its seconds and the task's peak memory in MB."""
    api = Client(stack.url, stack.token)
    request = {"exporter": "bench_rows", "format": file_format, "params": {"rows": rows}}
    export = api.export(request, show=lambda _: None, seconds=900)
    if export["status"] != "succeeded" or export["result"]["rows"] != rows:
        raise SystemExit(f"The export failed: {export['error']}")
    return duration(export), peak_of(stack, export["id"])


def duration(export: dict[str, Any]) -> float:
    """Return the seconds from the task's start to its end."""
    started, finished = (datetime.fromisoformat(export[name]) for name in ("started_at", "finished_at"))
    return (finished - started).total_seconds()


def peak_of(stack: Stack, export_id: str) -> int:
    """Return what the task's log says of its memory."""
    login = {"username": "admin", "password": stack.admin_password}
    token = httpx.post(f"{stack.url}/auth/token", json=login).json()["access_token"]
    path = f"/api/v2/dags/export/dagRuns/export__{export_id}/taskInstances/export/logs/1"
    log = httpx.get(stack.url + path, params={"full_content": "true"}, headers={"Authorization": f"Bearer {token}"})
    found = PEAK.search(log.text)
    if found is None:
        raise SystemExit(f"The log of export {export_id} does not tell its peak memory.")
    return int(found[1])


if __name__ == "__main__":
    sys.exit(main())
