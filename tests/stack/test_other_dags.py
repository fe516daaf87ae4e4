"""Exports in a DAG of one's own: cancelling one leaves the rest of its run alone."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack.client import wait_for
from tests.stack.endless import ENDLESS, SLOW, queries_of, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deploy.local.stack import Stack
    from tests.stack.bucket import Bucket
    from tests.stack.client import AirflowClient, ExportsClient

PAIR = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from operators.export import ExportOperator

with DAG("pair", schedule=None, is_paused_upon_creation=False):
    for name in ("pair_endless", "pair_slow"):
        export = ExportOperator(task_id=name, owner="admin", exporter=name, format="jsonl")
        export >> EmptyOperator(task_id=f"after_{name}")
"""


@pytest.fixture
def pair(workshop: Path, airflow: AirflowClient, exporter: Callable[[str, str], str]) -> str:
    """A DAG with two exports, each with a task that follows it."""
    exporter("pair_endless", ENDLESS)
    exporter("pair_slow", SLOW.replace("60000", "30000"))
    (workshop / "dags" / "pair.py").write_text(PAIR)

    def look() -> bool | None:
        return airflow.http.get("/api/v2/dags/pair").status_code == 200 or None

    wait_for("the DAG", look)
    return "pair"


AT_WORK = """
from export_api.gateway import Gateway

airflow = Gateway()
with airflow.session() as session:
    print(*airflow.at_work(session))
"""


def at_work(stack: Stack) -> list[str]:
    """Ask the gateway, as the API's clock does, which exports' tasks have not ended."""
    command = [sys.executable, "-W", "ignore", "-c", AT_WORK]
    asked = subprocess.run(command, env=stack.environment, capture_output=True, text=True, timeout=120, check=True)
    return asked.stdout.splitlines()[-1].split()


def test_cancelling_an_export_of_another_dag_stops_that_task_and_no_other(
    stack: Stack, airflow: AirflowClient, admin_exports: ExportsClient, bucket: Bucket, pair: str
) -> None:
    run_id = airflow.post(f"/dags/{pair}/dagRuns", {"logical_date": None})["dag_run_id"]

    def begun(exporter: str) -> dict[str, Any] | None:
        return next(iter(admin_exports.get("/exports", exporter=exporter).json()["items"]), None)

    doomed, sibling = (
        str(wait_for(f"the export {name}", lambda name=name: begun(name))["id"])  # type: ignore[misc]
        for name in ("pair_endless", "pair_slow")
    )
    running(admin_exports, doomed)
    running(admin_exports, sibling)
    assert doomed in at_work(stack), "what the sweep never touches"
    assert admin_exports.request("POST", f"/exports/{doomed}/cancel").status_code == 202
    assert admin_exports.finish(doomed)["status"] == "cancelled"
    assert queries_of(stack, doomed) == 0

    done = admin_exports.finish(sibling)
    assert (done["status"], done["attempt"], done["result"]["rows"]) == ("succeeded", 1, 30_000)
    assert admin_exports.download(done).count(b"\n") == 30_000

    def ended() -> str | None:
        state = airflow.get(f"/dags/{pair}/dagRuns/{run_id}")["state"]
        return state if state in {"success", "failed"} else None

    assert wait_for("the run's end", ended) == "failed"
    tasks = airflow.get(f"/dags/{pair}/dagRuns/{run_id}/taskInstances")["task_instances"]
    assert {task["task_id"]: task["state"] for task in tasks} == {
        "pair_endless": "failed",
        "after_pair_endless": "upstream_failed",
        "pair_slow": "success",
        "after_pair_slow": "success",
    }
    assert {task["task_id"]: task["try_number"] for task in tasks}["pair_endless"] == 1, "it is not tried again"
    wait_for("an empty folder", lambda: not bucket.left_of(doomed) or None)
    assert len(bucket.left_of(sibling)) == 2
