"""A client written for Zentral: it knows Zentral's addresses and words, and nothing of ours."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from openpyxl import load_workbook

from tests.stack.client import PATIENCE_SECONDS, wait_for

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg

    from tests.stack.client import Client

HEADINGS = [
    "Source ID",
    "Source",
    "SN",
    "Meta Business Unit ID",
    "Meta Business Unit Name",
    "Type",
    "Platform",
    "Name",
    "Hardware model",
    "OS",
    "Principal user principal name",
    "Principal user display name",
    "Tags",
    "Last seen",
]
SEVERITY = ["Max incident severity", "Max incident severity display"]
COUNTS = ("Value", "Count", "%")


class Zentral:
    """Zentral's API with one token."""

    good, bad = "SUCCESS", "FAILURE"

    def __init__(self, client: Client) -> None:
        self.http = client.http

    def start(self, path: str = "machines/export/", body: dict[str, Any] | None = None, /, **query: str) -> str:
        """Start an export and return where to ask for its result."""
        answer = self.http.post(f"/api/inventory/{path}", params=query, json=body or {})
        assert answer.status_code == 201, answer.text
        url: str = answer.json()["task_result_url"]
        return url

    def state(self, url: str) -> str:
        """Return the state of a task."""
        return str(self.result(url)["status"])

    def result(self, url: str) -> dict[str, Any]:
        answer = self.http.get(url)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def finish(self, url: str) -> dict[str, Any]:
        """Ask until the task is no longer unready."""

        def look() -> dict[str, Any] | None:
            found = self.result(url)
            return None if found["unready"] else found

        return wait_for(f"the end of {url}", look, PATIENCE_SECONDS)

    def fetch(self, url: str) -> bytes:
        """Wait for success and download as the documentation says: follow the redirect."""
        found = self.finish(url)
        assert found["status"] == "SUCCESS", found
        answer = self.http.get(found["download_url"])
        assert answer.status_code == 302, answer.text
        content = httpx.get(answer.headers["location"], timeout=60)
        headers = found["result"]["headers"]
        assert content.status_code == 200
        assert {name: content.headers[name] for name in ("Content-Type", "Content-Length")} == {
            "Content-Type": headers["Content-Type"],
            "Content-Length": str(headers["Content-Length"]),
        }
        assert content.headers["Content-Disposition"].startswith(headers["Content-Disposition"])
        return content.content


def tables_of(data: bytes, delimiter: str = ",") -> dict[str, list[list[str]]]:
    """Return the csv files of a zip by name, headings first."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: rows_of(archive.read(name), delimiter) for name in archive.namelist()}


def rows_of(data: bytes, delimiter: str = ",") -> list[list[str]]:
    """Return the rows of a csv file."""
    return list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter))


def sheets_of(data: bytes) -> dict[str, list[tuple[Any, ...]]]:
    """Return the sheets of a workbook by name, headings first."""
    book = load_workbook(io.BytesIO(data), read_only=True)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


INSTALLED = """
    select a.kind, a.name, a.bundle_id, a.version, a.version_str, s.id, s.name, s.module, m.serial_number, m.last_seen,
           a.id, i.path
    from inventory.app_installs i join inventory.apps a on a.id = i.app_id
    join inventory.machines m on m.id = i.machine_id join inventory.sources s on s.id = m.source_id
"""


class Install(NamedTuple):
    """An installation as the database has it."""

    kind: str
    name: str
    bundle_id: str | None
    version: str | None
    version_str: str | None
    source_id: int
    source: str
    module: str
    serial: str
    last_seen: datetime
    app_id: int
    path: str | None


def installs_of(demo: psycopg.Connection) -> dict[str, list[Install]]:
    """Return every installation by the kind of software."""
    found: dict[str, list[Install]] = defaultdict(list)
    for row in demo.execute(INSTALLED):
        found[row[0]].append(Install(*row))
    return found


def text(value: object) -> str:
    """Return a value as csv has it."""
    return "" if value is None else str(value)
