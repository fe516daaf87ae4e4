"""Going on where a lost attempt stopped: what is noted, what is taken up, and when it begins anew instead."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.core import resume
from include.core.errors import Fatal, Retriable
from include.core.identity import checkpoint_key, manifest_key
from include.core.manifest import Consistency, Manifest
from include.core.resume import End, Mark, Trail, place_in_batch, place_in_text
from include.core.schema import Column, ColumnType, Schema
from include.core.verify import Transcript
from include.formats.jsonl import LineCounter
from tests.unit.stand_ins import (
    COLUMNS,
    EXPORT_ID,
    ListSource,
    MemoryStore,
    RowsExporter,
    batch_of,
    batches_of,
    export_run,
    resolved_export,
    some_rows,
)

if TYPE_CHECKING:
    from include.core.query import Query
    from include.core.resolve import ResolvedExport
    from include.core.source import Reading

ROWS = 60
SECOND = "019a0000-0000-7000-8000-000000000002"
THIRD = "019a0000-0000-7000-8000-000000000003"


class Table(ListSource):
    """Rows in the order of their id; reading begins where a query says, and breaks off after so many rows."""

    begins_anywhere = True

    def __init__(
        self, *, breaks_after: int | None = None, error: Exception | None = None, moment: str = "1:1:"
    ) -> None:
        super().__init__([], arrow=COLUMNS.arrow())
        self.moment = moment
        self.breaks_after = breaks_after
        self.failure = error or Retriable("The connection was lost.", code="source_unavailable")

    @property
    def snapshot(self) -> str:
        return self.moment

    def read(self, query: Query) -> Reading:
        after, limit = query.selection.after, query.selection.limit
        rows = [row for row in some_rows(ROWS) if after is None or row[0] > int(after[0])]
        rows = rows if limit is None else rows[: limit + 1]
        self.error = None
        if self.breaks_after is not None:
            rows, self.error = rows[: self.breaks_after], self.failure
        self.given = batches_of(COLUMNS, rows)
        self.sent = len(rows)
        return super().read(query)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note every end that is acknowledged."""
    monkeypatch.setattr(resume, "_SECONDS", 0.0)


def attempts(store: MemoryStore, *sources: Table, resolved: ResolvedExport | None = None) -> Manifest:
    """Run one attempt for each source, of which all but the last break off; return what was published."""
    wanted = resolved or resolved_export()
    *lost, last = zip(sources, ("", SECOND, THIRD), range(1, 4), strict=False)
    for source, attempt_id, number in lost:
        with pytest.raises(Retriable):
            export_run(wanted, source, store, **identity(attempt_id), number=number).execute()
    source, attempt_id, number = last
    return export_run(wanted, source, store, **identity(attempt_id), number=number).execute()


def identity(attempt_id: str) -> dict[str, Any]:
    return {"attempt_id": attempt_id} if attempt_id else {}


def content(store: MemoryStore, manifest: Manifest) -> bytes:
    return store.objects[manifest.files[0].key]


@pytest.fixture(params=["csv", "jsonl"])
def resolved(request: pytest.FixtureRequest) -> ResolvedExport:
    return resolved_export(request.param)


def test_a_second_attempt_reads_what_is_missing_and_makes_the_same_bytes(resolved: ResolvedExport) -> None:
    store, whole = MemoryStore(), MemoryStore()
    first, second = Table(breaks_after=35), Table()
    manifest = attempts(store, first, second, resolved=resolved)
    assert content(store, manifest) == content(whole, attempts(whole, Table(), resolved=resolved))
    assert second.queries[-1].selection.after == ("35",)
    assert [record.rows for record in manifest.sources] == [35, 25]
    assert (manifest.rows, manifest.verification.source_rows, manifest.attempt) == (60, 60, 2)
    assert set(store.objects) == {manifest_key(EXPORT_ID), manifest.files[0].key}


@pytest.mark.parametrize("takes", [0.001, 0.1])
def test_notes_are_kept_often_and_not_more_often_than_that(monkeypatch: pytest.MonkeyPatch, takes: float) -> None:
    monkeypatch.undo()
    now, saved = 0.0, []

    def save(mark: Mark, _upload_id: str, _checksums: tuple[str, ...]) -> None:
        nonlocal now
        now += takes
        saved.append((mark.rows, now))

    trail, transcript = Trail("binding", clock=lambda: now), Transcript(LineCounter())
    trail.save = save
    ends = iter([End(rows, (str(rows),), 0) for rows in range(1, 1001)])
    chunks = trail.over((b"x\n" for _ in range(1000)), lambda: next(ends), head=0)
    for chunk in trail.passing(transcript.over(chunks), transcript):
        now += 0.01
        trail.acknowledged("upload", [], transcript.length)
        assert chunk
    assert saved[0][1] == pytest.approx(0.15 + takes, abs=0.011)
    between = [later - before for (_, before), (_, later) in pairwise(saved)]
    assert between == [pytest.approx(0.15, abs=0.011)] * len(between)  # one chunk takes 0.01 s
    assert len(saved) > 3


def test_a_third_attempt_goes_on_behind_the_second() -> None:
    store = MemoryStore()
    sources = Table(breaks_after=20), Table(breaks_after=25), Table()
    manifest = attempts(store, *sources)
    assert [record.rows for record in manifest.sources] == [20, 25, 15]
    assert content(store, manifest).count(b"\n") == 61


def test_a_third_attempt_takes_up_what_the_second_had_no_time_to_add_to() -> None:
    store = MemoryStore()
    manifest = attempts(store, Table(breaks_after=20), Table(breaks_after=0), Table())
    assert [record.rows for record in manifest.sources] == [20, 40]


def test_the_manifest_says_that_two_moments_were_read() -> None:
    manifest = attempts(MemoryStore(), Table(breaks_after=35), Table(moment="2:2:"))
    assert manifest.consistency is Consistency.NONE
    assert manifest.snapshot is None
    assert [record.snapshot for record in manifest.sources] == ["1:1:", "2:2:"]
    assert "An attempt was lost after 35 rows" in manifest.notes[-1]
    assert "earlier moment" in manifest.notes[-1]


def test_an_unchanged_source_is_still_one_snapshot() -> None:
    manifest = attempts(MemoryStore(), Table(breaks_after=35), Table())
    assert (manifest.consistency, manifest.snapshot) == (Consistency.SNAPSHOT, "1:1:")
    assert "of the same snapshot" in manifest.notes[-1]


@pytest.mark.parametrize(("limit", "truncated"), [(45, True), (60, False), (30, True)])
def test_a_limit_is_kept_over_both_attempts(limit: int, *, truncated: bool) -> None:
    store = MemoryStore()
    manifest = attempts(store, Table(breaks_after=30), Table(), resolved=resolved_export(limit=limit))
    assert (manifest.rows, manifest.truncated) == (limit, truncated)


def test_what_the_only_attempt_noted_goes_when_it_has_published() -> None:
    store = MemoryStore()
    manifest = export_run(resolved_export(), Table(), store).execute()
    assert checkpoint_key(EXPORT_ID) in store.written
    assert set(store.objects) == {manifest_key(EXPORT_ID), manifest.files[0].key}


def test_it_goes_as_well_when_the_answer_to_the_publication_was_lost() -> None:
    class Forgetful(MemoryStore):
        def publish(self, key: str, data: bytes) -> bool:
            super().publish(key, data)
            return super().publish(key, data)  # as a client does that heard nothing

    store = Forgetful()
    manifest = export_run(resolved_export(), Table(), store).execute()
    assert set(store.objects) == {manifest_key(EXPORT_ID), manifest.files[0].key}


def test_a_file_that_was_altered_in_between_is_not_published() -> None:
    store = MemoryStore()
    with pytest.raises(Retriable):
        export_run(resolved_export(), Table(breaks_after=35), store).execute()
    [upload] = store.uploads.values()
    upload[20] ^= 1
    with pytest.raises(Exception, match="CRC-32"):
        export_run(resolved_export(), Table(), store, attempt_id=SECOND, number=2).execute()
    assert manifest_key(EXPORT_ID) not in store.objects


@pytest.mark.parametrize("change", ["another request", "another version", "no upload", "not a checkpoint"])
def test_what_does_not_fit_is_begun_anew(change: str) -> None:
    store, wanted = MemoryStore(), resolved_export()
    with pytest.raises(Retriable):
        export_run(wanted, Table(breaks_after=35), store).execute()
    match change:
        case "another request":
            wanted = resolved_export(limit=50)
        case "another version":
            noted = json.loads(store.objects[checkpoint_key(EXPORT_ID)]) | {"binding": "0" * 64}
            store.objects[checkpoint_key(EXPORT_ID)] = json.dumps(noted).encode()
        case "no upload":
            store.uploads.clear()
        case _:
            store.objects[checkpoint_key(EXPORT_ID)] = b"{}"
    again = Table()
    manifest = export_run(wanted, again, store, attempt_id=SECOND, number=2).execute()
    assert again.queries[-1].selection.after is None
    assert len(manifest.sources) == 1
    assert set(store.objects) == {manifest_key(EXPORT_ID), manifest.files[0].key}


class Keyless(RowsExporter):
    """Rows without a key."""

    key = ()


@pytest.mark.parametrize("reason", ["json", "no key", "no column", "compressed", "a source that cannot"])
def test_other_exports_begin_anew_and_leave_nothing(reason: str) -> None:
    store, source, wanted = MemoryStore(), Table(breaks_after=35), resolved_export()
    match reason:
        case "json":
            wanted = resolved_export("json")
        case "no key":
            wanted = resolved_export(exporter=Keyless())
        case "no column":
            (reading,) = wanted.readings
            selection = replace(reading.selection, columns=reading.selection.columns[1:])
            wanted = replace(wanted, readings=(replace(reading, selection=selection),))
            source.arrow = selection.schema.arrow()
        case "compressed":
            from include.compressions import COMPRESSIONS

            wanted = replace(wanted, compression=COMPRESSIONS.load("gzip")())
        case _:
            source.begins_anywhere = False  # type: ignore[misc]
    with pytest.raises(Retriable):
        export_run(wanted, source, store).execute()
    assert checkpoint_key(EXPORT_ID) not in store.objects


def test_what_trying_again_does_not_help_leaves_no_file() -> None:
    store = MemoryStore()
    with pytest.raises(Fatal):
        export_run(resolved_export(), Table(breaks_after=35, error=Fatal("no")), store).execute()
    assert set(store.objects) <= {checkpoint_key(EXPORT_ID)}  # the sweep of failed exports removes it


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@given(
    rows=st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\r\n", "\n"]),
)
def test_the_last_row_of_any_csv_text_is_found(rows: list[tuple[str, ...]], delimiter: str, line_end: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    found = place_in_text(text.getvalue().encode(), (2, 0), delimiter=delimiter, line_end=line_end)
    last = rows[-1][2], rows[-1][0]
    assert found == (last if all(last) else None)


def test_a_field_too_long_to_look_at_is_no_place() -> None:
    assert place_in_text(b"1,%b\n" % (b"x" * 200_000), (0,), delimiter=",", line_end="\n") is None


KINDS = {
    ColumnType.STRING: "a'b",
    ColumnType.INTEGER: -(2**63),
    ColumnType.DECIMAL: Decimal("1E+3"),
    ColumnType.FLOAT: 0.1,
    ColumnType.BOOLEAN: True,
    ColumnType.DATE: date(2026, 3, 1),
    ColumnType.DATETIME: datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC),
    ColumnType.LOCAL_DATETIME: datetime(2026, 3, 1, 12, 0, 0, 1),  # noqa: DTZ001 - it has no zone
    ColumnType.TIME: time(23, 59, 59, 999999),
    ColumnType.UUID: str(UUID(int=7)),
}


PRECISION: dict[ColumnType, dict[str, Any]] = {ColumnType.DECIMAL: {"precision": 4, "scale": 0}}


def test_the_last_row_of_a_batch_is_texts_that_a_database_reads() -> None:
    schema = Schema.of(*(Column.of(f"a_{kind}", kind, **PRECISION.get(kind, {})) for kind in KINDS))
    batch = batch_of(schema, [tuple(None for _ in KINDS), tuple(KINDS.values())])
    assert place_in_batch(batch, range(len(KINDS))) == (
        "a'b",
        "-9223372036854775808",
        "1000",
        "0.1",
        "true",
        "2026-03-01",
        "2026-03-01T12:00:00.123456+00:00",
        "2026-03-01T12:00:00.000001",
        "23:59:59.999999",
        str(UUID(int=7)),
    )
    assert place_in_batch(batch.slice(0, 1), range(len(KINDS))) is None
