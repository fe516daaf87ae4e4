"""Exports as the native API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from export_api.db.models import Export
from export_api.reading import Shown
from export_api.shaping import Addresses, export_body
from export_api.sources import rows_of
from export_api.status import GONE, Observation, Status
from include.core.manifest import Consistency, SourceRecord
from tests.api.stand_in import START, make_manifest

ID = UUID("0d4f7f0e-5b1c-4a39-9d0e-6c1f3f0c2b7a")
BASE = "https://airflow.example/team"
PROGRESS = {
    "stage": "extracting",
    "rows": 12,
    "rows_estimated": 40,
    "bytes": 99,
    "percent": 30.0,
    "rows_verified": None,
}


def export(**changes: Any) -> Export:
    return Export(
        **{
            "id": ID,
            "dag_id": "export",
            "run_id": f"export__{ID}",
            "task_id": "export",
            "map_index": -1,
            "exporter": "machines",
            "format": "csv",
            "request": {"exporter": "machines", "params": {"id": 2**60}},
            "trigger": "api",
            "requested_by": "anna",
            "created_at": START,
            **changes,
        }
    )


def body(seen: Observation = GONE, **changes: Any) -> dict[str, Any]:
    return export_body(Shown(export(**changes), seen), Addresses(BASE)).model_dump(mode="json")


def test_a_running_export_shows_its_progress() -> None:
    seen = Observation(
        run_state="running",
        task_state="running",
        task_exists=True,
        attempt=2,
        started_at=START,
        told={"progress": PROGRESS},
    )
    shown = body(seen)
    assert (shown["status"], shown["unready"], shown["attempt"]) == ("running", True, 2)
    assert shown["progress"] == PROGRESS
    assert shown["sources"] == [{"exporter": "machines", "status": "running", "rows": 12}]
    assert (shown["started_at"], shown["finished_at"]) == ("2026-11-01T08:00:00Z", None)
    assert shown["download_url"] is shown["result"] is shown["error"] is shown["links"]["download"] is None


def test_a_finished_export_shows_its_files_without_storage_keys() -> None:
    manifest = make_manifest(ID, b"content")
    shown = body(
        status="succeeded", settled_at=START, finished_at=START, attempt=1, manifest=manifest.model_dump(mode="json")
    )
    assert shown["download_url"] == f"{BASE}/export-api/v1/exports/{ID}/download" == shown["links"]["download"]
    assert shown["unready"] is False
    (file,) = shown["result"]["files"]
    assert set(file) == {
        *("name", "format", "media_type", "bytes", "rows", "sha256", "crc32", "contents", "download_url")
    }
    assert file["download_url"] == f"{shown['download_url']}?file=machines.csv"
    assert shown["result"]["verification"]["verdict"] == "verified"


def test_the_address_of_one_file_holds_any_name() -> None:
    assert Addresses("").download(ID, "a&b ü+#%.csv").endswith("/download?file=a%26b%20%C3%BC%2B%23%25.csv")


SEVERAL: dict[str, Any] = {
    "exporter": "machines, orders, machines",
    "request": {
        "sources": [
            {"exporter": "machines", "params": {"platform": "MACOS"}},
            {"exporter": "orders"},
            {"exporter": "machines"},
        ]
    },
}


def test_an_export_of_several_exporters_names_each_under_sources() -> None:
    shown = body(Observation(run_state="running", task_state="running", task_exists=True), **SEVERAL)
    assert (shown["exporter"], shown["params"]) == (None, {})
    assert shown["sources"] == [
        {"exporter": name, "status": "running", "rows": None} for name in ("machines", "orders", "machines")
    ]


def test_an_export_of_several_exporters_tells_the_rows_of_each_when_it_is_done() -> None:
    record = {"connection": "c", "kind": "k", "consistency": "snapshot", "snapshot": None, "query_sha256": ""}
    read = [("machines", 3), ("orders", 40), ("machines", 500)]
    manifest = make_manifest(ID, b"content").model_dump(mode="json")
    manifest["sources"] = [
        {**record, "exporter": name, "rows": rows, "place": place} for place, (name, rows) in enumerate(read)
    ]
    shown = body(status="succeeded", settled_at=START, attempt=1, manifest=manifest, **SEVERAL)
    assert [(source["exporter"], source["rows"]) for source in shown["sources"]] == read


def test_one_source_is_one_exporter() -> None:
    request = {"sources": [{"exporter": "machines", "params": {"platform": "MACOS"}}]}
    shown = body(request=request)
    assert (shown["exporter"], shown["params"]) == ("machines", {"platform": "MACOS"})
    assert [source["exporter"] for source in shown["sources"]] == ["machines"]


@pytest.mark.parametrize(
    ("reads", "rows"),
    [
        ([(0, 1), (1, 2), (2, 3)], [1, 2, 3]),
        ([(0, 1), (0, 2), (1, 3), (2, 4), (2, 5)], [3, 3, 9]),
        ([(1, 5)], [0, 5, 0]),
    ],
)
def test_the_rows_of_a_source_that_reads_more_than_once_are_added_up(
    reads: list[tuple[int, int]], rows: list[int]
) -> None:
    records = [
        SourceRecord(
            connection="c",
            kind="k",
            rows=count,
            consistency=Consistency.NONE,
            snapshot=None,
            query_sha256="",
            exporter="a",
            place=place,
        )
        for place, count in reads
    ]
    assert rows_of(3, records) == rows


@pytest.mark.parametrize("progress", ["text", 7, {}, {"stage": "x"}, {**PROGRESS, "rows": "many"}])
def test_progress_that_is_not_ours_is_left_out(progress: object) -> None:
    seen = Observation(run_state="running", task_state="running", task_exists=True, told={"progress": progress})
    assert body(seen)["progress"] is None


@pytest.mark.parametrize(
    ("code", "retryable", "status"),
    [("invalid_request", False, 422), ("verification_failed", False, 500), ("new", False, 500), ("new", True, 503)],
)
def test_the_error_s_status_is_that_of_its_code(code: str, status: int, *, retryable: bool) -> None:
    error = {"code": code, "detail": "No.", "retryable": retryable}
    shown = body(status="failed", settled_at=START, error=error)["error"]
    assert (shown["status"], shown["type"]) == (status, f"urn:waybill:problem:{code}")


def test_links_lead_into_airflow_s_ui() -> None:
    links = body(dag_id="my dag", run_id="scheduled__2026-11-01T00:00:00+00:00", task_id="a/b", map_index=3)["links"]
    run = f"{BASE}/dags/my%20dag/runs/scheduled__2026-11-01T00%3A00%3A00%2B00%3A00"
    assert links["airflow_run"] == run
    assert links["log"] == f"{run}/tasks/a%2Fb/mapped/3"
    assert body()["links"]["log"] == f"{BASE}/dags/export/runs/export__{ID}/tasks/export"


def test_times_are_utc_whatever_zone_they_come_in() -> None:
    moment = datetime.fromisoformat("2026-11-01T09:00:00+01:00")
    assert body(created_at=moment.astimezone(UTC))["created_at"] == "2026-11-01T08:00:00Z"
    assert body(created_at=moment)["created_at"] == "2026-11-01T08:00:00Z"


def test_an_export_that_ended_and_is_not_settled_is_verifying() -> None:
    assert body(GONE)["status"] == Status.VERIFYING
