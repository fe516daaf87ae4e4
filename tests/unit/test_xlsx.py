"""Workbooks: typed cells, texts that stay texts, Excel's limits, and what XML cannot hold."""

from __future__ import annotations

import gc
import io
import re
import tempfile
import zipfile
from contextlib import closing, suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from include.core.errors import Fatal
from include.core.format import Encoding, Sheet
from include.core.schema import Column, ColumnType, Schema
from include.formats import FORMATS, _sheet, _workbook
from include.formats._zip_rows import WorkbookRowCounter
from tests.unit.stand_ins import Row, batches_of, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from openpyxl import Workbook

Kind = ColumnType
EXCEL_NULL_DATE = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel has no zones


def workbook(kind: ColumnType, values: Sequence[object], **options: Any) -> bytes:
    """A workbook of one column named v."""
    return encoded("xlsx", Schema.of(Column.of("v", kind)), [(value,) for value in values], **options)


def opened(data: bytes) -> Workbook:
    from openpyxl import load_workbook

    return load_workbook(io.BytesIO(data))


def cells(data: bytes, sheet: int = 0) -> list[Any]:
    """The cells of the first column below the header."""
    return [row[0] for row in opened(data).worksheets[sheet].iter_rows(min_row=2)]


def shown(kind: ColumnType, *values: object) -> list[object]:
    return [cell.value for cell in cells(workbook(kind, values))]


def sheet_xml(data: bytes) -> str:
    return zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml").decode()


def numbers_in(data: bytes) -> list[str]:
    """The digits of numeric cells as they stand in the file."""
    return re.findall(r"<c(?: s=\"\d+\")?><v>([^<]*)</v>", sheet_xml(data))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        '=HYPERLINK("http://evil.example")',
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "=",
        "{=1}",
        "1",
        "1e5",
        "007",
        "true",
        "2026-01-01",
        "#N/A",
        "#REF!",
        "None",
        "50%",
        "<b>&amp;</b>",
    ],
)
def test_a_text_stays_a_text_whatever_it_looks_like(text: str) -> None:
    data = workbook(Kind.STRING, [text])
    [cell] = cells(data)
    assert (cell.data_type, cell.value) == ("s", text)
    assert "<f>" not in sheet_xml(data)


@pytest.mark.parametrize("text", [" ", "   ", " a ", "\n", "a\nb", "\ta\t", "ü📦", "a" * 32_767])
def test_white_space_and_long_texts_are_kept(text: str) -> None:
    assert shown(Kind.STRING, text) == [text]


def test_null_is_no_cell_and_an_empty_text_is_a_text_cell() -> None:
    xml = sheet_xml(workbook(Kind.STRING, [None, "", "x"]))
    rows = re.findall(r"<row>(.*?)</row>", xml)
    assert rows[1] == "<c/>"
    assert 't="inlineStr"' in rows[2]


def unescaped(text: str) -> str:
    """What Excel shows (ECMA-376 part 1, section 22.9.2.19)."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)


@pytest.mark.parametrize(
    "text", ["\x00", "a\x01b", "\x0b\x0c", "\x1f", "\r", "\r\n", "\ufffe", "\uffff", "_x000D_", "_x0041_x0042_", "_x_"]
)
def test_what_xml_cannot_hold_is_escaped_and_look_alikes_are_told_apart(text: str) -> None:
    [cell] = cells(workbook(Kind.STRING, [text]))
    assert unescaped(cell.value) == text
    if text == "_x_":
        assert cell.value == text


@pytest.fixture
def _nothing_left_open() -> Iterator[None]:
    """What a failed encoder left open would complain in some other test."""
    yield
    gc.collect()


@pytest.mark.usefixtures("_nothing_left_open")
def test_a_text_that_is_too_long_names_column_and_row_and_not_the_text() -> None:
    with pytest.raises(Fatal, match=r"Column 'v', row 13.*32,768 characters.*32,767") as caught:
        workbook(Kind.STRING, [*["fine"] * 12, "secret" + "x" * 32_762])
    assert "secret" not in str(caught.value)
    assert caught.value.error_code == "xlsx_text_too_long"


@pytest.mark.usefixtures("_nothing_left_open")
def test_length_is_counted_as_excel_counts_it() -> None:
    assert len(shown(Kind.STRING, "📦" * 16_383)) == 1
    with pytest.raises(Fatal, match="32,768"):
        workbook(Kind.STRING, ["📦" * 16_384])


def wide(count: int) -> Schema:
    return Schema.of(*(Column.of(f"c{index}", Kind.INTEGER) for index in range(count)))


def test_more_columns_than_a_worksheet_holds_are_a_clear_error() -> None:
    with pytest.raises(Fatal, match=r"16385 columns.*16,384") as caught:
        encoded("xlsx", wide(16_385), [])
    assert caught.value.error_code == "xlsx_too_wide"
    made = FORMATS.load("xlsx")()
    [misfit] = made.misfits(wide(16_385), made.options_type())
    assert (misfit.pointer, misfit.detail) == ("/columns", str(caught.value))
    assert made.misfits(wide(16_384), made.options_type()) == []


def test_as_many_columns_as_a_worksheet_holds_are_written() -> None:
    assert sheet_xml(encoded("xlsx", wide(16_384), [])).count("<c ") == 16_384


@pytest.mark.parametrize(
    ("rows", "header", "parts"),
    [
        (0, "name", [0]),
        (3, "name", [3]),
        (4, "name", [3, 1]),
        (9, "name", [3, 3, 3]),
        (10, "label", [3, 3, 3, 1]),
        (4, "none", [4]),
        (5, "none", [4, 1]),
    ],
)
def test_rows_beyond_a_worksheet_continue_on_the_next_with_its_header(
    monkeypatch: pytest.MonkeyPatch, rows: int, header: str, parts: list[int]
) -> None:
    monkeypatch.setattr(_sheet, "MAX_ROWS", 4)
    data = workbook(Kind.INTEGER, range(rows), title="Orders", header=header)
    book = opened(data)
    assert book.sheetnames == ["Orders", "Orders (2)", "Orders (3)", "Orders (4)"][: len(parts)]
    found: list[object] = []
    for sheet, count in zip(book.worksheets, parts, strict=True):
        values = [row[0] for row in sheet.iter_rows(values_only=True)]
        if header != "none":
            assert values.pop(0) == {"name": "v", "label": "V"}[header]
        assert len(values) == count
        found += values
    assert found == list(range(rows))
    counter = WorkbookRowCounter(headers=0 if header == "none" else 1)
    counter.feed(data)
    assert counter.rows() == rows


def test_the_limit_of_rows_is_excels() -> None:
    assert (_sheet.MAX_ROWS, _sheet.MAX_COLUMNS, _sheet.MAX_TEXT) == (1_048_576, 16_384, 32_767)


@pytest.mark.parametrize(
    ("title", "part", "name"),
    [
        ("Orders", 1, "Orders"),
        ("a/b\\c:d*e?f[g]h", 1, "a_b_c_d_e_f_g_h"),
        ("x" * 40, 1, "x" * 31),
        ("x" * 40, 2, "x" * 27 + " (2)"),
        ("x" * 40, 12, "x" * 26 + " (12)"),
        ("'quoted'", 1, "quoted"),
        ("", 1, "Sheet"),
        ("''", 3, "Sheet (3)"),
    ],
)
def test_a_sheets_name_is_one_that_excel_takes(title: str, part: int, name: str) -> None:
    assert _workbook.sheet_title(title, part) == name


@pytest.mark.parametrize("value", [0, -1, 999_999_999_999_999, -999_999_999_999_999])
def test_an_integer_of_up_to_15_digits_is_a_number(value: int) -> None:
    data = workbook(Kind.INTEGER, [value])
    assert shown(Kind.INTEGER, value) == [value]
    assert numbers_in(data) == [str(value)]


@pytest.mark.parametrize("value", [10**15, -(10**15), 9_007_199_254_740_993, 2**63 - 1, -(2**63)])
def test_an_integer_of_more_digits_is_a_text_with_every_digit(value: int) -> None:
    assert shown(Kind.INTEGER, value) == [str(value)]


@pytest.mark.parametrize(
    "digits",
    [
        "0.1",
        "-0.01",
        "1234567890123.45",
        "99999999999999.9",
        "9.00000000000003",
        "0.000000000000001",
        "123456789012345",
        "8.98765432109877",
        "98765432109876.5",
        "900719925474.099",
    ],
)
def test_a_decimal_that_a_double_holds_is_a_number_with_exactly_its_digits(digits: str) -> None:
    data = workbook(Kind.DECIMAL, [digits])
    assert [Decimal(number) for number in numbers_in(data)] == [Decimal(digits)]


@pytest.mark.parametrize(
    "digits",
    [
        "1234567890123456.7",
        "0.1234567890123456",
        "-123456789012345678901234567890.123456789",
        "1" + "0" * 30 + "1",
        "0." + "0" * 399 + "1",
        "1" + "0" * 400,
    ],
)
def test_a_decimal_that_a_double_cannot_hold_is_a_text_with_every_digit(digits: str) -> None:
    assert shown(Kind.DECIMAL, digits) == [digits]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_a_decimal_that_is_no_number_is_a_text(text: str) -> None:
    assert shown(Kind.DECIMAL, text) == [text]


def test_floats_keep_every_digit_and_what_is_no_number_is_a_text() -> None:
    values = [0.1, -1e-300, 1.7976931348623157e308, 5e-324, 0.30000000000000004, 123456789.12345679]
    assert [float(number) for number in numbers_in(workbook(Kind.FLOAT, values))] == values
    assert shown(Kind.FLOAT, float("nan"), float("inf"), float("-inf")) == ["NaN", "Infinity", "-Infinity"]


def test_a_boolean_is_a_boolean() -> None:
    assert [(cell.data_type, cell.value) for cell in cells(workbook(Kind.BOOLEAN, [True, False]))] == [
        ("b", True),
        ("b", False),
    ]


@pytest.mark.parametrize("day", [date(1900, 3, 1), date(2024, 2, 29), date(9999, 12, 31)])
def test_a_date_is_a_day_of_excels(day: date) -> None:
    [cell] = cells(workbook(Kind.DATE, [day]))
    assert (cell.is_date, cell.number_format, cell.value.date()) == (True, "yyyy-mm-dd", day)
    assert float(numbers_in(workbook(Kind.DATE, [day]))[0]) == (day - EXCEL_NULL_DATE.date()).days


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1899, 12, 31), date(1900, 1, 1), date(1900, 2, 28)])
def test_a_date_before_march_1900_is_a_text(day: date) -> None:
    assert shown(Kind.DATE, day) == [day.isoformat()]


def test_a_time_before_march_1900_is_a_text() -> None:
    old = datetime(1900, 2, 28, 23, 59, 59)  # noqa: DTZ001 - a local time
    assert shown(Kind.LOCAL_DATETIME, old) == ["1900-02-28T23:59:59"]
    assert shown(Kind.DATETIME, old.replace(tzinfo=UTC)) == ["1900-02-28T23:59:59"]


def test_a_time_with_a_zone_is_utc_and_the_manifest_will_say_so() -> None:
    encoding = Encoding()
    moment = datetime.fromisoformat("2026-03-29T03:30:00+02:00")
    [cell] = cells(workbook(Kind.DATETIME, [moment], encoding=encoding))
    assert cell.value == datetime(2026, 3, 29, 1, 30)  # noqa: DTZ001 - Excel has no zones
    assert encoding.notes == ["Times in the workbook are UTC."]


def test_a_local_time_is_as_it_is() -> None:
    encoding = Encoding()
    local = datetime(2026, 3, 29, 2, 30, 0, 125_000)  # noqa: DTZ001 - a local time
    assert [cell.value for cell in cells(workbook(Kind.LOCAL_DATETIME, [local], encoding=encoding))] == [local]
    assert encoding.notes == []


def test_microseconds_are_cut_and_the_manifest_will_say_so() -> None:
    encoding = Encoding()
    [cell] = cells(workbook(Kind.TIME, [time(23, 59, 59, 999_999)], encoding=encoding))
    assert cell.value == time(23, 59, 59, 999_000)
    assert len(encoding.notes) == 1
    assert "milliseconds" in encoding.notes[0]


def test_midnight_is_a_time() -> None:
    assert shown(Kind.TIME, time(0), time(12)) == [time(0), time(12)]


@pytest.mark.parametrize("name", ["=1+1", "_x000D_", "a\x01b", " x ", "ü📦"])
def test_a_header_is_a_text_too(name: str) -> None:
    schema = Schema.of(Column.of("v", Kind.INTEGER).renamed(name))
    header = opened(encoded("xlsx", schema, [(1,)], header="name")).worksheets[0]["A1"]
    assert header.data_type == "s"
    assert unescaped(header.value) == name


def test_rows_of_nulls_are_rows() -> None:
    data = workbook(Kind.STRING, [None, None, "x", None])
    counter = WorkbookRowCounter(headers=1)
    counter.feed(data)
    assert counter.rows() == 4
    assert [cell.value for cell in cells(data)][:3] == [None, None, "x"]


@pytest.mark.usefixtures("_nothing_left_open")
@pytest.mark.parametrize("rows", [[("x" * 32_768,)], [("fine",)]], ids=["failed", "finished"])
def test_no_temporary_file_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: list[Row]) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with suppress(Fatal):
        encoded("xlsx", Schema.of(Column.of("v", Kind.STRING)), rows)
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_is_stopped_leaves_no_temporary_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = FORMATS.load("xlsx")()
    schema = Schema.of(Column.of("v", Kind.STRING))
    sheet = Sheet("T", schema, schema.arrow(), batches_of(schema, [("a",)]))
    with closing(made.encode([sheet], made.options_type(), Encoding())) as chunks:  # type: ignore[type-var]
        next(chunks)
    assert list(tmp_path.iterdir()) == []
