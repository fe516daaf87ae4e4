"""Any rows, in any format: what was written is read back as the rows that were given, and what was changed is not."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from include.core.content import Content
from include.core.reader import DAMAGE, StoredSheet
from include.core.schema import ColumnType
from include.formats import FORMATS
from tests.properties.refusals import holdable
from tests.properties.tables import AWKWARD_TABLES, Table, any_table, tables
from tests.properties.test_csv_options import OPTIONS
from tests.properties.test_formats import FEWER, as_excel_holds, comparable, encoded

if TYPE_CHECKING:
    from include.core.format import Format
    from include.core.reader import Reader

READABLE = [name for name in FORMATS.names if FORMATS.load(name)().reader(FORMATS.load(name).options_type())]


def reader_of(made: Format, **options: Any) -> Reader:
    reader = made.reader(made.options_type.model_validate(options))
    assert reader is not None
    return reader


def content_of(reader: Reader, table: Table) -> tuple[int, int]:
    """The hash of the rows as they leave an exporter, and their number."""
    content = Content(table.schema, 0, reader.promised)
    for batch in table.batches():
        content.add(batch)
    return content.value, content.rows


def read_back(reader: Reader, data: bytes, table: Table) -> tuple[int, int]:
    """The same of a file."""
    content = Content(table.schema, 0)
    with io.BufferedReader(io.BytesIO(data)) as file:
        for sheet, batch in reader.read(file, [StoredSheet(table.schema, len(table.rows))]):
            assert sheet == 0
            content.add(batch)
    return content.value, content.rows


@pytest.mark.parametrize("name", READABLE)
@any_table
def test_a_correct_file_is_read_back_as_its_rows(name: str, table: Table) -> None:
    made, table = FORMATS.load(name)(), holdable(name, table)
    reader = reader_of(made)
    assert read_back(reader, encoded(made, table), table) == content_of(reader, table)


@given(table=tables(), options=OPTIONS)
@example(table=AWKWARD_TABLES[0], options={"profile": "excel", "quote": "all", "null": "NULL", "decimal_comma": True})
@example(table=AWKWARD_TABLES[1], options={"profile": "excel", "header": "label", "line_end": "lf"})
@example(table=AWKWARD_TABLES[0], options={"header": "none"})
def test_csv_with_any_options_is_read_back_as_its_rows(table: Table, options: dict[str, Any]) -> None:
    made = FORMATS.load("csv")()
    reader = reader_of(made, **options)
    assert read_back(reader, encoded(made, table, **options), table) == content_of(reader, table)


@pytest.mark.parametrize("name", READABLE)
@FEWER
@given(table=tables(), other=tables(), data=st.data())
def test_another_value_is_another_hash(name: str, table: Table, other: Table, data: st.DataObject) -> None:
    """The file has one value that the rows have not: one of another row, or of another table."""
    made, table = FORMATS.load(name)(), holdable(name, table)
    assume(table.rows)
    row = data.draw(st.integers(0, len(table.rows) - 1))
    column = data.draw(st.integers(0, len(table.schema) - 1))
    kind = table.schema.columns[column].type
    same_kind = (
        [
            each[index]
            for each in other.rows
            for index, found in enumerate(other.schema)
            if found.type is kind and found.precision is None
        ]
        if table.schema.columns[column].precision is None
        else []
    )
    value = data.draw(st.sampled_from([None, *(each[column] for each in table.rows), *same_kind]))
    value = holdable(name, Table(type(table.schema)((table.schema.columns[column],)), [(value,)], 1)).rows[0][0]
    # NULL and the document null are one in json and jsonl, and two elsewhere: see docs/fidelity.md.
    assume(kind is not ColumnType.JSON or None not in {value, table.rows[row][column]})
    changed = [*table.rows]
    changed[row] = (*changed[row][:column], value, *changed[row][column + 1 :])
    before, after = (meant(name, replace(table, rows=rows)) for rows in (table.rows, changed))
    reader = reader_of(made)
    found = read_back(reader, encoded(made, replace(table, rows=changed)), table)
    assert (found == content_of(reader, table)) is (before == after)


@pytest.mark.parametrize("name", [name for name in READABLE if name != "parquet"])  # which is never given any
@FEWER
@given(data=st.data())
def test_damage_is_noticed_or_harmless_and_never_another_error(name: str, data: st.DataObject) -> None:
    made, table = FORMATS.load(name)(), holdable(name, AWKWARD_TABLES[0])
    reader, damaged = reader_of(made), bytearray(encoded(made, table))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(*DAMAGE):
        read_back(reader, bytes(damaged), table)


def meant(name: str, table: Table) -> list[str]:
    """The rows as they can be told apart in a file, whatever their order."""
    reads_as = as_excel_holds if name == "xlsx" else lambda value: value
    return sorted(repr([comparable(reads_as(value)) for value in row]) for row in table.values())


@pytest.mark.parametrize("name", READABLE)
@FEWER
@given(table=tables(), change=st.sampled_from(["drop", "double", "both"]))
def test_a_row_too_few_or_too_many_is_noticed(name: str, table: Table, change: str) -> None:
    made, table = FORMATS.load(name)(), holdable(name, table)
    assume(table.rows)
    first, *others = table.rows
    rows = {"drop": others, "double": [first, first, *others], "both": [first, first, *others[:-1]]}[change]
    changed = replace(table, rows=rows)
    assume(meant(name, changed) != meant(name, table))
    reader = reader_of(made)
    try:
        found = read_back(reader, encoded(made, changed), table)
    except DAMAGE:  # a workbook with fewer rows than are expected
        return
    assert found != content_of(reader, table)
