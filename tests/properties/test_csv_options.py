"""Any rows as csv with any options: an independent reader gives the same values back, NULL told by its quotes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from include.core.format import Encoding, Sheet
from include.core.schema import ColumnType
from include.formats import FORMATS
from tests.properties.readers import from_text
from tests.properties.tables import Table, tables
from tests.properties.test_formats import comparable

if TYPE_CHECKING:
    from include.core.schema import Schema

OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "delimiter": st.sampled_from([",", ";", "\t", "|"]),
        "bom": st.booleans(),
        "null": st.sampled_from(["", "NULL", "null", "\\N", "None", "nan", "true", "0", "-1"]),
        "quote": st.sampled_from(["minimal", "all"]),
        "line_end": st.sampled_from(["crlf", "lf"]),
        "decimal_comma": st.booleans(),
    },
)


def read_fields(data: bytes, schema: Schema, options: dict[str, Any]) -> list[tuple[Any, ...]]:
    """By pyarrow: NULL is the null text without quotes."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(index) for index in range(len(schema))]
    table = csv.read_csv(
        io.BytesIO(data),
        read_options=csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
        parse_options=csv.ParseOptions(
            delimiter=options.get("delimiter", ","), newlines_in_values=True, ignore_empty_lines=False
        ),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[options.get("null", "")],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    rows = list(zip(*(table.column(name).to_pylist() for name in names), strict=True))[1:]
    return [tuple(_value(column.type, text, options) for column, text in zip(schema, row, strict=True)) for row in rows]


def _value(kind: ColumnType, text: str | None, options: dict[str, Any]) -> Any:
    if text is not None and options.get("decimal_comma") and kind in {ColumnType.DECIMAL, ColumnType.FLOAT}:
        assert "." not in text
        text = text.replace(",", ".")
    return from_text(kind, text)


@given(table=tables(), options=OPTIONS)
def test_csv_with_any_options_holds_the_same_values_and_is_counted_right(table: Table, options: dict[str, Any]) -> None:
    made = FORMATS.load("csv")()
    chosen = made.options_type.model_validate(options)
    sheet = Sheet("Table", table.schema, table.schema.arrow(), iter(table.batches()))
    data = b"".join(made.encode([sheet], chosen, Encoding()))
    counter = made.counter(chosen)
    counter.feed(data)
    assert counter.rows() == len(table.rows)
    found = read_fields(data, table.schema, options)
    assert [list(map(comparable, row)) for row in found] == [list(map(comparable, row)) for row in table.values()]
