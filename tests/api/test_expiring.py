"""Files are kept until a moment that everybody is told; after it they are gone, and the proof stays."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from export_api import clock
from export_api.db.models import Audit
from export_api.shaping import Addresses, export_body
from include.core.errors import Gone, InvalidRequest
from include.core.request import parse_request
from tests.api.stand_in import ANNA, START, SUCCEEDED, Bench

if TYPE_CHECKING:
    from uuid import UUID

ADDRESSES = Addresses("https://airflow.example")
REQUEST = {"exporter": "machines", "format": "csv"}


def finished(bench: Bench, *, seconds: float | None) -> UUID:
    """Return an export whose file is kept for so many seconds."""
    export_id = bench.service.submit(ANNA, parse_request(REQUEST)).export.id
    bench.airflow.seen[export_id] = SUCCEEDED
    manifest = bench.publish(export_id)
    if seconds is not None:
        kept = manifest.model_copy(update={"expires_at": START + timedelta(seconds=seconds)})
        bench.store.objects[f"{export_id}/manifest.json"] = kept.to_bytes()
    return export_id


def test_until_the_moment_there_is_a_file_and_after_it_there_is_none(bench: Bench) -> None:
    export_id = finished(bench, seconds=100)
    body = export_body(bench.service.get(ANNA, str(export_id)), ADDRESSES)
    assert (body.expires_at, body.expired) == (START + timedelta(seconds=100), False)
    assert body.download_url
    bench.pass_time(seconds=100)
    body = export_body(bench.service.get(ANNA, str(export_id)), ADDRESSES)
    assert (body.status, body.expired, body.download_url, body.links.download) == ("succeeded", True, None, None)
    with pytest.raises(Gone) as caught:
        bench.service.link(ANNA, str(export_id))
    assert caught.value.error_code == "expired"
    assert bench.service.manifest(ANNA, str(export_id))["rows"] == 1


def test_a_link_never_outlives_the_file(bench: Bench) -> None:
    export_id = finished(bench, seconds=20)
    link = bench.service.link(ANNA, str(export_id))
    assert link is not None
    assert link.expires_at == START + timedelta(seconds=20)
    assert "seconds=20" in link.url


def test_the_clock_removes_what_has_expired_and_nothing_else(bench: Bench) -> None:
    over, later, forever = (finished(bench, seconds=seconds) for seconds in (10, 1000, None))
    clock.tick(bench.service)
    assert bench.store.removed == []
    bench.pass_time(seconds=10)
    clock.tick(bench.service)
    clock.tick(bench.service)
    assert bench.store.removed == [str(over)]
    assert {key.partition("/")[0] for key in bench.store.objects} == {str(later), str(forever)}
    with bench.airflow.session() as session:
        entries = session.scalars(sa.select(Audit).where(Audit.action == "expire")).all()
    assert [(entry.caller, entry.export_id) for entry in entries] == [("waybill", over)]


def test_a_store_that_is_silent_keeps_nothing_alive(bench: Bench) -> None:
    export_id = finished(bench, seconds=10)
    bench.service.get(ANNA, str(export_id))
    bench.pass_time(seconds=10)
    bench.store.silent = True
    clock.Clock(bench.service).tick()
    assert bench.service.get(ANNA, str(export_id)).expired
    bench.store.silent = False
    clock.tick(bench.service)
    assert bench.store.objects == {}


def test_more_than_is_allowed_is_refused_at_the_request(bench: Bench) -> None:
    with pytest.raises(InvalidRequest) as caught:
        bench.service.submit(ANNA, parse_request({**REQUEST, "expires_in": "P91D"}))
    assert [error.pointer for error in caught.value.errors] == ["/expires_in"]
    assert bench.airflow.triggered == []
