"""Reading a DAG file must not load heavy libraries: every task and every parse would pay for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ["pandas", "pyarrow", "polars", "boto3", "botocore", "openpyxl", "psycopg", "numpy"]
DAG_FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("dags/**/*.py"))

LOAD_FILE = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("loaded_file", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
"""

LOAD_PACKAGE = """
import importlib, json, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(found.name)
"""

TELL = "print(json.dumps(sorted(set(sys.argv[2:]) & set(sys.modules))))"


def heavy_after(code: str, what: str, home: Path) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "AIRFLOW_HOME": str(home)}
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code + TELL, what, *HEAVY],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    found: list[str] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_there_are_dag_files() -> None:
    assert "dags/export.py" in DAG_FILES


@pytest.mark.parametrize("path", DAG_FILES)
def test_a_dag_file_loads_nothing_heavy(path: str, tmp_path: Path) -> None:
    assert heavy_after(LOAD_FILE, path, tmp_path) == []


@pytest.mark.parametrize("package", ["include", "operators"])
def test_a_package_loads_nothing_heavy(package: str, tmp_path: Path) -> None:
    assert heavy_after(LOAD_PACKAGE, package, tmp_path) == []
