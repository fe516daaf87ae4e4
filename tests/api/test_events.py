"""An export as server-sent events: each change once, the last one last, and nothing for those who lost the right."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError

from export_api import auth, event_stream
from export_api.app import create_app
from export_api.caller import Right
from export_api.problems import Unauthenticated
from export_api.shaping import View
from export_api.waiting import final_or_last, is_stopping
from include.core.errors import NotFound
from tests.api.stand_in import ANNA, BERT, OWN, RUNNING, SUCCEEDED
from tests.stack.events import Event, events_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from export_api.caller import Caller
    from tests.api.stand_in import Bench

REQUEST = {"exporter": "machines", "format": "csv", "name": "Mär\N{LINE SEPARATOR}z\n2026"}


# The stream by itself


def view(number: int, *, final: bool = False) -> View:
    return View(b'{"n":%d}' % number, f'W/"{number}"', final)


def collect(*found: View | Exception, known: str | None = None) -> list[bytes]:
    """Return what is sent while these are seen, one after the other."""
    seen = iter(found)

    async def look() -> View:
        match next(seen):
            case View() as one:
                return one
            case Exception() as error:
                raise error

    async def run() -> list[bytes]:
        return [chunk async for chunk in event_stream.changes(await look(), look, known=known)]

    return asyncio.run(run())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "pauses", lambda: iter([0.001] * 100))


@pytest.mark.usefixtures("impatient")
def test_each_change_is_one_event_until_the_final_one() -> None:
    retry, *events = collect(view(1), view(1), view(2), view(2), view(3, final=True), view(4))
    assert retry == b"retry: 2000\n\n"
    assert events == [b'event: export\nid: W/"%d"\ndata: {"n":%d}\n\n' % (n, n) for n in (1, 2, 3)]


@pytest.mark.usefixtures("impatient")
def test_what_the_client_has_is_not_sent_again() -> None:
    _, *events = collect(view(1), view(1), view(2, final=True), known='W/"1"')
    assert [event.id for event in events_of(events)] == ['W/"2"']
    assert collect(view(2, final=True), known='W/"2"') == [b"retry: 2000\n\n"]


@pytest.mark.usefixtures("impatient")
def test_when_nothing_happens_a_comment_keeps_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "_QUIET_SECONDS", 0.0)
    chunks = collect(view(1), view(1), view(1), view(2, final=True))
    assert [chunk[:1] for chunk in chunks] == [b"r", b"e", b":", b":", b"e"]
    assert [event.id for event in events_of(chunks)] == ['W/"1"', 'W/"2"']


def test_a_comment_comes_at_least_every_fifteen_seconds() -> None:
    assert event_stream._QUIET_SECONDS + 0.5 < 15


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "error", [NotFound("gone"), Unauthenticated("revoked"), OperationalError("select", {}, Exception())]
)
def test_a_look_that_fails_ends_the_stream(error: Exception) -> None:
    assert len(collect(view(1), error, view(2))) == 2


def test_a_server_that_stops_keeps_nobody_waiting() -> None:
    class Server:
        should_exit = False

        def handle_exit(self, *_: object) -> None:
            raise AssertionError

    server = Server()
    before = signal.signal(signal.SIGTERM, server.handle_exit)
    try:
        assert not is_stopping()
        server.should_exit = True
        assert is_stopping()
        assert len(collect(view(1), view(2))) == 2

        async def never() -> Any:
            await asyncio.Event().wait()

        last = asyncio.run(final_or_last(view(1), never, receive=never, seconds=30))
        assert last == view(1)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not is_stopping()


# Over HTTP


@pytest.fixture
def client(as_caller: Callable[[Caller], TestClient]) -> TestClient:
    return as_caller(ANNA)


@pytest.fixture
def export_id(bench: Bench, client: TestClient) -> UUID:
    """An export that tells of its progress at each look, and is done at the fifth."""
    export_id = UUID(client.post("/v1/exports", json=REQUEST).json()["id"])
    looks = 0

    def observe(_session: object, _ids: object) -> Any:
        nonlocal looks
        looks += 1
        if looks < 5:
            progress = {"stage": "extracting", "rows": looks, "rows_estimated": None, "bytes": 0, "percent": None}
            return {export_id: replace(RUNNING, told={"progress": progress})}
        bench.publish(export_id)
        return {export_id: SUCCEEDED}

    bench.airflow.observe = observe  # type: ignore[method-assign, assignment]
    return export_id


def watch(client: TestClient, export_id: UUID, **headers: str) -> list[Event]:
    answer = client.get(f"/v1/exports/{export_id}/events", headers=headers)
    assert answer.status_code == 200, answer.text
    return list(events_of([answer.content]))


def test_progress_is_told_until_the_end(client: TestClient, export_id: UUID) -> None:
    answer = client.get(f"/v1/exports/{export_id}/events", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["content-encoding"] == "identity"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.content.startswith(b"retry: 2000\n\n")
    events = list(events_of([answer.content]))
    assert {event.kind for event in events} == {"export"}
    bodies = [json.loads(event.data) for event in events]
    assert [body["progress"]["rows"] for body in bodies] == [1, 2, 3, 4, 1]
    assert [body["status"] for body in bodies] == ["running"] * 4 + ["succeeded"]
    last = client.get(f"/v1/exports/{export_id}")
    assert (bodies[-1], events[-1].id) == (last.json(), last.headers["etag"])


def test_a_client_that_comes_back_gets_what_is_new(client: TestClient, export_id: UUID) -> None:
    events = watch(client, export_id)
    assert watch(client, export_id, **{"Last-Event-ID": events[0].id}) == events[-1:]
    done = client.get(f"/v1/exports/{export_id}/events", headers={"Last-Event-ID": events[-1].id})
    assert (done.status_code, done.content) == (204, b"")


def test_nobody_watches_what_he_may_not_read(
    as_caller: Callable[[Caller], TestClient], client: TestClient, export_id: UUID
) -> None:
    for somebody, path, status in (
        (as_caller(BERT), str(export_id), 404),
        (as_caller(replace(ANNA, rights=OWN - {Right.READ})), str(export_id), 403),
        (client, "x", 404),
    ):
        answer = somebody.get(f"/v1/exports/{path}/events", headers={"Last-Event-ID": "x"})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_right_that_is_taken_away_ends_the_stream(bench: Bench, export_id: UUID) -> None:
    from fastapi.testclient import TestClient

    app = create_app(bench.service)
    app.dependency_overrides[auth.identify] = lambda: ANNA
    checks = 0

    async def recheck() -> Caller:
        nonlocal checks
        checks += 1
        if checks > 2:
            raise Unauthenticated("The token is unknown, expired or revoked.")
        return ANNA

    app.dependency_overrides[auth._recheck] = lambda: recheck
    events = watch(TestClient(app), export_id)
    assert [json.loads(event.data)["progress"]["rows"] for event in events] == [1, 2, 3]
