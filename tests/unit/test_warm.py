"""Warm workers: what config/airflow_local_settings.py leaves in the process that forks tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"pandas", "pyarrow", "polars", "boto3", "openpyxl", "numpy"}
OURS = (
    "include.artifacts.client",
    "include.core.export",
    "operators.connections",
    "operators.export",
    "operators.settings",
    "operators.stores",
    "include.sources.postgres",
    "include.formats.csv",
)
WARM = {*HEAVY, "psycopg", "operators.export", "airflow.sdk.execution_time.supervisor"} - {"polars"}

TELL = """
import json, os, sys, threading
from pathlib import Path

import airflow

tasks = Path("/proc/self/task")
print(json.dumps({
    "modules": list(sys.modules),
    "stores": len(stores._ready) if (stores := sys.modules.get("operators.stores")) else None,
    "python_threads": threading.active_count(),
    "threads": [(task / "comm").read_text().strip() for task in tasks.iterdir()] if tasks.exists() else ["python"],
}))
"""

STORE_IN_A_CHILD = """
import json, os, sys

import airflow
from operators import stores
from operators.settings import airflow_settings

ready = [store for _, store in stores._ready]
child = os.fork()
if child == 0:
    same = [store is stores.open_store(airflow_settings()) for store in ready]
    connection = json.loads(os.environ["AIRFLOW_CONN_WAYBILL_STORE"])
    os.environ["AIRFLOW_CONN_WAYBILL_STORE"] = json.dumps(connection | {"password": "changed"})
    changed = [store is stores.open_store(airflow_settings()) for store in ready]
    print(json.dumps({"same": same, "changed": changed}), flush=True)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

STORE: dict[str, Any] = {
    "conn_type": "aws",
    "login": "somebody",
    "password": "some secret",
    "extra": {"bucket": "b", "region_name": "us-east-1", "endpoint_url": "http://127.0.0.1:9"},
}

EXPORT_IN_A_CHILD = """
import os, sys

import airflow

assert "pyarrow" in sys.modules
child = os.fork()
if child == 0:
    import polars as pl
    import pyarrow as pa

    table = pa.table({"a": list(range(100_000))})
    frame = pl.from_arrow(table).lazy().select(pl.col("a").cast(pl.String) + "x").collect()
    os._exit(0 if frame.height == len(frame.write_csv().splitlines()) - 1 == 100_000 else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def run(
    code: str, home: Path, *, warm: str | None, path: Path | None = None, store: dict[str, Any] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.endswith(("_CONF", "_THREADS", "WARM"))
    }
    folders = [path] if path else [ROOT, ROOT / "plugins"]
    environment |= {"PYTHONPATH": os.pathsep.join(map(str, [*folders, ROOT / "config"])), "AIRFLOW_HOME": str(home)}
    environment |= {"WAYBILL_WARM": warm} if warm is not None else {}
    environment |= {"AIRFLOW_CONN_WAYBILL_STORE": json.dumps(store)} if store is not None else {}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def found(home: Path, **how: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(TELL, home, **how).stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("value", [None, "", "0"])
def test_nothing_heavy_is_imported_where_nobody_asks_for_it(value: str | None, tmp_path: Path) -> None:
    process = found(tmp_path, warm=value)
    assert "airflow_local_settings" in process["modules"]
    assert not HEAVY & set(process["modules"])
    assert "operators.export" not in process["modules"]


def test_a_warm_process_has_the_modules_and_one_thread(tmp_path: Path) -> None:
    process = found(tmp_path, warm="1")
    assert WARM - set(process["modules"]) == set()
    assert process["python_threads"] == 1
    assert len(process["threads"]) == 1, process["threads"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_polars_and_arrow_work_in_a_process_forked_from_a_warm_one(tmp_path: Path) -> None:
    run(EXPORT_IN_A_CHILD, tmp_path, warm="1")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_task_finds_its_store_connected_as_long_as_the_connection_is_the_same(tmp_path: Path) -> None:
    answer = run(STORE_IN_A_CHILD, tmp_path, warm="1", store=STORE)
    assert json.loads(answer.stdout.splitlines()[-1]) == {"same": [True], "changed": [False]}


@pytest.mark.parametrize(
    "other",
    [{"login": None, "password": None}, {"extra": {**STORE["extra"], "role_arn": "arn:aws:iam::1:role/exports"}}],
    ids=["keys of the machine", "a role"],
)
def test_what_would_need_the_network_is_left_to_the_task(other: dict[str, Any], tmp_path: Path) -> None:
    process = found(tmp_path, warm="1", store=STORE | other)
    assert process["stores"] == 0
    assert process["python_threads"] == 1


def test_a_module_that_cannot_be_imported_is_a_warning_and_no_more(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "openpyxl.py").write_text("raise RuntimeError('broken')", encoding="utf-8")
    answer = run(TELL, tmp_path, warm="1", path=broken)  # where the product is not on the path either
    warnings = [line for line in answer.stderr.splitlines() if "Not imported ahead of tasks" in line]
    assert len(warnings) == len(OURS) + 1
    assert "openpyxl (broken)" in answer.stderr
    assert "operators.export (No module named 'operators')" in answer.stderr
    assert "pyarrow" in json.loads(answer.stdout.splitlines()[-1])["modules"]
