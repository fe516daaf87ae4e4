"""Following an export as a client does: tags, waiting, events; and a request that is sent twice."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.stack.client import ExportsClient
from tests.stack.events import events_of
from tests.stack.test_access import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from deploy.local.stack import Stack
    from tests.stack.client import AirflowClient

SLOW = """
title: Slow
source: shop
columns: {id: {type: integer}, filler: {type: string}}
sql: >-
  select g as id, repeat('x', 200000) as filler
  from generate_series(1, 400) as g, pg_sleep(0.1 + 0 * g)
"""
"""Forty seconds, with two megabytes in each."""
EIGHT_SECONDS = {"exporter": "slow", "limit": 80}

SMALL = {"exporter": "orders", "format": "csv", "limit": 10}


@pytest.fixture(autouse=True)
def _slow(workshop: Path, exports: ExportsClient) -> Iterator[None]:
    """Add an exporter that takes its time."""
    file = workshop / "exporters" / "slow.yaml"
    file.write_text(SLOW)
    assert exports.get("/exporters/slow").status_code == 200
    yield
    file.unlink()


def test_a_status_that_has_not_changed_is_304(exports: ExportsClient) -> None:
    path = f"/exports/{exports.submit(**EIGHT_SECONDS)['id']}"
    known: dict[str, dict[str, Any]] = {}
    unchanged = 0
    while not any(body["unready"] is False for body in known.values()):
        answer = exports.request("GET", path, headers={"If-None-Match": ", ".join(known)})
        if answer.status_code == 304:
            unchanged += 1
            assert answer.content == b""
            assert answer.headers["ETag"] in known
        else:
            assert answer.status_code == 200
            assert answer.json() not in known.values()
            known[answer.headers["ETag"]] = answer.json()
    assert unchanged > 0
    assert len(known) >= 4, "queued, running, progress, done"
    final = exports.request("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (final.status_code, "Retry-After" in final.headers) == (304, False)


def test_a_client_that_waits_gets_the_finished_export_in_one_answer(exports: ExportsClient) -> None:
    answer = exports.request("POST", "/exports", json=SMALL, headers={"Prefer": "wait=30"})
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "succeeded")
    assert answer.headers["Preference-Applied"] == "wait=30"
    assert exports.download(body).count(b"\r\n") == 11
    assert answer.headers["Location"] == body["links"]["self"]


def test_a_client_that_does_not_want_to_wait_longer_gets_what_there_is(exports: ExportsClient) -> None:
    created = exports.request("POST", "/exports", json=EIGHT_SECONDS, headers={"Prefer": "wait=1"})
    assert (created.status_code, created.json()["unready"]) == (202, True)
    assert created.headers["Preference-Applied"] == "wait=1"
    path = f"/exports/{created.json()['id']}"
    current = exports.request("GET", path, headers={"Prefer": "wait=1"})
    assert (current.status_code, current.json()["unready"]) == (200, True)
    done = exports.request("GET", path, headers={"Prefer": "wait=30"})
    assert (done.status_code, done.json()["status"]) == (200, "succeeded")


def test_many_who_wait_are_in_nobodys_way(stack: Stack, exports: ExportsClient) -> None:
    """Fifty: more than the server has threads (40) or connections to its database (15)."""
    export_id = exports.submit(**EIGHT_SECONDS)["id"]

    def wait(_: int) -> httpx.Response:
        with ExportsClient(stack.url, f"Token {stack.token}") as client:
            return client.request("GET", f"/exports/{export_id}", headers={"Prefer": "wait=30"})

    with ThreadPoolExecutor(50) as threads:
        waiting = [threads.submit(wait, number) for number in range(50)]
        took = []
        while not all(each.done() for each in waiting):
            start = time.monotonic()
            assert exports.get("/exporters/orders").status_code == 200
            exports.read(export_id)
            took.append(time.monotonic() - start)
        answers = [each.result() for each in waiting]
    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(200, "succeeded")}
    assert len(took) > 5
    assert max(took) < 5


def test_events_tell_of_a_running_export_until_its_end(exports: ExportsClient) -> None:
    export_id = exports.submit(**EIGHT_SECONDS)["id"]
    path = f"{exports.BASE}/exports/{export_id}/events"
    arrived: list[float] = []
    events = []
    with exports.http.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Content-Encoding"] == "identity"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Accel-Buffering"] == "no"
        for event in events_of(answer.iter_raw()):
            arrived.append(time.monotonic())
            events.append(event)
    bodies = [json.loads(event.data) for event in events]
    assert {event.kind for event in events} == {"export"}
    assert len({event.id for event in events}) == len(events)
    rows = [body["progress"]["rows"] for body in bodies if body["progress"]]
    assert rows == sorted(rows)
    assert len(set(rows)) >= 3, "progress was seen"
    assert [body["unready"] for body in bodies] == [True] * (len(bodies) - 1) + [False]
    assert bodies[-1]["status"] == "succeeded"
    assert arrived[-1] - arrived[0] > 2, "nothing on the way held the events back"
    last = exports.get(f"/exports/{export_id}")
    assert (last.json(), last.headers["ETag"]) == (bodies[-1], events[-1].id)
    again = exports.request("GET", f"/exports/{export_id}/events", headers={"Last-Event-ID": events[-1].id})
    assert (again.status_code, again.content) == (204, b"")
    missed = exports.request("GET", f"/exports/{export_id}/events", headers={"Last-Event-ID": events[0].id})
    assert list(events_of([missed.content])) == events[-1:]


def test_a_token_that_is_revoked_sees_no_more_events(stack: Stack, workshop: Path) -> None:
    file = workshop / "watcher.token"
    cli(stack, "service-account", "create", "watcher", "--token-file", str(file))
    token = file.read_text().strip()
    with ExportsClient(stack.url, f"Token {token}") as client:
        export_id = client.submit(exporter="slow")["id"]
        with client.http.stream("GET", f"{client.BASE}/exports/{export_id}/events") as answer:
            stream = events_of(answer.iter_raw())
            seen = [next(stream)]
            cli(stack, "token", "revoke", token[:11])
            seen += stream
        assert all(json.loads(event.data)["unready"] for event in seen)
        assert client.get(f"/exports/{export_id}/events").status_code == 401


def test_twenty_equal_requests_at_once_are_one_export_and_one_run(
    stack: Stack, exports: ExportsClient, airflow: AirflowClient
) -> None:
    key = str(uuid4())
    runs = airflow.get("/dags/export/dagRuns", limit=1)["total_entries"]

    def post(_: int) -> httpx.Response:
        with ExportsClient(stack.url, f"Token {stack.token}") as client:
            return client.request("POST", "/exports", json=SMALL, headers={"Idempotency-Key": f'"{key}"'})

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(post, range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    replayed = [answer.headers.get("Idempotent-Replayed") for answer in answers]
    assert (replayed.count(None), replayed.count("true")) == (1, 19)
    assert airflow.get("/dags/export/dagRuns", limit=1)["total_entries"] == runs + 1
    done = exports.finish(answers[0].json()["id"])
    again = exports.request("POST", "/exports", json=SMALL, headers={"Idempotency-Key": key})
    assert (again.status_code, again.json()) == (202, done)
    other = exports.request("POST", "/exports", json={**SMALL, "limit": 11}, headers={"Idempotency-Key": key})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
