"""What a data engineer sees in Airflow, through the API that its UI reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from tests.stack.client import wait_for

if TYPE_CHECKING:
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


def test_the_log_tells_stage_rows_rate_and_bytes(form_run: dict[str, Any], airflow: AirflowClient) -> None:
    path = f"/dags/export/dagRuns/{form_run['dag_run_id']}/taskInstances/export/logs/1"
    events = [str(entry.get("event", "")) for entry in airflow.get(path, full_content="true")["content"]]
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


def test_links_show_while_the_task_still_runs(exports: ExportsClient, airflow: AirflowClient, bucket: Bucket) -> None:
    export_id = exports.submit(exporter="machines", format="xlsx")["id"]
    base = f"/dags/export/dagRuns/export__{export_id}/taskInstances/export"

    def look() -> dict[str, Any] | None:
        links: dict[str, Any] = airflow.get(f"{base}/links")["extra_links"]
        return links if links.get("Export") else None

    wait_for("the links", look)
    assert airflow.get(base)["state"] in {"running", "success"}
    assert exports.finish(export_id)["status"] == "succeeded"
    assert len(bucket.left_of(export_id)) == 2


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
    assert {dag["dag_id"] for dag in airflow.get("/dags")["dags"]} == {"export", "weekly_orders"}


def test_marking_a_run_does_not_change_what_happened(
    exports: ExportsClient, airflow: AirflowClient, bucket: Bucket
) -> None:
    done = exports.run(exporter="orders", limit=2)
    airflow.patch(f"/dags/export/dagRuns/export__{done['id']}", {"state": "failed"})
    after = exports.read(done["id"])
    assert after["status"] == "succeeded"
    assert len(bucket.left_of(done["id"])) == 2
    assert exports.download(after)
