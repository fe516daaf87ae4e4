"""Counting rows from a file's bytes alone, however they come in, and noticing a file that ends too early."""

from __future__ import annotations

import io
import random
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from include.core.errors import VerificationFailed
from include.core.schema import Column, ColumnType, Schema
from include.formats import FORMATS
from include.formats._occurrences import Occurrences
from include.formats._zip_rows import WorkbookRowCounter
from include.formats.csv import CsvRowCounter
from include.formats.json import ArrayRowCounter
from include.formats.jsonl import LineCounter
from include.formats.parquet import FooterCounter
from tests.unit.stand_ins import COLUMNS, encoded, some_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.core.format import RowCounter

TEXT = Schema.of(Column.of("v", ColumnType.STRING))
AWKWARD = ["", None, "\n", "\r\n", '"', '""', '"\n"', ',"\n', "a\nb\nc", "x", "\r", '\n"', "<row r=", "</row>"]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def counted(counter: RowCounter, data: bytes, size: int) -> int:
    for piece in pieces(data, size):
        counter.feed(piece)
    return counter.rows()


@pytest.mark.parametrize("header", ["name", "none"])
def test_csv_is_counted_right_however_its_bytes_come_in(header: str) -> None:
    data = encoded("csv", TEXT, [(value,) for value in AWKWARD], header=header)
    for size in range(1, len(data) + 1):
        assert counted(CsvRowCounter(headers=0 if header == "none" else 1), data, size) == len(AWKWARD)


def test_csv_with_awkward_headings_is_counted_right() -> None:
    for name in ('a"b', "a\nb", "a,b", '"\n"'):
        schema = Schema.of(Column.of("v", ColumnType.STRING).renamed(name), Column.of("w", ColumnType.INTEGER))
        assert counted(CsvRowCounter(headers=1), encoded("csv", schema, [("x\n", 1)] * 3), 1) == 3


def test_jsonl_is_counted_right_however_its_bytes_come_in() -> None:
    data = encoded("jsonl", TEXT, [(value,) for value in AWKWARD])
    for size in range(1, len(data) + 1):
        assert counted(LineCounter(), data, size) == len(AWKWARD)


NESTED = Schema.of(Column.of("v", ColumnType.STRING), Column.of("w", ColumnType.JSON))
NESTING = [
    ("},\n{", '[{"a": "},\\n{"},\n{"b": [\n{}\n]\n}]'),
    ("\n]\n", '"\\n{"'),
    (None, None),
    ("[\n{", "{\n}"),
    ("\\", "\r\n[]"),
    ('"', '"\\""'),
]


@pytest.mark.parametrize("rows", [0, 1, 2, len(NESTING)])
def test_json_is_counted_right_however_its_bytes_come_in(rows: int) -> None:
    data = encoded("json", NESTED, NESTING[:rows], size=2)
    for size in range(1, len(data) + 1):
        assert counted(ArrayRowCounter(), data, size) == rows


def test_json_with_awkward_texts_is_counted_right() -> None:
    data = encoded("json", TEXT, [(value,) for value in AWKWARD])
    for size in (1, 2, 3, 4, 5, 7, len(data)):
        assert counted(ArrayRowCounter(), data, size) == len(AWKWARD)


def test_json_that_ends_too_early_is_noticed_at_every_length() -> None:
    data = encoded("json", NESTED, NESTING, size=2)
    for length in range(len(data)):
        with pytest.raises(VerificationFailed, match="no whole array"):
            counted(ArrayRowCounter(), data[:length], 5)


@pytest.mark.parametrize(
    "data",
    [
        b'[\n{"v":1}\n{"v":2}\n]\n',  # no comma between
        b'[\n{"v":1},\n\n{"v":2}\n]\n',  # an empty line
        b'[\n{"v":1},\n2\n]\n',  # no object
        b'{"v":1},\n{"v":2}\n]\n',  # no bracket
        b'[\n{"v":1}\n]\n[\n{"v":1}\n]\n',  # two arrays
        b"]\n",
        b"\n]\n",
    ],
)
def test_json_that_is_not_one_array_is_noticed(data: bytes) -> None:
    for size in (1, 3, len(data)):
        with pytest.raises(VerificationFailed, match="no whole array"):
            counted(ArrayRowCounter(), data, size)


def test_parquet_is_counted_right_however_its_bytes_come_in() -> None:
    data = encoded("parquet", COLUMNS, some_rows(25))
    for size in (1, 2, 3, 7, 8, 100, len(data)):
        assert counted(FooterCounter(), data, size) == 25


def test_a_parquet_file_that_ends_too_early_is_noticed_at_every_length() -> None:
    data = encoded("parquet", COLUMNS, some_rows(25))
    for length in range(len(data)):
        with pytest.raises(VerificationFailed, match="footer"):
            counted(FooterCounter(), data[:length], 100)


@pytest.mark.parametrize("damage", [b"\x00", b"\xff"])
def test_a_damaged_parquet_footer_is_noticed(damage: bytes) -> None:
    data = encoded("parquet", COLUMNS, some_rows(25))
    footer = int.from_bytes(data[-8:-4], "little")
    broken = data[: -8 - footer] + damage * footer + data[-8:]
    with pytest.raises(VerificationFailed, match="footer"):
        counted(FooterCounter(), broken, 100)


def test_only_a_files_end_is_kept_to_count_parquet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.formats.parquet.TAIL_BYTES", 2_000)
    counter = FooterCounter()
    data = bytes(100_000) + encoded("parquet", COLUMNS, some_rows(25))
    for piece in pieces(data, 1_000):
        counter.feed(piece)
        assert sum(map(len, counter._last)) <= 2_000 + 1_000  # whole chunks
    assert counter.rows() == 25


class Unseekable(io.RawIOBase):
    """What a zip writer sees of a stream: it cannot go back, so sizes come in descriptors behind each entry."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


def sheet(rows: int, *, attributes: str = ' r="1"') -> str:
    chance = random.Random(rows)
    body = "".join(f"<row{attributes}><c><v>{chance.random()}</v></c></row>" for _ in range(rows))
    return f'<worksheet><sheetData>{body}</sheetData><rowBreaks count="0"/></worksheet>'


def archive(*, streamed: bool, sheets: tuple[str, ...]) -> bytes:
    file: Any = Unseekable() if streamed else io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", "<Types/>" * 50, zipfile.ZIP_DEFLATED)
        if not streamed:
            made.writestr("docProps/thumbnail.jpeg", b"PK\x03\x04 <row r=", zipfile.ZIP_STORED)
        made.writestr("xl/sharedStrings.xml", "<sst><row r='1'/></sst>")
        for number, text in enumerate(sheets, start=1):
            made.writestr(f"xl/worksheets/sheet{number}.xml", text)
        made.writestr("xl/workbook.xml", "<workbook/>")
    return bytes(file.data if streamed else file.getvalue())


@pytest.mark.parametrize("way", ["sizes in front", "sizes in descriptors"])
@pytest.mark.parametrize(
    ("sheets", "headers", "rows"),
    [
        ((sheet(1),), 1, 0),
        ((sheet(20),), 1, 19),
        ((sheet(20),), 0, 20),
        ((sheet(7), sheet(5)), 1, 10),
        ((sheet(7, attributes=""),), 1, 6),
        ((sheet(0),), 0, 0),
    ],
)
def test_a_workbook_is_counted_right_however_its_bytes_come_in(
    way: str, sheets: tuple[str, ...], headers: int, rows: int
) -> None:
    data = archive(streamed=way == "sizes in descriptors", sheets=sheets)
    for size in [*range(1, 70), len(data) // 2, len(data) - 1, len(data)]:
        assert counted(WorkbookRowCounter(headers=headers), data, size) == rows


def test_a_row_is_found_wherever_a_piece_of_the_sheet_ends() -> None:
    for padding in range(40):
        text = "<x/>" + "y" * padding + sheet(30)
        data = archive(streamed=False, sheets=(text,))
        assert counted(WorkbookRowCounter(headers=0), data, 1) == 30


@pytest.mark.parametrize("stretch", [1, 3, 7, 64])
def test_a_pattern_is_found_wherever_what_is_looked_at_together_ends(
    stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.formats._occurrences._STRETCH", stretch)
    data = b"</row></row><</row>w></</row>row></ro" * 3 + b"</row>"
    for size in range(1, len(data) + 1):
        pattern = Occurrences(b"</row>")
        for start in range(0, len(data), size):
            pattern.feed(data[start : start + size])
        assert pattern.count == data.count(b"</row>")


def test_a_workbook_of_ours_is_counted_right_however_its_bytes_come_in() -> None:
    data = encoded("xlsx", TEXT, [(value,) for value in AWKWARD])
    for size in (1, 2, 3, 5, 30, 1000, len(data)):
        assert counted(WorkbookRowCounter(headers=1), data, size) == len(AWKWARD)


def test_a_workbook_that_ends_inside_an_entry_is_noticed_at_every_length() -> None:
    data = archive(streamed=False, sheets=(sheet(20),))
    directory = data.index(b"PK\x01\x02")
    for length in range(directory):
        with pytest.raises(VerificationFailed, match="too early"):
            counted(WorkbookRowCounter(headers=1), data[:length], 64)


@pytest.mark.parametrize("data", [b"no zip file at all, but long enough for a header", b"<html>" * 20])
def test_what_is_no_workbook_is_noticed(data: bytes) -> None:
    with pytest.raises(VerificationFailed, match="cannot be read"):
        counted(WorkbookRowCounter(headers=1), data, 10)


@pytest.mark.parametrize("name", FORMATS.names)
def test_a_counter_that_saw_nothing_counts_nothing_or_says_so(name: str) -> None:
    made = FORMATS.load(name)()
    counter = made.counter(made.options_type())
    with suppress(VerificationFailed):
        assert counter.rows() <= 0


@pytest.mark.parametrize("cut", [1, 10, 22, 100])
def test_a_workbook_cut_inside_its_directory_is_noticed(cut: int) -> None:
    data = encoded("xlsx", TEXT, [("a",)])
    made = FORMATS.load("xlsx")()
    counter = made.counter(made.options_type())
    counter.feed(data[:-cut])
    with pytest.raises(VerificationFailed, match="ends too early"):
        counter.rows()
