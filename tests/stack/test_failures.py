"""An export that cannot be complete is absent, says why, and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.stack.client import wait_for
from tests.stack.endless import ENDLESS, SLOW, queries_of, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.local.stack import Stack
    from tests.stack.bucket import Bucket
    from tests.stack.client import AirflowClient, ExportsClient

SLEEPING = """
title: Sleeping
source: shop
timeout: 1
columns: {id: {type: integer}}
sql: select 1 as id from pg_sleep(60)
"""
NO_TABLE = """
title: No table
source: shop
columns: {id: {type: integer}}
sql: select id from shop.nowhere
"""
WRONG_TYPE = """
title: Wrong type
source: shop
columns: {code: {type: integer}}
sql: select code from shop.orders
"""
INFINITE = """
title: Infinite
source: shop
columns: {id: {type: integer}, day: {type: date}}
sql: |
  select g as id, case g when 70000 then date 'infinity' else date '2026-01-01' end as day
  from generate_series(1, 80000) g
"""
UNREACHABLE = """
title: Unreachable
source: nowhere
columns: {id: {type: integer}}
sql: select 1 as id
"""
UNKNOWN_SOURCE = UNREACHABLE.replace("nowhere", "not_configured").replace("Unreachable", "Unknown source")
LONG_TEXT = """
title: Long text
source: shop
columns: {id: {type: integer}, secret: {type: string}}
sql: select g as id, case g when 3 then repeat('swordfish', 5000) else 'x' end as secret from generate_series(1, 5) g
"""


def failed(exports: ExportsClient, bucket: Bucket, export_id: str) -> dict[str, Any]:
    """Wait for the failure; check its form, and that nothing is left; return the error."""
    export = exports.finish(export_id)
    assert export["status"] == "failed"
    assert (export["download_url"], export["result"]) == (None, None)
    wait_for("the removal of what was left", lambda: True if not bucket.left_of(export_id) else None)
    gone = exports.get(f"/exports/{export_id}/download")
    assert gone.status_code == 410
    error: dict[str, Any] = export["error"]
    assert {"type", "title", "status", "detail", "code", "retryable"} <= error.keys()
    return error


@pytest.mark.parametrize(
    ("name", "text", "file_format", "code", "said"),
    [
        ("sleeping", SLEEPING, "csv", "query_timeout", "longer than its 1 s"),
        ("no_table", NO_TABLE, "csv", "query_refused", 'relation "shop.nowhere" does not exist'),
        ("wrong_type", WRONG_TYPE, "csv", "exporter_broken", "declares 'code' as integer"),
        ("infinite", INFINITE, "parquet", "value_unreadable", "'day'"),
        ("unreachable", UNREACHABLE, "csv", "source_unavailable", "'nowhere'"),
        ("unknown_source", UNKNOWN_SOURCE, "csv", "source_unknown", "AIRFLOW_CONN_NOT_CONFIGURED"),
        ("long_text", LONG_TEXT, "xlsx", "xlsx_text_too_long", "'secret', row 3: the text has 45,000 characters"),
    ],
)
def test_a_failure_says_what_and_where(
    exports: ExportsClient,
    bucket: Bucket,
    exporter: Callable[[str, str], str],
    name: str,
    text: str,
    file_format: str,
    code: str,
    said: str,
) -> None:
    export = exports.submit(exporter=exporter(name, text), format=file_format)
    error = failed(exports, bucket, export["id"])
    assert error["code"] == code
    assert said in error["detail"]
    for secret in ("swordfish", "infinity", "select", "not-a-secret"):
        assert secret not in str(error)


def repeated(exports: ExportsClient, bucket: Bucket, export_id: str) -> dict[str, Any]:
    """Wait for the success of a later attempt; of the one before nothing is left."""

    def look() -> str | None:
        export = exports.read(export_id)
        return next(iter(export["warnings"]), None)

    assert wait_for("the warning", look).startswith("Attempt 1 failed and will be repeated: ")
    export = exports.finish(export_id)
    assert (export["status"], export["warnings"]) == ("succeeded", [])
    assert export["attempt"] > 1
    assert export["result"]["rows"] == 60_000
    assert len(exports.download(export).splitlines()) == 60_001
    assert len(bucket.left_of(export_id)) == 2  # the file and its manifest
    return export


def test_a_source_killed_in_the_middle_is_read_again(
    stack: Stack, exports: ExportsClient, bucket: Bucket, exporter: Callable[[str, str], str]
) -> None:
    export_id = exports.submit(exporter=exporter("slow", SLOW), format="csv")["id"]
    progress = running(exports, export_id)["progress"]
    assert progress["stage"] == "extracting"
    assert progress["rows"] > 0
    assert exports.get(f"/exports/{export_id}/download").status_code == 409
    assert exports.get(f"/exports/{export_id}/content").status_code == 409
    with psycopg.connect(stack.superuser_dsn) as connection:
        killed = connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s",
            (f"waybill {export_id}",),
        ).fetchall()
    assert killed == [(True,)]
    repeated(exports, bucket, export_id)


def test_a_run_that_is_stopped_in_airflow_ends_its_query_and_leaves_nothing(
    stack: Stack,
    exports: ExportsClient,
    airflow: AirflowClient,
    bucket: Bucket,
    exporter: Callable[[str, str], str],
) -> None:
    export_id = exports.submit(exporter=exporter("endless", ENDLESS), format="jsonl")["id"]
    running(exports, export_id)
    airflow.patch(f"/dags/export/dagRuns/export__{export_id}", {"state": "failed"})
    error = failed(exports, bucket, export_id)
    assert error["detail"]
    assert queries_of(stack, export_id) == 0


def test_a_store_that_stops_in_the_middle_is_written_again_when_it_is_back(
    stack: Stack, exports: ExportsClient, bucket: Bucket, exporter: Callable[[str, str], str]
) -> None:
    export_id = exports.submit(exporter=exporter("slow", SLOW), format="csv")["id"]
    running(exports, export_id)
    stack.stop_program("seaweedfs")
    try:
        health = wait_for("a health that names the store", lambda: _unhealthy(exports))
        assert "store" in str(health)
        wait_for("the failure of the first attempt", lambda: exports.read(export_id)["warnings"] or None)
    finally:
        stack.start_program("seaweedfs")
        stack.wait_ready()
    repeated(exports, bucket, export_id)


def test_an_api_server_that_restarts_costs_no_attempt(
    stack: Stack, exports: ExportsClient, bucket: Bucket, exporter: Callable[[str, str], str]
) -> None:
    export_id = exports.submit(exporter=exporter("slow", SLOW), format="csv")["id"]
    running(exports, export_id)
    stack.restart("api-server")
    stack.wait_ready()
    export = exports.finish(export_id)
    assert (export["status"], export["attempt"], export["result"]["rows"]) == ("succeeded", 1, 60_000)
    assert len(bucket.left_of(export_id)) == 2


def _unhealthy(exports: ExportsClient) -> Any:
    answer = exports.get("/health")
    return answer.json() if answer.status_code == 503 else None


def test_a_paused_dag_is_503_before_anything_is_written(
    exports: ExportsClient, airflow: AirflowClient, admin_exports: ExportsClient
) -> None:
    before = admin_exports.get("/exports", count="true", limit=1).json()["total"]
    airflow.patch("/dags/export", {"is_paused": True})
    try:
        refused = exports.post({"exporter": "orders"})
        assert refused.status_code == 503
        assert "paused" in refused.json()["detail"]
        assert refused.json()["retryable"] is True
        health = wait_for("a health that names the DAG", lambda: _unhealthy(exports))
        assert "paused" in str(health)
    finally:
        airflow.patch("/dags/export", {"is_paused": False})
    assert admin_exports.get("/exports", count="true", limit=1).json()["total"] == before
    assert exports.run(exporter="orders", limit=1)["status"] == "succeeded"
