"""PDF: what is on its pages, and counting its rows from the bytes alone."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from pypdf import PdfReader

from include.core.errors import VerificationFailed
from include.core.format import Encoding, Sheet
from include.core.schema import Column, ColumnType, Schema
from include.formats import FORMATS
from include.formats._pdf_font import typeface
from include.formats._pdf_layout import MIN_WIDTH, SIZES, Table, grid, page_sizes
from include.formats._pdf_rows import PdfRowCounter
from tests.properties.pdf import read_cells
from tests.unit.stand_ins import COLUMNS, batches_of, encoded, some_rows

TEXT = Schema.of(Column.of("v", ColumnType.STRING))
LABELLED = Schema.of(Column.of("id", ColumnType.INTEGER, "Order number"), Column.of("v", ColumnType.STRING, "What"))


def counted(data: bytes, size: int) -> int:
    counter = PdfRowCounter()
    for start in range(0, len(data), size):
        counter.feed(data[start : start + size])
    return counter.rows()


def page_texts(data: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]


def drawn_at(data: bytes) -> dict[str, float]:
    """Where the text of each piece starts, from the left."""
    found: dict[str, float] = {}

    def take(text: str, _: Any, matrix: list[float], *__: Any) -> None:
        if text.strip():
            found[text.strip()] = matrix[4]

    PdfReader(io.BytesIO(data)).pages[0].extract_text(visitor_text=take)
    return found


# Pages


def test_every_page_has_the_header_and_its_number() -> None:
    rows = [(number, f"thing {number}") for number in range(1, 121)]
    texts = page_texts(encoded("pdf", LABELLED, rows, title="All things"))
    assert len(texts) == 3
    for number, text in enumerate(texts, start=1):
        assert "Order number" in text
        assert text.rstrip().endswith(f"{number} / 3")
    assert [text.count("All things") for text in texts] == [1, 0, 0]
    assert re.findall(r"thing \d+", "".join(texts)) == [name for _, name in rows]


@pytest.mark.parametrize(
    ("header", "wanted"), [("label", ["Order number", "What"]), ("name", ["id", "v"]), ("none", [])]
)
def test_the_header_is_what_was_asked_for(header: str, wanted: list[str]) -> None:
    assert read_cells(encoded("pdf", LABELLED, [(1, "a")], header=header)) == (wanted, [["1", "a"]])


def test_no_rows_are_a_page_with_the_header() -> None:
    data = encoded("pdf", LABELLED, [])
    assert "Order number" in page_texts(data)[0]
    assert counted(data, 1000) == 0


def test_each_sheet_begins_a_page_and_pages_are_numbered_through() -> None:
    made = FORMATS.load("pdf")()
    sheets = [
        Sheet(title, schema, schema.arrow(), batches_of(schema, rows))
        for title, schema, rows in (("First", COLUMNS, some_rows(3)), ("Second", LABELLED, [(1, "a")]))
    ]
    data = b"".join(made.encode(sheets, made.options_type(), Encoding()))
    first, second = page_texts(data)
    assert first.startswith("First")
    assert second.startswith("Second")
    assert second.rstrip().endswith("2 / 2")
    assert counted(data, 100) == 4


def test_numbers_stand_at_the_right_and_texts_at_the_left() -> None:
    places = drawn_at(encoded("pdf", LABELLED, [(7, "short"), (7_000_000, "a longer text")]))
    assert places["7"] > places["7000000"]
    assert places["short"] == places["a longer text"]


@pytest.mark.parametrize(
    ("options", "words", "wanted"),
    [
        ({}, 1, (595, 842)),
        ({}, 40, (842, 595)),
        ({"orientation": "landscape"}, 1, (842, 595)),
        ({"orientation": "portrait"}, 40, (595, 842)),
        ({"page_size": "letter"}, 1, (612, 792)),
        ({"page_size": "letter"}, 40, (792, 612)),
    ],
)
def test_a_wide_table_lies_in_landscape_unless_told(
    options: dict[str, Any], words: int, wanted: tuple[int, int]
) -> None:
    data = encoded("pdf", LABELLED, [(1, "word " * words)], **options)
    [page] = PdfReader(io.BytesIO(data)).pages
    assert (round(page.mediabox.width), round(page.mediabox.height)) == wanted


def test_a_long_text_is_broken_between_words_and_stays_whole() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 30
    data = encoded("pdf", LABELLED, [(1, text)])
    assert read_cells(data)[1] == [["1", text]]
    lines = [line for line in page_texts(data)[0].splitlines() if "fox" in line or "dog" in line]
    assert len(lines) > 5
    assert set(" ".join(lines).split()) == set(text.split())


def test_broken_lines_fit_and_lose_nothing() -> None:
    face = typeface()
    for text in ("one two  three\tfour " * 9, "x" * 500, "W" * 40 + " iii " * 30, " " * 50 + "a", "Ωμέγα " * 40):
        for room in (4.0, 10.0, 55.5):
            lines = face.lines(text, room)
            assert "".join(lines) == text.replace("\t", "    ")
            assert all(face.width(line.rstrip()) <= room + 1e-6 for line in lines)


@pytest.mark.parametrize(
    "text", ["", " ", "a\nb", "a\r\nb", "\ta", "a\u00a0b", "(a)\\", "\U0001d7d9", "Ωж€Ŀ", "u\u0308", "\u200b"]
)
def test_a_cell_says_its_exact_text(text: str) -> None:
    assert read_cells(encoded("pdf", TEXT, [(text,), (None,)]))[1] == [[text], [None]]


def test_numbers_get_smaller_before_they_break() -> None:
    columns = [Column.of(f"n{index}", ColumnType.INTEGER) for index in range(9)]
    columns.append(Column.of("text", ColumnType.STRING))
    digits = "9" * 18
    made = table(columns, [digits] * 9 + ["word " * 40])
    found = grid(made, page_sizes("a4", "landscape"), typeface())
    assert found.size < SIZES[0]
    assert all(width - 5 >= typeface().width(digits) * found.size - 1e-6 for width in found.widths[:9])
    assert sum(found.widths) <= found.page[0] - 56 + 1e-6


def test_the_most_columns_are_all_on_the_page() -> None:
    columns = [Column.of(f"n{index}", ColumnType.INTEGER) for index in range(26)]
    found = grid(table(columns, ["9" * 18] * 26), page_sizes("a4", "landscape"), typeface())
    assert sum(found.widths) <= found.page[0] - 56 + 1e-6
    assert min(found.widths) >= MIN_WIDTH
    data = encoded("pdf", Schema(tuple(columns)), [tuple([10**17] * 26)])
    assert read_cells(data)[1] == [["1" + "0" * 17] * 26]


def table(columns: list[Column], values: list[str]) -> Table:
    return Table("T", tuple(columns), [column.label for column in columns], [[value] for value in values])


def test_only_what_is_used_of_one_font_is_embedded() -> None:
    reader = PdfReader(io.BytesIO(encoded("pdf", TEXT, [("Ωж",)])))
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]  # type: ignore[index]
    assert fonts
    assert all("DejaVuSansCondensed" in font["/BaseFont"] for font in fonts)
    assert sum(len(font["/FontDescriptor"]["/FontFile2"].get_data()) for font in fonts) < 60_000


def test_the_document_says_its_title_and_nothing_of_the_day() -> None:
    about = PdfReader(io.BytesIO(encoded("pdf", TEXT, [("a",)], title="Größe"))).metadata
    assert about is not None
    assert about.title == "Größe"
    assert about.creation_date is not None
    assert about.creation_date.year == 2000


# Counting

AWKWARD = [
    "/TR BMC",
    "EMC",
    "(",
    ")",
    "\\",
    "(/TR BMC\n",
    "\n/TR BMC\n",
    "BDC",
    "endobj",
    "",
    None,
    "stream\n",
    "%%EOF",
]


def test_rows_are_counted_right_however_the_bytes_come_in() -> None:
    data = encoded("pdf", TEXT, [(value,) for value in AWKWARD], title="/Type /Page /Kids [] endobj")
    for size in (1, 2, 3, 7, 1000, len(data)):
        assert counted(data, size) == len(AWKWARD)


def test_a_pdf_that_ends_too_early_is_noticed_at_every_length() -> None:
    data = encoded("pdf", TEXT, [("a",)])
    for length in [*range(0, len(data) - 100, 50), *range(len(data) - 100, len(data) - 1)]:  # a line end may be lost
        with pytest.raises(VerificationFailed, match="cannot be read"):
            counted(data[:length], 1000)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (b"%PDF-", b"%PS-1"),
        (b"/Count 3", b"/Count 2"),
        (b"xref\n0", b"yref\n0"),
        (b"/Root", b"/Toor"),
        (b"/Contents", b"/Discards"),
    ],
)
def test_a_damaged_pdf_is_noticed(part: bytes, other: bytes) -> None:
    data = encoded("pdf", COLUMNS, some_rows(120))
    assert counted(data, 1 << 16) == 120
    broken = data.replace(part, other)
    assert broken != data
    assert len(broken) == len(data)
    with pytest.raises(VerificationFailed, match="cannot be read"):
        counted(broken, 1 << 16)


def test_a_page_with_a_changed_byte_is_noticed() -> None:
    data = encoded("pdf", COLUMNS, some_rows(30))
    starts = [found.end() for found in re.finditer(rb"stream\r?\n", data)]
    content = next(start for start in reversed(starts) if data[start : start + 2] == b"Ga")  # pages come last
    for place in range(content, data.index(b"endstream", content) - 2, 40):
        broken = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(VerificationFailed, match="cannot be read"):
            counted(broken, 1000)
