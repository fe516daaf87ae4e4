"""Clients of the two APIs, as thin as a person with curl."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

FINAL = frozenset({"succeeded", "failed", "cancelled"})
PATIENCE_SECONDS = 120.0
"""How long a test waits for a condition before it fails; far beyond what any takes."""


def wait_for(what: str, look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
    """Look until there is something, then return it."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise AssertionError(f"After {seconds:g} s still waiting for {what}.")
        time.sleep(0.1)
    return found


def new_signing_key() -> str:
    """Make a private key as the documentation tells to: PEM of PKCS #8."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


class Client:
    """An HTTP client of one origin with one Authorization header; it never follows redirects."""

    def __init__(self, url: str, authorization: str | None) -> None:
        headers = {"Authorization": authorization} if authorization else {}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()


class ExportsClient(Client):
    """The native API."""

    BASE = "/export-api/v1"

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return self.http.request(method, self.BASE + path, **arguments)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.request("GET", path, params=params)

    def post(self, body: object) -> httpx.Response:
        return self.request("POST", "/exports", json=body)

    def submit(self, **body: Any) -> dict[str, Any]:
        response = self.post(body)
        assert response.status_code == 202, response.text
        export: dict[str, Any] = response.json()
        return export

    def read(self, export_id: str) -> dict[str, Any]:
        response = self.get(f"/exports/{export_id}")
        assert response.status_code == 200, response.text
        export: dict[str, Any] = response.json()
        return export

    def finish(self, export_id: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            export = self.read(export_id)
            return export if export["status"] in FINAL else None

        return wait_for(f"the end of export {export_id}", look, seconds)

    def run(self, **body: Any) -> dict[str, Any]:
        """Submit and wait for success."""
        export = self.finish(self.submit(**body)["id"])
        assert export["status"] == "succeeded", export
        return export

    def download(self, export: dict[str, Any]) -> bytes:
        """Follow the presigned link without credentials, as a person's browser does.

        :param export: an export with one file, or one file of an export
        """
        answer = self.http.get(export["download_url"])
        assert answer.status_code == 302, answer.text
        content = httpx.get(answer.headers["Location"], timeout=60)
        assert content.status_code == 200, content.text
        return content.content


class AirflowClient(Client):
    """Airflow's public API, as its UI uses it."""

    def __init__(self, url: str, username: str, password: str) -> None:
        answer = httpx.post(f"{url}/auth/token", json={"username": username, "password": password}, timeout=60)
        assert answer.status_code == 201, answer.text
        self.token: str = answer.json()["access_token"]
        super().__init__(url, f"Bearer {self.token}")

    def get(self, path: str, **params: Any) -> Any:
        response = self.http.get(f"/api/v2{path}", params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: object) -> Any:
        response = self.http.post(f"/api/v2{path}", json=body)
        assert response.is_success, response.text
        return response.json()

    def patch(self, path: str, body: object) -> Any:
        response = self.http.patch(f"/api/v2{path}", json=body)
        assert response.is_success, response.text
        return response.json()

    def log_of(self, run_id: str, *, attempt: int = 1) -> list[str]:
        """Return the lines that an export's task has logged so far; Airflow writes them down a moment later."""
        path = f"/dags/export/dagRuns/{run_id}/taskInstances/export/logs/{attempt}"
        return [str(entry.get("event", "")) for entry in self.get(path, full_content="true")["content"]]

    def clear(self, dag_id: str, run_id: str) -> None:
        """Clear an ended run, as a person does who sees that it has ended.

        An export is settled a moment before Airflow ends its run, and what is cleared in that moment Airflow
        marks for a restart that the task's own end overtakes: no second attempt ever starts.
        """

        def look() -> bool | None:
            return self.get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"] in {"success", "failed"} or None

        wait_for(f"the end of {run_id}", look)
        wanted = {"dag_run_id": run_id, "dry_run": False, "only_failed": False, "reset_dag_runs": True}
        self.post(f"/dags/{dag_id}/clearTaskInstances", wanted)
