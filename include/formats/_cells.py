"""Cells of a worksheet as XML, made by vectorized string expressions.

A cell has no reference (``r``): its place is its number in the row, so NULL is an empty cell and not a missing one.

Most batches have only values that need no second look: numbers that a double keeps, dates that Excel knows, texts with
nothing to escape, no NULL. That is found out for a batch as a whole, and spares the work on every value.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from include.core.schema import ColumnType
from include.formats._links import is_link
from include.formats._text import LOCAL_DATETIME, as_text, position
from include.formats._text_cells import TEXT, VALUE_END, Markup, cell, escaped, text_cells

if TYPE_CHECKING:
    import polars as pl

    from include.core.format import Encoding
    from include.core.schema import Column

DOUBLE_DIGITS = 15
"""Decimal digits that every double keeps, and the most that Excel shows."""

NO_CELL = "<c/>"

_FIRST_DAY, _END_DAY = 61, 2_958_466
"""From 1900-03-01, the first day whose number Excel and the calendar agree on, to before the year 10000."""

_EPOCH = 25_569
"""1970-01-01 as Excel counts days."""

_DAY_MS = 86_400_000
_DAY_US = 1000 * _DAY_MS

UTC_NOTE = "Times in the workbook are UTC."
CUT_NOTE = "Times in the workbook are cut to milliseconds, the finest that Excel knows."


@dataclass(frozen=True, slots=True)
class Cells:
    """One column's cells.

    ``style`` is the index of its number format among the workbook's styles, 0 for none; ``link`` is the style of
    texts that are links, None where they are no links.
    """

    column: Column
    index: int
    style: int = 0
    link: int | None = None

    def of(self, frame: pl.DataFrame) -> Markup:
        """Return the cells in this frame, none of them null."""
        values = frame.get_column(position(self.index))
        filled = self._plain() if self._is_plain(values) else self._careful(values)
        return Markup("{}", (filled.text().fill_null(NO_CELL),)) if values.null_count() else filled

    def _is_plain(self, values: pl.Series) -> bool:
        """Whether every value is a number that a double keeps, a moment that Excel knows, or hexadecimal."""
        match self.column.type:
            case ColumnType.INTEGER:
                return _within(values, 10**DOUBLE_DIGITS - 1)
            case ColumnType.DECIMAL:
                scale = getattr(values.dtype, "scale", None)  # None: its exact text, for polars has no such decimal
                return scale is not None and _within(values, (10**DOUBLE_DIGITS - 1) * Decimal(10) ** -scale)
            case ColumnType.FLOAT:
                return bool(values.is_finite().all())
            case ColumnType.DATE:
                return _lies_between(values.to_physical(), _FIRST_DAY - _EPOCH, _END_DAY - _EPOCH - 1)
            case ColumnType.DATETIME | ColumnType.LOCAL_DATETIME:
                first, end = ((day - _EPOCH) * _DAY_US for day in (_FIRST_DAY, _END_DAY))
                return _lies_between(values.dt.epoch("us"), first, end - 1)
            case kind:
                return kind in {ColumnType.BOOLEAN, ColumnType.TIME, ColumnType.UUID}

    def _plain(self) -> Markup:
        import polars as pl

        values = pl.col(position(self.index))
        match self.column.type:
            case ColumnType.BOOLEAN:
                return cell('<c t="b"><v>', values.cast(pl.Int8))
            case ColumnType.DATE | ColumnType.DATETIME | ColumnType.LOCAL_DATETIME | ColumnType.TIME:
                return cell(self._value, self._serial())
            case ColumnType.UUID:
                return cell(TEXT, values)
            case _:
                return cell(self._value, as_text(self.column, self.index))

    def _careful(self, values: pl.Series) -> Markup:
        import polars as pl

        column, text = pl.col(position(self.index)), as_text(self.column, self.index)
        number = text
        match self.column.type:
            case ColumnType.INTEGER:
                fits = column.is_between(-(10**DOUBLE_DIGITS), 10**DOUBLE_DIGITS, closed="none")
            case ColumnType.DECIMAL:
                fits = _is_short_text(text) if values.dtype == pl.String else _digits(text) <= DOUBLE_DIGITS
            case ColumnType.FLOAT:
                fits = column.is_finite()
            case ColumnType.DATE | ColumnType.DATETIME | ColumnType.LOCAL_DATETIME:
                fits = self._is_known_day()
                number = self._serial().cast(pl.String)
                text = text if self.column.type is ColumnType.DATE else column.dt.strftime(LOCAL_DATETIME)
            case _:
                return self._texts(values)
        start = pl.when(fits).then(pl.lit(self._value)).otherwise(pl.lit(TEXT))
        value = text if number is text else pl.when(fits).then(number).otherwise(text)
        return Markup(f"{{}}{{}}{VALUE_END}", (start, value))

    @property
    def _value(self) -> str:
        """How a number begins."""
        return f'<c s="{self.style}"><v>' if self.style else "<c><v>"

    def _texts(self, values: pl.Series) -> Markup:
        import polars as pl

        column = pl.col(position(self.index))
        cells = text_cells(values, column)
        if self.link is None:
            return cells
        linked = cell(f'<c s="{self.link}" t="str"><v>', escaped(column))
        return Markup("{}", (pl.when(is_link(column)).then(linked.text()).otherwise(cells.text()),))

    def _is_known_day(self) -> pl.Expr:
        return self._serial().is_between(_FIRST_DAY, _END_DAY, closed="left")

    def _serial(self) -> pl.Expr:
        """Return days since 1900 as Excel counts them, with the day's fraction cut to milliseconds."""
        import polars as pl

        values = pl.col(position(self.index))
        match self.column.type:
            case ColumnType.DATE:
                return values.cast(pl.Int32) + _EPOCH
            case ColumnType.TIME:
                return values.cast(pl.Int64).floordiv(1_000_000) / _DAY_MS
            case _:
                return values.dt.epoch("us").floordiv(1000) / _DAY_MS + _EPOCH


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


def _within(values: pl.Series, limit: Any) -> bool:
    return _lies_between(values, -limit, limit)


def _lies_between(values: pl.Series, first: Any, last: Any) -> bool:
    smallest: Any = values.min()
    largest: Any = values.max()
    return smallest is None or bool(first <= smallest and largest <= last)


def _digits(text: pl.Expr) -> pl.Expr:
    """Return how many digits lie between a plain decimal's first and last that is not zero."""
    digits = text.str.strip_chars("-0.")
    return digits.str.len_bytes() - digits.str.contains(".", literal=True)


def _is_short_text(text: pl.Expr) -> pl.Expr:
    """Whether an exact text is a decimal of no more digits than a double keeps, and an exponent that a double has."""
    import polars as pl

    digits = _digits(text)
    size = text.cast(pl.Float64, strict=False).abs()
    held = (digits == 0) | size.is_between(1e-300, 1e300)
    return text.str.contains(r"^-?\d+(\.\d+)?$") & (digits <= DOUBLE_DIGITS) & held
