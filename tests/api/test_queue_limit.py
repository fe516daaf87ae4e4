"""A user's queue is bounded: what is refused, what is not, and what the answer tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.api.stand_in import ANNA, BERT, FAILED, RUNNING, SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from export_api.caller import Caller
    from export_api.status import Observation
    from tests.api.stand_in import Bench

REQUEST = {"exporter": "machines", "format": "csv"}
LIMIT = 3


@pytest.fixture
def full(bench: Bench, as_caller: Callable[[Caller], TestClient]) -> tuple[TestClient, list[str]]:
    """Return anna's client and the exports that fill her queue; the first was sent with a key."""
    bench.airflow.settings = bench.airflow.settings.model_copy(update={"queue_limit": LIMIT})
    client = as_caller(ANNA)
    answers = [client.post("/v1/exports", json=REQUEST, headers={"Idempotency-Key": "first"})]
    answers += [client.post("/v1/exports", json=REQUEST) for _ in range(LIMIT - 1)]
    assert [answer.status_code for answer in answers] == [202] * LIMIT
    ids = [answer.json()["id"] for answer in answers]
    bench.airflow.seen |= {UUID(export_id): RUNNING for export_id in ids}
    return client, ids


def test_one_more_is_refused_and_the_answer_says_what_the_limit_is(
    bench: Bench, full: tuple[TestClient, list[str]]
) -> None:
    client, _ = full
    refused = client.post("/v1/exports", json=REQUEST)
    body: dict[str, Any] = refused.json()
    assert (refused.status_code, body["code"], body["retryable"]) == (429, "quota_exceeded", True)
    assert body["detail"].startswith("You have 3 unfinished exports")
    assert refused.headers["Retry-After"] == "5"
    assert refused.headers["RateLimit-Policy"] == '"queue";q=3;qu="concurrent-requests"'
    assert refused.headers["RateLimit"] == '"queue";r=0'
    assert len(bench.airflow.triggered) == LIMIT


def test_running_again_is_one_more_too(bench: Bench, full: tuple[TestClient, list[str]]) -> None:
    client, ids = full
    refused = client.post(f"/v1/exports/{ids[0]}/rerun")
    assert (refused.status_code, refused.headers["RateLimit"]) == (429, '"queue";r=0')
    assert len(bench.airflow.triggered) == LIMIT


def test_another_user_is_not_affected(
    full: tuple[TestClient, list[str]], as_caller: Callable[[Caller], TestClient]
) -> None:
    assert full[0].post("/v1/exports", json=REQUEST).status_code == 429
    assert as_caller(BERT).post("/v1/exports", json=REQUEST).status_code == 202


def test_a_request_that_was_answered_before_is_answered_again(full: tuple[TestClient, list[str]]) -> None:
    client, ids = full
    replayed = client.post("/v1/exports", json=REQUEST, headers={"Idempotency-Key": "first"})
    assert (replayed.status_code, replayed.json()["id"]) == (202, ids[0])
    assert replayed.headers["Idempotent-Replayed"] == "true"


def test_a_refused_request_does_not_use_up_its_key(bench: Bench, full: tuple[TestClient, list[str]]) -> None:
    client, ids = full
    key = {"Idempotency-Key": "later"}
    assert client.post("/v1/exports", json=REQUEST, headers=key).status_code == 429
    end(bench, client, ids[0], FAILED)
    accepted = client.post("/v1/exports", json=REQUEST, headers=key)
    assert (accepted.status_code, "Idempotent-Replayed" in accepted.headers) == (202, False)


@pytest.mark.parametrize("outcome", [SUCCEEDED, FAILED])
def test_an_export_that_has_ended_makes_room_for_one_and_no_more(
    bench: Bench, full: tuple[TestClient, list[str]], outcome: Observation
) -> None:
    client, ids = full
    end(bench, client, ids[1], outcome)
    assert client.post("/v1/exports", json=REQUEST).status_code == 202
    assert client.post("/v1/exports", json=REQUEST).status_code == 429


def test_cancelling_one_makes_room(full: tuple[TestClient, list[str]]) -> None:
    client, ids = full
    assert client.post("/v1/exports", json=REQUEST).status_code == 429
    cancelled = client.post(f"/v1/exports/{ids[2]}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    assert client.post("/v1/exports", json=REQUEST).status_code == 202


def end(bench: Bench, client: TestClient, export_id: str, outcome: Observation) -> None:
    """Have an export end, and somebody look at it."""
    bench.airflow.seen[UUID(export_id)] = outcome
    if outcome is SUCCEEDED:
        bench.publish(UUID(export_id))
    assert client.get(f"/v1/exports/{export_id}").json()["unready"] is False
