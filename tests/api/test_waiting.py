"""Waiting: as long as asked and no longer, not for those who have gone, and at nobody else's cost."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from export_api import auth
from export_api.app import create_app
from export_api.caller import Right
from export_api.shaping import View
from export_api.waiting import final_or_last, pauses
from tests.api.stand_in import ANNA, FAILED, OWN, RUNNING, SUCCEEDED, Bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from fastapi.testclient import TestClient
    from starlette.types import Message, Receive

    from export_api.caller import Caller
    from export_api.status import Observation

REQUEST = {"exporter": "machines", "format": "csv"}


def test_pauses_grow_from_a_twentieth_to_half_a_second() -> None:
    found = list(itertools.islice(pauses(), 20))
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0.05, 0.5)


# Waiting by itself


def views(*, final_at: int) -> Iterator[View]:
    for number in itertools.count():
        yield View(b"%d" % number, f'W/"{number}"', final=number >= final_at)


async def stays() -> Message:
    """Receive of a client that stays."""
    await asyncio.Event().wait()
    raise AssertionError


def wait(seconds: float, receive: Receive = stays, *, final_at: int = 10**9) -> tuple[int, float]:
    """Return which view was the last, and how long it took."""
    found = views(final_at=final_at)

    async def look() -> View:
        return next(found)

    async def run() -> View:
        return await final_or_last(await look(), look, receive=receive, seconds=seconds)

    start = time.monotonic()
    last = asyncio.run(run())
    return int(last.content), time.monotonic() - start


@pytest.mark.parametrize("number", [0, 1, 4])
def test_the_end_is_answered_when_it_is_seen(number: int) -> None:
    seen, took = wait(30, final_at=number)
    assert seen == number
    assert took < 5


def test_the_time_that_was_asked_for_is_kept_and_the_last_look_is_at_its_end() -> None:
    seen, took = wait(0.6)
    assert 0.6 <= took < 2
    assert 2 <= seen <= 6


def test_nobody_waits_for_a_client_that_has_gone() -> None:
    messages: Iterator[Message] = iter([{"type": "http.request", "body": b""}, {"type": "http.disconnect"}])

    async def goes() -> Message:
        return next(messages)

    seen, took = wait(30, goes)
    assert seen == 0
    assert took < 5


def test_an_error_of_a_look_ends_the_waiting() -> None:
    async def look() -> View:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(final_or_last(next(views(final_at=9)), look, receive=stays, seconds=30))


# Over HTTP


@pytest.fixture
def client(as_caller: Callable[[Caller], TestClient]) -> TestClient:
    return as_caller(ANNA)


def end_after(bench: Bench, looks: int, end: Observation = SUCCEEDED, error: Exception | None = None) -> None:
    """Have every export run for so many looks, and then end; or have the database fail then."""
    seen: dict[UUID, int] = {}

    def observe(_session: object, ids: list[UUID]) -> dict[UUID, Observation]:
        for export_id in ids:
            seen[export_id] = seen.get(export_id, 0) + 1
            if seen[export_id] > looks and error is not None:
                raise error
            if seen[export_id] == looks + 1 and end is SUCCEEDED:
                bench.publish(export_id)
        return {export_id: end if seen[export_id] > looks else RUNNING for export_id in ids}

    bench.airflow.observe = observe  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("end", [SUCCEEDED, FAILED])
def test_a_post_that_waits_answers_200_with_the_finished_export(
    bench: Bench, client: TestClient, end: Observation
) -> None:
    end_after(bench, 3, end)
    answer = client.post("/v1/exports", json=REQUEST, headers={"Prefer": "respond-async, wait=20"})
    body = answer.json()
    assert (answer.status_code, body["unready"]) == (200, False)
    assert body["status"] == ("succeeded" if end is SUCCEEDED else "failed")
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.headers["location"].endswith(body["id"])
    assert "retry-after" not in answer.headers
    assert client.get(f"/v1/exports/{body['id']}").json() == body


def test_a_post_that_has_waited_long_enough_answers_202_with_what_it_saw(bench: Bench, client: TestClient) -> None:
    end_after(bench, 10**9)
    answer = client.post("/v1/exports", json=REQUEST, headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert (answer.headers["preference-applied"], answer.headers["retry-after"]) == ("wait=1", "1")


@pytest.mark.parametrize("prefer", [None, "wait=x", "return=minimal", "wait=0"])
def test_who_does_not_ask_does_not_wait(bench: Bench, client: TestClient, prefer: str | None) -> None:
    end_after(bench, 1)
    answer = client.post("/v1/exports", json=REQUEST, headers={"Prefer": prefer} if prefer else {})
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers.get("preference-applied") == ("wait=0" if prefer == "wait=0" else None)


@pytest.mark.parametrize("error", [OperationalError("select", {}, Exception()), None])
def test_an_export_that_was_started_is_answered_even_if_it_cannot_be_read(
    bench: Bench, client: TestClient, error: Exception | None, as_caller: Callable[[Caller], TestClient]
) -> None:
    end_after(bench, 1, error=error)
    if error is None:  # whoever may only create cannot read
        client = as_caller(replace(ANNA, rights=OWN - {Right.READ}))
    answer = client.post("/v1/exports", json=REQUEST, headers={"Prefer": "wait=20"})
    assert answer.status_code == 202
    assert len(bench.airflow.triggered) == 1
    assert ("preference-applied" in answer.headers) is (error is not None)


def test_a_get_that_waits_answers_200_either_way(bench: Bench, client: TestClient) -> None:
    end_after(bench, 4)
    location = client.post("/v1/exports", json=REQUEST).headers["location"].rpartition("/")[2]
    done = client.get(f"/v1/exports/{location}", headers={"Prefer": "wait=20"})
    assert (done.status_code, done.json()["status"]) == (200, "succeeded")
    assert done.headers["preference-applied"] == "wait=20"
    end_after(bench, 10**9)
    other = client.post("/v1/exports", json=REQUEST).json()["id"]
    current = client.get(f"/v1/exports/{other}", headers={"Prefer": "wait=1"})
    assert (current.status_code, current.json()["status"]) == (200, "running")
    assert current.headers["retry-after"] == "1"
    same = client.get(f"/v1/exports/{other}", headers={"Prefer": "wait=1", "If-None-Match": current.headers["etag"]})
    assert (same.status_code, same.content, same.headers["preference-applied"]) == (304, b"", "wait=1")
    assert client.get(f"/v1/exports/{other}x", headers={"Prefer": "wait=20"}).status_code == 404


def test_those_who_wait_hold_neither_threads_nor_connections(bench: Bench, database: sa.Engine) -> None:
    """Twenty wait a second each, with two threads and two connections: one after the other would take ten."""
    narrow = sa.create_engine(database.url, pool_size=2, max_overflow=0, pool_timeout=5)
    bench.airflow._engine = narrow
    app = create_app(bench.service)
    app.dependency_overrides[auth.identify] = lambda: ANNA
    end_after(bench, 10**9)

    async def run() -> list[httpx.Response]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 2
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            arguments: dict[str, Any] = {"json": REQUEST, "headers": {"Prefer": "wait=1"}}
            return await asyncio.gather(*[client.post("/v1/exports", **arguments) for _ in range(20)])

    start = time.monotonic()
    try:
        answers = asyncio.run(run())
    finally:
        narrow.dispose()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 20
    assert time.monotonic() - start < 8
