"""Workbooks as a whole: filters, properties, several sheets, names that no two sheets share."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest
from openpyxl import load_workbook

from include.core.format import Encoding, Sheet
from include.core.schema import Column, ColumnType, Schema
from include.formats import FORMATS, _sheet
from include.formats._workbook import sheet_title
from tests.unit.stand_ins import COLUMNS, batches_of, encoded, some_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openpyxl import Workbook


def workbook(titles: Sequence[str], rows: int = 3, **options: Any) -> bytes:
    """One sheet of COLUMNS for each title."""
    made = FORMATS.load("xlsx")()
    sheets = [Sheet(title, COLUMNS, COLUMNS.arrow(), iter(batches_of(COLUMNS, some_rows(rows)))) for title in titles]
    return b"".join(made.encode(sheets, made.options_type.model_validate(options), Encoding()))


def opened(data: bytes) -> Workbook:
    return load_workbook(io.BytesIO(data))


def part(data: bytes, name: str) -> str:
    return zipfile.ZipFile(io.BytesIO(data)).read(name).decode()


@pytest.mark.parametrize("rows", [0, 1, 25])
def test_a_filter_lies_over_the_header_and_every_row(rows: int) -> None:
    [sheet] = opened(workbook(["Orders"], rows)).worksheets
    assert sheet.auto_filter.ref == f"A1:C{rows + 1}"
    assert sheet.freeze_panes == "A2"


def test_a_filter_has_the_hidden_name_that_excel_gives_it() -> None:
    names = re.findall(r"<definedName (.*?)</definedName>", part(workbook(["Anna's", "b"]), "xl/workbook.xml"))
    assert names == [
        'name="_xlnm._FilterDatabase" localSheetId="0" hidden="1">\'Anna\'\'s\'!$A$1:$C$4',
        'name="_xlnm._FilterDatabase" localSheetId="1" hidden="1">\'b\'!$A$1:$C$4',
    ]


def test_without_a_header_nothing_is_filtered_or_frozen() -> None:
    data = workbook(["Orders"], header="none")
    [sheet] = opened(data).worksheets
    assert (sheet.auto_filter.ref, sheet.freeze_panes) == (None, None)
    assert "_FilterDatabase" not in part(data, "xl/workbook.xml")


def test_the_document_says_what_it_is_and_who_made_it() -> None:
    properties = opened(workbook(["Orders & <more>"])).properties
    assert (properties.title, properties.creator) == ("Orders & <more>", "Waybill")
    assert properties.created == properties.modified == datetime(2000, 1, 1)  # noqa: DTZ001 - as openpyxl gives it


def test_a_file_is_known_as_a_workbook_by_its_first_bytes() -> None:
    names = zipfile.ZipFile(io.BytesIO(workbook(["Orders"]))).namelist()
    assert names[0].startswith(("_rels/", "docProps/", "xl/"))
    assert len(names) == len(set(names))


def test_every_sheet_has_its_own_columns_and_filter() -> None:
    made = FORMATS.load("xlsx")()
    wide = Schema.of(*(Column.of(f"c{index}", ColumnType.STRING) for index in range(30)))
    sheets = [
        Sheet("Narrow", COLUMNS, COLUMNS.arrow(), iter(batches_of(COLUMNS, some_rows(25)))),
        Sheet("Empty", COLUMNS, COLUMNS.arrow(), iter([])),
        Sheet("Wide", wide, wide.arrow(), iter(batches_of(wide, [tuple("abc" * 10)]))),
    ]
    data = b"".join(made.encode(sheets, made.options_type(), Encoding()))
    book = opened(data)
    assert [(sheet.title, sheet.auto_filter.ref) for sheet in book] == [
        ("Narrow", "A1:C26"),
        ("Empty", "A1:C1"),
        ("Wide", "A1:AD2"),
    ]
    assert [sheet.column_dimensions["A"].width for sheet in book] == [14, 14, 24]
    assert book["Narrow"]["B26"].value == "name 25"
    counter = made.counter(made.options_type())
    counter.feed(data)
    assert counter.rows() == 26


@pytest.mark.parametrize(
    ("titles", "names"),
    [
        (["Orders", "orders", "ORDERS"], ["Orders", "orders (2)", "ORDERS (3)"]),
        (["Orders", "Orders (2)", "Orders"], ["Orders", "Orders (2)", "Orders (3)"]),
        (["Orders (2)", "Orders", "Orders"], ["Orders (2)", "Orders", "Orders (3)"]),
        (["x" * 31, "x" * 31, "x" * 40], ["x" * 31, "x" * 27 + " (2)", "x" * 27 + " (3)"]),
        (["a/b", "a:b"], ["a_b", "a_b (2)"]),
        (["", "Sheet"], ["Sheet", "Sheet (2)"]),
    ],
)
def test_no_two_sheets_have_the_same_name(titles: list[str], names: list[str]) -> None:
    assert opened(workbook(titles)).sheetnames == names


def test_continuations_never_take_another_sheets_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sheet, "MAX_ROWS", 3)
    book = opened(workbook(["Orders", "orders (2)", "Orders"], rows=5))
    assert book.sheetnames == [
        *("Orders", "Orders (2)", "Orders (3)"),
        *("orders (2) (2)", "orders (2) (3)", "orders (2) (4)"),
        *("Orders (4)", "Orders (5)", "Orders (6)"),
    ]
    assert [sheet.auto_filter.ref for sheet in book] == ["A1:C3", "A1:C3", "A1:C2"] * 3


@pytest.mark.parametrize(
    ("title", "part", "name"),
    [
        ("History", 1, "History_"),
        ("history", 2, "history_ (2)"),
        ("x" * 30 + "'y", 1, "x" * 30),
        ("\U0001f4e6" * 20, 1, "\U0001f4e6" * 15),
        ("\U0001f4e6" * 20, 2, "\U0001f4e6" * 13 + " (2)"),
        ("a\x00b\uffff", 1, "a_b_"),
    ],
)
def test_a_sheets_name_is_none_that_excel_would_repair(title: str, part: int, name: str) -> None:
    assert sheet_title(title, part) == name
    assert len(name.encode("utf-16-le")) <= 62


@pytest.mark.parametrize("options", [{}, {"hyperlinks": ["name"]}, {"template": "cover"}], ids=str)
def test_the_same_request_gives_the_same_bytes(options: dict[str, Any]) -> None:
    assert workbook(["Orders", "More"], **options) == workbook(["Orders", "More"], **options)


@pytest.mark.parametrize("kind", [ColumnType.DATE, ColumnType.LOCAL_DATETIME, ColumnType.DATETIME])
def test_a_day_after_9999_is_a_text(kind: ColumnType) -> None:
    schema = Schema.of(Column.of("v", kind))
    days = pl.Series([2_932_896, 2_932_897]).cast(pl.Int32).cast(pl.Date)  # 9999-12-31 and the day after
    values = (
        {ColumnType.DATE: days}.get(kind, days.cast(pl.Datetime("us"))).to_arrow().cast(schema.arrow().field(0).type)
    )
    batch = pa.RecordBatch.from_arrays([values], schema=schema.arrow())
    made = FORMATS.load("xlsx")()
    data = b"".join(made.encode([Sheet("T", schema, schema.arrow(), [batch])], made.options_type(), Encoding()))
    _, last, after = [cell for (cell,) in opened(data).worksheets[0].iter_rows()]
    assert (last.is_date, last.value) == (True, datetime(9999, 12, 31))  # noqa: DTZ001 - Excel has no zones
    assert after.data_type == "s"
    assert after.value.startswith("+10000-01-01")


@pytest.mark.parametrize(
    ("kind", "plain", "other", "shown"),
    [
        (ColumnType.INTEGER, 7, 10**15, str(10**15)),
        (ColumnType.DECIMAL, "0.5", "1234567890.1234567", "1234567890.1234567"),
        (ColumnType.FLOAT, 0.5, float("inf"), "Infinity"),
        (ColumnType.DATE, date(2026, 1, 1), date(1900, 1, 1), "1900-01-01"),
        (ColumnType.LOCAL_DATETIME, datetime(2026, 1, 1), datetime(1900, 1, 1), "1900-01-01T00:00:00"),  # noqa: DTZ001
    ],
)
def test_one_awkward_value_changes_no_other_cell_of_its_batch(
    kind: ColumnType, plain: object, other: object, shown: str
) -> None:
    schema = Schema.of(Column.of("v", kind))
    alone = opened(encoded("xlsx", schema, [(plain,)])).worksheets[0]["A2"]
    sheet = opened(encoded("xlsx", schema, [(plain,), (None,), (other,), (plain,)])).worksheets[0]
    assert sheet["A2"].value == sheet["A5"].value == alone.value
    assert sheet["A2"].number_format == alone.number_format
    assert (sheet["A3"].value, sheet["A4"].value, sheet["A4"].data_type) == (None, shown, "s")


@pytest.mark.parametrize(("precision", "scale"), [(13, 2), (15, 0), (15, 15), (16, 2), (30, 8), (38, 38)])
def test_decimals_of_any_precision_are_numbers_of_15_digits_or_texts_with_all(precision: int, scale: int) -> None:
    from decimal import Decimal, localcontext

    schema = Schema.of(Column.of("v", ColumnType.DECIMAL, precision=precision, scale=scale))
    with localcontext(prec=60):
        unscaled = [0, 1, -5, 10**15 - 1, 10**15, 10**15 + 1, 12_345 * 10 ** (precision - 5), 10**precision - 1]
        values = [Decimal(number).scaleb(-scale) for number in unscaled if abs(number) < 10**precision]
        sheet = opened(encoded("xlsx", schema, [(value,) for value in values], size=1)).worksheets[0]
        for (cell,), value in zip(sheet.iter_rows(min_row=2), values, strict=True):
            digits = "".join(map(str, value.as_tuple().digits)).strip("0")
            assert cell.data_type == ("n" if len(digits) <= 15 else "s")
            assert Decimal(repr(cell.value) if cell.data_type == "n" else cell.value) == value
