"""Complaints about long exports: gateways that give up, statuses that say nothing, memory that grows."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.stack.client import ExportsClient, wait_for
from tests.stack.endless import ENDLESS, running
from tests.stack.events import events_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.local.stack import Stack
    from tests.stack.client import AirflowClient

LENGTHY = ENDLESS.replace("title: Endless", "title: Lengthy").replace("100000000", "5000000")
WIDE = """
title: Wide
source: shop
params: {rows: {type: integer}}
columns: {id: {type: integer}, ratio: {type: float}, filler: {type: string}}
key: [id]
sql: >-
  select g as id, g / 7.0::float8 as ratio, md5(g::text) || repeat('-', 900) as filler
  from generate_series(1, :rows) as g
"""
"""A kilobyte a row; with a float, csv is encoded here and not by PostgreSQL."""

MB = 1_000_000


@pytest.fixture(scope="module")
def lengthy(workshop: Path, exports: ExportsClient) -> Iterator[httpx.Response]:
    """The answer to a request for an export that takes long; it is cancelled in the end."""
    (workshop / "exporters" / "lengthy.yaml").write_text(LENGTHY)
    answer = exports.post({"exporter": "lengthy", "format": "csv"})
    yield answer
    exports.request("POST", f"/exports/{answer.json()['id']}/cancel")
    exports.finish(answer.json()["id"])


def test_redash_5613_a_long_query_holds_up_no_request(exports: ExportsClient, lengthy: httpx.Response) -> None:
    """redash#5613: 502 after exactly thirty seconds. The request is answered long before anything is read."""
    assert (lengthy.status_code, lengthy.json()["status"]) == (202, "queued")
    assert lengthy.elapsed.total_seconds() < 10
    running(exports, lengthy.json()["id"])
    assert exports.get(f"/exports/{lengthy.json()['id']}").elapsed.total_seconds() < 10


def test_airflow_55465_the_first_event_comes_before_the_end(exports: ExportsClient, lengthy: httpx.Response) -> None:
    """airflow#55465: nothing until the end. The first event says at once how it stands."""
    started = time.monotonic()
    with exports.http.stream("GET", f"{exports.BASE}/exports/{lengthy.json()['id']}/events") as answer:
        events = events_of(answer.iter_raw())
        first = json.loads(next(events).data)
        took = time.monotonic() - started
        second = json.loads(next(events).data)
    assert took < 5
    assert (first["unready"], second["unready"]) == (True, True)
    assert second["progress"]["rows"] > (first["progress"] or {"rows": 0})["rows"]


def test_superset_35478_rows_and_percent_rise_while_it_runs(exports: ExportsClient, lengthy: httpx.Response) -> None:
    """superset!35478: who sees that it goes on does not start it again."""
    seen: list[dict[str, Any]] = []

    def look() -> bool | None:
        export = exports.read(lengthy.json()["id"])
        assert export["unready"]
        progress = export["progress"] or {}
        if progress.get("percent") and (not seen or progress["rows"] > seen[-1]["rows"]):
            seen.append(progress)
        return len(seen) >= 3 or None

    wait_for("three different figures", look)
    assert [each["percent"] for each in seen] == sorted(each["percent"] for each in seen)
    assert 0 < seen[0]["percent"] < seen[-1]["percent"] < 100
    assert [each["bytes"] for each in seen] == sorted(each["bytes"] for each in seen)


def test_airflow_59342_two_requests_in_the_same_instant_both_start(
    stack: Stack, exports: ExportsClient, airflow: AirflowClient
) -> None:
    """airflow#59342: the second manual run was refused with 409, for both had the same date."""
    barrier = Barrier(2)

    def post(_: int) -> httpx.Response:
        with ExportsClient(stack.url, f"Token {stack.token}") as client:
            barrier.wait()
            return client.post({"exporter": "orders", "format": "csv", "limit": 1})

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(post, range(2)))
    assert [answer.status_code for answer in answers] == [202, 202]
    ids = {answer.json()["id"] for answer in answers}
    assert len(ids) == 2
    for export_id in ids:
        assert exports.finish(export_id)["status"] == "succeeded"
        assert airflow.get(f"/dags/export/dagRuns/export__{export_id}")["dag_run_id"] == f"export__{export_id}"


def test_lakefs_6391_every_read_gives_a_fresh_link_that_works(exports: ExportsClient) -> None:
    """lakefs#6391, boto3#2392: links are minted when they are asked for, for minutes."""
    export = exports.run(exporter="orders", format="csv", limit=1)
    path = f"/exports/{export['id']}/download"

    def mint() -> str:
        return str(exports.get(path, redirect="false").json()["url"])

    first = mint()
    second = wait_for("another link", lambda: found if (found := mint()) != first else None)
    assert [httpx.get(link).status_code for link in (first, second)] == [200, 200]
    signed = [parse_qs(urlsplit(link).query) for link in (first, second)]
    assert signed[0]["X-Amz-Date"] < signed[1]["X-Amz-Date"]
    assert all(0 < int(each["X-Amz-Expires"][0]) <= 300 for each in signed)


def peak(airflow: AirflowClient, export: dict[str, Any]) -> int:
    """Return the most memory that the export's task had resident (VmHWM), in MB; its log tells it."""

    def look() -> str | None:
        events = airflow.log_of(f"export__{export['id']}")
        return next((found[1] for event in events if (found := re.search(r"peak memory (\d+) MB", event))), None)

    return int(wait_for("the peak in the log", look))


def test_airflow_50159_memory_is_the_same_for_ten_times_the_rows(
    exports: ExportsClient, airflow: AirflowClient, workshop: Path
) -> None:
    """airflow#50159, redash#4867, sling#526: the whole result, and then the whole file, were held in memory."""
    (workshop / "exporters" / "wide.yaml").write_text(WIDE)
    few, many = (exports.run(exporter="wide", format="csv", params={"rows": rows}) for rows in (20_000, 200_000))
    sizes = [export["result"]["files"][0]["bytes"] for export in (few, many)]
    assert sizes[1] - sizes[0] > 160 * MB
    peaks = [peak(airflow, export) for export in (few, many)]
    assert peaks[1] - peaks[0] < 40, peaks
