"""A client of Zentral's on the real stack, from request to file: what it asks, what it gets, who it is, how long."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.callers import Runs, seconds_of
from tests.stack.client import ExportsClient, wait_for
from tests.stack.test_access import cli
from tests.stack.test_documentation import bash, needs_curl
from tests.stack.zentral import COUNTS, HEADINGS, SEVERITY, Zentral, sheets_of
from tests.unit.test_documentation import blocks
from tests.unit.test_zentral_docs import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from deploy.local.stack import Stack
    from tests.stack.client import AirflowClient

EMPTY_DAG = Path(__file__).parents[2] / "benchmarks/dags/empty.py"
PRINTED_ID = "8d390c23-11bc-4231-bdab-7e3f513f0d19"
"""The id in the page's examples."""


@pytest.fixture(scope="module")
def zentral(exports: ExportsClient) -> Zentral:
    return Zentral(exports)


@pytest.fixture(scope="module")
def stranger(stack: Stack, workshop: Path) -> Iterator[Zentral]:
    file = workshop / "zentral.token"
    cli(stack, "service-account", "create", "zentral-stranger", "--token-file", str(file))
    with ExportsClient(stack.url, f"Token {file.read_text().strip()}") as client:
        yield Zentral(client)


def test_the_documented_drilldown_has_zentrals_sheets_headings_and_counts(
    zentral: Zentral, demo: psycopg.Connection
) -> None:
    data = zentral.fetch(zentral.start(sf="mbu-t-mis-tp-pf-hm-osv", pf="MACOS"))
    sheets = sheets_of(data)
    assert list(sheets) == [
        "Machines",
        "Sources",
        "Meta business units",
        "Tags",
        "Incidents severities",
        "Types",
        "Platforms",
        "Hardware models",
        "OS",
    ]
    (macs,) = demo.execute("select count(*) from inventory.machines where platform = 'MACOS'").fetchone() or (0,)
    heading, *machines = sheets.pop("Machines")
    assert list(heading) == [*HEADINGS, *SEVERITY]
    assert len(machines) == macs > 10_000
    assert {row[HEADINGS.index("Platform")] for row in machines} == {"MACOS"}
    assert {rows[0] for rows in sheets.values()} == {COUNTS}
    assert sheets["Platforms"][1:] == [("MACOS", macs, 100)]
    for name, rows in sheets.items():
        if name != "Tags":  # a machine carries several
            assert sum(count for _, count, _ in rows[1:]) == macs
            assert sum(percent for _, _, percent in rows[1:]) == pytest.approx(100)


def test_a_stranger_is_answered_as_for_an_unknown_export(zentral: Zentral, stranger: Zentral) -> None:
    url = zentral.start(sf="", src="6")
    zentral.finish(url)
    task_id = zentral.result(url)["id"]
    assert stranger.result(url) == {"id": task_id, "status": "UNKNOWN", "unready": True}
    assert stranger.http.get(f"{url}download/").status_code == 404
    assert stranger.http.get("/api/inventory/machines/export/").json() == []
    listed = zentral.http.get("/api/inventory/machines/export/").json()
    assert {"task_id": task_id, "task_result_url": url, "status": "SUCCESS"} in listed


def test_an_export_that_fails_says_why_and_has_no_file(zentral: Zentral, demo: psycopg.Connection) -> None:
    demo.execute("alter table inventory.machine_checks rename to elsewhere")
    demo.commit()
    try:
        url = zentral.start(sf="ccs.1")
        found = zentral.finish(url)
    finally:
        demo.execute("alter table inventory.elsewhere rename to machine_checks")
        demo.commit()
    assert (found["status"], "download_url" in found, "result" in found) == ("FAILURE", False, False)
    assert "inventory" in found["error"]
    assert zentral.http.get(f"{url}download/").status_code == 404


def test_two_exports_of_one_second_have_names_and_files_of_their_own(zentral: Zentral, stranger: Zentral) -> None:
    def name_of(client: Zentral, url: str) -> str:
        found: str = client.finish(url)["result"]["headers"]["Content-Disposition"]
        return found

    def once() -> list[tuple[str, bytes]] | None:
        urls = [(zentral, zentral.start(sf="", src="6")), (stranger, stranger.start(sf="", src="8"))]
        names = [name_of(client, url) for client, url in urls]
        seconds = {re.sub(r".*export_(.{19})_.*", r"\1", name) for name in names}
        files = [client.fetch(url) for client, url in urls]
        return list(zip(names, files, strict=True)) if len(seconds) == 1 else None

    (first, ours), (second, theirs) = wait_for("two exports within one second", once)
    assert first != second
    assert {row[1] for row in sheets_of(ours)["Machines"][1:]} == {"Puppet / EU"}
    assert {row[1] for row in sheets_of(theirs)["Machines"][1:]} == {"Jamf"}


class Machines(Zentral):
    """All machines as a workbook, as a caller whose seconds are counted."""

    def start(self, path: str = "machines/export/", body: dict[str, Any] | None = None, /, **query: str) -> str:
        return super().start(path, body, sf="mbu-t-mis-tp-pf-hm-osv", **query)


def test_a_workbook_of_all_machines_takes_three_seconds_more_than_an_empty_dag(
    stack: Stack, exports: ExportsClient, airflow: AirflowClient, workshop: Path
) -> None:
    shutil.copy(EMPTY_DAG, workshop / "dags")

    def parsed() -> bool | None:
        return airflow.http.get("/api/v2/dags/empty").status_code == 200 or None

    wait_for("the empty DAG", parsed)
    runs, machines = Runs(stack), Machines(exports)
    with runs.http:
        times = [(seconds_of(runs), seconds_of(machines)) for _ in range(5)]
    # The least of each: what else this machine does only ever adds to them.
    floor, ours = (min(seconds) for seconds in zip(*times, strict=True))
    assert ours - floor < 3, f"empty DAG {floor:.2f} s, 20,000 machines {ours:.2f} s"


@needs_curl
def test_the_pages_commands_work_as_they_are_printed(stack: Stack, tmp_path: Path) -> None:
    start, *commands, last = (block.text for block in blocks(PAGE) if block.language == "bash")
    start = start.replace(".waybill/demo.env", str(stack.home / "demo.env"))
    answers = [json.loads(bash(f"{start}\n{command}", tmp_path)) for command in commands[:2]]
    for answer in answers:
        assert answer == {"task_id": answer["task_id"], "task_result_url": f"/api/task_result/{answer['task_id']}/"}
    task_id = answers[1]["task_id"]

    def asked() -> dict[str, Any] | None:
        found: dict[str, Any] = json.loads(bash(f"{start}\n{commands[2].replace(PRINTED_ID, task_id)}", tmp_path))
        return None if found["unready"] else found

    found = wait_for("the end of the export", asked)
    printed = json.loads(next(block.text for block in blocks(PAGE) if '"unready"' in block.text))
    assert found.keys() == printed.keys()
    told = {name: value for name, value in printed.items() if name != "result"}
    assert {**told, "id": task_id, "download_url": f"/api/task_result/{task_id}/download/"} == {
        name: value for name, value in found.items() if name != "result"
    }
    bash(f"{start}\n{last.replace(PRINTED_ID, task_id)}", tmp_path)
    ((title, rows),) = sheets_of((tmp_path / "macos_apps_export.xlsx").read_bytes()).items()
    assert (title, rows[0][0]) == ("macOS apps", "Bundle")
