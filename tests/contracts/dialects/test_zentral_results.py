"""What became of an export, in Celery's words; and its file."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from export_api.db.models import Audit
from tests.api.stand_in import ADMIN, FAILED, RUNNING, START, SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from export_api.caller import Caller
    from export_api.status import Observation
    from include.core.manifest import FileRecord
    from tests.api.stand_in import Bench

    Wire = Callable[[str, Caller | None], TestClient]

UNKNOWN = "0d4f7f0e-5b1c-4a39-9d0e-6c1f3f0c2b7a"
QUEUED = replace(RUNNING, task_state="queued", run_state="queued")
PROGRESS = {"stage": "extracting", "rows": 50, "rows_estimated": 200, "bytes": 0, "percent": 25.0}
WHY = {"code": "source_refused", "detail": "The source refused the query.", "retryable": False}


@pytest.fixture
def client(wire: Wire, anna: Caller) -> TestClient:
    return wire("zentral", anna)


def make(bench: Bench, client: TestClient, seen: Observation, path: str = "machines/export/") -> str:
    task_id: str = client.post(f"/api/inventory/{path}").json()["task_id"]
    bench.airflow.seen[UUID(task_id)] = seen
    return task_id


def publish(bench: Bench, task_id: str, *contents: bytes) -> FileRecord:
    """Put into the store what a good run of the machines leaves there; its file is kept for a week."""
    made = bench.publish(UUID(task_id), *contents)
    manifest = made.model_copy(update={"exporter": "inventory_machines", "expires_at": bench.time + timedelta(days=7)})
    bench.store.objects[f"{task_id}/manifest.json"] = manifest.to_bytes()
    return manifest.files[0]


def result_of(client: TestClient, task_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/task_result/{task_id}/")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def not_found(client: TestClient, task_id: str) -> bool:
    answer = client.get(f"/api/task_result/{task_id}/download/")
    return (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


NAME = "zentral.contrib.inventory.tasks.export_inventory"


@pytest.mark.parametrize(
    ("seen", "status", "more"),
    [
        (QUEUED, "PENDING", {}),
        (RUNNING, "STARTED", {}),
        (replace(RUNNING, told={"progress": PROGRESS}), "STARTED", {"percentage": 25.0}),
        (replace(RUNNING, told={"progress": {**PROGRESS, "percent": None}}), "STARTED", {}),
        (replace(RUNNING, told={"progress": {**PROGRESS, "stage": "verifying"}}), "STARTED", {"percentage": 25.0}),
        (replace(RUNNING, task_state="up_for_retry"), "PENDING", {}),
    ],
)
def test_an_export_that_has_not_ended_is_unready_and_has_no_download_url(
    bench: Bench, client: TestClient, seen: Observation, status: str, more: dict[str, Any]
) -> None:
    task_id = make(bench, client, seen)
    assert result_of(client, task_id) == {"name": NAME, "id": task_id, "status": status, "unready": True, **more}
    assert not_found(client, task_id)


def test_an_export_that_succeeded_has_the_headers_of_its_file_and_a_download_url(
    bench: Bench, client: TestClient
) -> None:
    task_id = make(bench, client, SUCCEEDED)
    file = publish(bench, task_id, b"content")
    assert result_of(client, task_id) == {
        "name": NAME,
        "id": task_id,
        "status": "SUCCESS",
        "unready": False,
        "percentage": 100.0,
        "result": {
            "headers": {
                "Content-Type": "text/csv",
                "Content-Length": 7,
                "Content-Disposition": f'attachment; filename="{file.name}"',
            }
        },
        "download_url": f"/api/task_result/{task_id}/download/",
    }


def test_a_download_leads_to_a_link_that_needs_no_credentials_and_is_audited(
    bench: Bench, client: TestClient, anna: Caller
) -> None:
    task_id = make(bench, client, SUCCEEDED)
    file = publish(bench, task_id)
    for path in (f"/api/task_result/{task_id}/download/", f"/api/task_result/{task_id}/download"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (302, "no-store")
        assert answer.headers["location"].startswith(f"https://store.example/{file.key}?name={file.name}")
    with bench.airflow.session() as session:
        entries = session.query(Audit).filter_by(action="download", caller=anna.name).all()
        assert [str(entry.export_id) for entry in entries] == [task_id, task_id]


def test_an_export_that_failed_says_why(bench: Bench, client: TestClient) -> None:
    task_id = make(bench, client, replace(FAILED, told={"error": WHY}))
    assert result_of(client, task_id) == {
        "name": NAME,
        "id": task_id,
        "status": "FAILURE",
        "unready": False,
        "error": WHY["detail"],
    }
    assert not_found(client, task_id)


def test_an_export_that_was_cancelled_is_revoked(bench: Bench, client: TestClient) -> None:
    task_id = make(bench, client, replace(RUNNING, started_at=START))
    assert client.post(f"/export-api/v1/exports/{task_id}/cancel").status_code == 202
    assert result_of(client, task_id)["status"] == "STARTED"
    bench.airflow.seen[UUID(task_id)] = replace(FAILED, started_at=START, ended_at=START, told={"released": 1})
    assert result_of(client, task_id) == {"name": NAME, "id": task_id, "status": "REVOKED", "unready": False}
    assert not_found(client, task_id)


def test_an_expired_export_was_a_success_but_has_no_file(bench: Bench, client: TestClient) -> None:
    task_id = make(bench, client, SUCCEEDED)
    publish(bench, task_id)
    assert "download_url" in result_of(client, task_id)
    bench.pass_time(days=8)
    found = result_of(client, task_id)
    assert (found["status"], found["unready"], "download_url" in found) == ("SUCCESS", False, False)
    assert not_found(client, task_id)


@pytest.mark.parametrize("written", [UNKNOWN, UNKNOWN.upper(), UNKNOWN.replace("-", "")])
def test_an_unknown_export_is_always_still_to_come(client: TestClient, written: str) -> None:
    assert result_of(client, written) == {"id": UNKNOWN, "status": "UNKNOWN", "unready": True}
    assert not_found(client, written)


@pytest.mark.parametrize("seen", [QUEUED, RUNNING, SUCCEEDED, FAILED])
def test_a_stranger_is_answered_as_for_an_unknown_export(
    bench: Bench, wire: Wire, client: TestClient, bert: Caller, seen: Observation
) -> None:
    task_id = make(bench, client, seen)
    if seen is SUCCEEDED:
        publish(bench, task_id)
    result_of(client, task_id)  # what the owner was shown is no stranger's
    stranger = wire("zentral", bert)
    assert result_of(stranger, task_id) == {"id": task_id, "status": "UNKNOWN", "unready": True}
    assert not_found(stranger, task_id)


def test_who_may_see_all_exports_sees_this_one(bench: Bench, wire: Wire, client: TestClient) -> None:
    task_id = make(bench, client, SUCCEEDED)
    publish(bench, task_id)
    admin = wire("zentral", ADMIN)
    assert result_of(admin, task_id)["status"] == "SUCCESS"
    assert admin.get(f"/api/task_result/{task_id}/download/").status_code == 302


@pytest.mark.parametrize(
    ("path", "task"),
    [
        ("machines/export/", "export_inventory"),
        ("macos_apps/export/", "export_macos_apps"),
        ("ios_apps/export/", "export_ios_apps"),
        ("android_apps/export/", "export_android_apps"),
        ("deb_packages/export/", "export_deb_packages"),
        ("programs/export/", "export_programs"),
        ("machines/export_android_apps/", "export_machine_android_apps"),
        ("machines/export_deb_packages/", "export_machine_deb_packages"),
        ("machines/export_ios_apps/", "export_machine_ios_apps"),
        ("machines/export_macos_app_instances/", "export_machine_macos_app_instances"),
        ("machines/export_program_instances/", "export_machine_program_instances"),
        ("machines/export_snapshots/", "export_machine_snapshots"),
    ],
)
def test_every_result_bears_the_name_of_its_task(bench: Bench, client: TestClient, path: str, task: str) -> None:
    name = result_of(client, make(bench, client, RUNNING, path))["name"]
    assert name == f"zentral.contrib.inventory.tasks.{task}"


def test_an_export_of_the_native_api_has_a_result_too(bench: Bench, client: TestClient) -> None:
    export_id = client.post("/export-api/v1/exports", json={"exporter": "machines", "split": {"rows": 1}}).json()["id"]
    bench.airflow.seen[UUID(export_id)] = SUCCEEDED
    bench.publish(UUID(export_id), b"a", b"b")
    found = result_of(client, export_id)
    assert (found["name"], found["result"]["headers"]) == ("waybill.machines", {"Content-Type": "application/zip"})
    answer = client.get(found["download_url"])
    assert (answer.status_code, answer.headers["location"]) == (302, f"/export-api/v1/exports/{export_id}/content")


def test_no_question_starts_anything(bench: Bench, client: TestClient) -> None:
    task_id = make(bench, client, RUNNING)
    result_of(client, task_id)
    client.get(f"/api/task_result/{task_id}/download/")
    assert len(bench.airflow.triggered) == 1
