"""One rendering of each type as text, shared by the formats that are text.

======================  =========================================================================
type                    text
======================  =========================================================================
datetime                RFC 3339 in UTC with as many digits of a second as it has (3, 6 or none)
local_datetime, time    the same without a zone
date                    ISO 8601
float                   the shortest text that reads back equal; ``NaN``, ``Infinity``, ``-Infinity``
decimal, integer        every digit
boolean                 ``true``, ``false``
======================  =========================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.core.schema import ColumnType

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from include.core.schema import Column, Schema

DATETIME = "%Y-%m-%dT%H:%M:%S%.fZ"
LOCAL_DATETIME = "%Y-%m-%dT%H:%M:%S%.f"
TIME = "%H:%M:%S%.f"


def to_frame(batch: pa.RecordBatch) -> pl.DataFrame:
    """Return a batch as a polars frame, without copying where the types allow it.

    Its columns are called by :func:`position`, for polars takes names such as ``*`` and ``^a.*$`` for patterns.
    """
    import polars as pl
    import pyarrow as pa

    for index, field in enumerate(batch.schema):
        if pa.types.is_decimal256(field.type):  # polars has no decimal of more than 38 digits
            texts = [None if value is None else format(value, "f") for value in batch.column(index).to_pylist()]
            batch = batch.set_column(index, field.name, pa.array(texts, pa.string()))
    frame = pl.from_arrow(batch.rename_columns([position(index) for index in range(batch.num_columns)]))
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("A record batch is always a frame.")
    return frame


def position(index: int) -> str:
    """Return the name of a frame's column."""
    return f"c{index}"


def as_text(column: Column, index: int) -> pl.Expr:
    """Return an expression of a column's text; null stays null."""
    import polars as pl

    values = pl.col(position(index))
    match column.type:
        case ColumnType.DATETIME:
            return values.dt.strftime(DATETIME)
        case ColumnType.LOCAL_DATETIME:
            return values.dt.strftime(LOCAL_DATETIME)
        case ColumnType.TIME:
            return values.dt.strftime(TIME)
        case ColumnType.FLOAT:
            text = values.cast(pl.String)
            special = {"inf": "Infinity", "-inf": "-Infinity"}
            return pl.when(values.is_infinite()).then(text.replace(special)).otherwise(text).alias(position(index))
        case _:
            return values.cast(pl.String)


def braced(text: str) -> str:
    """Return a text as a pattern of polars' ``format`` that says just it."""
    return text.replace("{", "{{").replace("}", "}}")


def joined(frame: pl.DataFrame, line: pl.Expr) -> memoryview:
    """Return an expression's texts in UTF-8 one behind the other, where polars laid them down; none may be null."""
    import polars as pl

    lines: Any = frame.select(line.alias("line")).to_series().to_arrow(compat_level=pl.CompatLevel.oldest())
    offsets, text = (memoryview(buffer).cast("B") for buffer in lines.buffers()[1:])
    ends = offsets.cast("q")
    return text[ends[lines.offset] : ends[lines.offset + len(lines)]]


def headings(schema: Schema, header: str) -> list[str]:
    """Return the header row that an option asks for."""
    return [column.label if header == "label" else column.name for column in schema]
