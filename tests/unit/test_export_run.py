"""The run of one export: what happens in which order, what is left after a failure, and who wins a race."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from include.core.errors import Fatal, Retriable, VerificationFailed
from include.core.identity import manifest_key
from include.core.manifest import Consistency, Manifest
from include.core.source import Reading
from include.formats.csv import CsvFormat
from tests.unit.stand_ins import (
    ATTEMPT_ID,
    COLUMNS,
    EXPORT_ID,
    NOW,
    ListSource,
    MemoryStore,
    RowsExporter,
    batches_of,
    export_run,
    resolved_export,
    some_rows,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import pyarrow as pa

    from include.core.exporter import Params
    from include.core.format import Encoding, FormatOptions, Sheet
    from include.core.query import Query
    from include.core.store import Stored

MANIFEST = manifest_key(EXPORT_ID)
FILE = f"{EXPORT_ID}/{ATTEMPT_ID}/rows-2026-11-22-093015.csv"
OTHER = "019a0000-0000-7000-8000-000000000002"


def source(count: int = 35, **given: Any) -> ListSource:
    return ListSource(batches_of(COLUMNS, some_rows(count)), arrow=COLUMNS.arrow(), **given)


def test_the_manifest_is_written_last_when_the_source_is_closed_and_the_file_is_there() -> None:
    events: list[str] = []
    store = MemoryStore(events)
    export_run(resolved_export(), source(events=events), store).execute()
    assert events == ["put rows-2026-11-22-093015.csv", "close source", "publish"]
    assert set(store.objects) == {FILE, MANIFEST}


def test_what_is_returned_is_what_was_published() -> None:
    store = MemoryStore()
    manifest = export_run(resolved_export(), source(), store).execute()
    assert Manifest.from_bytes(store.objects[MANIFEST]) == manifest


def test_the_manifest_says_what_was_read_and_written() -> None:
    store = MemoryStore()
    manifest = export_run(resolved_export(), source(), store).execute()
    assert (manifest.rows, manifest.empty, manifest.truncated, manifest.order) == (35, False, False, "key")
    assert (manifest.consistency, manifest.snapshot) == (Consistency.SNAPSHOT, "100:100:")
    assert (manifest.requested_by, manifest.trigger, manifest.attempt_id) == ("anna", "api", ATTEMPT_ID)
    assert manifest.started_at == manifest.finished_at == NOW
    assert manifest.request == {"exporter": "rows", "format": "csv"}
    [read] = manifest.sources
    assert (read.connection, read.kind, read.rows) == ("warehouse", "list", 35)
    [file] = manifest.files
    assert file.key == FILE
    assert file.sha256 == hashlib.sha256(store.objects[FILE]).hexdigest()
    assert file.bytes == len(store.objects[FILE])


def test_the_result_that_the_api_shows_names_no_key_of_the_store() -> None:
    result = export_run(resolved_export(), source(), MemoryStore()).execute().result()
    assert result["rows"] == 35
    assert ATTEMPT_ID not in repr(result)


def test_no_rows_is_a_success_that_says_so() -> None:
    store = MemoryStore()
    manifest = export_run(resolved_export(), ListSource([], arrow=COLUMNS.arrow()), store).execute()
    assert manifest.empty
    assert store.objects[FILE] == b"id,name,total\r\n"


@pytest.mark.parametrize(
    ("given", "limit", "rows", "truncated"),
    [
        (36, 35, 35, True),
        (35, 35, 35, False),
        (34, 35, 34, False),
        (2, 1, 1, True),
        (0, 1, 0, False),
        (35, None, 35, False),
    ],
)
def test_a_limit_is_kept_and_the_manifest_says_whether_there_was_more(
    given: int, limit: int | None, rows: int, *, truncated: bool
) -> None:
    store = MemoryStore()
    warehouse = source(given)  # a source sends one row more than the limit when it has it
    manifest = export_run(resolved_export(limit=limit), warehouse, store).execute()
    assert (manifest.rows, manifest.truncated) == (rows, truncated)
    assert manifest.sources[0].rows == rows
    assert store.objects[FILE].count(b"\n") == rows + 1
    assert warehouse.queries[0].selection.limit == limit


@pytest.mark.parametrize("error", [Retriable("gone", code="source_lost"), Fatal("no"), ValueError("unexpected")])
def test_a_source_that_fails_in_the_middle_leaves_nothing_behind(error: Exception) -> None:
    events: list[str] = []
    store = MemoryStore(events)
    with pytest.raises(type(error)) as caught:
        export_run(resolved_export(), source(error=error, events=events), store).execute()
    assert caught.value is error
    assert store.objects == {}
    assert events == ["close source", "remove"]


class FailingCsv(CsvFormat):
    """An encoder that fails after the first batch."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:
        for chunk in super().encode(sheets, options, encoding):
            yield chunk
            if len(chunk) > 20:
                raise self._error


@pytest.mark.parametrize("error", [Fatal("no"), KeyboardInterrupt(), SystemExit()])
def test_an_encoder_that_fails_or_is_stopped_leaves_nothing_behind(error: BaseException) -> None:
    events: list[str] = []
    store = MemoryStore(events)
    with pytest.raises(type(error)):
        export_run(resolved_export(file_format=FailingCsv(error)), source(events=events), store).execute()
    assert store.objects == {}
    assert events == ["close source", "remove"]
    assert not [thread for thread in threading.enumerate() if thread.name == "extract"]


class WaitingSource(ListSource):
    """A source that sends one batch and then nothing until it is closed."""

    def __init__(self) -> None:
        super().__init__(batches_of(COLUMNS, some_rows(10)))
        self.released = threading.Event()

    def read(self, query: Query) -> Reading:  # noqa: ARG002
        return _WaitingReading(self)

    def close(self) -> None:
        super().close()
        self.released.set()


class _WaitingReading(Reading):
    rows_sent = 10

    def __init__(self, source: WaitingSource) -> None:
        self.arrow = source.arrow
        self._source = source

    def batches(self) -> Iterator[pa.RecordBatch]:
        yield from self._source.given
        assert self._source.released.wait(20)
        raise Retriable("stopped", code="source_stopped")


@pytest.mark.timeout(15)
def test_a_query_that_blocks_is_ended_when_the_encoder_fails() -> None:
    waiting = WaitingSource()
    with pytest.raises(Fatal, match="no"):
        export_run(resolved_export(file_format=FailingCsv(Fatal("no"))), waiting, MemoryStore()).execute()
    assert waiting.closed


class RefusingStore(MemoryStore):
    """A store that refuses some calls."""

    def __init__(self, *refused: str, after: bool = False) -> None:
        super().__init__()
        self._refused = refused
        self._after = after

    def _refuse(self, call: str) -> None:
        if call in self._refused:
            raise Retriable(f"refused to {call}", code="store_refused")

    def put(self, key: str, chunks: Iterator[bytes], **about: Any) -> Stored:
        if "put" in self._refused:
            next(chunks)  # the first part is refused, not the wish to send some
        self._refuse("put")
        return super().put(key, chunks, **about)

    def publish(self, key: str, data: bytes) -> bool:
        if self._after:
            super().publish(key, data)
        self._refuse("publish")
        return super().publish(key, data)

    def remove(self, folder: str, *, keep: Collection[str] = ()) -> None:
        self._refuse("remove")
        super().remove(folder, keep=keep)


def test_a_store_that_refuses_the_file_is_retriable_and_the_source_is_closed() -> None:
    warehouse, store = source(), RefusingStore("put")
    with pytest.raises(Retriable, match="refused to put"):
        export_run(resolved_export(), warehouse, store).execute()
    assert store.objects == {}
    assert warehouse.closed


def test_a_failed_cleaning_does_not_hide_the_first_error() -> None:
    with pytest.raises(Retriable, match="refused to put"):
        export_run(resolved_export(), source(), RefusingStore("put", "remove")).execute()


@pytest.mark.parametrize("after", [{"after": True}, {"after": False}], ids=["written", "not written"])
def test_a_publication_with_an_unknown_end_leaves_the_files_for_the_sweep(after: dict[str, bool]) -> None:
    store = RefusingStore("publish", **after)
    with pytest.raises(Retriable, match="refused to publish"):
        export_run(resolved_export(), source(), store).execute()
    assert FILE in store.objects
    assert "remove" not in store.events


def test_the_loser_of_a_race_removes_its_files_and_returns_the_winners_manifest() -> None:
    store = MemoryStore()
    winner = export_run(resolved_export(), source(), store, attempt_id=OTHER).execute()
    loser = export_run(resolved_export(), source(), store).execute()
    assert loser == winner
    assert loser.attempt_id == OTHER
    assert set(store.objects) == {FILE.replace(ATTEMPT_ID, OTHER), MANIFEST}


def test_an_attempt_that_finds_its_own_manifest_keeps_its_files() -> None:
    store = MemoryStore()
    first = export_run(resolved_export(), source(), store).execute()
    again = export_run(resolved_export(), source(), store).execute()
    assert again == first
    assert set(store.objects) == {FILE, MANIFEST}


class LyingStore(MemoryStore):
    """Refuses the manifest as a second one, though there is none."""

    def publish(self, key: str, data: bytes) -> bool:  # noqa: ARG002
        return False


def test_a_manifest_refused_without_an_earlier_one_is_no_success() -> None:
    with pytest.raises(VerificationFailed, match="no first one"):
        export_run(resolved_export(), source(), LyingStore()).execute()


def test_stages_follow_each_other_and_progress_ends_with_all_rows() -> None:
    told: list[dict[str, Any]] = []
    export_run(resolved_export(), source(), MemoryStore(), tell=told.append).execute()
    stages = list(dict.fromkeys(snapshot["stage"] for snapshot in told))
    assert stages == ["extracting", "verifying", "publishing", "done"]
    assert told[-1]["rows"] == 35
    assert told[-1]["percent"] == 100
    assert told[0]["rows_estimated"] == 50


def test_a_failed_export_never_says_that_it_is_done() -> None:
    told: list[dict[str, Any]] = []
    with pytest.raises(VerificationFailed):
        export_run(resolved_export(), source(sent=1), MemoryStore(), tell=told.append).execute()
    assert "done" not in [snapshot["stage"] for snapshot in told]


def test_the_file_has_the_name_that_was_asked_for() -> None:
    store = MemoryStore()
    manifest = export_run(resolved_export(filename="{exporter} {date}"), source(), store).execute()
    assert manifest.files[0].name == "rows 2026-11-22.csv"
    assert f"{EXPORT_ID}/{ATTEMPT_ID}/rows 2026-11-22.csv" in store.objects


class Keyless(RowsExporter):
    key: tuple[str, ...] = ()


def test_without_a_key_the_manifest_says_that_rows_come_as_they_lie() -> None:
    manifest = export_run(resolved_export(exporter=Keyless()), source(), MemoryStore()).execute()
    assert manifest.order == "physical"


def test_a_source_that_cannot_be_opened_leaves_nothing_behind() -> None:
    class Closed(RowsExporter):
        def batches(self, params: Params, selection: Any, sources: Any) -> Any:  # noqa: ARG002
            raise Retriable("does not answer", code="source_unavailable")

    store = MemoryStore()
    with pytest.raises(Retriable, match="does not answer"):
        export_run(resolved_export(exporter=Closed()), source(), store).execute()
    assert store.objects == {}


def test_a_later_attempt_keeps_what_was_published() -> None:
    store = MemoryStore()
    first = export_run(resolved_export(), source(), store).execute()
    before, warehouse = dict(store.objects), source()
    again = export_run(resolved_export(), warehouse, store, attempt_id=str(uuid4()), number=2).execute()
    assert (again, store.objects) == (first, before)
    assert not warehouse.closed  # it was never opened


def test_a_later_attempt_removes_what_a_lost_one_left_but_only_once_it_has_published() -> None:
    store = MemoryStore()
    lost, other = f"{EXPORT_ID}/{uuid4()}/orders.csv", f"{uuid4()}/manifest.json"
    store.objects = {lost: b"half", other: b"{}"}
    with pytest.raises(Retriable):
        export_run(resolved_export(), source(error=Retriable("lost")), store, number=2).execute()
    assert set(store.objects) == {lost, other}
    manifest = export_run(resolved_export(), source(), store, number=3).execute()
    assert set(store.objects) == {other, manifest.files[0].key, f"{EXPORT_ID}/manifest.json"}


def test_leftovers_that_cannot_be_removed_do_not_fail_an_export() -> None:
    store = RefusingStore("remove")
    manifest = export_run(resolved_export(), source(), store, number=2).execute()
    assert manifest.files[0].key in store.objects
