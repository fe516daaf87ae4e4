"""The sweep through a real store: what belongs to no export goes, and its neighbours stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from export_api import clock
from export_api.db import records
from export_api.db.models import Audit
from export_api.orphans import ORPHANED, OrphanSweep
from include.core.errors import Retriable
from include.core.request import parse_request
from include.core.store import Place
from tests.api.shelf import PREFIX, Shelf
from tests.api.stand_in import ANNA, FAILED, RUNNING, SUCCEEDED, Bench, make_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.local.seaweedfs import Store
    from include.core.manifest import Manifest
    from include.core.store import Lying

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def shelf(bench: Bench, storage: Store) -> Iterator[Shelf]:
    """The bench on a real store, at the store's own time."""
    shelf = Shelf(storage)
    bench.airflow.the_store = shelf.store
    bench.time = datetime.now(UTC)
    yield shelf
    shelf.clear()


def sweep(bench: Bench, page: int = 500) -> None:
    """Look through the whole store once."""
    orphans = OrphanSweep(bench.airflow, lambda: bench.time, page=page)
    while not orphans.sweep():
        pass


def key(export_id: UUID, name: str = "a.csv") -> str:
    """Return the key of a file of some attempt."""
    return f"{PREFIX}/{export_id}/{uuid4()}/{name}"


def manifest_of(export_id: UUID, **changes: Any) -> Manifest:
    """Return a manifest as an operator writes it, files in the folder of the attempt."""
    made = make_manifest(export_id, b"x")
    files = [file.model_copy(update={"key": f"{export_id}/{made.attempt_id}/{file.name}"}) for file in made.files]
    return made.model_copy(update={"files": files, **changes})


def submitted(bench: Bench) -> UUID:
    export_id = bench.service.submit(ANNA, parse_request({"exporter": "machines", "format": "csv"})).export.id
    bench.airflow.seen[export_id] = RUNNING
    return export_id


def swept(bench: Bench) -> dict[UUID | None, Any]:
    """Return what the audit trail says of sweeps."""
    with bench.airflow.session() as session:
        entries = session.scalars(sa.select(Audit).where(Audit.action == "sweep")).all()
    assert {entry.caller for entry in entries} <= {"waybill"}
    told: dict[UUID | None, Any] = {}
    for entry in entries:
        told.setdefault(entry.export_id, {}).update(entry.detail)
    return told


def test_sync_engine_283_what_belongs_to_no_export_goes_when_it_is_old_and_only_then(
    bench: Bench, shelf: Shelf
) -> None:
    """hesprs/sync-engine#283: parts that nobody completes."""
    nobodys = uuid4()
    planted = {shelf.put(key(nobodys)), shelf.put(key(nobodys, "b ä.csv")), shelf.begin(key(nobodys))}
    bench.time += ORPHANED - HOUR
    sweep(bench)
    assert shelf.lying() == planted
    bench.time += 2 * HOUR
    sweep(bench)
    assert shelf.lying() == set()
    assert swept(bench) == {nobodys: {"objects": 2, "uploads": 1}}


def test_what_is_not_ours_is_never_touched(bench: Bench, shelf: Shelf) -> None:
    export_id, attempt = uuid4(), uuid4()
    strangers = {
        shelf.put("photo.jpg"),
        shelf.put(f"{export_id}/{attempt}/a.csv"),  # beside our prefix, not below it
        shelf.put(f"{PREFIX}2/{export_id}/{attempt}/a.csv"),
        shelf.put(f"{PREFIX}/photo.jpg"),
        shelf.put(f"{PREFIX}/team/{export_id}/{attempt}/a.csv"),
        shelf.put(f"{PREFIX}/{export_id}/photo.jpg"),
        shelf.put(f"{PREFIX}/{export_id}/{attempt}/album/photo.jpg"),
        shelf.put(f"{PREFIX}/{export_id}/album/photo.jpg"),
        shelf.put(f"{PREFIX}/{str(uuid4()).upper()}X/{attempt}/a.csv"),
        shelf.put(f"{PREFIX}/{uuid4().hex}/{attempt}/a.csv"),
        shelf.put(f"{PREFIX}/_probe/readme"),
        shelf.begin("photo2.jpg"),
        shelf.begin(f"{PREFIX}/photo2.jpg"),
        shelf.begin(f"{PREFIX}2/{export_id}/{attempt}/b.csv"),
    }
    bench.time += 1000 * DAY
    sweep(bench)
    assert shelf.lying() == strangers
    assert swept(bench) == {}


def test_an_export_that_runs_is_never_touched_whatever_the_clock_says(bench: Bench, shelf: Shelf) -> None:
    """Whether it has a row, or is a task of Airflow's that nobody has adopted yet."""
    known, unknown = submitted(bench), uuid4()
    bench.airflow.working = {unknown}
    planted = {make(key(each)) for each in (known, unknown) for make in (shelf.put, shelf.begin)}
    for moment in (bench.time + 1000 * DAY, bench.time - 1000 * DAY):
        bench.time = moment
        clock.tick(bench.service)
        sweep(bench)
        assert shelf.lying() == planted


def test_of_a_finished_export_stays_what_its_manifest_names(bench: Bench, shelf: Shelf) -> None:
    export_id = submitted(bench)
    published = shelf.publish(manifest_of(export_id))
    stray = {shelf.put(key(export_id)), shelf.begin(key(export_id))}
    stray |= {shelf.put(f"{PREFIX}/{export_id}/checkpoint.json")}
    stray |= {shelf.begin(next(name for name in published if name.endswith(".csv")))}
    bench.airflow.seen[export_id] = SUCCEEDED
    clock.tick(bench.service)
    sweep(bench)
    assert shelf.lying() == published | stray  # an attempt that lost may not know it yet
    bench.time += records.STRAGGLING + MINUTE
    sweep(bench)
    assert shelf.lying() == published
    assert swept(bench) == {export_id: {"objects": 2, "uploads": 2}}
    assert bench.service.get(ANNA, str(export_id)).status == "succeeded"


@pytest.mark.parametrize("how", ["failed", "cancelled", "deleted", "expired"])
def test_of_any_other_settled_export_nothing_stays(bench: Bench, shelf: Shelf, how: str) -> None:
    neighbour, export_id = submitted(bench), submitted(bench)
    beside = {shelf.put(key(neighbour)), shelf.begin(key(neighbour))}
    if how == "cancelled":
        bench.service.cancel(ANNA, str(export_id))
    if how in {"deleted", "expired"}:
        shelf.publish(manifest_of(export_id, expires_at=bench.time + HOUR))
    bench.airflow.seen[export_id] = FAILED if how in {"failed", "cancelled"} else SUCCEEDED
    clock.tick(bench.service)
    if how == "deleted":
        bench.service.delete(ANNA, str(export_id))
    bench.time += 2 * DAY  # long after the sweeps that follow an end
    clock.tick(bench.service)
    assert shelf.lying() == beside
    shelf.publish(manifest_of(export_id))  # by a worker that was lost, and has come back
    shelf.begin(key(export_id))
    sweep(bench)
    assert shelf.lying() == beside
    assert swept(bench) == {export_id: {"objects": 2, "uploads": 1}}


def test_a_published_export_that_the_database_has_forgotten_is_kept_as_long_as_was_promised(
    bench: Bench, shelf: Shelf
) -> None:
    until, forever = (manifest_of(uuid4(), expires_at=moment) for moment in (bench.time + 7 * DAY, None))
    kept, promised = shelf.publish(forever), shelf.publish(until)
    shelf.put(key(UUID(until.id)))
    shelf.begin(key(UUID(forever.id)))
    bench.time += 6 * DAY
    sweep(bench)
    assert shelf.lying() == kept | promised
    bench.time += 2 * DAY
    sweep(bench)
    assert shelf.lying() == kept


@pytest.mark.parametrize("damage", [b"", b"{}", b"[1", None])
def test_a_manifest_that_proves_nothing_keeps_nothing(bench: Bench, shelf: Shelf, damage: bytes | None) -> None:
    manifest = manifest_of(uuid4())
    shelf.publish(manifest)
    other = manifest_of(uuid4()).to_bytes()
    shelf.put(f"{PREFIX}/{manifest.id}/manifest.json", other if damage is None else damage)
    bench.time += ORPHANED + HOUR
    sweep(bench)
    assert shelf.lying() == set()


def test_probes_that_were_left_behind_go_after_an_hour(bench: Bench, shelf: Shelf) -> None:
    probe = shelf.put(f"{PREFIX}/_probe/{uuid4().hex}")
    bench.time += HOUR - MINUTE
    sweep(bench)
    assert shelf.lying() == {probe}
    bench.time += 2 * MINUTE
    sweep(bench)
    assert shelf.lying() == set()


@pytest.mark.parametrize("page", [1, 2, 3, 500])
def test_pages_of_any_size_show_everything_once_though_some_of_it_goes(bench: Bench, shelf: Shelf, page: int) -> None:
    kept = shelf.publish(manifest_of(uuid4())) | shelf.publish(manifest_of(uuid4()))
    for _ in range(4):
        nobodys = uuid4()
        shelf.put(key(nobodys))
        shelf.begin(key(nobodys))
        shelf.begin(key(nobodys))
    found: list[Lying] = []
    place: Place | None = Place()
    while place is not None:
        listed = shelf.store.listed(place, limit=page)
        assert len(listed.items) <= page
        found += listed.items
        place = listed.next
    assert len(found) == len(set(found)) == len(kept) + 12
    bench.time += ORPHANED + HOUR
    sweep(bench, page)
    assert shelf.lying() == kept


def test_a_call_that_takes_too_long_ends_and_the_next_goes_on_there(
    bench: Bench, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export_api.orphans._SECONDS", 0)
    for make in (shelf.put, shelf.begin) * 2:
        make(key(uuid4()))
    bench.time += ORPHANED + HOUR
    left = [len(shelf.lying())]
    while not bench.service.orphans.sweep():
        left.append(len(shelf.lying()))
    assert all(before - after <= 1 for before, after in pairwise(left))
    assert len(left) >= 4
    assert shelf.lying() == set()


def test_there_is_a_pause_between_two_looks_however_the_clock_is_put(bench: Bench, shelf: Shelf) -> None:
    def plant_and_tick() -> bool:
        shelf.put(key(uuid4()))
        clock.tick(bench.service)
        return shelf.lying() == set()

    bench.time += 10 * DAY
    assert plant_and_tick()
    bench.pass_time(minutes=59)
    assert not plant_and_tick()
    bench.pass_time(minutes=1)
    assert plant_and_tick()
    bench.pass_time(days=-5)
    assert plant_and_tick()


def test_a_store_that_falls_silent_is_looked_through_later_and_what_went_is_told(
    bench: Bench, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        shelf.put(key(uuid4()))
    bench.time += ORPHANED + HOUR
    drop, once = shelf.store.drop, [1]

    def falls_silent(lying: Lying) -> None:
        if not once:
            raise Retriable("The artifact store does not answer.")
        once.pop()
        drop(lying)

    with monkeypatch.context() as patch:
        patch.setattr(shelf.store, "drop", falls_silent)
        with pytest.raises(Retriable):
            bench.service.orphans.sweep()
    assert (len(shelf.lying()), len(swept(bench))) == (2, 1)
    assert bench.service.orphans.sweep()
    assert (len(shelf.lying()), len(swept(bench))) == (0, 3)


def test_what_is_gone_already_is_none_to_complain_of(shelf: Shelf) -> None:
    shelf.put(key(uuid4()))
    shelf.begin(key(uuid4()))
    items = [*shelf.store.listed(Place(), limit=9).items, *shelf.store.listed(Place(uploads=True), limit=9).items]
    for item in items * 2:
        shelf.store.drop(item)
    assert (len(items), shelf.lying()) == (2, set())
