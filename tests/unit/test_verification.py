"""A row lost, doubled or altered on the way, or one byte of the file: the export fails and publishes nothing."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import include.core.extraction as extraction_module
from include.core.errors import VerificationFailed
from include.core.format import Encoding, FormatOptions, Sheet
from include.core.overlap import overlapped
from include.core.store import Stored
from include.formats import FORMATS
from include.formats.csv import CsvFormat
from tests.unit.stand_ins import (
    COLUMNS,
    EXPORT_ID,
    ListSource,
    MemoryStore,
    batch_of,
    batches_of,
    export_run,
    resolved_export,
    some_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    import pyarrow as pa

    Tamper = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
    Damage = Callable[[list[bytes]], list[bytes]]

ROWS = 35


def source(**given: int) -> ListSource:
    return ListSource(batches_of(COLUMNS, some_rows(ROWS)), **given)  # type: ignore[arg-type]


def drop(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield next(batches)
    yield next(batches).slice(1)
    yield from batches


def double(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    first = next(batches)
    yield first
    yield first.slice(0, 1)
    yield from batches


def alter(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield next(batches)
    rows = [tuple(row.values()) for row in next(batches).to_pylist()]
    yield batch_of(COLUMNS, [(rows[0][0], rows[0][1].upper(), rows[0][2]), *rows[1:]])
    yield from batches


def alter_and_keep_the_counts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    first, second, *others = batches
    yield first
    yield first  # one batch lost, another twice: as many rows as before
    assert first.num_rows == second.num_rows
    yield from others


def lose_the_last_batch(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    *others, _ = batches
    yield from others


def swap(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    first, second, *others = batches
    yield from [second, first, *others]


@pytest.mark.parametrize("format_name", FORMATS.names)
@pytest.mark.parametrize("tamper", [drop, double, alter, alter_and_keep_the_counts, lose_the_last_batch, swap])
def test_a_row_changed_between_exporter_and_encoder_fails_the_export(
    monkeypatch: pytest.MonkeyPatch, format_name: str, tamper: Tamper
) -> None:
    @contextmanager
    def tampered(items: Generator[pa.RecordBatch], *, name: str) -> Iterator[Iterator[pa.RecordBatch]]:
        with overlapped(items, name=name) as ahead:
            yield tamper(ahead)

    monkeypatch.setattr(extraction_module, "overlapped", tampered)
    store = MemoryStore()
    with pytest.raises(VerificationFailed, match="leaving the exporter"):
        export_run(resolved_export(format_name), source(), store).execute()
    assert store.objects == {}


@pytest.mark.parametrize("format_name", FORMATS.names)
def test_the_same_way_without_tampering_succeeds(monkeypatch: pytest.MonkeyPatch, format_name: str) -> None:
    @contextmanager
    def untouched(items: Generator[pa.RecordBatch], *, name: str) -> Iterator[Iterator[pa.RecordBatch]]:
        with overlapped(items, name=name) as ahead:
            yield iter(list(ahead))

    monkeypatch.setattr(extraction_module, "overlapped", untouched)
    store = MemoryStore()
    manifest = export_run(resolved_export(format_name), source(), store).execute()
    assert manifest.rows == manifest.verification.source_rows == ROWS
    assert len(store.objects) == 2


class LossyCsv(CsvFormat):
    """An encoder with a mistake: it loses the first row of each batch."""

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:
        for sheet in sheets:
            shorter = (batch.slice(1) for batch in sheet.batches)
            yield from super().encode([Sheet(sheet.title, sheet.schema, sheet.arrow, shorter)], options, encoding)


def test_a_row_lost_by_the_encoder_fails_the_export() -> None:
    store = MemoryStore()
    with pytest.raises(VerificationFailed, match="rows in the file's bytes"):
        export_run(resolved_export(file_format=LossyCsv()), source(), store).execute()
    assert store.objects == {}


@pytest.mark.parametrize("sent", [ROWS - 1, ROWS + 1, 0])
def test_a_source_that_sent_another_number_than_arrived_fails_the_export(sent: int) -> None:
    store = MemoryStore()
    with pytest.raises(VerificationFailed, match=f"sent {sent} rows, but {ROWS} arrived"):
        export_run(resolved_export(), source(sent=sent), store).execute()
    assert store.objects == {}


def flip_a_bit(chunks: list[bytes]) -> list[bytes]:
    middle = len(chunks) // 2
    damaged = bytearray(chunks[middle])
    damaged[len(damaged) // 2] ^= 0x01
    return [*chunks[:middle], bytes(damaged), *chunks[middle + 1 :]]


def lose_a_byte(chunks: list[bytes]) -> list[bytes]:
    return [*chunks[:-1], chunks[-1][:-1]]


def lose_a_chunk(chunks: list[bytes]) -> list[bytes]:
    return chunks[:-1]


def double_a_chunk(chunks: list[bytes]) -> list[bytes]:
    return [*chunks, chunks[-1]]


class DamagingStore(MemoryStore):
    """A way to the store that damages what passes; the store itself tells the truth of what arrived."""

    def __init__(self, damage: Damage) -> None:
        super().__init__()
        self._damage = damage

    def put(self, key: str, chunks: Iterator[bytes], **about: Any) -> Stored:
        return super().put(key, iter(self._damage(list(chunks))), **about)


@pytest.mark.parametrize("format_name", FORMATS.names)
@pytest.mark.parametrize("damage", [flip_a_bit, lose_a_byte, lose_a_chunk, double_a_chunk])
def test_a_byte_changed_between_encoder_and_store_fails_the_export(format_name: str, damage: Damage) -> None:
    store = DamagingStore(damage)
    with pytest.raises(VerificationFailed, match="stored"):
        export_run(resolved_export(format_name), source(), store).execute()
    assert store.objects == {}


class ForgetfulStore(MemoryStore):
    """A store that keeps one byte less than it says it computed its checksum over."""

    def put(self, key: str, chunks: Iterator[bytes], **about: Any) -> Stored:
        stored = super().put(key, chunks, **about)
        return Stored(bytes=stored.bytes - 1, crc32=stored.crc32)


def test_an_object_shorter_than_what_was_written_fails_the_export() -> None:
    with pytest.raises(VerificationFailed, match="bytes written and bytes stored"):
        export_run(resolved_export(), source(), ForgetfulStore()).execute()


def test_the_manifest_says_what_was_compared_and_the_figures() -> None:
    store = MemoryStore()
    manifest = export_run(resolved_export(), source(), store).execute()
    data = next(data for key, data in store.objects.items() if key.endswith(".csv"))
    assert manifest.verification.verdict == "verified"
    assert (
        manifest.verification.source_rows
        == manifest.verification.encoded_rows
        == manifest.verification.file_rows
        == ROWS
    )
    assert manifest.verification.file_bytes == manifest.verification.stored_bytes == len(data)
    assert manifest.files[0].crc32 == f"{zlib.crc32(data):08x}"
    assert len(manifest.verification.checks) == 6
    assert manifest.id == EXPORT_ID
