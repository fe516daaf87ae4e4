"""Independent readers: each format's bytes back into values, by a library that did not write them.

A reader returns the header (empty where the format has none) and the rows as Python values of the columns' types,
undoing exactly the renderings that the formats document. A new format needs a reader here.
"""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from include.core.schema import ColumnType, Schema
from tests.properties.pdf import read_cells

if TYPE_CHECKING:
    from collections.abc import Callable

Table = tuple[list[str], list[tuple[Any, ...]]]


def from_text(kind: ColumnType, text: str | None) -> Any:
    """The value of a text in one of the formats that are text."""
    if text is None:
        return None
    parse: dict[ColumnType, Callable[[str], Any]] = {
        ColumnType.INTEGER: int,
        ColumnType.DECIMAL: Decimal,
        ColumnType.FLOAT: float,
        ColumnType.BOOLEAN: {"true": True, "false": False}.__getitem__,
        ColumnType.DATE: date.fromisoformat,
        ColumnType.DATETIME: _rfc_3339,
        ColumnType.LOCAL_DATETIME: datetime.fromisoformat,
        ColumnType.TIME: time.fromisoformat,
        ColumnType.JSON: json.loads,
    }
    return parse.get(kind, str)(text)


def _rfc_3339(text: str) -> datetime:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}(\d{3})?)?Z", text), text
    return datetime.fromisoformat(text)


def read_csv(data: bytes, schema: Schema) -> Table:
    """By pyarrow, which tells NULL from an empty text by its quotes (polars wrote it)."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(index) for index in range(len(schema))]
    table = csv.read_csv(
        io.BytesIO(data),
        read_options=csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    header, *rows = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    kinds = [column.type for column in schema]
    return [name or "" for name in header], [
        tuple(from_text(kind, text) for kind, text in zip(kinds, row, strict=True)) for row in rows
    ]


def read_jsonl(data: bytes, schema: Schema) -> Table:
    """By the standard library."""
    lines = data.split(b"\n")
    assert lines.pop() == b""
    return _from_objects([json.loads(line, object_pairs_hook=_no_name_twice) for line in lines], schema)


def read_json(data: bytes, schema: Schema) -> Table:
    """By the standard library, the whole array at once."""
    objects = json.loads(data, object_pairs_hook=_no_name_twice)
    assert isinstance(objects, list)
    return _from_objects(objects, schema)


def _from_objects(objects: list[dict[str, Any]], schema: Schema) -> Table:
    for item in objects:
        assert list(item) == list(schema.names)
    rows = [tuple(_from_json(column.type, item[column.name]) for column in schema) for item in objects]
    return list(schema.names), rows


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def _from_json(kind: ColumnType, value: Any) -> Any:
    if kind is ColumnType.INTEGER and value is not None:
        assert isinstance(value, int) is (abs(int(value)) < 2**53)
        return int(value)
    if kind is ColumnType.FLOAT and isinstance(value, str):
        assert value in {"NaN", "Infinity", "-Infinity"}
        return float(value)
    if kind in {ColumnType.BOOLEAN, ColumnType.FLOAT, ColumnType.JSON}:
        return value
    assert value is None or isinstance(value, str)
    return from_text(kind, value)


def read_parquet(data: bytes, schema: Schema) -> Table:
    """By polars (pyarrow wrote it); decimals of more than 38 digits, which polars has not, by pyarrow."""
    import polars as pl
    from pyarrow import parquet, types

    file = parquet.ParquetFile(io.BytesIO(data))
    wide = [field.name for field in file.schema_arrow if types.is_decimal256(field.type)]
    names = file.schema_arrow.names
    values: dict[str, list[Any]] = {name: file.read([name], use_threads=False).column(0).to_pylist() for name in wide}
    others = [index for index, name in enumerate(names) if name not in wide]
    if others:  # by number: polars takes a name such as "*" for a pattern
        frame = pl.read_parquet(io.BytesIO(data), columns=others)
        values |= {name: frame.get_column(name).to_list() for name in frame.columns}
    rows = [
        tuple(_from_parquet(column.type, value) for column, value in zip(schema, row, strict=True))
        for row in zip(*(values[name] for name in names), strict=True)
    ]
    return names, rows


def _from_parquet(kind: ColumnType, value: Any) -> Any:
    return from_text(kind, value) if isinstance(value, str) else value


def read_xlsx(data: bytes, schema: Schema, *, header_rows: int = 1) -> Table:
    """By openpyxl; continuation sheets are put behind each other."""
    from openpyxl import load_workbook

    header: list[str] = []
    rows: list[tuple[Any, ...]] = []
    for sheet in load_workbook(io.BytesIO(data)).worksheets:
        found = [tuple(cell.value for cell in row) for row in sheet.iter_rows(max_col=len(schema))]
        header = [unescaped(name or "") for row in found[:header_rows] for name in row]
        rows += [
            tuple(from_cell(column.type, value) for column, value in zip(schema, row, strict=True))
            for row in found[header_rows:]
        ]
    return header, rows


def unescaped(text: str) -> str:
    """What Excel shows of a cell's text (ECMA-376 part 1, section 22.9.2.19)."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)


def from_cell(kind: ColumnType, value: Any) -> Any:
    """The value of a cell; texts stand where Excel has no exact value."""
    if isinstance(value, str) and kind is ColumnType.DATETIME:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    if isinstance(value, str):
        return from_text(kind, unescaped(value))
    if value is None:
        return None
    if kind in {ColumnType.INTEGER, ColumnType.DECIMAL}:  # Excel keeps no more digits, whatever the file says
        assert len(Decimal(repr(value)).normalize().as_tuple().digits) <= 15
    convert: dict[ColumnType, Callable[[Any], Any]] = {
        ColumnType.DECIMAL: lambda number: Decimal(repr(number)),
        ColumnType.FLOAT: float,
        ColumnType.DATE: lambda moment: moment.date(),
        ColumnType.DATETIME: lambda moment: moment.replace(tzinfo=UTC),
        ColumnType.TIME: _time,
    }
    return convert.get(kind, lambda same: same)(value)


def _time(value: time | datetime) -> time:
    return value if isinstance(value, time) else value.time()


def read_pdf(data: bytes, schema: Schema) -> Table:
    """By pypdf: the marked cells of all pages behind each other, under the first page's header."""
    header, rows = read_cells(data)
    kinds = [column.type for column in schema]
    return [name or "" for name in header], [
        tuple(from_text(kind, text) for kind, text in zip(kinds, row, strict=True)) for row in rows
    ]


def read_xml(data: bytes, schema: Schema) -> Table:
    """By the standard library's parser; elements' names are undone as SQL/XML made them."""
    names: list[str] = list(schema.names)
    rows: list[tuple[Any, ...]] = []
    table = ET.fromstring(data)
    assert table.tag == "table"
    for row in table:
        assert row.tag == "row"
        names = [sql_name(element.tag) for element in row]
        texts = [None if element.get(NIL) == "true" else element.text or "" for element in row]
        rows.append(tuple(from_text(column.type, text) for column, text in zip(schema, texts, strict=True)))
    return names, rows


NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def sql_name(name: str) -> str:
    """The identifier of an XML name (ISO 9075-14, section 9.3)."""
    return "" if name == "_x_" else re.sub(r"_x([0-9A-F]{6}|[0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), name)


READERS: dict[str, Callable[[bytes, Schema], Table]] = {
    "csv": read_csv,
    "json": read_json,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
    "pdf": read_pdf,
    "xlsx": read_xlsx,
    "xml": read_xml,
}


def read_back(format_name: str, data: bytes, schema: Schema) -> Table:
    """Read a file of any registered format."""
    assert format_name in READERS, f"Add an independent reader of {format_name} to tests/properties/readers.py."
    return READERS[format_name](data, schema)
