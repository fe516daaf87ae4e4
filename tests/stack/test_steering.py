"""Cancelling ends the query and the upload, whether the export waits or runs; running again; deleting; expiry."""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest

from tests.stack.client import wait_for
from tests.stack.endless import ENDLESS, queries_of, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.local.stack import Stack
    from tests.stack.bucket import Bucket
    from tests.stack.client import AirflowClient, ExportsClient


@pytest.fixture
def endless(exporter: Callable[[str, str], str]) -> str:
    return exporter("endless", ENDLESS)


def test_metabase_7849_cancelling_ends_the_query_within_seconds(
    stack: Stack, exports: ExportsClient, bucket: Bucket, endless: str
) -> None:
    moments = random.Random(4)
    seconds = []
    for file_format in ("csv", "xlsx", "jsonl", "parquet", "csv", "json", "xml", "csv", "xlsx", "csv"):
        export_id = exports.submit(exporter=endless, format=file_format)["id"]
        wait_for("the query", lambda export_id=export_id: queries_of(stack, export_id) or None)  # type: ignore[misc]
        time.sleep(moments.uniform(0, 2))
        started = time.monotonic()
        answer = exports.request("POST", f"/exports/{export_id}/cancel")
        assert answer.status_code == 202, answer.text
        wait_for("the end of the query", lambda export_id=export_id: queries_of(stack, export_id) == 0 or None)  # type: ignore[misc]
        seconds.append(time.monotonic() - started)
        assert exports.finish(export_id)["status"] == "cancelled"
        wait_for("an empty folder", lambda export_id=export_id: not bucket.left_of(export_id) or None)  # type: ignore[misc]
    assert statistics.median(seconds) <= 2, seconds
    assert max(seconds) <= 3, seconds


def test_an_export_is_cancelled_only_when_its_query_is_gone(stack: Stack, exports: ExportsClient, endless: str) -> None:
    export_id = exports.submit(exporter=endless, format="csv")["id"]
    running(exports, export_id)
    body = exports.request("POST", f"/exports/{export_id}/cancel").json()
    assert body["status"] in {"running", "cancelled"}
    while (shown := exports.read(export_id))["status"] != "cancelled":
        assert shown["status"] == "running"
        assert shown["warnings"] == ["The export is being cancelled: its query is being ended."]
        assert shown["links"]["cancel"].endswith(f"/exports/{export_id}/cancel")
    assert queries_of(stack, export_id) == 0
    assert shown["error"]["code"] == "cancelled"
    assert shown["links"]["cancel"] is None
    assert exports.get(f"/exports/{export_id}/download").status_code == 410
    again = exports.request("POST", f"/exports/{export_id}/cancel")
    assert (again.status_code, again.json()["status"]) == (202, "cancelled")


def test_an_export_that_waits_is_cancelled_and_never_starts(
    stack: Stack, exports: ExportsClient, airflow: AirflowClient, endless: str
) -> None:
    stack.stop_program("scheduler")
    try:
        export_id = exports.submit(exporter=endless, format="csv")["id"]
        answer = exports.request("POST", f"/exports/{export_id}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    finally:
        stack.start_program("scheduler")
        stack.wait_ready()
    assert exports.run(exporter="orders", limit=1)["result"]["rows"] == 1
    tried = airflow.get(f"/dags/export/dagRuns/export__{export_id}/taskInstances/export")
    assert (tried["state"], tried["pid"]) == ("skipped", None)
    assert exports.read(export_id)["status"] == "cancelled"


def test_a_finished_export_and_a_strangers_cannot_be_cancelled(
    exports: ExportsClient, admin_exports: ExportsClient
) -> None:
    done = exports.run(exporter="orders", limit=1)["id"]
    refused = exports.request("POST", f"/exports/{done}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "finished")
    of_admin = admin_exports.submit(exporter="orders", limit=1)["id"]
    assert exports.request("POST", f"/exports/{of_admin}/cancel").status_code == 404
    assert admin_exports.finish(of_admin)["status"] == "succeeded"


def test_a_run_from_airflows_form_is_cancelled_too(
    stack: Stack, airflow: AirflowClient, admin_exports: ExportsClient, endless: str
) -> None:
    run = airflow.post("/dags/export/dagRuns", {"logical_date": None, "conf": {"exporter": endless, "format": "csv"}})
    address = f"/runs/{quote(run['dag_run_id'], safe='')}"

    def look() -> str | None:
        items = admin_exports.get("/exports", exporter=endless, status="running").json()["items"]
        return next((item["id"] for item in items if item["links"]["airflow_run"].endswith(address)), None)

    export_id = wait_for("the export", look)
    running(admin_exports, export_id)
    assert admin_exports.request("POST", f"/exports/{export_id}/cancel").status_code == 202
    assert admin_exports.finish(export_id)["status"] == "cancelled"
    assert queries_of(stack, export_id) == 0


def test_running_again_gives_the_same_bytes_as_another_export(exports: ExportsClient) -> None:
    first = exports.run(exporter="orders", params={"status": "paid"}, format="csv", limit=7)
    answer = exports.request("POST", f"/exports/{first['id']}/rerun")
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "1")
    again = exports.finish(answer.json()["id"])
    assert answer.headers["Location"] == again["links"]["self"]
    assert (again["id"] != first["id"], again["params"]) == (True, first["params"])
    assert exports.download(again) == exports.download(first)


def test_a_deleted_export_leaves_nothing_in_the_store(
    stack: Stack, exports: ExportsClient, bucket: Bucket, endless: str
) -> None:
    done = exports.run(exporter="orders", limit=1)
    link = exports.http.get(done["download_url"]).headers["Location"]
    assert exports.request("DELETE", f"/exports/{done['id']}").status_code == 204
    assert bucket.left_of(done["id"]) == []
    assert httpx.get(link).status_code == 404
    for method, path in (("GET", ""), ("GET", "/download"), ("POST", "/cancel"), ("DELETE", "")):
        assert exports.request(method, f"/exports/{done['id']}{path}").status_code == 404

    export_id = exports.submit(exporter=endless, format="jsonl")["id"]
    running(exports, export_id)
    assert exports.request("DELETE", f"/exports/{export_id}").status_code == 204
    wait_for("the end of the query", lambda: queries_of(stack, export_id) == 0 or None)
    wait_for("an empty folder", lambda: not bucket.left_of(export_id) or None)
    assert exports.get(f"/exports/{export_id}").status_code == 404


def test_a_file_expires_when_its_request_said_so(exports: ExportsClient, bucket: Bucket) -> None:
    done = exports.run(exporter="orders", limit=1, expires_in="PT3S")
    assert done["expires_at"]
    wait_for("the removal", lambda: not bucket.left_of(done["id"]) or None)
    expired = exports.read(done["id"])
    assert (expired["status"], expired["expired"], expired["download_url"]) == ("succeeded", True, None)
    refused = exports.get(f"/exports/{done['id']}/download")
    assert (refused.status_code, refused.json()["code"]) == (410, "expired")
    assert exports.get(f"/exports/{done['id']}/manifest").json()["rows"] == 1
