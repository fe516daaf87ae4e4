"""From COPY's CSV text to Arrow batches of the declared types."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from include.sources._misfit import classify, unreadable

if TYPE_CHECKING:
    import pyarrow as pa

    from include.core.errors import Fatal


def parse(block: bytes | bytearray, arrow: pa.Schema, *, rows_before: int) -> pa.RecordBatch:
    """Parse whole rows of COPY's CSV into one batch.

    :param rows_before: how many rows of the export came before this block.
    :raises Fatal: when a value does not fit its column; the message names the column and the row, never the value.
    """
    import pyarrow as pa

    try:
        table = _cast(_read(block, _readable(arrow)), arrow)
    except pa.ArrowInvalid:
        raise _first_misfit(block, arrow, rows_before) from None
    return table.combine_chunks().to_batches()[0]


def _read(block: bytes | bytearray, types: pa.Schema) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    return csv.read_csv(
        pa.BufferReader(block),
        read_options=csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=types.names),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            check_utf8=False,  # the server sends what client_encoding says
            column_types=types,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _readable(arrow: pa.Schema) -> pa.Schema:
    """Return the types to read as: Arrow's CSV reader knows no decimal of more than 38 digits."""
    import pyarrow as pa

    return pa.schema(
        [pa.field(field.name, pa.string()) if pa.types.is_decimal256(field.type) else field for field in arrow]
    )


def _cast(table: pa.Table, arrow: pa.Schema) -> pa.Table:
    """Return the table with what was read as text in its own type."""
    for index, field in enumerate(arrow):
        if table.schema.field(index).type != field.type:
            table = table.set_column(index, field, table.column(index).cast(field.type))
    return table


def _first_misfit(block: bytes | bytearray, arrow: pa.Schema, rows_before: int) -> Fatal:
    """Return the error of the first row that cannot be read, found by reading its columns one by one."""
    import pyarrow as pa

    texts = _read(block, pa.schema([pa.field(field.name, pa.string()) for field in arrow]))
    found = [
        (row, index)
        for index, field in enumerate(arrow)
        if (row := _misfit_row(texts.select([index]), field)) is not None
    ]
    row, index = min(found)
    kind = classify(str(texts.column(index)[row].as_py()), arrow.field(index).type)
    return unreadable(arrow.field(index), rows_before + row + 1, kind)


def _misfit_row(texts: pa.Table, field: pa.Field) -> int | None:
    """Return the first row, from 0, whose text cannot be read as the field's type; None when all can."""
    if _fits(texts, field):
        return None
    start, stop = 0, texts.num_rows
    while stop - start > 1:  # the first misfit lies between
        middle = (start + stop) // 2
        if _fits(texts.slice(start, middle - start), field):
            start = middle
        else:
            stop = middle
    return start


def _fits(texts: pa.Table, field: pa.Field) -> bool:
    """Return whether texts can be read, by the very reader that reads the rows."""
    import pyarrow as pa
    from pyarrow import csv

    written = io.BytesIO()
    csv.write_csv(texts, written, csv.WriteOptions(include_header=False))
    arrow = pa.schema([field])
    try:
        _cast(_read(written.getvalue(), _readable(arrow)), arrow)
    except pa.ArrowInvalid:
        return False
    return True
