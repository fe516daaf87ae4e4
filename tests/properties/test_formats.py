"""Any rows, in any format: the bytes hold every row once, and an independent reader gives the same values back."""

from __future__ import annotations

import ast
import io
import math
import re
from datetime import date, datetime, time
from decimal import MAX_PREC, Context, Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.core.errors import Fatal
from include.core.format import Encoding, Format, Sheet
from include.core.schema import Column, ColumnType, Schema
from include.core.verify import combine_crc32
from include.formats import FORMATS
from tests.properties.readers import read_back, read_xlsx
from tests.properties.refusals import LIMITS, first_refusal, holdable
from tests.properties.tables import AWKWARD_TABLES, Table, any_table, tables

if TYPE_CHECKING:
    from collections.abc import Callable


FEWER = settings(max_examples=settings().max_examples // 4)
"""For what is not the promise itself: a quarter of the examples."""

WITHOUT_HEADER = frozenset({"json", "jsonl", "xml"})
"""Formats whose files without rows name no columns."""

CUT_BY_BATCHES = frozenset({"parquet", "xlsx"})
"""Formats whose bytes, though not their values, follow how rows lie in batches."""


def encoded(made: Format, table: Table, encoding: Encoding | None = None, **options: Any) -> bytes:
    sheet = Sheet("Table", table.schema, table.schema.arrow(), iter(table.batches()))
    return b"".join(made.encode([sheet], made.options_type.model_validate(options), encoding or Encoding()))


def as_excel_holds(value: Any) -> Any:
    """Times to the millisecond, and numbers without the zeros that say nothing."""
    if isinstance(value, datetime) and value.date() < date(1900, 3, 1):
        return value  # a text
    if isinstance(value, datetime | time):
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    if isinstance(value, Decimal) and value.is_finite():
        return value.normalize(Context(prec=MAX_PREC)) if value else Decimal(0)
    return value


READS_AS: dict[str, Callable[[Any], Any]] = {
    "xlsx": as_excel_holds,
}
"""What a format's reader finds of a value, where that is not the value itself."""


def comparable(value: Any) -> Any:
    """The value with its type and every digit: NaN equals itself, 1 is not true, 0.10 not 0.1, 0.0 not -0.0."""
    return value if isinstance(value, datetime) else (type(value).__name__, repr(value))


def assert_same(name: str, found: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]) -> None:
    """Assert that the values that a format's reader found are those of the rows."""
    reads_as = READS_AS.get(name, lambda value: value)
    found, wanted = ([tuple(reads_as(value) for value in row) for row in each] for each in (found, rows))
    if name == "xlsx":
        wanted, found = without_empty_end(wanted), without_empty_end(found)
    assert [list(map(comparable, row)) for row in found] == [list(map(comparable, row)) for row in wanted]


def without_empty_end(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Readers of workbooks leave out empty rows at the end; that the file has them, the counter shows."""
    while rows and not any(value is not None for value in rows[-1]):
        rows = rows[:-1]
    return rows


@pytest.mark.parametrize("name", FORMATS.names)
@any_table
def test_an_independent_reader_gives_the_same_values_back(name: str, table: Table) -> None:
    made, table = FORMATS.load(name)(), holdable(name, table)
    options: dict[str, Any] = {"header": "name"} if "header" in made.options_type.model_fields else {}
    header, rows = read_back(name, encoded(made, table, **options), table.schema)
    if rows or name not in WITHOUT_HEADER:
        assert header == list(table.schema.names)
    assert_same(name, rows, table.values())


@pytest.mark.parametrize("name", LIMITS)
@any_table
def test_what_a_format_cannot_hold_is_refused_by_column_and_row(name: str, table: Table) -> None:
    made, held = FORMATS.load(name)(), holdable(name, table)
    rows = [row[: len(held.schema)] for row in table.rows]
    asked = Table(held.schema, rows, max(len(rows), 1))
    if first_refusal(name, asked) is None:
        return
    with pytest.raises(Fatal) as caught:
        encoded(made, asked)
    assert caught.value.error_code in {f"{name}_character", f"{name}_text_too_long"}
    column, row = re.findall(r"^Column (.+), row (\d+): the text ", caught.value.message)[0]
    refused = [
        value
        for given, value, kept in zip(asked.schema, asked.rows[int(row) - 1], held.rows[int(row) - 1], strict=True)
        if given.name == ast.literal_eval(column) and value != kept and isinstance(value, str)
    ]
    assert refused
    assert not any(len(value) > 2 and value in caught.value.message for value in refused)


@pytest.mark.parametrize("name", FORMATS.names)
@FEWER
@given(table=tables(), size=st.integers(1, 5_000))
@example(table=AWKWARD_TABLES[0], size=7)
def test_the_counter_finds_every_row_however_the_bytes_are_cut(name: str, table: Table, size: int) -> None:
    made, table = FORMATS.load(name)(), holdable(name, table)
    data = encoded(made, table)
    counter = made.counter(made.options_type())
    for start in range(0, len(data), size):
        counter.feed(data[start : start + size])
    assert counter.rows() == len(table.rows)


@pytest.mark.parametrize("name", FORMATS.names)
@FEWER
@any_table
def test_the_same_rows_give_the_same_bytes_however_they_lie_in_batches(name: str, table: Table) -> None:
    made, table = FORMATS.load(name)(), holdable(name, table)
    first = encoded(made, table)
    assert encoded(made, table) == first
    whole = encoded(made, Table(table.schema, table.rows, max(len(table.rows), 1)))
    if name not in CUT_BY_BATCHES:
        assert whole == first
    elif whole != first:
        assert repr(read_back(name, whole, table.schema)) == repr(read_back(name, first, table.schema))


@pytest.mark.parametrize("header", ["name", "label", "none"])
@FEWER
@given(table=tables())
@example(table=AWKWARD_TABLES[1])
def test_a_workbook_has_the_header_that_was_asked_for(header: str, table: Table) -> None:
    data = encoded(FORMATS.load("xlsx")(), table, header=header)
    found, rows = read_xlsx(data, table.schema, header_rows=0 if header == "none" else 1)
    wanted = {"name": list(table.schema.names), "label": [column.label for column in table.schema], "none": []}
    assert found == wanted[header]
    assert_same("xlsx", rows, table.values())


@FEWER
@any_table
def test_calamine_reads_as_many_rows_and_the_same_texts(table: Table) -> None:
    from python_calamine import CalamineWorkbook

    data = encoded(FORMATS.load("xlsx")(), table, header="none")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    for index, column in enumerate(table.schema):
        if column.type is not ColumnType.STRING:
            continue
        found = [str(row[index]) if index < len(row) else "" for row in rows]
        found += [""] * (len(table.rows) - len(found))  # it leaves out empty rows at the end
        wanted = [row[index] or "" for row in table.rows]
        for escape, character in (("_xFFFE_", "\ufffe"), ("_xFFFF_", "\uffff")):  # it leaves these as they are
            wanted = [text.replace(character, escape) for text in wanted]
        assert found == wanted


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
