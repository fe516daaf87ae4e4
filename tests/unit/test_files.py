"""The files of an export: their names, where one ends and the next begins, and what is read of a zip as it passes."""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import struct
import zipfile
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from include.compressions import COMPRESSIONS
from include.core import documents as documents_module
from include.core.errors import Fatal, VerificationFailed
from include.core.exporter import Params, SqlExporter
from include.core.filename import MAX_BYTES, clean, make_filename
from include.core.query import Selection
from include.core.request import Split, parse_request
from include.core.resolve import ResolvedExport, ResolvedReading
from include.core.schema import Column, ColumnType, Schema
from include.core.split import SLICE_ROWS, Cut
from include.core.streamed_zip import StreamedZip
from include.core.zip_entries import ZipEntries
from include.formats import FORMATS
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
    from collections.abc import Generator, Sequence

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


# A file for each value


LOTS = Schema.of(
    Column.of("n", ColumnType.INTEGER),
    Column.of("text", ColumnType.STRING),
    Column.of("number", ColumnType.INTEGER),
    Column.of("amount", ColumnType.DECIMAL, precision=6, scale=2),
    Column.of("weight", ColumnType.FLOAT),
    Column.of("good", ColumnType.BOOLEAN),
    Column.of("day", ColumnType.DATE),
    Column.of("at", ColumnType.DATETIME),
)


class Lots(SqlExporter[Params]):
    """Rows with a column of each type."""

    title = "Lots"
    source = "warehouse"
    sql = "select"
    params_type = Params
    columns = LOTS
    key = ("n",)


def split_by(
    column: str, values: Sequence[object], *, size: int = 10, file_format: str = "csv", **body: Any
) -> tuple[Manifest, dict[str, bytes]]:
    """An export of rows whose column has these values, in this order, as a source gives them."""
    place = LOTS.names.index(column)
    rows = [
        tuple(n if i == 0 else value if i == place else None for i in range(len(LOTS))) for n, value in numbered(values)
    ]
    lots, made = Lots(), FORMATS.load(file_format)()
    wanted = {"exporter": "lots", "format": file_format, "filename": "all", "split": {"by": column}, **body}
    request = parse_request(wanted)
    columns = (LOTS["n"], LOTS[column]) if column != "n" else (LOTS["n"],)
    resolved = ResolvedExport(
        request=request,
        readings=(
            ResolvedReading(name="lots", exporter=lots, table=lots, params=Params(), selection=Selection(columns)),
        ),
        format=made,
        options=made.options_type(),
        compression=COMPRESSIONS.load(request.compression)() if request.compression else None,
    )
    chosen = Schema(columns)
    batches = [batch.select(list(chosen.names)) for batch in batches_of(LOTS, rows, size=size)]
    store = MemoryStore()
    manifest = export_run(resolved, ListSource(batches, arrow=chosen.arrow()), store).execute()
    return manifest, {file.name: store.objects[file.key] for file in manifest.files}


def numbered(values: Sequence[object]) -> list[tuple[int, object]]:
    return list(enumerate(values, start=1))


def ids(data: bytes) -> list[int]:
    return [int(line.split(b",")[0]) for line in data.splitlines()[1:]]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 100])
def test_every_row_is_in_the_file_of_its_value_wherever_batches_end(size: int) -> None:
    values = ["a"] * 3 + ["b"] + ["c"] * 5 + [None] * 2
    manifest, files = split_by("text", values, size=size)
    assert {name: ids(data) for name, data in files.items()} == {
        "all-a.csv": [1, 2, 3],
        "all-b.csv": [4],
        "all-c.csv": [5, 6, 7, 8, 9],
        "all-null.csv": [10, 11],
    }
    assert [(file.name, file.rows) for file in manifest.files] == [
        ("all-a.csv", 3),
        ("all-b.csv", 1),
        ("all-c.csv", 5),
        ("all-null.csv", 2),
    ]
    assert manifest.rows == manifest.verification.file_rows == 11
    assert {data.splitlines()[0] for data in files.values()} == {b"n,text"}


def test_in_a_zip_the_files_are_named_after_the_values_alone() -> None:
    manifest, files = split_by("text", ["Jamf Pro", "munki", None], compression="zip")
    assert list(files) == ["all.zip"]
    with zipfile.ZipFile(io.BytesIO(files["all.zip"])) as archive:
        assert archive.namelist() == ["jamf-pro.csv", "munki.csv", "null.csv"]
        assert [ids(archive.read(name)) for name in archive.namelist()] == [[1], [2], [3]]
    (file,) = manifest.files
    assert file.rows == 3
    assert [(each.name, each.rows) for each in file.contents or ()] == [
        ("jamf-pro.csv", 1),
        ("munki.csv", 1),
        ("null.csv", 1),
    ]


def test_each_file_may_be_compressed() -> None:
    manifest, files = split_by("text", ["a", "a", "b"], compression="gzip")
    assert list(files) == ["all-a.csv.gz", "all-b.csv.gz"]
    assert [ids(gzip.decompress(data)) for data in files.values()] == [[1, 2], [3]]
    assert [[(each.name, each.rows) for each in file.contents or ()] for file in manifest.files] == [
        [("all-a.csv", 2)],
        [("all-b.csv", 1)],
    ]


def test_every_file_is_a_workbook_of_its_own() -> None:
    _, files = split_by("text", ["a", "a", "b"], file_format="xlsx")
    books = {name: load_workbook(io.BytesIO(data)) for name, data in files.items()}
    assert {name: [row[0].value for row in book["Lots"].iter_rows(min_row=2)] for name, book in books.items()} == {
        "all-a.xlsx": [1, 2],
        "all-b.xlsx": [3],
    }


@pytest.mark.parametrize(
    ("column", "values", "names"),
    [
        ("text", ["Jamf", "jamf", "JAMF!"], ["jamf", "jamf-2", "jamf-3"]),
        ("text", ["null", None], ["null", "null-2"]),
        ("text", ["", " ", "-", "."], ["_", "_-2", "-", "_-3"]),
        ("text", ["Größe 1/2", "日本", "a/b\\c", "../../x"], ["groe-12", "日本", "abc", "x"]),
        ("text", ["a", "a-2", "A"], ["a", "a-2", "a-3"]),
        ("number", [-5, 0, 5, None], ["-5", "0", "5", "null"]),
        ("amount", [Decimal("-1.50"), Decimal("0.15"), Decimal("1.50")], ["-1.50", "0.15", "1.50"]),
        ("weight", [-0.5, 0.5, 1e300, math.inf], ["-0.5", "0.5", "1e+300", "inf"]),
        ("good", [False, True, None], ["false", "true", "null"]),
        ("day", [date(2026, 1, 31), date(2026, 2, 1)], ["2026-01-31", "2026-02-01"]),
        ("at", [datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)], ["2026-01-31T23_59_59Z"]),
    ],
)
def test_values_become_names_that_every_file_system_can_have(
    column: str, values: list[object], names: list[str]
) -> None:
    _, files = split_by(column, values)
    assert list(files) == [f"all-{name}.csv" for name in names]
    assert [ids(data) for data in files.values()] == [[n] for n, _ in numbered(values)]


def test_what_is_no_number_is_one_value() -> None:
    _, files = split_by("weight", [1.0, math.nan, math.nan, math.nan, None], size=2)
    assert {name: ids(data) for name, data in files.items()} == {
        "all-1.0.csv": [1],
        "all-nan.csv": [2, 3, 4],
        "all-null.csv": [5],
    }


def test_zero_is_one_value_whatever_its_sign() -> None:
    assert len(split_by("weight", [-0.0, 0.0, -0.0])[1]) == 1


@pytest.mark.parametrize("compression", [None, "zip"])
def test_without_rows_there_is_one_file_without_rows(compression: str | None) -> None:
    body: dict[str, Any] = {} if compression is None else {"compression": compression}
    manifest, files = split_by("text", [], **body)
    assert manifest.empty
    if compression is None:
        assert files == {"all-0001.csv": b"n,text\r\n"}
    else:
        with zipfile.ZipFile(io.BytesIO(files["all.zip"])) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == {"all-0001.csv": b"n,text\r\n"}


def test_values_of_any_length_make_names_in_no_time() -> None:
    texts = [letter * 3_000_000 for letter in ("a", "ü", "日")]
    names = list(split_by("text", texts, size=1)[1])
    assert all(len(name.encode()) <= MAX_BYTES for name in names)
    assert [name[:5] for name in names] == ["all-a", "all-u", "all-日"]


@pytest.mark.parametrize("values", [["a", "b", "a"], ["a", None, "b", None], ["Jamf", "jamf", "Jamf"]])
def test_a_value_that_comes_again_is_an_error_and_no_second_file(values: list[object]) -> None:
    for size in (1, 10):
        with pytest.raises(Fatal, match=r"'text'.*case only") as caught:
            split_by("text", values, size=size)
        assert caught.value.error_code == "values_apart"


def test_more_values_than_files_that_anybody_wants_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents_module, "MAX_FILES", 3)
    assert len(split_by("number", [1, 2, 3])[1]) == 3
    with pytest.raises(Fatal, match="more than 3 files"):
        split_by("number", [1, 2, 3, 4])


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
