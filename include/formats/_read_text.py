"""Values from the texts of the formats that are text, by pyarrow: none of them was written by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.core.schema import ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from include.core.format import Header
    from include.core.schema import Schema

BATCH_ROWS = 10_000
"""Rows of a batch, where a reader reads them one by one."""


def typed(kind: ColumnType, texts: pa.Array) -> pa.Array:
    """Return the values of a column's texts; decimals stay texts, for these have every digit.

    :raises pyarrow.ArrowInvalid: when a text says no value of the type; it is a ValueError.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    if kind is ColumnType.TIME:  # pyarrow casts no text to a time: this is the time of a day
        moments = pc.binary_join_element_wise("1970-01-01T", texts, "").cast(pa.timestamp("us"))
        return moments.view(pa.int64()).view(pa.time64("us"))
    kinds = {
        ColumnType.INTEGER: pa.int64(),
        ColumnType.FLOAT: pa.float64(),
        ColumnType.BOOLEAN: pa.bool_(),
        ColumnType.DATE: pa.date32(),
        ColumnType.DATETIME: pa.timestamp("us", tz="UTC"),
        ColumnType.LOCAL_DATETIME: pa.timestamp("us"),
    }
    return texts.cast(kinds[kind]) if kind in kinds else texts


def batch_of_texts(schema: Schema, rows: Sequence[Sequence[str | None]]) -> pa.RecordBatch:
    """Return a batch of rows of texts."""
    import pyarrow as pa

    columns = zip(*rows, strict=True)
    arrays = [typed(column.type, pa.array(texts, pa.string())) for column, texts in zip(schema, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=[str(index) for index in range(len(schema))])


def headings(schema: Schema, header: Header) -> list[str]:
    """Return the header row that was asked for."""
    return [column.label if header == "label" else column.name for column in schema]


def checked_headings(found: Iterable[str | None], wanted: Sequence[str]) -> None:
    """Compare a header row with the one that was asked for.

    :raises ValueError: when it is another.
    """
    if [name or "" for name in found] != list(wanted):
        raise ValueError("The header is not the one that was asked for.")
