"""The files of an export: their names, where one ends and the next begins, and what is read of a zip as it passes."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from include.compressions import COMPRESSIONS
from include.core import documents as documents_module
from include.core.errors import Fatal, VerificationFailed
from include.core.filename import MAX_BYTES, clean, make_filename
from include.core.request import Split, parse_request
from include.core.resolve import ResolvedExport
from include.core.split import SLICE_ROWS, Cut
from include.core.streamed_zip import StreamedZip
from include.core.zip_entries import ZipEntries
from tests.unit.stand_ins import (
    COLUMNS,
    ListSource,
    MemoryStore,
    batches_of,
    export_run,
    resolved_export,
    some_rows,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from include.core.manifest import Manifest

MOMENT = datetime(2026, 3, 29, 1, 2, 3, tzinfo=UTC)


# Names


def name(template: str, *suffixes: str, number: int | None = None) -> str:
    return make_filename(template, exporter="orders", export_id="id-1", moment=MOMENT, suffixes=suffixes, number=number)


def test_a_number_stands_before_the_suffixes() -> None:
    assert name("o", ".csv", number=1) == "o-0001.csv"
    assert name("o", ".csv", ".gz", number=12) == "o-0012.csv.gz"
    assert name("o", ".csv", number=12345) == "o-12345.csv"


@pytest.mark.parametrize("template", ["o", "o.csv", "o.csv.gz", "o.gz"])
def test_no_suffix_is_there_twice(template: str) -> None:
    assert name(template, ".csv", ".gz") == "o.csv.gz"
    assert name(template, ".csv", ".gz", number=7) == "o-0007.csv.gz"


def test_a_long_name_keeps_its_number_and_its_suffixes() -> None:
    made = name("ü" * 100, ".csv", ".gz", number=3)
    assert made.endswith("ü-0003.csv.gz")
    assert len(made.encode()) <= MAX_BYTES


@pytest.mark.parametrize(
    ("given", "made"),
    [("a/b\\c", "a_b_c"), ("../x", "_x"), (" . ", "_"), ("", "_"), ("Ä: 1*2?", "Ä_ 1_2_"), ("a\n", "a_")],
)
def test_a_name_that_people_gave_can_be_a_file_s(given: str, made: str) -> None:
    assert clean(given) == made


# Splitting


def parts_of(rows: int, split: Split, *, size: int = 10, per_row: int = 0) -> list[list[int]]:
    """The ids in each part; each row weighs so many bytes."""
    cut = Cut(batches_of(COLUMNS, some_rows(rows), size=size), split)
    found = []
    while cut.more():
        part = cut.next_part()
        ids: list[int] = []

        def chunks(ids: list[int] = ids, part: Any = part) -> Generator[bytes]:
            for batch in part.batches():
                assert batch.num_rows
                ids.extend(batch.column(0).to_pylist())
                yield bytes(batch.num_rows * per_row)

        for _ in part.over_chunks(chunks()):
            pass
        assert part.rows_taken() == len(ids)
        found.append(ids)
    return found


@pytest.mark.parametrize("size", [1, 3, 10, 35, 100])
@pytest.mark.parametrize("rows", [1, 9, 10, 11, 34, 35, 36])
def test_a_split_by_rows_cuts_exactly_whatever_the_batches_are(rows: int, size: int) -> None:
    found = parts_of(35, Split(rows=rows), size=size)
    assert [len(part) for part in found[:-1]] == [rows] * (len(found) - 1)
    assert 0 < len(found[-1]) <= rows
    assert [number for part in found for number in part] == list(range(1, 36))


def test_a_split_by_bytes_looks_at_the_size_every_thousand_rows() -> None:
    found = parts_of(10_500, Split(bytes=250_000), size=4_000, per_row=100)
    assert [len(part) for part in found] == [3 * SLICE_ROWS] * 3 + [1_500]
    assert [number for part in found for number in part] == list(range(1, 10_501))


def exported(rows: int, **body: Any) -> tuple[Manifest, dict[str, bytes]]:
    resolved = resolved_export()
    request = parse_request({"exporter": "rows", "format": "csv", "filename": "r", **body})
    compression = COMPRESSIONS.load(request.compression)() if request.compression else None
    store = MemoryStore()
    source = ListSource(batches_of(COLUMNS, some_rows(rows)), arrow=COLUMNS.arrow())
    manifest = export_run(replace(resolved, request=request, compression=compression), source, store).execute()
    return manifest, {file.name: store.objects[file.key] for file in manifest.files}


def test_a_split_export_has_its_header_in_every_file_and_every_row_in_one() -> None:
    manifest, files = exported(25, split={"rows": 10})
    assert [(file.name, file.rows) for file in manifest.files] == [
        ("r-0001.csv", 10),
        ("r-0002.csv", 10),
        ("r-0003.csv", 5),
    ]
    whole = exported(25)[1]["r.csv"].splitlines()
    assert [data.splitlines()[0] for data in files.values()] == [whole[0]] * 3
    assert [line for data in files.values() for line in data.splitlines()[1:]] == whole[1:]
    assert manifest.verification.file_rows == manifest.rows == 25


@pytest.mark.parametrize(
    ("rows", "names"), [(0, ["r-0001.csv"]), (10, ["r-0001.csv"]), (20, ["r-0001.csv", "r-0002.csv"])]
)
def test_there_is_a_first_file_and_none_without_rows_after_it(rows: int, names: list[str]) -> None:
    assert list(exported(rows, split={"rows": 10})[1]) == names


def test_more_files_than_anybody_wants_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents_module, "MAX_FILES", 3)
    assert len(exported(30, split={"rows": 10})[1]) == 3
    with pytest.raises(Fatal, match="more than 3 files") as caught:
        exported(31, split={"rows": 10})
    assert caught.value.error_code == "too_many_files"


# Several exporters in one zip


def bundled(*names: str | None, exporter: str = "rows") -> tuple[Manifest, list[str]]:
    one = resolved_export()
    sources = [{"exporter": exporter, **({} if given is None else {"name": given})} for given in names]
    request = parse_request({"sources": sources, "format": "csv", "filename": "all"})
    readings = tuple(replace(one.readings[0], name=exporter, given=given) for given in names)
    made = ResolvedExport(request, readings, one.format, one.options, COMPRESSIONS.load("zip")())
    store = MemoryStore()
    manifest = export_run(made, ListSource(batches_of(COLUMNS, some_rows(3)), arrow=COLUMNS.arrow()), store).execute()
    with zipfile.ZipFile(io.BytesIO(store.objects[manifest.files[0].key])) as archive:
        assert archive.testzip() is None
        return manifest, archive.namelist()


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((None, None, None), ["rows.csv", "rows-2.csv", "rows-3.csv"]),
        (("A", "a", "A-2"), ["A.csv", "a-2.csv", "A-2-2.csv"]),
        (("x/y", "x:y", "x_y"), ["x_y.csv", "x_y-2.csv", "x_y-3.csv"]),
        (("ä" * 150, "ä" * 150), ["ä" * 98 + ".csv", "ä" * 97 + "-2.csv"]),
    ],
)
def test_no_two_files_of_a_zip_have_one_name_on_any_file_system(given: tuple[str | None, ...], made: list[str]) -> None:
    manifest, names = bundled(*given)
    assert names == made
    [file] = manifest.files
    assert (file.name, file.rows) == ("all.zip", 3 * len(given))
    assert [(inside.name, inside.rows) for inside in file.contents or ()] == [(name, 3) for name in made]


# Zips as their bytes pass


class Content:
    def __init__(self) -> None:
        self.data = b""

    def feed(self, chunk: bytes) -> None:
        self.data += chunk


def walked(data: bytes, size: int) -> dict[str, bytes]:
    found: dict[str, Content] = {}
    entries = ZipEntries(lambda entry: found.setdefault(entry, Content()))
    for start in range(0, len(data), size):
        entries.feed(data[start : start + size])
    entries.finish()
    return {entry: content.data for entry, content in found.items()}


CONTENTS = {
    "empty": b"",
    "Größe.csv": b"a,b\r\n" * 500,
    "signatures": b"PK\x03\x04PK\x01\x02PK\x07\x08PK\x05\x06" * 40,
    "noise": hashlib.sha512(b"noise").digest() * 3,
}


def streamed(*, any_size: bool) -> bytes:
    archive = StreamedZip()
    for entry, content in CONTENTS.items():
        with archive.entry(entry, any_size=any_size) as file:
            file.write(content)
    archive.close()
    return archive.take()


def seekable(method: int) -> bytes:
    """As programs write it that can go back: sizes stand before the data."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for entry, content in CONTENTS.items():
            archive.writestr(entry, content)
    return file.getvalue()


ZIPS = {
    "descriptors": streamed(any_size=False),
    "zip64 descriptors": streamed(any_size=True),
    "deflated": seekable(zipfile.ZIP_DEFLATED),
    "stored": seekable(zipfile.ZIP_STORED),
}


def without_signatures(data: bytes) -> bytes:
    """Descriptors may have no signature of their own (APPNOTE, section 4.3.9.3)."""
    return data.replace(b"PK\x07\x08", b"")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 1 << 20])
@pytest.mark.parametrize("kind", ZIPS)
def test_every_entry_is_found_however_the_bytes_come_in(kind: str, size: int) -> None:
    assert walked(ZIPS[kind], size) == CONTENTS


def test_the_two_kinds_of_descriptors_are_told_by_what_follows() -> None:
    crc, length = zlib.crc32(CONTENTS["empty"]), len(CONTENTS["empty"])
    assert struct.pack("<4sIQ", b"PK\x07\x08", crc, 2) + struct.pack("<Q", length) in ZIPS["zip64 descriptors"]
    assert len(ZIPS["zip64 descriptors"]) > len(ZIPS["descriptors"])
    small = {"one": b"x" * 100, "two": b"y" * 100}
    archive = StreamedZip()
    for entry, content in small.items():
        with archive.entry(entry, any_size=True) as file:
            file.write(content)
    archive.close()
    data = without_signatures(archive.take())
    assert all(walked(data, size) == small for size in (1, 7, 1000))


@pytest.mark.parametrize("kind", ZIPS)
def test_a_zip_that_ends_too_early_is_noticed_at_every_length(kind: str) -> None:
    data = ZIPS[kind]
    for length in range(len(data) - 1):
        with pytest.raises(VerificationFailed, match="ends too early"):
            walked(data[:length], 1 << 20)


def test_what_is_no_zip_is_noticed() -> None:
    with pytest.raises(VerificationFailed, match=r"cannot be read|ends too early"):
        walked(b"id,name\r\n" * 10, 7)
    broken = bytearray(ZIPS["deflated"])
    place = bytes(broken).index("Größe.csv".encode()) + len("Größe.csv".encode())
    broken[place] |= 0b110  # a kind of block that does not exist
    with pytest.raises(VerificationFailed, match="cannot be read"):
        walked(bytes(broken), 7)


def test_entries_that_nobody_asks_for_are_passed_over() -> None:
    found = Content()
    entries = ZipEntries(lambda entry: found if entry == "noise" else None)
    entries.feed(ZIPS["stored"])
    entries.finish()
    assert found.data == CONTENTS["noise"]
