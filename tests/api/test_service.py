"""The service on our real tables: what callers get, and how exports end."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from export_api import clock
from export_api.adoption import BATCH
from export_api.db.listing import Filter
from export_api.db.models import Audit, Export
from export_api.db.records import STRAGGLING
from export_api.gateway import Stranger
from export_api.reading import SETTLED_PER_READ
from export_api.shaping import Addresses, export_body
from export_api.status import Observation, Status
from include.core.errors import (
    Conflict,
    Fatal,
    Gone,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Retriable,
)
from include.core.identity import export_id_of
from include.core.request import parse_request
from tests.api.stand_in import ADMIN, ANNA, BERT, FAILED, RUNNING, START, SUCCEEDED, VERA

if TYPE_CHECKING:
    from collections.abc import Callable

    from export_api.caller import Caller
    from export_api.service import Artifact
    from tests.api.stand_in import Bench

REQUEST = {"exporter": "machines", "format": "csv"}


def submit(bench: Bench, caller: Caller = ANNA, seen: Observation = RUNNING, **changes: Any) -> UUID:
    wanted = {name: value for name, value in {**REQUEST, **changes}.items() if value is not None}
    export_id = bench.service.submit(caller, parse_request(wanted)).export.id
    bench.airflow.seen[export_id] = seen
    return export_id


def status(bench: Bench, export_id: UUID) -> Status:
    return bench.service.get(ADMIN, str(export_id)).status


def rows(bench: Bench, model: type[Any]) -> list[Any]:
    with bench.airflow.session() as session:
        return list(session.scalars(sa.select(model)))


def test_a_request_becomes_a_row_a_run_and_an_audit_entry(bench: Bench) -> None:
    export_id = submit(bench, name="October", limit=5)
    (row,) = rows(bench, Export)
    (run,) = bench.airflow.triggered
    (entry,) = rows(bench, Audit)
    frozen = {"exporter": "machines", "format": "csv", "name": "October", "limit": 5}
    assert (row.id, row.requested_by, row.trigger, row.request) == (export_id, "anna", "api", frozen)
    assert run == {"dag_id": "export", "run_id": f"export__{export_id}", "conf": frozen, "caller": "anna"}
    assert (entry.caller, entry.action, entry.export_id) == ("anna", "create", export_id)


@pytest.mark.parametrize("refusal", [Retriable("paused", code="dag_paused"), Fatal("refused"), ZeroDivisionError()])
def test_without_a_run_there_is_no_row_either(bench: Bench, refusal: Exception) -> None:
    bench.airflow.refusal = refusal
    with pytest.raises(type(refusal)):
        submit(bench)
    assert rows(bench, Export) == rows(bench, Audit) == []


def test_whoever_may_only_read_starts_nothing(bench: Bench) -> None:
    with pytest.raises(NotAllowed):
        submit(bench, VERA)
    assert bench.airflow.triggered == []


def test_a_request_that_does_not_fit_starts_nothing(bench: Bench) -> None:
    with pytest.raises(InvalidRequest) as caught:
        submit(bench, exporter="nothing", format="nothing")
    assert [error.pointer for error in caught.value.errors] == ["/exporter", "/format"]
    assert bench.airflow.triggered == []


@pytest.mark.parametrize("seen", [SUCCEEDED, FAILED, RUNNING.__class__()])
def test_a_manifest_means_success_whatever_airflow_says(bench: Bench, seen: Observation) -> None:
    export_id = submit(bench)
    manifest = bench.publish(export_id)
    assert status(bench, export_id) is Status.RUNNING
    bench.airflow.seen[export_id] = seen
    shown = bench.service.get(ANNA, str(export_id))
    assert shown.status is Status.SUCCEEDED
    assert shown.export.request == manifest.request
    assert (shown.export.attempt, shown.export.finished_at) == (2, START)
    bench.store.objects.clear()
    bench.store.silent = True
    bench.airflow.seen.clear()
    assert bench.service.manifest(ANNA, str(export_id))["id"] == str(export_id)


@pytest.mark.parametrize("seen", [SUCCEEDED, FAILED, RUNNING.__class__()])
def test_no_manifest_means_failure_whatever_airflow_says(bench: Bench, seen: Observation) -> None:
    export_id = submit(bench, seen=seen)
    bench.store.objects[f"{export_id}/attempt/half.csv"] = b"half"
    assert status(bench, export_id) is Status.FAILED
    assert bench.store.objects == {}
    bench.publish(export_id)
    assert status(bench, export_id) is Status.FAILED, "a settled export never changes"


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"id": "other"}'])
def test_a_damaged_manifest_proves_nothing(bench: Bench, damage: bytes) -> None:
    export_id = submit(bench, seen=SUCCEEDED)
    bench.store.objects[f"{export_id}/manifest.json"] = damage
    shown = bench.service.get(ANNA, str(export_id))
    assert shown.status is Status.FAILED
    assert (shown.export.error or {})["code"] == "manifest_broken"


def test_the_manifest_of_another_export_proves_nothing(bench: Bench) -> None:
    export_id = submit(bench, seen=SUCCEEDED)
    other = bench.publish(uuid4())
    bench.store.objects[f"{export_id}/manifest.json"] = other.to_bytes()
    assert status(bench, export_id) is Status.FAILED


def test_the_reason_is_the_task_s_own(bench: Bench) -> None:
    told = {"error": {"code": "source_refused", "detail": "The table is gone.", "retryable": False}}
    export_id = submit(bench, seen=replace(FAILED, told=told))
    body = export_body(bench.service.get(ANNA, str(export_id)), Addresses("https://airflow.example"))
    assert body.error is not None
    assert (body.error.code, body.error.detail, body.error.status) == ("source_refused", "The table is gone.", 500)
    with pytest.raises(Gone, match="The table is gone"):
        bench.service.link(ANNA, str(export_id))


def test_a_failed_attempt_that_is_repeated_is_a_warning(bench: Bench) -> None:
    told = {"error": {"code": "source_lost", "detail": "The connection broke.", "retryable": True}}
    seen = Observation(run_state="running", task_state="up_for_retry", task_exists=True, told=told)
    shown = bench.service.get(ANNA, str(submit(bench, seen=seen)))
    assert shown.status is Status.QUEUED
    assert shown.warnings == ("Attempt 1 failed and will be repeated: The connection broke.",)


def test_while_the_store_is_silent_nothing_is_decided(bench: Bench) -> None:
    export_id = submit(bench, seen=FAILED)
    bench.store.silent = True
    shown = bench.service.get(ANNA, str(export_id))
    assert shown.status is Status.VERIFYING
    assert "does not answer" in shown.warnings[0]
    with pytest.raises(Conflict):
        bench.service.link(ANNA, str(export_id))
    with pytest.raises(Retriable):
        clock.tick(bench.service)
    bench.publish(export_id)
    bench.store.silent = False
    assert status(bench, export_id) is Status.SUCCEEDED


def test_leftovers_are_removed_until_it_worked_and_once_more(bench: Bench) -> None:
    export_id = submit(bench, seen=FAILED)
    real_remove = bench.store.remove

    def refuse(folder: str) -> None:
        raise Retriable(folder)

    bench.store.remove = refuse  # type: ignore[method-assign]
    assert status(bench, export_id) is Status.FAILED
    assert rows(bench, Export)[0].swept_at is None
    with pytest.raises(Retriable):
        clock.tick(bench.service)
    bench.store.remove = real_remove  # type: ignore[method-assign]
    clock.tick(bench.service)
    assert bench.store.removed == [str(export_id)]
    bench.publish(export_id)  # a lost worker, still writing
    clock.tick(bench.service)
    assert bench.store.objects
    bench.pass_time(seconds=STRAGGLING.total_seconds() + 1)
    clock.tick(bench.service)
    assert bench.store.objects == {}
    clock.tick(bench.service)
    assert len(bench.store.removed) == 2


def test_the_clock_settles_what_nobody_asks_for(bench: Bench) -> None:
    good, bad, going = submit(bench, seen=SUCCEEDED), submit(bench, seen=FAILED), submit(bench)
    bench.publish(good)
    clock.tick(bench.service)
    assert {row.id: row.status for row in rows(bench, Export)} == {good: "succeeded", bad: "failed", going: None}


@pytest.mark.parametrize("use", ["get", "manifest", "artifact", "link"])
def test_somebody_else_s_export_does_not_exist(bench: Bench, use: str) -> None:
    export_id = submit(bench, seen=SUCCEEDED)
    bench.publish(export_id)
    call: Callable[[Caller, str], Any] = getattr(bench.service, use)
    with pytest.raises(NotFound) as theirs:
        call(BERT, str(export_id))
    with pytest.raises(NotFound) as nobody_s:
        call(BERT, str(unknown := uuid4()))
    assert theirs.value.message.replace(str(export_id), "") == nobody_s.value.message.replace(str(unknown), "")
    call(ANNA, str(export_id))
    call(ADMIN, str(export_id))


@pytest.mark.parametrize("export_id", ["", "x", "../etc", "0" * 1000])
def test_what_is_no_id_is_not_found(bench: Bench, export_id: str) -> None:
    with pytest.raises(NotFound):
        bench.service.get(ADMIN, export_id)


def test_each_way_to_the_file_is_audited(bench: Bench) -> None:
    export_id = submit(bench, seen=SUCCEEDED)
    bench.publish(export_id, b"0123456789")
    link = bench.service.link(ANNA, str(export_id))
    assert link is not None
    assert "seconds=60" in link.url
    assert (link.expires_at - START).total_seconds() == 60
    found = bench.service.artifact(ADMIN, str(export_id))
    assert b"".join(bench.service.open(ADMIN, found, start=2, end=5)) == b"234"
    assert b"".join(bench.service.open(ADMIN, found, start=0, end=0)) == b""
    downloads = [entry for entry in rows(bench, Audit) if entry.action == "download"]
    assert [(entry.caller, entry.detail["via"]) for entry in downloads] == [
        ("anna", "link"),
        ("admin", "content"),
        ("admin", "content"),
    ]


PARTS = (b"id\r\n1\r\n", b"", b"id\r\n" + b"2\r\n" * 500)


def read(bench: Bench, found: Artifact, start: int = 0, end: int | None = None) -> bytes:
    return b"".join(bench.service.open(ANNA, found, start=start, end=found.file.bytes if end is None else end))


def test_one_of_several_files_is_had_by_its_name(bench: Bench) -> None:
    export_id = str(submit(bench, seen=SUCCEEDED))
    bench.publish(UUID(export_id), *PARTS)
    for number, part in enumerate(PARTS, start=1):
        name = f"machines-{number:04}.csv"
        link = bench.service.link(ANNA, export_id, name)
        assert link is not None
        assert f"name={name}" in link.url
        assert read(bench, bench.service.artifact(ANNA, export_id, name)) == part
    downloads = [entry.detail["file"] for entry in rows(bench, Audit) if entry.action == "download"]
    assert downloads == [f"machines-{number:04}.csv" for number in (1, 1, 2, 2, 3, 3)]


def test_an_unknown_file_is_not_found_and_the_others_are_named(bench: Bench) -> None:
    export_id = str(submit(bench, seen=SUCCEEDED))
    bench.publish(UUID(export_id), *[b"x"] * 23)
    for use in (bench.service.artifact, bench.service.link):
        with pytest.raises(
            NotFound, match=r"no file 'machines\.csv'; it has machines-0001\.csv, .*, and 3 more"
        ) as caught:
            use(ANNA, export_id, "machines.csv")
        assert caught.value.error_code == "file_not_found"
    with pytest.raises(NotFound):
        bench.service.artifact(ANNA, export_id, "")


def test_several_files_come_in_one_zip_that_no_link_leads_to(bench: Bench) -> None:
    export_id = str(submit(bench, seen=SUCCEEDED))
    bench.publish(UUID(export_id), *PARTS)
    assert bench.service.link(ANNA, export_id) is None
    assert [entry.action for entry in rows(bench, Audit)] == ["create"]
    found = bench.service.artifact(ANNA, export_id)
    whole = read(bench, found)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert [archive.read(name) for name in archive.namelist()] == list(PARTS)
    assert (found.file.name, found.file.bytes) == ("machines.zip", len(whole))
    assert read(bench, found, 50, 900) == whole[50:900]
    *_, entry = rows(bench, Audit)
    assert entry.detail == {"file": "machines.zip", "via": "content", "start": 50, "end": 900}


def test_an_export_of_several_exporters_is_found_by_each(bench: Bench) -> None:
    one = submit(bench)
    both = submit(bench, exporter=None, sources=[{"exporter": "orders"}, {"exporter": "machines"}])
    assert listed(bench, exporter="machines") == {one, both}
    assert listed(bench, exporter="orders") == {both}
    assert listed(bench, exporter="machine") == listed(bench, exporter="_achines") == set()
    many = submit(bench, exporter=None, sources=[{"exporter": "order_taxes", "name": f"{n}"} for n in range(50)])
    assert listed(bench, exporter="order_taxes") == {many}
    assert bench.airflow.triggered[1]["conf"] == {
        "sources": [{"exporter": "orders"}, {"exporter": "machines"}],
        "format": "csv",
    }
    manifest = bench.publish(both)
    bench.airflow.seen[both] = SUCCEEDED
    settled = bench.service.get(ANNA, str(both)).export
    assert settled.exporter == manifest.exporter


def listed(bench: Bench, caller: Caller = ADMIN, status: Status | None = None, **wanted: Any) -> set[UUID]:
    page = bench.service.list(caller, Filter(**wanted), status=status, limit=100, count=True)
    assert page.total == len(page.items)
    return {shown.export.id for shown in page.items}


def test_owners_list_their_own_and_admins_all(bench: Bench) -> None:
    mine, theirs = submit(bench), submit(bench, BERT)
    assert listed(bench, ANNA) == {mine}
    assert listed(bench, BERT) == {theirs}
    assert listed(bench) == {mine, theirs}
    assert listed(bench, ANNA, requested_by="bert") == set()
    assert listed(bench, requested_by="bert") == {theirs}


def test_every_status_can_be_asked_for_settled_or_not(bench: Bench) -> None:
    verifying = replace(RUNNING, told={"progress": {"stage": "verifying"}})
    waiting = Observation(run_state="queued", task_exists=True)
    made = {
        Status.QUEUED: submit(bench, seen=waiting),
        Status.RUNNING: submit(bench),
        Status.VERIFYING: submit(bench, seen=verifying),
        Status.SUCCEEDED: submit(bench, seen=SUCCEEDED),
        Status.FAILED: submit(bench, seen=FAILED),
    }
    bench.publish(made[Status.SUCCEEDED])
    for wanted in Status:
        assert listed(bench, status=wanted) == ({made[wanted]} if wanted in made else set())


@pytest.mark.parametrize("wanted", [None, Status.RUNNING, Status.FAILED])
@pytest.mark.parametrize("descending", [True, False])
def test_pages_of_any_status_are_complete_and_in_order(
    bench: Bench, wanted: Status | None, *, descending: bool
) -> None:
    made = []
    for number in range(12):
        made.append(submit(bench, seen=FAILED if number % 2 else RUNNING))
        bench.pass_time(seconds=1)
    expected = made if wanted is None else made[1::2] if wanted is Status.FAILED else made[::2]
    where, found = Filter(descending=descending), []
    while True:
        page = bench.service.list(ADMIN, where, status=wanted, limit=5, count=True)
        assert page.total == len(expected)
        found += [shown.export.id for shown in page.items]
        if page.next is None:
            break
        where = replace(where, after=page.next)
    assert found == (expected[::-1] if descending else expected)


def test_one_read_settles_a_bounded_number(bench: Bench) -> None:
    for _ in range(SETTLED_PER_READ + 3):
        submit(bench, seen=FAILED)
    page = bench.service.list(ADMIN, Filter(), status=None, limit=100)
    found = [shown.status for shown in page.items]
    assert found.count(Status.FAILED) == SETTLED_PER_READ
    assert found.count(Status.VERIFYING) == 3
    clock.tick(bench.service)
    assert len(listed(bench, status=Status.FAILED)) == SETTLED_PER_READ + 3


def stranger(number: int, **changes: Any) -> Stranger:
    facts: dict[str, Any] = {
        "dag_id": "weekly",
        "run_id": f"scheduled__{number}",
        "task_id": "orders",
        "map_index": -1,
        "run_type": "scheduled",
        "triggered_by": None,
        "owner": "shop",
        "created_at": START,
        "request": {"exporter": "orders", "format": "xlsx", "name": "Weekly"},
    }
    return Stranger(**{**facts, **changes})


def id_of(found: Stranger) -> UUID:
    return UUID(
        export_id_of(dag_id=found.dag_id, run_id=found.run_id, task_id=found.task_id, map_index=found.map_index)
    )


@pytest.mark.parametrize(
    ("changes", "trigger", "owner"),
    [
        ({}, "schedule", "shop"),
        ({"run_type": "backfill", "triggered_by": "anna"}, "schedule", "anna"),
        ({"run_type": "manual", "triggered_by": "anna"}, "airflow", "anna"),
        ({"run_type": "manual", "owner": None}, "airflow", "airflow"),
        ({"run_type": "asset_triggered"}, "schedule", "shop"),
    ],
)
def test_a_run_of_airflow_s_is_adopted(bench: Bench, changes: dict[str, Any], trigger: str, owner: str) -> None:
    found = stranger(1, **changes)
    bench.airflow.waiting = {1: found}
    bench.airflow.seen[id_of(found)] = RUNNING
    assert listed(bench) == {id_of(found)}
    (row,) = rows(bench, Export)
    assert (row.trigger, row.requested_by) == (trigger, owner)
    assert (row.exporter, row.format, row.name) == ("orders", "xlsx", "Weekly")
    (entry,) = rows(bench, Audit)
    assert (entry.caller, entry.action, entry.detail["trigger"]) == (owner, "create", trigger)


def test_a_run_of_airflow_s_with_several_exporters_is_adopted(bench: Bench) -> None:
    found = stranger(1, request={"sources": [{"exporter": "orders"}, {"exporter": "machines"}]})
    bench.airflow.waiting = {1: found}
    bench.airflow.seen[id_of(found)] = RUNNING
    assert listed(bench, exporter="machines") == listed(bench, exporter="orders") == {id_of(found)}
    (row,) = rows(bench, Export)
    assert (row.exporter, row.format) == ("orders, machines", "csv")


def test_reading_the_id_of_a_run_of_airflow_s_adopts_it(bench: Bench) -> None:
    found = stranger(1, run_type="manual", triggered_by="anna")
    bench.airflow.waiting = {1: found}
    bench.airflow.seen[id_of(found)] = RUNNING
    assert bench.service.get(ANNA, str(id_of(found))).status is Status.RUNNING
    with pytest.raises(NotFound):
        bench.service.get(BERT, str(id_of(found)))


@pytest.mark.parametrize(
    "request_",
    [
        None,
        {},
        {"exporter": 7, "format": [], "name": {"a": 1}},
        {"exporter": "x" * 999},
        {"sources": 7},
        {"sources": []},
        {"sources": [7, {"exporter": 7}, {"exporter": "x" * 999}, {"exporter": "y"}]},
    ],
)
def test_whatever_a_run_was_given_it_can_be_shown(bench: Bench, request_: dict[str, Any] | None) -> None:
    found = stranger(1, request=request_, triggered_by="anna")
    bench.airflow.waiting = {1: found}
    bench.airflow.seen[id_of(found)] = FAILED
    body = export_body(bench.service.get(ANNA, str(id_of(found))), Addresses(""))
    assert body.status is Status.FAILED


def test_all_strangers_are_adopted_once_however_many(bench: Bench) -> None:
    bench.airflow.waiting = {number: stranger(number) for number in range(1, BATCH * 2 + 8)}
    bench.airflow.newest = BATCH * 2
    bench.service.adopter.adopt_all()
    bench.service.adopter.adopt_all()
    assert len(rows(bench, Export)) == BATCH * 2 + 7


def test_a_run_that_was_active_at_the_last_look_is_looked_at_again(bench: Bench) -> None:
    bench.airflow.newest, bench.airflow.active = 5, {3}
    bench.service.adopter.adopt()
    bench.airflow.waiting = {2: stranger(2), 3: stranger(3), 6: stranger(6)}
    bench.airflow.newest, bench.airflow.active = 6, set()
    bench.service.adopter.adopt()
    assert {row.run_id for row in rows(bench, Export)} == {"scheduled__3", "scheduled__6"}


def test_strangers_with_the_id_of_another_export_hold_up_nobody(bench: Bench) -> None:
    mine = submit(bench)
    impostors = {number: stranger(number, run_id=f"export__{mine}", task_id=f"t{number}") for number in range(BATCH)}
    bench.airflow.waiting = impostors
    bench.airflow.newest = BATCH
    bench.service.adopter.adopt_all()
    bench.airflow.waiting[BATCH + 1] = stranger(BATCH + 1)
    bench.service.adopter.adopt_all()
    assert {row.dag_id for row in rows(bench, Export)} == {"export", "weekly"}


def test_the_clock_complains_once_and_goes_on(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    failures = [Retriable("silent"), Retriable("silent"), ZeroDivisionError(), None, None, Retriable("silent")]

    def work(_service: object) -> None:
        failure = failures.pop(0)
        if failure is not None:
            raise failure

    ticking = clock.Clock(bench.service, work)
    caplog.set_level("INFO", logger="export_api.clock")
    while failures:
        ticking.tick()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO", "WARNING"]


def test_the_clock_starts_and_stops(bench: Bench) -> None:
    ticks: list[object] = []
    bench.airflow.settings = bench.airflow.settings.model_copy(update={"clock_seconds": 0.001})
    ticking = clock.Clock(bench.service, ticks.append)
    ticking.start()
    while len(ticks) < 3:
        pass
    ticking.stop()
    count = len(ticks)
    assert not ticking._thread.is_alive()
    assert len(ticks) == count
