"""Readers that share nothing with the writers, and what each format must say of a database's value.

Every reader returns rows of cells; :func:`expected` turns a value as psycopg gives it into the cell that the format's
documentation promises.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pyarrow as pa
from openpyxl.utils.datetime import to_excel
from pyarrow import csv

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def read_csv(content: bytes) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Every field as text; an unquoted empty field is None."""
    table = csv.read_csv(
        io.BytesIO(content),
        read_options=csv.ReadOptions(column_names=None, use_threads=False, block_size=1 << 26),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types={name: pa.string() for name in _header(content)},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return table.column_names, list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _header(content: bytes) -> list[str]:
    return content.split(b"\r\n", 1)[0].decode().split(",")


def read_jsonl(content: bytes) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Every value as JSON has it, numbers exact."""
    lines = [json.loads(line, parse_float=Decimal) for line in content.decode().split("\n")[:-1]]
    names = list(lines[0]) if lines else []
    return names, [tuple(line.values()) for line in lines]


def read_json(content: bytes) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Every value as JSON has it, numbers exact."""
    objects = json.loads(content, parse_float=Decimal)
    names = list(objects[0]) if objects else []
    return names, [tuple(item.values()) for item in objects]


def read_parquet(content: bytes) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Every value as polars reads it, which shares no code with the writer; but it has no decimals over 38 digits."""
    import polars as pl
    from pyarrow import parquet

    file = parquet.ParquetFile(io.BytesIO(content))
    if any(pa.types.is_decimal256(field.type) for field in file.schema_arrow):
        table = file.read(use_threads=False)
        return table.column_names, list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    frame = pl.read_parquet(io.BytesIO(content))
    return frame.columns, frame.rows()


def read_xlsx(content: bytes) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Every cell from the XML itself: a text, a number as Decimal, a boolean, or None where there is no cell."""
    rows: list[tuple[Any, ...]] = []
    header: list[str] = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = sorted((n for n in archive.namelist() if n.startswith("xl/worksheets/sheet")), key=_number)
        for sheet in sheets:
            found = [_xlsx_row(row) for row in _elements(archive.read(sheet), "row")]
            header = [str(name) for name in found[0]]
            rows += found[1:]
    return header, [row + (None,) * (len(header) - len(row)) for row in rows]


def _number(name: str) -> int:
    return int(re.sub(r"\D", "", name))


def _elements(xml: bytes, name: str) -> Iterable[ET.Element]:
    for _, element in ET.iterparse(io.BytesIO(xml)):
        if element.tag == MAIN + name:
            yield element
            element.clear()


def _xlsx_row(row: ET.Element) -> tuple[Any, ...]:
    """The cells in their places: one without a reference comes after the one before it (ECMA-376, 18.3.1.4)."""
    return tuple(_xlsx_cell(cell) for cell in row)


def _xlsx_cell(cell: ET.Element) -> Any:
    kind = cell.attrib.get("t", "n")
    if kind == "inlineStr":
        return unescape("".join(text.text or "" for text in cell.iter(MAIN + "t")))
    value = cell.find(MAIN + "v")
    if value is None or value.text is None:
        return None
    assert kind in {"n", "b", "str"}, f"a cell of type {kind}: texts must be typed texts"
    assert cell.find(MAIN + "f") is None, "a cell with a formula"
    if kind == "str":
        return unescape(value.text)
    return value.text == "1" if kind == "b" else Decimal(value.text)


def unescape(text: str) -> str:
    """Undo ECMA-376's escapes."""
    return ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def read_xml(content: bytes) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Every element's text; None where it says that it is nil. The names are the elements'."""
    rows: list[tuple[Any, ...]] = []
    names: list[str] = []
    for _, element in ET.iterparse(io.BytesIO(content)):
        if element.tag == "row":
            names = [cell.tag for cell in element]
            rows.append(tuple(None if NIL in cell.attrib else cell.text or "" for cell in element))
            element.clear()
    return names, rows


NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

READERS = {
    "csv": read_csv,
    "json": read_json,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
    "xlsx": read_xlsx,
    "xml": read_xml,
}


def expected(value: Any, file_format: str) -> Any:
    """Return what a reader of this format must find for a value of the database."""
    if value is None:
        return None
    says = {"csv": _csv, "json": _jsonl, "jsonl": _jsonl, "parquet": lambda v: v, "xlsx": _xlsx, "xml": _csv}
    return says[file_format](value)


def _zulu(value: datetime) -> str:
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat() if value.tzinfo else value.isoformat()
    return _three_digits(text) + ("Z" if value.tzinfo else "")


def _three_digits(text: str) -> str:
    """Shorten microseconds to milliseconds where that loses nothing."""
    head, dot, fraction = text.partition(".")
    fraction = fraction.removesuffix("000")
    return head + (dot + fraction if fraction else "")


def _float_text(value: float) -> str:
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]


def _csv(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return _float_text(value) if not math.isfinite(value) else value
        case datetime():
            return _zulu(value)
        case time():
            return _three_digits(value.isoformat())
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


def _jsonl(value: Any) -> Any:
    match value:
        case bool() | dict() | list():
            return value
        case int():
            return value if abs(value) < 2**53 else str(value)
        case float():
            return value if math.isfinite(value) else _float_text(value)
        case _:
            return _csv(value)


def _xlsx(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int() | Decimal() if not isinstance(value, Decimal) or value.is_finite():
            digits = "".join(map(str, Decimal(value).as_tuple().digits)).strip("0")
            short = abs(value) < 10**15 if isinstance(value, int) else len(digits) <= 15
            return Decimal(value) if short else format(Decimal(value), "f")
        case float():
            return value if math.isfinite(value) else _float_text(value)
        case datetime():
            local = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            cut = local.replace(microsecond=local.microsecond // 1000 * 1000)
            return cut if local >= datetime(1900, 3, 1) else local.isoformat()  # noqa: DTZ001 - local by definition
        case time():
            return value.replace(microsecond=value.microsecond // 1000 * 1000)
        case date():
            return value if value >= date(1900, 3, 1) else value.isoformat()
        case _:
            return str(value)


def agree(cell: Any, promised: Any) -> bool:
    """Whether a cell says what was promised; numbers are compared by value, never by rounding."""
    if cell is None or promised is None:
        return cell is promised
    if isinstance(promised, float):
        number = float(cell)
        same = number == promised and math.copysign(1, number) == math.copysign(1, promised)
        return same or (math.isnan(number) and math.isnan(promised))
    if isinstance(cell, Decimal) and isinstance(promised, datetime | date | time):
        return bool(abs(float(cell) - to_excel(promised)) < 1e-9)  # a tenth of a millisecond, in days
    if isinstance(promised, datetime) and isinstance(cell, datetime):
        return cell == promised and (cell.tzinfo is None) == (promised.tzinfo is None)
    return bool(cell == promised) and isinstance(cell, bool) == isinstance(promised, bool)


def assert_same(content: bytes, file_format: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Assert that a file holds exactly these rows of the database, in this order, under these names."""
    header, found = READERS[file_format](content)
    assert header == list(names) or (file_format in {"json", "jsonl", "xml"} and not rows)
    assert len(found) == len(rows)
    for number, (cells, values) in enumerate(zip(found, rows, strict=True), start=1):
        for name, cell, value in zip(names, cells, values, strict=True):
            promised = expected(value, file_format)
            assert agree(cell, promised), f"row {number}, column {name}: {cell!r} is not {promised!r}"
