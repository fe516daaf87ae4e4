"""What lasts and what goes: exports outlive Airflow's runs, and nothing outlives the exports."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest

from include.waybill import main as verify
from tests.stack.client import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.local.stack import Stack
    from tests.stack.bucket import Bucket
    from tests.stack.client import ExportsClient

BROKEN = "title: Broken\nsource: shop\ncolumns: {id: {type: integer}}\nsql: select id from shop.nowhere\n"


@pytest.fixture
def metadata(stack: Stack) -> Iterator[psycopg.Connection]:
    """Airflow's database, and ours."""
    with psycopg.connect(stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def done(exports: ExportsClient) -> dict[str, Any]:
    return exports.run(exporter="orders", format="csv", limit=7)


@pytest.fixture(scope="module")
def failed(exports: ExportsClient, workshop: Path) -> dict[str, Any]:
    (workshop / "exporters" / "broken.yaml").write_text(BROKEN)
    export = exports.finish(exports.submit(exporter="broken", format="csv")["id"])
    assert export["status"] == "failed"
    return export


def clock_ticks(metadata: psycopg.Connection, exports: ExportsClient) -> None:
    """Return when the clock has ticked since: it has removed the key of a request, made long ago."""
    key = str(uuid4())
    exports.request(
        "POST", "/exports", json={"exporter": "orders", "limit": 1}, headers={"Idempotency-Key": key}
    ).raise_for_status()
    metadata.execute("update waybill_idempotency set created_at = now() - interval '3 days' where key = %s", (key,))
    for _ in range(2):  # the tick that removes it may have begun before

        def look() -> bool | None:
            row = metadata.execute("select count(*) from waybill_idempotency where key = %s", (key,)).fetchone()
            return row == (0,) or None

        wait_for("a tick of the clock", look)


def test_exports_outlive_the_runs_that_airflow_forgets(
    stack: Stack,
    exports: ExportsClient,
    bucket: Bucket,
    metadata: psycopg.Connection,
    done: dict[str, Any],
    failed: dict[str, Any],
    tmp_path: Path,
) -> None:
    """As an operator does it, with runs of a year ago."""
    before = [exports.read(export["id"]) for export in (done, failed)]
    content, kept = exports.download(done), bucket.left_of(done["id"])
    assert len(kept) == 2
    runs = [f"export__{export['id']}" for export in (done, failed)]
    for table, columns in {
        "dag_run": ("run_after", "start_date", "end_date"),
        "task_instance": ("start_date",),
    }.items():
        for column in columns:
            old = f"update {table} set {column} = {column} - interval '1 year' where run_id = any(%s)"
            metadata.execute(old.encode(), (runs,))
    month = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    command = [sys.executable, "-m", "airflow", "db", "clean", "--yes", "--clean-before-timestamp", month]
    cleaned = subprocess.run(command, env=stack.environment, capture_output=True, text=True, timeout=180, check=False)
    assert cleaned.returncode == 0, cleaned.stderr[-2000:]
    for table in ("dag_run", "task_instance"):
        assert metadata.execute(f"select 1 from {table} where run_id = any(%s)".encode(), (runs,)).fetchall() == []

    clock_ticks(metadata, exports)
    assert [exports.read(export["id"]) for export in (done, failed)] == before
    assert bucket.left_of(done["id"]) == kept
    assert exports.download(done) == content
    listed = {item["id"]: item["status"] for item in exports.get("/exports", limit=1000).json()["items"]}
    assert (listed[done["id"]], listed[failed["id"]]) == ("succeeded", "failed")
    file, manifest = tmp_path / done["result"]["files"][0]["name"], tmp_path / "manifest.json"
    file.write_bytes(content)
    manifest.write_text(exports.get(f"/exports/{done['id']}/manifest").text, encoding="utf-8")
    assert verify(["verify", str(file), str(manifest)]) == 0
    again = [exports.request("POST", f"/exports/{export['id']}/rerun") for export in (done, failed)]
    assert [answer.status_code for answer in again] == [202, 202]
    ends = [exports.finish(answer.json()["id"]) for answer in again]
    assert [end["status"] for end in ends] == ["succeeded", "failed"]
    assert exports.download(ends[0]) == content


def test_what_a_lost_worker_leaves_long_after_the_end_is_removed_and_its_neighbours_are_not(
    exports: ExportsClient,
    bucket: Bucket,
    metadata: psycopg.Connection,
    done: dict[str, Any],
    failed: dict[str, Any],
) -> None:
    """By a client of the bucket's own: no sweep of one export would come by again."""
    kept, young = set(bucket.left_of(done["id"])), str(uuid4())
    metadata.execute(
        "update waybill_export set settled_at = now() - interval '3 days', swept_at = now() where id = any(%s)",
        ([done["id"], failed["id"]],),
    )
    bucket.plant(f"exports/{young}/{uuid4()}/a.csv")
    bucket.plant("exports/photo.jpg")
    for export in (done, failed):
        bucket.plant(f"exports/{export['id']}/{uuid4()}/a.csv")
        bucket.begin(f"exports/{export['id']}/{uuid4()}/b.csv")
    wait_for("an empty folder", lambda: not bucket.left_of(failed["id"]) or None)
    wait_for("a folder with its file alone", lambda: set(bucket.left_of(done["id"])) == kept or None)
    assert len(bucket.left_of(young)) == 1
    assert bucket.keys() >= {"exports/photo.jpg"}
    told = "select sum((detail->>'objects')::int), sum((detail->>'uploads')::int) from waybill_audit"
    for export in (done, failed):
        row = metadata.execute(f"{told} where action = 'sweep' and export_id = %s".encode(), (export["id"],)).fetchone()
        assert row == (1, 1)
    assert exports.download(done)


def test_the_set_up_has_put_the_rule_on_the_bucket_and_health_knows(exports: ExportsClient, bucket: Bucket) -> None:
    rules = {rule["ID"]: rule for rule in bucket.rules()}
    assert rules["waybill exports/"]["Expiration"] == {"Days": 97}
    assert exports.get("/health").json()["checks"]["lifecycle"] == {"status": "ok", "message": None}
