"""A hash of rows, whatever their order: the sum, modulo 2^128, of a hash of each row.

A sum, for with an exclusive or two equal rows would leave no trace. A row is hashed by BLAKE2b over its values, each
written down so that no two different rows are the same text: NULL is ``~``, anything else its length and itself.
Decimals are their digits and scale, floats their bits, days and moments whole numbers since 1970. pyarrow does that,
which no format that is text is written by.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from include.core.schema import DECIMAL128_DIGITS, MAX_DECIMAL_DIGITS, ColumnType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from include.core.schema import Column, Schema

    Promised = Callable[[pa.RecordBatch, Schema], pa.RecordBatch]

_BYTES = 16
_MODULUS = 1 << (8 * _BYTES)


class Content:
    """The hash of one sheet's rows; ``value`` is the sum and ``rows`` their number.

    :param sheet: the sheet's number, which is hashed with each row: the same row on another sheet is another one
    :param promised: what a reader of the file should find of rows
    :param value: of rows that were hashed before
    """

    def __init__(
        self, schema: Schema, sheet: int, promised: Promised | None = None, *, value: int = 0, rows: int = 0
    ) -> None:
        self.value = value
        self.rows = rows
        self._schema = schema
        self._sheet = sheet
        self._promised = promised

    def over(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Pass batches through, hashing each."""
        for batch in batches:
            self.add(batch)
            yield batch

    def add(self, batch: pa.RecordBatch) -> None:
        """Hash a batch's rows."""
        if self._promised is not None:
            batch = self._promised(batch, self._schema)
        text, ends = _written_down(batch, self._schema, self._sheet)
        for start, end in pairwise(ends):
            self.value += int.from_bytes(blake2b(text[start:end], digest_size=_BYTES).digest(), "little")
        self.value %= _MODULUS
        self.rows += batch.num_rows


def spelled(value: int) -> str:
    """Return a hash in hex."""
    return f"{value % _MODULUS:0{2 * _BYTES}x}"


def _written_down(batch: pa.RecordBatch, schema: Schema, sheet: int) -> tuple[memoryview, list[int]]:
    """Return all rows' texts one behind the other, and where each one begins and the last ends."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import compute as pc

    fields = [_field(_spelled(column, values)) for column, values in zip(schema, batch.columns, strict=True)]
    text = pa.large_string()
    lines = pc.binary_join_element_wise(pa.scalar(f"{sheet};", text), *fields, pa.scalar("", text))
    _, offsets, characters = lines.buffers()
    ends = np.frombuffer(offsets, np.int64)[lines.offset : lines.offset + len(lines) + 1].tolist()
    return memoryview(characters or b""), ends


def _field(text: pa.Array) -> pa.Array:
    import pyarrow as pa
    from pyarrow import compute as pc

    length = pc.binary_length(text).cast(pa.large_string())
    return pc.binary_join_element_wise(length, text, pa.scalar(":", pa.large_string())).fill_null("~")


def _spelled(column: Column, values: pa.Array) -> pa.Array:
    """Return a text for each value, the same for equal values only; null stays null."""
    import pyarrow as pa

    match column.type:
        case ColumnType.INTEGER:
            exact = values.cast(pa.int64())
        case ColumnType.BOOLEAN:
            exact = values.cast(pa.bool_()).cast(pa.int8())
        case ColumnType.FLOAT:
            exact = _bits(values.cast(pa.float64()))
        case ColumnType.DATE:
            exact = values.cast(pa.date32()).view(pa.int32())
        case ColumnType.DATETIME:
            exact = values.cast(pa.timestamp("us", tz="UTC")).view(pa.int64())
        case ColumnType.LOCAL_DATETIME:
            exact = values.cast(pa.timestamp("us")).view(pa.int64())
        case ColumnType.TIME:
            exact = values.cast(pa.time64("us")).view(pa.int64())
        case ColumnType.DECIMAL:
            exact = _digits_of(values) if pa.types.is_decimal(values.type) else _digits_in(values)
        case _:
            exact = values
    return exact.cast(pa.large_string())


def _bits(values: pa.Array) -> pa.Array:
    """Return doubles as the numbers that their bits are; there is one NaN."""
    import pyarrow as pa
    from pyarrow import compute as pc

    return pc.if_else(pc.is_nan(values), pa.scalar(float("nan")), values).view(pa.int64())


def _digits_of(values: pa.Array) -> pa.Array:
    """Return decimals as all their digits and their scale; the same bytes without a scale are the digits."""
    import pyarrow as pa

    if pa.types.is_decimal256(values.type):
        whole = pa.decimal256(MAX_DECIMAL_DIGITS, 0)
    else:
        values = values.cast(pa.decimal128(DECIMAL128_DIGITS, values.type.scale))
        whole = pa.decimal128(DECIMAL128_DIGITS, 0)
    digits = pa.Array.from_buffers(whole, len(values), values.buffers(), offset=values.offset)
    return _joined(digits.cast(pa.large_string()), pa.scalar(str(values.type.scale), pa.large_string()))


def _digits_in(texts: pa.Array) -> pa.Array:
    """Return the texts of plain decimals as their digits and their scale."""
    import pyarrow as pa
    from pyarrow import compute as pc

    texts = texts.cast(pa.large_string())
    behind = pc.replace_substring_regex(texts, r"^[^.]*\.?", "")
    digits = pc.replace_substring(texts, ".", "")
    return _joined(digits, pc.binary_length(behind).cast(pa.large_string()))


def _joined(digits: pa.Array, scale: Any) -> pa.Array:
    """Return digits without zeros in front, and the scale."""
    import pyarrow as pa
    from pyarrow import compute as pc

    plain = pc.replace_substring_regex(digits, "^(-?)0+", r"\1")
    return pc.binary_join_element_wise(plain, scale, pa.scalar("e", pa.large_string()))
