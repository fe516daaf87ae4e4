"""Any rows, in any format: the bytes hold every row once, and an independent reader gives the same values back."""

from __future__ import annotations

import io
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.core.format import Encoding, Format, Sheet
from include.core.schema import Column, ColumnType, Schema
from include.core.verify import combine_crc32
from include.formats import FORMATS
from tests.properties.readers import read_back
from tests.properties.tables import Table, tables

if TYPE_CHECKING:
    from collections.abc import Callable


def encoded(made: Format, table: Table, encoding: Encoding | None = None, **options: Any) -> bytes:
    sheet = Sheet("Table", table.schema, table.schema.arrow(), iter(table.batches()))
    return b"".join(made.encode([sheet], made.options_type.model_validate(options), encoding or Encoding()))


@pytest.mark.parametrize("name", FORMATS.names)
@given(table=tables(), size=st.integers(1, 5_000))
def test_the_counter_finds_every_row_however_the_bytes_are_cut(name: str, table: Table, size: int) -> None:
    made = FORMATS.load(name)()
    data = encoded(made, table)
    counter = made.counter(made.options_type())
    for start in range(0, len(data), size):
        counter.feed(data[start : start + size])
    assert counter.rows() == len(table.rows)


def cut_to_milliseconds(value: Any) -> Any:
    if isinstance(value, datetime) and value.date() < date(1900, 3, 1):
        return value  # a text
    if isinstance(value, datetime | time):
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value


def comparable(value: Any) -> Any:
    """NaN equals nothing, and minus zero equals zero: make both plain."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):
        return str(value) if value.is_nan() else value + 0
    return value


def without_empty_end(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Readers of workbooks leave out empty rows at the end; that the file has them, the counter shows."""
    while rows and not any(value is not None for value in rows[-1]):
        rows = rows[:-1]
    return rows


READS_AS: dict[str, Callable[[Any], Any]] = {
    "xlsx": cut_to_milliseconds,  # the finest that Excel knows
}


@pytest.mark.parametrize("name", FORMATS.names)
@given(table=tables())
def test_an_independent_reader_gives_the_same_values_back(name: str, table: Table) -> None:
    made = FORMATS.load(name)()
    options: dict[str, Any] = {"header": "name"} if "header" in made.options_type.model_fields else {}
    header, rows = read_back(name, encoded(made, table, **options), table.schema)
    if rows or name != "jsonl":
        assert header == list(table.schema.names)
    reads_as = READS_AS.get(name, lambda value: value)
    wanted = [tuple(reads_as(value) for value in row) for row in table.values()]
    if name == "xlsx":
        wanted, rows = without_empty_end(wanted), without_empty_end(rows)
    assert [list(map(comparable, row)) for row in rows] == [list(map(comparable, row)) for row in wanted]


@pytest.mark.parametrize("name", FORMATS.names)
@given(table=tables())
def test_how_rows_lie_in_batches_does_not_change_what_is_read(name: str, table: Table) -> None:
    made = FORMATS.load(name)()
    whole = Table(table.schema, table.rows, max(len(table.rows), 1))
    first, second = (read_back(name, encoded(made, one), one.schema)[1] for one in (table, whole))
    assert repr(first) == repr(second)


@given(table=tables())
def test_calamine_reads_as_many_rows_and_the_same_texts(table: Table) -> None:
    from python_calamine import CalamineWorkbook

    data = encoded(FORMATS.load("xlsx")(), table, header="none")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    for index, column in enumerate(table.schema):
        if column.type is not ColumnType.STRING:
            continue
        found = [str(row[index]) if index < len(row) else "" for row in rows]
        found += [""] * (len(table.rows) - len(found))  # it leaves out empty rows at the end
        assert found == [row[index] or "" for row in table.rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@given(table=tables(), header=st.sampled_from(["name", "label", "none"]), bom=st.booleans())
def test_csv_is_read_back_with_every_option(delimiter: str, table: Table, header: str, *, bom: bool) -> None:
    import csv

    made = FORMATS.load("csv")()
    options: dict[str, Any] = {"delimiter": delimiter, "header": header, "bom": bom}
    data = encoded(made, table, **options)
    if header != "none":
        assert data.startswith(b"\xef\xbb\xbf") is bom
    text = data.decode("utf-8-sig" if bom else "utf-8")
    records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    counter = made.counter(made.options_type.model_validate(options))
    counter.feed(data)
    assert counter.rows() == len(table.rows) == len(records) - (header != "none")
    width = len(table.schema)
    assert all(len(record) == width or (width == 1 and not record) for record in records)


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_in_text_reads_back_equal_to_the_bit(value: float) -> None:
    table = Table(Schema.of(Column.of("v", ColumnType.FLOAT)), [(value,)], 1)
    for name in FORMATS.names:
        [(found,)] = read_back(name, encoded(FORMATS.load(name)(), table), table.schema)[1]
        assert found == value
        assert math.copysign(1, found) == math.copysign(1, value)


@given(first=st.binary(max_size=300), second=st.binary(max_size=300))
def test_crc32s_put_together_are_the_wholes(first: bytes, second: bytes) -> None:
    import zlib

    assert combine_crc32(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)
