"""The servers that are measured: a stack of its own, with the benchmarks' exporter and an empty DAG."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import rows
from deploy.local import airflow
from deploy.local.postgres import Postgres
from deploy.local.stack import REPOSITORY, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.scale import Scale

HERE = Path(__file__).parent


@dataclass(slots=True)
class Bench:
    """One stack, and how much is measured on it."""

    stack: Stack
    scale: Scale

    @property
    def servers(self) -> dict[str, Any]:
        """What a contender needs to know of PostgreSQL and the store, as JSON."""
        store = self.stack.store
        return {
            "psql": str(Postgres(self.stack.home, self.stack.state).binaries / "psql"),
            "dsn": self.stack.demo_dsn,
            "endpoint_url": store.endpoint,
            "access_key": store.access_key,
            "secret_key": store.secret_key,
            "bucket": store.bucket,
            "region_name": store.region,
        }

    def run_python(self, module: str, order: dict[str, Any]) -> dict[str, Any]:
        """Run a module of the benchmarks as a process of its own, with Airflow's environment; return its answer."""
        done = subprocess.run(  # noqa: S603 - this Python
            [sys.executable, "-m", module],
            cwd=REPOSITORY,
            env=self.stack.environment,
            input=json.dumps({**self.servers, **order}),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{module} failed with {order}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def stop_airflow(self) -> None:
        """Stop Airflow, so that it takes no time from what is measured without it."""
        self.stack.supervisor.stop(*airflow.NAMES)

    def start_airflow(self) -> None:
        """Start Airflow if it does not run, and return when it is ready."""
        self.stack.supervisor.start(*airflow.NAMES)
        self.stack.wait_ready()


@contextmanager
def started(scale: Scale) -> Iterator[Bench]:
    """Start a stack with the filled table; remove everything at the end."""
    folder = Path(tempfile.mkdtemp(prefix="waybill-bench-"))
    folder.chmod(0o755)
    dags = folder / "dags"
    dags.mkdir()
    for file in (REPOSITORY / "dags/export.py", HERE / "dags/empty.py"):
        shutil.copy(file, dags)
    environment = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__WAYBILL__EXPORTERS_FOLDER": str(HERE / "exporters"),
        # A burst of one user is measured as far as the machine goes, not as far as fairness to others lets it.
        "AIRFLOW__WAYBILL__RUNNING_PER_USER": "100",
    }
    stack = Stack(folder / "home", extra_environment=environment, say=print)
    try:
        stack.start()
        most = max(*scale.memory_rows, scale.engine_rows)
        print(f"Filling a table of {most:,} rows", flush=True)
        rows.fill(stack, most)
        yield Bench(stack, scale)
    finally:
        stack.clean()
        shutil.rmtree(folder, ignore_errors=True)
