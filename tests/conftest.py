"""The real stack, started once for every folder whose tests ask for it, and by no other test.

Two processes run the tests where pytest is told so (``-n 2``): those on real stacks are one lot, which one process
takes, for there is one stack and some of them look at the clock; the other process takes the rest, and gives way.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

    from deploy.local.stack import Stack
    from tests.stack.bucket import Bucket
    from tests.stack.client import AirflowClient, ExportsClient

# The fixtures import what they need themselves: the fast tests collect this file too.

ON_A_STACK = ("tests/browser/", "tests/faults/", "tests/stack/")
LOWEST_PRIORITY = 19


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out the tests on a stack first, and together."""
    from xdist.scheduler import LoadScopeScheduling

    class StackTogether(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return "stack" if nodeid.startswith(ON_A_STACK) else nodeid

    return StackTogether(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give way to the tests on the stack, which are not slower then than by themselves."""
    if "PYTEST_XDIST_WORKER" in os.environ and not item.nodeid.startswith(ON_A_STACK):
        os.nice(LOWEST_PRIORITY)


@pytest.fixture(scope="session")
def workshop() -> Iterator[Path]:
    """A folder for the exporters, DAGs and databases that tests make, readable by every process of the stack."""
    folder = Path(tempfile.mkdtemp(prefix="waybill-tests-"))
    folder.chmod(0o755)
    (folder / "exporters").mkdir()
    (folder / "dags").mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def stack(workshop: Path) -> Iterator[Stack]:
    """PostgreSQL, SeaweedFS and Airflow's own processes, driven over HTTP; every manifest is signed."""
    from deploy.local.stack import Stack
    from tests.stack.client import new_signing_key

    started = Stack(
        workshop / "home",
        extra_environment={
            "AIRFLOW__WAYBILL__EXPORTERS_FOLDER": str(workshop / "exporters"),
            "AIRFLOW__WAYBILL__CLOCK_SECONDS": "1",
            "AIRFLOW__WAYBILL__SWEEP_MINUTES": "0.01",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
                [
                    {"name": name, "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": folder}
                    for name, folder in {"dags-folder": {}, "tests": {"path": str(workshop / "dags")}}.items()
                ]
            ),
            "AIRFLOW__WAYBILL__WEBHOOK_ALLOWED_TARGETS": "127.0.0.1",
            "AIRFLOW__WAYBILL__SMTP_CONNECTION": "waybill_mail",
            "AIRFLOW__WAYBILL__EMAIL_DOMAINS": "example.com",
            "AIRFLOW__WAYBILL__SIGNING_CONNECTION": "waybill_signing",
            "AIRFLOW_CONN_WAYBILL_SIGNING": json.dumps({"conn_type": "generic", "password": new_signing_key()}),
            "AIRFLOW_CONN_LITE": json.dumps({"conn_type": "sqlite", "host": str(workshop / "lite.db")}),
            "AIRFLOW_CONN_NOWHERE": json.dumps(
                {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "x", "password": "not-a-secret"}
            ),
        },
    )
    try:
        started.start()
        yield started
    finally:
        started.clean()


@pytest.fixture(scope="session")
def airflow(stack: Stack) -> Iterator[AirflowClient]:
    from tests.stack.client import AirflowClient

    with AirflowClient(stack.url, "admin", stack.admin_password) as client:
        yield client


@pytest.fixture(scope="session")
def exports(stack: Stack) -> Iterator[ExportsClient]:
    """The API as the demo's service account."""
    from tests.stack.client import ExportsClient

    with ExportsClient(stack.url, f"Token {stack.token}") as client:
        yield client


@pytest.fixture(scope="session")
def admin_exports(stack: Stack, airflow: AirflowClient) -> Iterator[ExportsClient]:
    """The API as Airflow's admin, by JWT."""
    from tests.stack.client import ExportsClient

    with ExportsClient(stack.url, f"Bearer {airflow.token}") as client:
        yield client


@pytest.fixture
def demo(stack: Stack) -> Iterator[psycopg.Connection]:
    import psycopg

    with psycopg.connect(stack.demo_dsn, options="-c TimeZone=UTC") as connection:
        yield connection


@pytest.fixture
def exporter(workshop: Path) -> Callable[[str, str], str]:
    """Write an exporter's file; the API knows it at once."""

    def write(name: str, text: str) -> str:
        (workshop / "exporters" / f"{name}.yaml").write_text(text)
        return name

    return write


@pytest.fixture(scope="session")
def bucket(stack: Stack) -> Bucket:
    from tests.stack.bucket import Bucket

    return Bucket(stack.store)
