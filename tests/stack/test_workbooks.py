"""A workbook of three million rows, opened by two readers; it needs no stack, but most of a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from include.core.format import Encoding, Sheet
from include.core.schema import Column, ColumnType, Schema
from include.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS, BATCH = 3_000_000, 100_000
NUMBER = Schema.of(Column.of("n", ColumnType.INTEGER))


def batches() -> Iterator[pa.RecordBatch]:
    for start in range(0, ROWS, BATCH):
        numbers = pl.int_range(start, start + BATCH, eager=True).to_arrow()
        yield pa.RecordBatch.from_arrays([numbers], schema=NUMBER.arrow())


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The numbers from 0 on, one a row."""
    made = FORMATS.load("xlsx")()
    path = tmp_path_factory.mktemp("large") / "rows.xlsx"
    with path.open("wb") as file:
        file.writelines(made.encode([Sheet("N", NUMBER, NUMBER.arrow(), batches())], made.options_type(), Encoding()))
    return path


def test_three_million_rows_open_in_openpyxl_over_three_sheets(workbook: Path) -> None:
    book = load_workbook(workbook, read_only=True)
    assert book.sheetnames == ["N", "N (2)", "N (3)"]
    rows = 0
    for sheet in book:
        for (value,) in sheet.iter_rows(min_row=2, values_only=True):
            assert value == rows
            rows += 1
    assert rows == ROWS
    book.close()


def test_three_million_rows_open_in_calamine_over_three_sheets(workbook: Path) -> None:
    book = CalamineWorkbook.from_path(workbook)
    sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
    assert [sheet.height for sheet in sheets] == [1_048_576, 1_048_576, ROWS - 2 * 1_048_575 + 1]
    rows = [value for sheet in sheets for (value,) in sheet.to_python()[1:]]
    assert rows == list(range(ROWS))
