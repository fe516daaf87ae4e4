"""Looking at an export again: the work is saved, the truth is not."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from export_api import tokens
from export_api.auth import TRUST_SECONDS, KnownTokens
from export_api.caller import Caller, Right
from export_api.db import records
from export_api.db.models import Token
from export_api.looking import Looks
from export_api.service import ExportService
from export_api.shaping import Addresses
from include.core.errors import NotAllowed, NotFound
from include.core.request import parse_request, utc_now
from tests.api.stand_in import ADMIN, ANNA, BERT, FAILED, RUNNING, SUCCEEDED

if TYPE_CHECKING:
    from export_api.shaping import View
    from tests.api.stand_in import Bench

HERE = Addresses("https://airflow.example")


class Counted(ExportService):
    """Counts how often an export is read and shown anew."""

    gets = 0

    def get(self, *arguments: Any, **named: Any) -> Any:
        self.gets += 1
        return super().get(*arguments, **named)


@pytest.fixture
def service(bench: Bench) -> Counted:
    return Counted(bench.airflow, now=lambda: bench.time)


@pytest.fixture
def looks(service: Counted) -> Looks:
    return Looks(service)


@pytest.fixture
def export_id(bench: Bench) -> UUID:
    """Anna's export, which runs."""
    found: UUID = bench.service.submit(ANNA, parse_request({"exporter": "machines", "format": "csv"})).export.id
    bench.airflow.seen[found] = RUNNING
    return found


def look(looks: Looks, export_id: UUID, caller: Caller = ANNA, at: Addresses = HERE) -> View:
    return asyncio.run(looks.look(caller, str(export_id), at))


def finish(bench: Bench, export_id: UUID) -> None:
    bench.publish(export_id)
    bench.airflow.seen[export_id] = SUCCEEDED
    assert bench.service.get(ANNA, str(export_id)).export.settled_at is not None


def test_what_has_not_changed_is_made_once(looks: Looks, service: Counted, bench: Bench, export_id: UUID) -> None:
    for times in (1, 2):
        views = [look(looks, export_id, caller) for caller in (ANNA, ADMIN, ANNA)]
        assert service.gets == times
        assert views[0] == views[1] == views[2]
        finish(bench, export_id)
    there = look(looks, export_id, at=Addresses("https://elsewhere.example"))
    assert b"https://elsewhere.example/" in there.content


def test_what_another_process_does_is_seen_at_once(looks: Looks, bench: Bench, export_id: UUID) -> None:
    elsewhere = bench.service
    assert b'"warnings":[]' in look(looks, export_id).content
    elsewhere.cancel(ANNA, str(export_id))
    assert b'"cancelled"' in look(looks, export_id).content
    other = elsewhere.submit(ANNA, parse_request({"exporter": "machines", "format": "csv"})).export.id
    finish(bench, other)
    assert look(looks, other).final
    elsewhere.delete(ANNA, str(other))
    for caller in (ANNA, ADMIN):
        with pytest.raises(NotFound):
            look(looks, other, caller)


def test_a_file_expires_without_any_change_of_its_row(looks: Looks, bench: Bench, export_id: UUID) -> None:
    finish(bench, export_id)
    with bench.airflow.session() as session:
        row = records.find(session, export_id)
        assert row is not None
        row.expires_at = bench.time
        bench.pass_time(seconds=-1)
    assert b'"expired":false' in look(looks, export_id).content
    bench.pass_time(seconds=1)
    expired = look(looks, export_id).content
    assert b'"expired":true' in expired
    assert b'"download_url":null,"error"' in expired


def test_an_export_that_runs_again_is_open_again(looks: Looks, bench: Bench, export_id: UUID) -> None:
    bench.airflow.seen[export_id] = FAILED
    assert look(looks, export_id).final
    bench.airflow.seen[export_id] = RUNNING
    bench.service.reviver.reopen_all()
    assert not look(looks, export_id).final


def test_one_that_has_ended_but_cannot_be_settled_is_looked_at_each_time(
    looks: Looks, service: Counted, bench: Bench, export_id: UUID
) -> None:
    bench.publish(export_id)
    bench.airflow.seen[export_id] = SUCCEEDED
    bench.store.silent = True
    for times in (1, 2):
        assert b"is not known yet" in look(looks, export_id).content
        assert service.gets == times
    bench.store.silent = False
    assert look(looks, export_id).final


def test_what_is_kept_opens_no_door(looks: Looks, bench: Bench, export_id: UUID) -> None:
    finish(bench, export_id)
    look(looks, export_id)
    with pytest.raises(NotFound):
        look(looks, export_id, BERT)
    with pytest.raises(NotAllowed):
        look(looks, export_id, Caller("anna", "Anna", frozenset({Right.CREATE})))
    for unknown in (str(uuid4()), "x", f"{export_id}0"):
        with pytest.raises(NotFound, match=unknown):
            asyncio.run(looks.look(ANNA, unknown, HERE))


# Tokens


def test_a_revoked_token_is_trusted_for_a_moment_only(bench: Bench) -> None:
    made = tokens.make()
    row = {"account": "anna", "claims": {"sub": "7"}, "prefix": made.prefix, "sha256": made.sha256}

    async def play() -> float:
        known = KnownTokens(bench.airflow)
        assert await known.claims(made.sha256) is None
        with bench.airflow.session() as session:
            session.add(Token(id=uuid4(), created_at=utc_now(), **row))
        assert await known.claims(made.sha256) == {"sub": "7"}, "what was unknown is asked again"
        with bench.airflow.session() as session:
            records.revoke_token(session, made.prefix, utc_now())
        revoked = time.monotonic()
        assert await KnownTokens(bench.airflow).claims(made.sha256) is None, "another process has not trusted it"
        while await known.claims(made.sha256) is not None:
            assert time.monotonic() - revoked < 30
            await asyncio.sleep(0)
        return time.monotonic() - revoked

    assert asyncio.run(play()) < TRUST_SECONDS + 5
