"""Rows as JSON objects, shared by the formats that are JSON: every key in every object, one object a line.

Integers are numbers where every reader keeps their digits and strings beyond (RFC 7493, section 2.2); decimals are
strings always, so that a column of money never changes its type; NaN and infinities are strings, for JSON has none.
JSON cannot hold a line end inside a string, and those between the tokens of a nested value become spaces, so that an
object's text never has one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from include.core.schema import Column, ColumnType, Schema
from include.formats._text import as_text, braced, joined, position, to_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl
    import pyarrow as pa

SAFE_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps (RFC 7493, section 2.2)."""


def object_lines(schema: Schema, batches: Iterable[pa.RecordBatch], *, end: str) -> Iterator[bytes]:
    """Yield each batch's rows as objects, every one followed by ``end``."""
    import polars as pl

    keys = (braced(json.dumps(column.name, ensure_ascii=False)) for column in schema)
    values = (_value(column, index).fill_null("null") for index, column in enumerate(schema))
    line = pl.format(f"{{{{{','.join(f'{key}:{{}}' for key in keys)}}}}}{braced(end)}", *values)
    for batch in batches:
        yield bytes(joined(to_frame(batch), line))


def _value(column: Column, index: int) -> pl.Expr:
    import polars as pl

    values, text = pl.col(position(index)), as_text(column, index)
    quoted = pl.format('"{}"', text)
    match column.type:
        case ColumnType.STRING | ColumnType.UUID:
            return _escaped(values)
        case ColumnType.INTEGER:
            safe = values.is_between(-SAFE_INTEGER, SAFE_INTEGER)
            return pl.when(safe).then(text).otherwise(quoted)
        case ColumnType.FLOAT:
            return pl.when(values.is_finite()).then(text).otherwise(quoted)
        case ColumnType.BOOLEAN:
            return text
        case ColumnType.JSON:
            return values.str.replace_all(r"[\r\n]", " ")  # outside strings only white space can be a line end
        case _:
            return quoted


def _escaped(values: pl.Expr) -> pl.Expr:
    """Return JSON strings; polars escapes inside a struct only, so one is made and its braces are taken off."""
    import polars as pl

    whole = pl.struct(values.alias("v")).struct.json_encode()
    return whole.str.strip_prefix('{"v":').str.strip_suffix("}")
