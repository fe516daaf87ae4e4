"""Reading an export over HTTP: what is new comes with a tag, what is not new does not come again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from export_api.conditional import weak_tag
from tests.api.stand_in import ANNA, BERT, FAILED, RUNNING, SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from export_api.caller import Caller
    from tests.api.stand_in import Bench

REQUEST = {"exporter": "machines", "format": "csv"}


@pytest.fixture
def client(as_caller: Callable[[Caller], TestClient]) -> TestClient:
    return as_caller(ANNA)


@pytest.fixture
def export_id(bench: Bench, client: TestClient) -> UUID:
    """An export that runs."""
    created = client.post("/v1/exports", json=REQUEST)
    assert created.status_code == 202
    found = UUID(created.json()["id"])
    bench.airflow.seen[found] = RUNNING
    return found


def test_what_has_not_changed_is_not_sent_again(client: TestClient, export_id: UUID) -> None:
    first = client.get(f"/v1/exports/{export_id}")
    tag = first.headers["etag"]
    assert tag == weak_tag(first.content)
    assert first.headers["cache-control"] == "private, no-cache"
    for condition in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = client.get(f"/v1/exports/{export_id}", headers={"If-None-Match": condition})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["retry-after"]) == (tag, "1")
    for condition in ('"x"', "nonsense", ""):
        again = client.get(f"/v1/exports/{export_id}", headers={"If-None-Match": condition})
        assert (again.status_code, again.json()) == (200, first.json())


def test_every_change_of_the_body_changes_its_tag(bench: Bench, client: TestClient, export_id: UUID) -> None:
    def tell(rows: int) -> None:
        progress = {"stage": "extracting", "rows": rows, "rows_estimated": None, "bytes": 0, "percent": None}
        bench.airflow.seen[export_id] = replace(RUNNING, told={"progress": progress})

    def finish() -> None:
        bench.publish(export_id)
        bench.airflow.seen[export_id] = SUCCEEDED

    known: set[str] = set()
    changes: list[Callable[[], None]] = [lambda: tell(0), lambda: tell(1), lambda: tell(2), finish]
    for change in changes:
        change()
        answer = client.get(f"/v1/exports/{export_id}", headers={"If-None-Match": ", ".join(known)})
        assert answer.status_code == 200
        known.add(answer.headers["etag"])
        assert client.get(f"/v1/exports/{export_id}", headers={"If-None-Match": ", ".join(known)}).status_code == 304
    assert len(known) == 4
    assert "retry-after" not in answer.headers
    bench.store.silent = True  # a settled export is read without the store
    assert client.get(f"/v1/exports/{export_id}", headers={"If-None-Match": ", ".join(known)}).status_code == 304


def test_a_failed_export_is_done(bench: Bench, client: TestClient, export_id: UUID) -> None:
    bench.airflow.seen[export_id] = FAILED
    answer = client.get(f"/v1/exports/{export_id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    assert "retry-after" not in answer.headers


def test_a_condition_opens_no_door(
    as_caller: Callable[[Caller], TestClient], client: TestClient, export_id: UUID
) -> None:
    for somebody, unknown in ((as_caller(BERT), export_id), (client, uuid4())):
        answer = somebody.get(f"/v1/exports/{unknown}", headers={"If-None-Match": "*"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
