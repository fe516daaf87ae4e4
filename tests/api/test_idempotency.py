"""Idempotency keys: the same request twice is one export, however close together the two come."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from export_api import clock
from export_api.db import keys
from export_api.db.models import Audit, Export, IdempotencyKey
from export_api.idempotency import Kept, Key, KeyInFlight, KeyReused, fingerprint_of, key_of
from include.core.errors import Fatal, InvalidRequest, Retriable
from include.core.request import parse_request
from tests.api.stand_in import ANNA, BERT, RUNNING, SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    import httpx
    from fastapi.testclient import TestClient

    from export_api.caller import Caller
    from tests.api.stand_in import Bench

REQUEST = {"exporter": "machines", "format": "csv"}
OTHER = {"exporter": "machines", "format": "xlsx"}
KEY = Key("POST /v1/exports", "k")


# The header


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (' \t"a" ', "a"),
        ("a", "a"),
        (r'"a\"b\\c"', r'a"b\c'),
        ('"a,b;c"', "a,b;c"),
        ("YWJj/+==", "YWJj/+=="),
        ("x" * 255, "x" * 255),
        (f'"{"x" * 255}"', "x" * 255),
    ],
)
def test_a_key_is_a_string_or_a_bare_word(line: str, text: str) -> None:
    assert key_of("POST /v1/exports", [line]) == Key("POST /v1/exports", text)


@pytest.mark.parametrize(
    "lines",
    [
        [""],
        [" "],
        ['""'],
        ["x" * 256],
        [f'"{"x" * 256}"'],
        ["a b"],
        ['"a b"'],
        ['"a'],
        ['a"'],
        ['"a"b'],
        [r'"a\b"'],
        ['"a\\"'],
        ["a\\b"],
        ["a,b"],
        ["a;b=1"],
        ['"a";b=1'],
        ["ä"],
        ['"ä"'],
        ["a\x7f"],
        ["a", "b"],
        ['"a"', '"a"'],
        ['"' + "\\" * 50_001],
    ],
)
def test_any_other_key_is_refused(lines: list[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        key_of("POST /v1/exports", lines)
    assert [error.pointer for error in caught.value.errors] == ["/header/Idempotency-Key"]


def test_without_the_header_there_is_no_key() -> None:
    assert key_of("POST /v1/exports", []) is None


def test_equal_requests_have_one_fingerprint_however_they_are_written() -> None:
    def of(**body: Any) -> str:
        return fingerprint_of(parse_request({"exporter": "machines", **body}))

    same = [
        of(params={"a": 1, "b": [1, 2]}),
        of(params={"b": [1, 2], "a": 1}, format="csv"),
        of(limit=None, params={"a": 1, "b": [1, 2]}, columns=None),
    ]
    assert len(set(same)) == 1
    assert of(columns=["a"]) == of(columns=[{"name": "a"}])
    others = [
        of(),
        of(params={"a": 1, "b": [2, 1]}),
        of(params={"a": "1", "b": [1, 2]}),
        of(format="xlsx"),
        of(limit=1),
    ]
    assert len({same[0], *others}) == 6


# Over HTTP


@pytest.fixture
def client(as_caller: Callable[[Caller], TestClient]) -> TestClient:
    return as_caller(ANNA)


def post(client: TestClient, body: Any = REQUEST, key: str = '"k"', **headers: str) -> httpx.Response:
    answer: httpx.Response = client.post("/v1/exports", json=body, headers={"Idempotency-Key": key, **headers})
    return answer


def rows(bench: Bench, model: type[Any]) -> list[Any]:
    with bench.airflow.session() as session:
        return list(session.scalars(sa.select(model)))


def test_the_same_request_again_is_the_same_export(bench: Bench, client: TestClient) -> None:
    first = post(client)
    assert first.status_code == 202
    assert "idempotent-replayed" not in first.headers
    bench.airflow.seen[rows(bench, Export)[0].id] = RUNNING
    for key in ("k", '"k"'):
        again = post(client, {"format": "csv", "exporter": "machines", "params": {}}, key)
        assert (again.status_code, again.headers["location"]) == (202, first.headers["location"])
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["retry-after"] == "1"
        assert (again.json()["id"], again.json()["status"]) == (first.json()["id"], "running")
    assert len(rows(bench, Export)) == len(bench.airflow.triggered) == len(rows(bench, Audit)) == 1


def test_a_replay_shows_the_export_as_it_is_now(bench: Bench, client: TestClient) -> None:
    first = post(client)
    (export,) = rows(bench, Export)
    bench.publish(export.id)
    bench.airflow.seen[export.id] = SUCCEEDED
    again = post(client)
    assert (again.status_code, again.json()["status"]) == (202, "succeeded")
    assert "retry-after" not in again.headers
    waited = post(client, Prefer="wait=20")
    assert (waited.status_code, waited.json()) == (200, again.json())
    assert waited.headers["idempotent-replayed"] == "true"
    assert waited.json()["id"] == first.json()["id"]


def test_another_request_with_the_same_key_is_refused(bench: Bench, client: TestClient) -> None:
    post(client)
    refused = post(client, OTHER)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert len(bench.airflow.triggered) == 1


def test_a_bad_key_starts_nothing(bench: Bench, client: TestClient) -> None:
    refused = post(client, key="a b")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/header/Idempotency-Key")
    assert bench.airflow.triggered == []


def test_keys_belong_to_their_callers(
    bench: Bench, client: TestClient, as_caller: Callable[[Caller], TestClient]
) -> None:
    assert post(client).json()["id"] != post(as_caller(BERT)).json()["id"]
    assert len(bench.airflow.triggered) == 2


def test_without_a_key_every_request_is_a_new_one(bench: Bench, client: TestClient) -> None:
    for _ in range(2):
        client.post("/v1/exports", json=REQUEST)
    assert len(bench.airflow.triggered) == 2
    assert rows(bench, IdempotencyKey) == []


@pytest.mark.parametrize("refusal", [Retriable("paused", code="dag_paused"), Fatal("refused"), ZeroDivisionError()])
def test_a_request_that_failed_may_be_tried_again(bench: Bench, client: TestClient, refusal: Exception) -> None:
    bench.airflow.refusal = refusal
    assert post(client).status_code >= 500
    assert rows(bench, IdempotencyKey) == []
    bench.airflow.refusal = None
    again = post(client)
    assert (again.status_code, again.headers.get("idempotent-replayed")) == (202, None)


def test_a_request_that_was_refused_may_be_mended(bench: Bench, client: TestClient) -> None:
    assert post(client, {"exporter": "nothing"}).status_code == 422
    assert client.post("/v1/exports", content=b"{", headers={"Idempotency-Key": "k"}).status_code == 415
    assert post(client).status_code == 202
    assert len(bench.airflow.triggered) == 1


def test_a_key_is_kept_for_a_day(bench: Bench, client: TestClient) -> None:
    first = post(client)
    bench.pass_time(hours=23, minutes=59)
    clock.tick(bench.service)
    assert post(client).headers["location"] == first.headers["location"]
    bench.pass_time(minutes=1)
    late = post(client, OTHER)
    assert (late.status_code, "idempotent-replayed" in late.headers) == (202, False)
    assert late.headers["location"] != first.headers["location"]
    assert post(client, OTHER).headers["location"] == late.headers["location"]
    bench.pass_time(hours=24)
    clock.tick(bench.service)
    assert rows(bench, IdempotencyKey) == []


def test_the_key_of_an_export_that_is_no_longer_there_starts_no_other(bench: Bench, client: TestClient) -> None:
    post(client)
    with bench.airflow.session() as session:
        session.execute(sa.delete(Export))
    gone = post(client)
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")
    assert len(bench.airflow.triggered) == 1


# Two at once


def submit(bench: Bench, body: dict[str, Any] = REQUEST) -> UUID:
    return bench.service.submit(ANNA, parse_request(body), KEY).export.id


def test_equal_requests_at_once_start_one_export(bench: Bench) -> None:
    with ThreadPoolExecutor(20) as threads:
        found = list(threads.map(lambda _: submit(bench), range(20)))
    assert len(set(found)) == len(bench.airflow.triggered) == len(rows(bench, Export)) == 1


def test_different_requests_with_one_key_at_once_start_one_export(bench: Bench) -> None:
    def attempt(number: int) -> UUID | None:
        try:
            return submit(bench, REQUEST | {"limit": number + 1})
        except KeyReused:
            return None

    with ThreadPoolExecutor(10) as threads:
        found = list(threads.map(attempt, range(10)))
    assert len([each for each in found if each is not None]) == len(bench.airflow.triggered) == 1


def take(session: Any, bench: Bench) -> UUID:
    """Use the key as a first request does."""
    kept = Kept(fingerprint_of(parse_request(REQUEST)), uuid4())
    assert keys.take(session, "anna", KEY, kept=kept, now=bench.time) is None
    return kept.export_id


def test_while_the_first_has_no_answer_the_second_is_told_to_come_again(
    bench: Bench, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_PATIENCE", "100ms")
    with Session(bench.airflow._engine) as first:
        take(first, bench)
        refused = post(client, key=KEY.text)
        assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_in_flight")
        assert refused.headers["retry-after"]
        assert refused.json()["retryable"] is True
        first.rollback()
    assert post(client, key=KEY.text).status_code == 202


@pytest.mark.parametrize("commits", [True, False])
def test_the_second_waits_for_what_becomes_of_the_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, commits: bool
) -> None:
    monkeypatch.setattr(keys, "_PATIENCE", "30s")
    with ThreadPoolExecutor(1) as threads:
        with Session(bench.airflow._engine) as first:
            taken = take(first, bench)
            first.add(bench_row(taken))
            first.flush()
            second = threads.submit(submit, bench)
            while not waits_for_a_lock(bench):
                assert not second.done()
            (first.commit if commits else first.rollback)()
        found = second.result(30)
    assert (found == taken) is commits
    assert len(bench.airflow.triggered) == (0 if commits else 1)


def bench_row(export_id: UUID) -> Export:
    from tests.api.stand_in import START

    identity = {"dag_id": "export", "run_id": f"export__{export_id}", "task_id": "export", "map_index": -1}
    asked = {"exporter": "machines", "format": "csv", "request": REQUEST, "trigger": "api", "requested_by": "anna"}
    return Export(id=export_id, **identity, **asked, created_at=START)


def waits_for_a_lock(bench: Bench) -> bool:
    with bench.airflow.session() as session:
        waiting = "select count(*) from pg_locks where not granted and locktype = 'transactionid'"
        return bool(session.scalar(sa.text(waiting)))


def test_waiting_changes_nothing_else_of_the_transaction(bench: Bench) -> None:
    with bench.airflow.session() as session:
        session.execute(sa.text("set local lock_timeout = '7s'"))
        take(session, bench)
        assert session.scalar(sa.text("show lock_timeout")) == "7s"


def test_a_key_that_is_forgotten_while_it_is_looked_at_is_no_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(bench)
    monkeypatch.setattr(keys, "find", lambda *_: None)
    with pytest.raises(KeyInFlight):
        submit(bench)
    assert len(rows(bench, Export)) == 1
