"""What a data engineer sees in Airflow, through the API that its UI reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from tests.stack.client import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.local.stack import Stack
    from tests.stack.bucket import Bucket
    from tests.stack.client import AirflowClient, ExportsClient


@pytest.fixture(scope="module")
def form_run(airflow: AirflowClient) -> dict[str, Any]:
    """A run as Airflow's own form starts it: every field filled in, untouched ones with their defaults."""
    fields = airflow.get("/dags/export/details")["params"]
    conf = {name: field["value"] for name, field in fields.items()}
    conf |= {"exporter": "order_taxes", "format": "jsonl", "limit": 1234, "filename": "taxes"}
    run: dict[str, Any] = airflow.post("/dags/export/dagRuns", {"logical_date": None, "conf": conf})

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = airflow.get(f"/dags/export/dagRuns/{run['dag_run_id']}")
        return found if found["state"] in {"success", "failed"} else None

    return wait_for("the form's run", look)


@pytest.fixture(scope="module")
def form_export(form_run: dict[str, Any], admin_exports: ExportsClient) -> dict[str, Any]:
    """The same run in the API's list."""
    assert form_run["state"] == "success"

    def look() -> dict[str, Any] | None:
        items = admin_exports.get("/exports", exporter="order_taxes", status="succeeded").json()["items"]
        return next(
            (item for item in items if quote(form_run["dag_run_id"], safe="") in item["links"]["airflow_run"]), None
        )

    return wait_for("the form's run in the list of exports", look)


def test_a_run_from_airflows_form_is_an_export_with_a_download(
    form_export: dict[str, Any], admin_exports: ExportsClient
) -> None:
    assert (form_export["trigger"], form_export["requested_by"]) == ("airflow", "admin")
    assert form_export["exporter"] == "order_taxes"
    whole = admin_exports.read(form_export["id"])
    assert whole["result"]["files"][0]["name"] == "taxes.jsonl"
    assert admin_exports.download(whole).count(b"\n") == 1234


def test_the_run_shows_its_conf(form_run: dict[str, Any], airflow: AirflowClient, exports: ExportsClient) -> None:
    assert form_run["conf"]["exporter"] == "order_taxes"
    export = exports.run(exporter="orders", params={"status": "paid"}, limit=3)
    run = airflow.get(f"/dags/export/dagRuns/export__{export['id']}")
    assert run["conf"] == {"exporter": "orders", "format": "csv", "params": {"status": "paid"}, "limit": 3}
    assert run["triggering_user_name"] == export["requested_by"]


def test_the_log_tells_how_many_rows_were_read_back(airflow: AirflowClient, exports: ExportsClient) -> None:
    export = exports.run(exporter="orders", limit=30, format="csv", verify="full")
    run_id = f"export__{export['id']}"
    wait_for("the line in the log", lambda: "read back: 30 of 30 rows" in airflow.log_of(run_id) or None)


def test_the_log_tells_stage_rows_rate_and_bytes(form_run: dict[str, Any], airflow: AirflowClient) -> None:
    events = airflow.log_of(form_run["dag_run_id"])
    lines = [line for line in events if line.startswith("stage=")]
    assert [re.match(r"stage=(\w+) rows=\d+ rows/s=\d+ bytes=\d+$", line)[1] for line in lines] == [  # type: ignore[index]
        *("extracting", "verifying", "publishing", "done")
    ]
    assert "rows=1234" in lines[-1]
    assert any("verdict verified" in line for line in events)


def test_the_task_links_to_the_export_and_to_its_file(
    form_run: dict[str, Any], form_export: dict[str, Any], airflow: AirflowClient, stack: Stack
) -> None:
    path = f"/dags/export/dagRuns/{form_run['dag_run_id']}/taskInstances/export/links"
    links = airflow.get(path)["extra_links"]
    assert links["Export"].endswith(f"/export-api/v1/exports/{form_export['id']}")
    headers = {"Authorization": f"Bearer {airflow.token}"}
    file = httpx.get(stack.url + links["File"].removeprefix(stack.url), headers=headers)
    assert file.status_code == 302
    assert httpx.get(file.headers["Location"]).status_code == 200


def test_links_show_before_the_task_has_ended(exports: ExportsClient, airflow: AirflowClient, bucket: Bucket) -> None:
    export_id = exports.submit(exporter="machines", format="xlsx")["id"]
    base = f"/dags/export/dagRuns/export__{export_id}/taskInstances/export"

    links = airflow.get(f"{base}/links")["extra_links"]
    assert links["Export"].endswith(f"/exports/{export_id}")
    assert airflow.get(base)["state"] != "success"
    assert exports.finish(export_id)["status"] == "succeeded"
    assert len(bucket.left_of(export_id)) == 2


def ended(airflow: AirflowClient, conf: dict[str, Any]) -> dict[str, Any]:
    run = airflow.post("/dags/export/dagRuns", {"logical_date": None, "conf": conf})

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = airflow.get(f"/dags/export/dagRuns/{run['dag_run_id']}")
        return found if found["state"] in {"success", "failed"} else None

    return wait_for("the run's end", look)


def export_of(run: dict[str, Any], exports: ExportsClient, **wanted: Any) -> dict[str, Any]:
    """The run's export, from the API's list."""

    def look() -> dict[str, Any] | None:
        items = exports.get("/exports", **wanted).json()["items"]
        return next((item for item in items if quote(run["dag_run_id"], safe="") in item["links"]["airflow_run"]), None)

    return wait_for("the run in the list of exports", look)


SOURCES = [{"exporter": "orders", "limit": 5}, {"exporter": "order_taxes", "limit": 6}]


@pytest.mark.parametrize("untouched", [False, True], ids=["conf", "form"])
def test_a_run_with_several_exporters_has_no_other(
    airflow: AirflowClient, admin_exports: ExportsClient, *, untouched: bool
) -> None:
    """The form sends every field; its example of an exporter is emptied by whoever fills in several."""
    fields = airflow.get("/dags/export/details")["params"]
    form = {name: field["value"] for name, field in fields.items()} | {"exporter": None}
    conf = {**(form if untouched else {}), "sources": SOURCES, "format": "jsonl", "filename": "two"}
    run = ended(airflow, conf)
    assert run["state"] == "success"
    export = export_of(run, admin_exports, exporter="order_taxes", status="succeeded")
    assert (export["exporter"], export["trigger"]) == (None, "airflow")
    assert [(source["exporter"], source["rows"]) for source in export["sources"]] == [("orders", 5), ("order_taxes", 6)]
    [file] = export["result"]["files"]
    assert file["contents"] == [{"name": "orders.jsonl", "rows": 5}, {"name": "order_taxes.jsonl", "rows": 6}]


def test_the_form_compresses_and_splits(airflow: AirflowClient, admin_exports: ExportsClient) -> None:
    fields = airflow.get("/dags/export/details")["params"]
    assert fields["compression"]["schema"]["enum"] == [None, "gzip", "zip", "zstd"]
    conf = {name: field["value"] for name, field in fields.items()}
    conf |= {"exporter": "orders", "limit": 7, "compression": "gzip", "split": {"rows": 4}, "filename": "parts"}
    run = ended(airflow, conf)
    assert run["state"] == "success"
    export = export_of(run, admin_exports, exporter="orders", status="succeeded")
    assert [(file["name"], file["rows"]) for file in export["result"]["files"]] == [
        ("parts-0001.csv.gz", 4),
        ("parts-0002.csv.gz", 3),
    ]


def test_the_conf_of_a_request_holds_what_was_asked_for_and_nothing_else(
    airflow: AirflowClient, exports: ExportsClient
) -> None:
    body: dict[str, Any] = {"sources": SOURCES, "format": "xlsx", "name": "Two"}
    export = exports.run(**body)
    assert airflow.get(f"/dags/export/dagRuns/export__{export['id']}")["conf"] == body
    body = {"exporter": "orders", "limit": 7, "split": {"rows": 4}, "compression": "zstd", "format": "csv"}
    export = exports.run(**body)
    assert airflow.get(f"/dags/export/dagRuns/export__{export['id']}")["conf"] == body


def test_an_exporter_beside_several_is_refused_in_the_form_too(
    airflow: AirflowClient, admin_exports: ExportsClient
) -> None:
    run = ended(airflow, {"exporter": "orders", "sources": SOURCES})
    error = export_of(run, admin_exports, status="failed")["error"]
    assert error["code"] == "invalid_request"
    assert "/exporter: With sources, write this inside of each source." in error["detail"]


def test_a_wrong_request_from_the_form_fails_with_the_pointer(
    airflow: AirflowClient, admin_exports: ExportsClient
) -> None:
    conf = {"exporter": "orders", "format": "csv", "columns": ["nothing"]}
    run = airflow.post("/dags/export/dagRuns", {"logical_date": None, "conf": conf})

    def look() -> dict[str, Any] | None:
        items = admin_exports.get("/exports", status="failed").json()["items"]
        return next((item for item in items if quote(run["dag_run_id"], safe="") in item["links"]["airflow_run"]), None)

    error = wait_for("the failure", look)["error"]
    assert error["code"] == "invalid_request"
    assert "/columns/0" in error["detail"]


def test_neither_dags_nor_plugins_have_import_errors(airflow: AirflowClient) -> None:
    assert airflow.get("/importErrors")["import_errors"] == []
    assert airflow.get("/plugins/importErrors")["import_errors"] == []
    dags = airflow.get("/dags")["dags"]
    assert {dag["dag_id"] for dag in dags if dag["bundle_name"] == "dags-folder"} == {"export", "weekly_orders"}


def test_marking_a_run_does_not_change_what_happened(
    exports: ExportsClient, airflow: AirflowClient, bucket: Bucket
) -> None:
    done = exports.run(exporter="orders", limit=2)
    airflow.patch(f"/dags/export/dagRuns/export__{done['id']}", {"state": "failed"})
    after = exports.read(done["id"])
    assert after["status"] == "succeeded"
    assert len(bucket.left_of(done["id"])) == 2
    assert exports.download(after)


def test_clearing_a_run_whose_file_is_published_keeps_the_file_and_says_so(
    airflow: AirflowClient, exports: ExportsClient, bucket: Bucket
) -> None:
    export = exports.run(exporter="orders", limit=3)
    before, run_id = bucket.left_of(export["id"]), f"export__{export['id']}"
    airflow.clear("export", run_id)
    path = f"/dags/export/dagRuns/{run_id}/taskInstances/export"

    def look() -> bool | None:
        instance = airflow.get(path)
        return True if (instance["try_number"], instance["state"]) == (2, "success") else None

    wait_for("the second attempt", look)
    events = airflow.log_of(run_id, attempt=2)
    assert any("Attempt 1 has published this export, and its file is kept." in event for event in events)
    assert bucket.left_of(export["id"]) == before
    assert exports.read(export["id"]) == export


def test_clearing_a_run_without_a_file_runs_the_export_again(
    airflow: AirflowClient, exports: ExportsClient, exporter: Callable[[str, str], str], bucket: Bucket
) -> None:
    name = exporter("mended", BROKEN)
    export_id = exports.submit(exporter=name, format="csv")["id"]
    assert exports.finish(export_id)["status"] == "failed"
    exporter(name, BROKEN.replace("shop.nowhere", "shop.orders"))
    airflow.clear("export", f"export__{export_id}")
    wait_for("the success", lambda: exports.read(export_id)["status"] == "succeeded" or None)
    export = exports.read(export_id)
    assert (export["attempt"], export["error"]) == (2, None)
    assert exports.download(export).splitlines()[0] == b"id"
    assert len(bucket.left_of(export_id)) == 2


BROKEN = """
title: Broken at first
source: shop
columns: {id: {type: integer}}
key: [id]
sql: select id from shop.nowhere
"""
