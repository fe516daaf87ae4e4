"""Cancelling, running again and deleting: who may, what becomes of the export, and what is left of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from export_api import clock
from export_api.db.listing import Filter
from export_api.db.models import Audit, Export
from export_api.status import RELEASE, Observation, Status
from include.core.errors import Conflict, Gone, NotAllowed, NotFound, Retriable
from include.core.request import parse_request
from tests.api.stand_in import ADMIN, ANNA, BERT, RUNNING, START, SUCCEEDED, VERA, Bench

if TYPE_CHECKING:
    from uuid import UUID

WAITING = Observation(run_state="queued", task_exists=True)
AT_WORK = replace(RUNNING, started_at=START)


def submitted(bench: Bench, seen: Observation) -> UUID:
    export_id = bench.service.submit(ANNA, parse_request({"exporter": "machines", "format": "csv"})).export.id
    bench.airflow.seen[export_id] = seen
    return export_id


def audited(bench: Bench, action: str) -> list[str]:
    with bench.airflow.session() as session:
        return list(session.scalars(sa.select(Audit.caller).where(Audit.action == action)))


def test_an_export_that_waits_is_cancelled_at_once(bench: Bench) -> None:
    export_id = submitted(bench, WAITING)
    shown = bench.service.cancel(ANNA, str(export_id))
    assert shown.status is Status.CANCELLED
    assert bench.airflow.stopped == [export_id]
    assert shown.export.error == {
        "code": "cancelled",
        "detail": "The export was cancelled by anna.",
        "retryable": False,
    }
    assert str(export_id) in bench.store.removed


def test_an_export_that_runs_is_cancelled_once_its_worker_let_go(bench: Bench) -> None:
    export_id = submitted(bench, AT_WORK)
    shown = bench.service.cancel(ANNA, str(export_id))
    assert shown.status is Status.RUNNING
    assert shown.warnings == ("The export is being cancelled: its query is being ended.",)
    bench.airflow.seen[export_id] = replace(bench.airflow.seen[export_id], told={"released": 1})
    shown = bench.service.get(ANNA, str(export_id))
    assert (shown.status, shown.warnings) == (Status.CANCELLED, ())
    with pytest.raises(Gone, match="cancelled by anna"):
        bench.service.manifest(ANNA, str(export_id))


def test_a_worker_that_is_lost_holds_up_cancelling_for_a_while_only(bench: Bench) -> None:
    export_id = submitted(bench, AT_WORK)
    bench.service.cancel(ANNA, str(export_id))
    bench.time += RELEASE
    assert bench.service.get(ANNA, str(export_id)).status is Status.CANCELLED


def test_cancelling_twice_is_cancelling_once(bench: Bench) -> None:
    export_id = submitted(bench, AT_WORK)
    for caller in (ANNA, ADMIN, ANNA):
        assert bench.service.cancel(caller, str(export_id)).status is Status.RUNNING
    bench.time += RELEASE
    assert bench.service.cancel(ANNA, str(export_id)).status is Status.CANCELLED
    assert bench.service.cancel(ADMIN, str(export_id)).export.cancelled_by == "anna"
    assert bench.airflow.stopped == [export_id]
    assert audited(bench, "cancel") == ["anna"]


def test_a_file_that_was_published_first_stays(bench: Bench) -> None:
    export_id = submitted(bench, AT_WORK)
    bench.publish(export_id)
    with pytest.raises(Conflict, match="already succeeded") as caught:
        bench.service.cancel(ANNA, str(export_id))
    assert caught.value.error_code == "finished"
    assert bench.service.get(ANNA, str(export_id)).status is Status.SUCCEEDED


def test_what_has_ended_cannot_be_cancelled(bench: Bench) -> None:
    export_id = submitted(bench, SUCCEEDED)
    bench.publish(export_id)
    with pytest.raises(Conflict, match="already succeeded"):
        bench.service.cancel(ANNA, str(export_id))
    assert bench.airflow.stopped == []
    assert audited(bench, "cancel") == []


def test_only_those_who_see_it_and_may_create_cancel(bench: Bench) -> None:
    export_id = submitted(bench, AT_WORK)
    with pytest.raises(NotFound):
        bench.service.cancel(BERT, str(export_id))
    with pytest.raises(NotAllowed):
        bench.service.cancel(VERA, str(export_id))
    with pytest.raises(NotFound):
        bench.service.cancel(ANNA, "0d4f7f0e-5b1c-4a39-9d0e-6c1f3f0c2b7a")
    assert bench.airflow.stopped == []


def test_what_airflow_cannot_stop_is_not_noted_as_cancelled(bench: Bench) -> None:
    export_id = submitted(bench, AT_WORK)
    bench.airflow.refusal = Retriable("The database does not answer.")
    with pytest.raises(Retriable):
        bench.service.cancel(ANNA, str(export_id))
    bench.airflow.refusal = None
    assert bench.service.get(ANNA, str(export_id)).export.cancelled_at is None
    assert audited(bench, "cancel") == []


def test_a_run_that_is_stopped_in_airflow_fails_once_its_worker_let_go(bench: Bench) -> None:
    export_id = submitted(bench, AT_WORK)
    bench.airflow.seen[export_id] = replace(AT_WORK, run_state="failed", task_state="failed", ended_at=START)
    assert bench.service.get(ANNA, str(export_id)).status is Status.VERIFYING
    bench.time += RELEASE
    shown = bench.service.get(ANNA, str(export_id))
    assert shown.status is Status.FAILED
    assert "was stopped" in str(shown.export.error)


def test_a_rerun_is_a_new_export_of_the_same_request(bench: Bench) -> None:
    first = submitted(bench, AT_WORK)
    again = bench.service.rerun(ANNA, str(first))
    assert again.export.id != first
    old, new = (run["conf"] for run in bench.airflow.triggered)
    assert new == old
    assert bench.service.get(ANNA, str(first)).status is Status.RUNNING
    with bench.airflow.session() as session:
        details = list(session.scalars(sa.select(Audit.detail).where(Audit.export_id == again.export.id)))
    assert [detail["rerun_of"] for detail in details if detail] == [str(first)]


def test_admins_run_exports_of_others_again_as_their_own(bench: Bench) -> None:
    first = submitted(bench, AT_WORK)
    assert bench.service.rerun(ADMIN, str(first)).export.requested_by == "admin"
    with pytest.raises(NotFound):
        bench.service.rerun(BERT, str(first))
    with pytest.raises(NotAllowed):
        bench.service.rerun(VERA, str(first))
    assert len(bench.airflow.triggered) == 2


def test_a_request_that_is_not_known_cannot_be_run_again(bench: Bench) -> None:
    first = submitted(bench, AT_WORK)
    with bench.airflow.session() as session:
        session.execute(sa.update(Export).values(request={}))
    with pytest.raises(Conflict, match="not known"):
        bench.service.rerun(ANNA, str(first))


def test_a_deleted_export_is_gone_for_everybody_but_the_audit_trail(bench: Bench) -> None:
    export_id = submitted(bench, SUCCEEDED)
    bench.publish(export_id)
    assert bench.service.get(ANNA, str(export_id)).status is Status.SUCCEEDED
    bench.service.delete(ANNA, str(export_id))
    assert bench.store.objects == {}
    for use in (bench.service.get, bench.service.manifest, bench.service.cancel, bench.service.delete):
        with pytest.raises(NotFound):
            use(ADMIN, str(export_id))
    assert not bench.service.list(ADMIN, Filter(), status=None, limit=10).items
    assert bench.service.list(ADMIN, Filter(), status=None, limit=10, count=True).total == 0
    assert (audited(bench, "create"), audited(bench, "delete")) == (["anna"], ["anna"])
    with bench.airflow.session() as session:
        row = session.scalars(sa.select(Export)).one()
    assert (row.request, row.name, row.manifest, row.error, row.progress) == ({}, None, None, None, None)


def test_deleting_what_runs_cancels_it_and_its_files_go_when_it_has_ended(bench: Bench) -> None:
    export_id = submitted(bench, AT_WORK)
    bench.service.delete(ANNA, str(export_id))
    assert bench.airflow.stopped == [export_id]
    assert bench.store.removed == []
    bench.publish(export_id)  # it was too late to be stopped
    clock.tick(bench.service)
    assert bench.store.objects == {}
    with bench.airflow.session() as session:
        assert session.scalars(sa.select(Export)).one().manifest is None


def test_a_deleted_export_goes_from_the_store_once_the_store_answers(bench: Bench) -> None:
    export_id = submitted(bench, SUCCEEDED)
    bench.publish(export_id)
    bench.service.get(ANNA, str(export_id))
    bench.store.silent = True
    bench.service.delete(ANNA, str(export_id))
    assert bench.store.objects
    bench.store.silent = False
    clock.tick(bench.service)
    assert bench.store.objects == {}


def test_only_those_who_see_it_and_may_create_delete(bench: Bench) -> None:
    export_id = submitted(bench, AT_WORK)
    with pytest.raises(NotFound):
        bench.service.delete(BERT, str(export_id))
    with pytest.raises(NotAllowed):
        bench.service.delete(VERA, str(export_id))
    bench.service.delete(ADMIN, str(export_id))
    assert audited(bench, "delete") == ["admin"]


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_run_without_a_file_that_is_cleared_in_airflow_is_open_again(bench: Bench, *, cancelled: bool) -> None:
    export_id = submitted(bench, AT_WORK)
    if cancelled:
        bench.service.cancel(ANNA, str(export_id))
    bench.airflow.seen[export_id] = replace(AT_WORK, run_state="failed", task_state="failed", ended_at=START)
    bench.pass_time(minutes=1)
    ended = Status.CANCELLED if cancelled else Status.FAILED
    assert bench.service.get(ANNA, str(export_id)).status is ended
    clock.tick(bench.service)
    assert bench.service.get(ANNA, str(export_id)).status is ended
    bench.airflow.seen[export_id] = replace(AT_WORK, attempt=2)
    clock.tick(bench.service)
    shown = bench.service.get(ANNA, str(export_id))
    assert (shown.status, shown.export.error, shown.warnings) == (Status.RUNNING, None, ())
    bench.airflow.seen[export_id] = replace(AT_WORK, run_state="success", task_state="success")
    bench.publish(export_id)
    assert bench.service.get(ANNA, str(export_id)).status is Status.SUCCEEDED
    assert audited(bench, "reopen") == ["waybill"]


def test_an_export_with_a_file_is_never_open_again(bench: Bench) -> None:
    export_id = submitted(bench, SUCCEEDED)
    bench.publish(export_id)
    assert bench.service.get(ANNA, str(export_id)).status is Status.SUCCEEDED
    bench.airflow.seen[export_id] = AT_WORK
    clock.tick(bench.service)
    assert bench.service.get(ANNA, str(export_id)).status is Status.SUCCEEDED
