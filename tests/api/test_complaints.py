"""Complaints about other products' exports that the API answers; docs/complaints.md lists them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from export_api.caller import Right
from export_api.db.models import Audit
from include.core.request import parse_request
from tests.api.stand_in import ANNA, BERT, SUCCEEDED, Bench

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from fastapi.testclient import TestClient

    from export_api.caller import Caller


@pytest.fixture
def finished(bench: Bench) -> UUID:
    """Return anna's finished export, whose file is kept for ten minutes."""
    export_id = bench.service.submit(ANNA, parse_request({"exporter": "machines", "format": "csv"})).export.id
    bench.airflow.seen[export_id] = SUCCEEDED
    until = {"expires_at": bench.time + timedelta(minutes=10)}
    bench.store.objects[f"{export_id}/manifest.json"] = bench.publish(export_id).model_copy(update=until).to_bytes()
    return export_id


def downloads(bench: Bench) -> list[str]:
    with bench.airflow.session() as session:
        return list(session.scalars(sa.select(Audit.caller).where(Audit.action == "download")))


def test_parameters_are_not_discovered_by_failing(as_caller: Callable[[Caller], TestClient]) -> None:
    """The catalog tells them as JSON Schema; one answer tells everything that is wrong, and where."""
    client = as_caller(ANNA)
    schema = client.get("/v1/exporters/orders").json()["params"]
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert {"since", "until", "status", "event", "organizer"} <= schema["properties"].keys()
    assert all({"description"} <= field.keys() for field in schema["properties"].values())

    wrong = {
        "exporter": "orders",
        "format": "csv",
        "params": {"since": "soon", "colour": "red"},
        "columns": ["code", "nothing"],
        "where": [{"column": "total", "op": "contains", "value": 1}],
    }
    refused = client.post("/v1/exports", json=wrong)
    assert refused.status_code == 422
    errors: list[dict[str, Any]] = refused.json()["errors"]
    assert {error["pointer"] for error in errors} == {
        "/params/since",
        "/params/colour",
        "/columns/1",
        "/where/0/op",
    }
    assert all(error["detail"] for error in errors)


def test_langfuse_16567_who_may_download_is_asked_at_the_download(
    bench: Bench, as_caller: Callable[[Caller], TestClient], finished: UUID
) -> None:
    """langfuse!16567: an id that somebody listed leads to no file of others, and a right can be withdrawn."""
    ways = [f"/v1/exports/{finished}/{way}" for way in ("download?redirect=false", "content", "manifest")]
    withdrawn = replace(ANNA, rights=ANNA.rights - {Right.READ})
    for caller, status in ((BERT, 404), (withdrawn, 403)):
        client = as_caller(caller)
        assert [client.get(way).status_code for way in ways] == [status] * 3
        assert client.get(f"/v1/exports/{finished}").status_code == status
    assert downloads(bench) == []
    assert as_caller(ANNA).get(ways[0]).json()["url"].startswith("https://store.example/")
    assert downloads(bench) == ["anna"]


def test_boto3_2392_a_link_is_minted_for_each_reader_and_lives_no_longer_than_the_file(
    bench: Bench, as_caller: Callable[[Caller], TestClient], finished: UUID
) -> None:
    """boto3#2392, lakefs#6391: none is kept that could be dead by the time it is used."""
    client, way = as_caller(ANNA), f"/v1/exports/{finished}/download?redirect=false"
    for minutes, seconds in ((0, 60), (9, 60), (0.5, 30)):  # a link's usual life is a minute here
        bench.pass_time(minutes=minutes)
        link = client.get(way).json()
        assert link["url"].endswith(f"seconds={seconds}")
        assert link["expires_at"].startswith((bench.time + timedelta(seconds=seconds)).isoformat()[:19])
    assert downloads(bench) == ["anna"] * 3
    assert "store.example" not in client.get(f"/v1/exports/{finished}").text
    bench.pass_time(minutes=0.5)
    assert client.get(way).status_code == 410
