"""Values from the cells of a worksheet, and what Excel holds of a value."""

from __future__ import annotations

import re
from decimal import MAX_PREC, Context, Decimal
from typing import TYPE_CHECKING, Any

from include.core.schema import ColumnType
from include.formats._read_text import typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from include.core.schema import Column, Schema

Cell = tuple[str | None, str | None]
"""A cell's kind and its text: ``str``, ``b``, or None for a number; no text is no value."""

_TEXT, _INLINE, _BOOLEAN = "str", "inlineStr", "b"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")

_EPOCH_DAYS = 25_569
"""1970-01-01 as Excel counts days."""

_FIRST_DAY_US = -25_508 * 86_400_000_000
"""1900-03-01, before which moments are texts, in microseconds since 1970."""

_EXACT = Context(prec=MAX_PREC)


def cell_of(element: Any) -> Cell:
    """Return what a cell says; white space at a text's end counts only where that is asked for (XML 1.0, 2.10)."""
    if not len(element):
        return None, None
    kind, inner = element.get("t"), element[0]
    if kind == _INLINE:
        kind, inner = _TEXT, inner[0]
    if kind != _TEXT:
        return kind, inner.text
    text = inner.text or ""
    if inner.get(_SPACE) != "preserve":
        text = text.strip(" \t\r\n")
    return kind, _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def typed_cells(schema: Schema, rows: Sequence[Sequence[Cell]]) -> pa.RecordBatch:
    """Return a batch of rows of cells.

    :raises ValueError: when a cell is not of a kind that its column's type is written as.
    """
    import pyarrow as pa

    columns = [_typed(column, cells) for column, cells in zip(schema, zip(*rows, strict=True), strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=[str(index) for index in range(len(schema))])


def _typed(column: Column, cells: Sequence[Cell]) -> pa.Array:
    """Return a column's values: of its texts, and of its numbers where it has any."""
    import pyarrow as pa
    from pyarrow import compute as pc

    kind = column.type
    texts = pa.array([text if shape == _TEXT else None for shape, text in cells], pa.string())
    others = [None if shape == _TEXT else text for shape, text in cells]
    wanted = _BOOLEAN if kind is ColumnType.BOOLEAN else None
    if any(shape not in {_TEXT, wanted} for shape, text in cells if text is not None):
        raise ValueError(f"A cell is none of type {kind}.")
    values = typed(kind, _with_zone(texts) if kind is ColumnType.DATETIME else texts)
    if not any(others):
        return _plain(values) if kind is ColumnType.DECIMAL else values
    if kind.textual:
        raise ValueError(f"A number stands in a column of type {kind}.")
    numbers = _of_numbers(kind, others)
    found = pc.coalesce(values, numbers)
    return _plain(found) if kind is ColumnType.DECIMAL else found


def _with_zone(texts: pa.Array) -> pa.Array:
    from pyarrow import compute as pc

    return pc.binary_join_element_wise(texts, "Z", "")


def _of_numbers(kind: ColumnType, texts: Sequence[str | None]) -> pa.Array:
    """Return the values of cells that are numbers, which Excel keeps as doubles."""
    import numpy as np
    import pyarrow as pa

    numbers = pa.array([None if text is None else float(text) for text in texts], pa.float64())
    match kind:
        case ColumnType.FLOAT:
            return numbers
        case ColumnType.BOOLEAN | ColumnType.INTEGER:
            return numbers.cast(pa.int64()).cast(pa.bool_() if kind is ColumnType.BOOLEAN else pa.int64())
        case ColumnType.DECIMAL:
            return pa.array([None if number is None else repr(number) for number in numbers.to_pylist()], pa.string())
        case ColumnType.DATE:
            return (
                pa.array([None if n is None else int(n) - _EPOCH_DAYS for n in numbers.to_pylist()])
                .cast(pa.int32())
                .view(pa.date32())
            )
    epoch, unit = (0, pa.time64("us")) if kind is ColumnType.TIME else (_EPOCH_DAYS, pa.timestamp("us"))
    days = numbers.fill_null(epoch).to_numpy()
    micros = np.rint((days - epoch) * 86_400_000).astype(np.int64) * 1000
    moments = pa.array(micros, mask=_nulls(numbers)).view(unit)
    return moments.cast(pa.timestamp("us", tz="UTC")) if kind is ColumnType.DATETIME else moments


def as_excel_holds(batch: pa.RecordBatch, schema: Schema) -> pa.RecordBatch:
    """Return rows with times to the millisecond, and decimals without the zeros that say nothing."""
    for index, column in enumerate(schema):
        match column.type:
            case ColumnType.DECIMAL:
                held = _plain(batch.column(index))
            case ColumnType.DATETIME | ColumnType.LOCAL_DATETIME | ColumnType.TIME:
                held = _cut(batch.column(index))
            case _:
                continue
        batch = batch.set_column(index, batch.schema.names[index], held)
    return batch


def _plain(values: pa.Array) -> pa.Array:
    """Return decimals as texts without an exponent, or zeros at their ends; all zeros are the same."""
    import pyarrow as pa

    found = [None if value is None else _without_zeros(Decimal(value)) for value in values.to_pylist()]
    return pa.array(found, pa.string())


def _without_zeros(number: Decimal) -> str:
    if not number.is_finite():
        return str(number)
    return format(number.normalize(_EXACT), "f") if number else "0"


def _cut(values: pa.Array) -> pa.Array:
    """Return times without what is finer than a millisecond, where they are no texts."""
    import numpy as np
    import pyarrow as pa

    micros = values.view(pa.int64()).fill_null(0).to_numpy()
    cut = micros - micros % 1000
    if not pa.types.is_time(values.type):
        cut = np.where(micros < _FIRST_DAY_US, micros, cut)
    return pa.array(cut, mask=_nulls(values)).view(values.type)


def _nulls(values: pa.Array) -> Any:
    return values.is_null().to_numpy(zero_copy_only=False)
