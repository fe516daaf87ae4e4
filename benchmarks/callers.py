"""Two clients of one stack: of our API and of Airflow's, polling alike."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

import httpx

if TYPE_CHECKING:
    from deploy.local.stack import Stack

POLL_SECONDS = 0.05
PATIENCE_SECONDS = 900.0
ONE_ROW = {"exporter": "orders", "format": "csv", "limit": 1}


class Caller(Protocol):
    """Starts runs and reads how they are."""

    def start(self) -> str:
        """Start one and return the path where it can be read."""

    def state(self, path: str) -> str:
        """Return the state in the API's own words."""

    good: str
    bad: str


class Exports:
    """Our API, by its token."""

    good = "succeeded"
    bad = "failed"

    def __init__(self, stack: Stack) -> None:
        self.headers = {"Authorization": f"Token {stack.token}"}
        self.http = httpx.Client(base_url=stack.url, headers=self.headers, timeout=60)

    def start(self) -> str:
        """Ask for one row."""
        return self.request(ONE_ROW)

    def request(self, body: dict[str, Any]) -> str:
        """Ask for any export."""
        answer = self.http.post("/export-api/v1/exports", json=body)
        answer.raise_for_status()
        return f"/export-api/v1/exports/{answer.json()['id']}"

    def state(self, path: str) -> str:
        """Return the export's status."""
        return str(self.read(path)["status"])

    def read(self, path: str) -> dict[str, Any]:
        """Return the export."""
        return _json(self.http, path)


class Runs:
    """Airflow's API, by its JWT: runs of the empty DAG."""

    good = "success"
    bad = "failed"

    def __init__(self, stack: Stack) -> None:
        login = {"username": "admin", "password": stack.admin_password}
        token = httpx.post(f"{stack.url}/auth/token", json=login, timeout=60).json()["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=stack.url, headers=self.headers, timeout=60)

    def start(self) -> str:
        """Start a run of the empty DAG."""
        answer = self.http.post("/api/v2/dags/empty/dagRuns", json={"logical_date": None})
        answer.raise_for_status()
        return f"/api/v2/dags/empty/dagRuns/{answer.json()['dag_run_id']}"

    def state(self, path: str) -> str:
        """Return the run's state."""
        return str(_json(self.http, path)["state"])

    def log(self, export_id: str) -> str:
        """Return the log of an export's task."""
        path = f"/api/v2/dags/export/dagRuns/export__{export_id}/taskInstances/export/logs/1?full_content=true"
        answer = self.http.get(path)
        answer.raise_for_status()
        return answer.text


def _json(http: httpx.Client, path: str) -> dict[str, Any]:
    answer = http.get(path)
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body


def finish(caller: Caller, path: str) -> None:
    """Look until the run has succeeded.

    :raises RuntimeError: when it fails, or takes a quarter of an hour.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (state := caller.state(path)) != caller.good:
        if state == caller.bad or time.monotonic() > deadline:
            raise RuntimeError(f"{path} is {state}.")
        time.sleep(POLL_SECONDS)


def seconds_of(caller: Caller) -> float:
    """Return the seconds from a request until the caller sees its success."""
    started = time.monotonic()
    finish(caller, caller.start())
    return time.monotonic() - started
