"""Cells of a worksheet as XML, made by vectorized string expressions.

A cell has no reference (``r``): its place is its number in the row, so NULL is an empty cell and not a missing one.
Texts are inline strings, typed as such, so none is ever a formula.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.core.schema import ColumnType
from include.formats._text import LOCAL_DATETIME, as_text, position

if TYPE_CHECKING:
    import polars as pl

    from include.core.format import Encoding
    from include.core.schema import Column

DOUBLE_DIGITS = 15
"""Decimal digits that every double keeps, and the most that Excel shows."""

NO_CELL = "<c/>"

_FIRST_SERIAL = 61
"""1900-03-01: the first day whose number Excel and the calendar agree on."""

_EPOCH = 25_569
"""1970-01-01 as Excel counts days."""

_DAY_MS = 86_400_000

_LOOKS_ESCAPED = "_x[0-9A-Fa-f]{4}_"

ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    **{chr(code): f"_x{code:04X}_" for code in (*range(9), 0x0B, 0x0C, 0x0D, *range(0x0E, 0x20), 0xFFFE, 0xFFFF)},
}
"""What XML must have escaped, cannot hold at all, or would change, such as a carriage return (ECMA-376, 22.9.2.19)."""

UTC_NOTE = "Times in the workbook are UTC."
CUT_NOTE = "Times in the workbook are cut to milliseconds, the finest that Excel knows."


def cell(column: Column, index: int, style: int) -> pl.Expr:
    """Return an expression of a column's cells, never null; ``style`` is the index of its number format."""
    import polars as pl

    return _filled(column, index, style).fill_null(pl.lit(NO_CELL))


def _filled(column: Column, index: int, style: int) -> pl.Expr:
    import polars as pl

    values, text = pl.col(position(index)), as_text(column, index)
    match column.type:
        case ColumnType.INTEGER:
            short = values.is_between(-(10**DOUBLE_DIGITS), 10**DOUBLE_DIGITS, closed="none")
            filled = pl.when(short).then(_number(text, 0)).otherwise(_text(text))
        case ColumnType.DECIMAL:
            filled = pl.when(_is_short(text)).then(_number(text, 0)).otherwise(_text(text))
        case ColumnType.FLOAT:
            filled = pl.when(values.is_finite()).then(_number(text, 0)).otherwise(_text(text))
        case ColumnType.BOOLEAN:
            filled = pl.concat_str(pl.lit('<c t="b"><v>'), values.cast(pl.Int8).cast(pl.String), pl.lit("</v></c>"))
        case ColumnType.DATE:
            filled = _since_1900(values.cast(pl.Int32) + _EPOCH, style, text)
        case ColumnType.DATETIME | ColumnType.LOCAL_DATETIME:
            serial = values.dt.epoch("us").floordiv(1000) / _DAY_MS + _EPOCH
            filled = _since_1900(serial, style, values.dt.strftime(LOCAL_DATETIME))
        case ColumnType.TIME:
            filled = _number((values.cast(pl.Int64).floordiv(1_000_000) / _DAY_MS).cast(pl.String), style)
        case _:
            filled = _text(escaped(values))
    return filled


def notes(column: Column, frame: pl.DataFrame, index: int, encoding: Encoding) -> None:
    """Note what a reader of a column's cells should know."""
    if column.type not in {ColumnType.DATETIME, ColumnType.LOCAL_DATETIME, ColumnType.TIME}:
        return
    values = frame.get_column(position(index))
    if column.type is ColumnType.DATETIME and values.null_count() < len(values):
        encoding.note(UTC_NOTE)
    is_time = column.type is ColumnType.TIME
    ticks, millisecond = (values.to_physical(), 1_000_000) if is_time else (values.dt.epoch("us"), 1_000)
    if (ticks % millisecond != 0).any():
        encoding.note(CUT_NOTE)


def escaped(values: pl.Expr) -> pl.Expr:
    """Escape texts for XML, and what would look like such an escape."""
    import polars as pl

    plain = (
        pl.when(values.str.contains(_LOOKS_ESCAPED))
        .then(values.str.replace_all("_x", "_x005F_x", literal=True))
        .otherwise(values)
    )
    return plain.str.replace_many(list(ESCAPES), list(ESCAPES.values()))


def text_cell(text: str) -> str:
    """Return one cell of one text, as a header row needs it."""
    import polars as pl

    return str(pl.select(_text(escaped(pl.lit(text)))).item())


def _text(text: pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.concat_str(pl.lit('<c t="inlineStr"><is><t xml:space="preserve">'), text, pl.lit("</t></is></c>"))


def _number(digits: pl.Expr, style: int) -> pl.Expr:
    import polars as pl

    return pl.concat_str(pl.lit(f'<c s="{style}"><v>' if style else "<c><v>"), digits, pl.lit("</v></c>"))


def _since_1900(serial: pl.Expr, style: int, text: pl.Expr) -> pl.Expr:
    import polars as pl

    number = _number(serial.cast(pl.String), style)
    return pl.when(serial >= _FIRST_SERIAL).then(number).otherwise(_text(text))


def _is_short(text: pl.Expr) -> pl.Expr:
    """Whether a decimal's text has no more digits than a double keeps, and an exponent that a double has."""
    import polars as pl

    digits = text.str.replace_all("[-.]", "").str.strip_chars("0")
    size = text.cast(pl.Float64, strict=False).abs()
    held = (digits == "") | size.is_between(1e-300, 1e300)
    return text.str.contains(r"^-?\d+(\.\d+)?$") & (digits.str.len_chars() <= DOUBLE_DIGITS) & held
