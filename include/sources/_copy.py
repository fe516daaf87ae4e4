"""From COPY's CSV text to Arrow batches of the declared types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from include.core.errors import Fatal

if TYPE_CHECKING:
    from collections.abc import Generator

    import psycopg
    import pyarrow as pa

BLOCK_BYTES = 2 * 1024 * 1024
"""CSV text parsed at a time; a row larger than this makes a block of its own."""

_COLUMN_NUMBER = re.compile(r"In CSV column #(\d+)")


def whole_rows(copy: psycopg.Copy) -> Generator[bytes]:
    """Yield CSV text in whole rows: the protocol sends one message for each row of COPY."""
    rows: list[bytes] = []
    size = 0
    for row in copy:
        rows.append(cast("bytes", row))
        size += len(row)
        if size >= BLOCK_BYTES:
            yield b"".join(rows)
            rows, size = [], 0
    if rows:
        yield b"".join(rows)


def parse(block: bytes, arrow: pa.Schema) -> pa.RecordBatch:
    """Parse whole rows of COPY's CSV into one batch.

    :raises Fatal: when a value does not fit its column; the message names the column, never the value.
    """
    import pyarrow as pa
    from pyarrow import csv

    # Arrow's CSV reader knows no decimal of more than 38 digits: their text is cast afterwards.
    wide = [index for index, field in enumerate(arrow) if pa.types.is_decimal256(field.type)]
    read_as = arrow
    for index in wide:
        read_as = read_as.set(index, pa.field(arrow.field(index).name, pa.string()))
    try:
        table = csv.read_csv(
            pa.BufferReader(block),
            read_options=csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=arrow.names),
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                check_utf8=False,  # the server sends what client_encoding says
                column_types=read_as,
                null_values=[""],
                true_values=["t"],
                false_values=["f"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        found = _COLUMN_NUMBER.search(str(error))
        raise _misfit(arrow.field(int(found[1])) if found else None) from None
    for index in wide:
        field = arrow.field(index)
        try:
            table = table.set_column(index, field, table.column(index).cast(field.type))
        except pa.ArrowInvalid:
            raise _misfit(field) from None
    return table.combine_chunks().to_batches()[0]


def _misfit(field: pa.Field | None) -> Fatal:
    where = f"column {field.name!r} cannot be held by its type ({field.type})" if field else "a row cannot be read"
    return Fatal(
        f"A value of {where}, such as an infinite date, a year beyond 9999 or a NaN among decimals. Cast the column "
        "to text in the exporter, or leave it out.",
        code="value_unreadable",
    )
