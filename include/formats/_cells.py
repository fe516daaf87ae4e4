"""Cells of a worksheet as XML, made by vectorized string expressions.

A cell has no reference (``r``): its place is its number in the row, so NULL is an empty cell and not a missing one.
Texts are inline strings, typed as such, so none is ever a formula.

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

if TYPE_CHECKING:
    import polars as pl

    from include.core.format import Encoding
    from include.core.schema import Column

DOUBLE_DIGITS = 15
"""Decimal digits that every double keeps, and the most that Excel shows."""

NO_CELL = "<c/>"
_TEXT, _SPACED = '<c t="inlineStr"><is><t>', '<c t="inlineStr"><is><t xml:space="preserve">'
_TEXT_END = "</t></is></c>"

_FIRST_DAY, _END_DAY = 61, 2_958_466
"""From 1900-03-01, the first day whose number Excel and the calendar agree on, to before the year 10000."""

_EPOCH = 25_569
"""1970-01-01 as Excel counts days."""

_DAY_MS = 86_400_000
_DAY_US = 1000 * _DAY_MS

_LOOKS_ESCAPED = "_x[0-9A-Fa-f]{4}_"

ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    **{chr(code): f"_x{code:04X}_" for code in (*range(9), 0x0B, 0x0C, 0x0D, *range(0x0E, 0x20), 0xFFFE, 0xFFFF)},
}
"""What XML must have escaped, cannot hold at all, or would change, such as a carriage return (ECMA-376, 22.9.2.19)."""

_SUSPECT = [*ESCAPES, "_x"]
_XML_SPACE = " \t\r\n"

UTC_NOTE = "Times in the workbook are UTC."
CUT_NOTE = "Times in the workbook are cut to milliseconds, the finest that Excel knows."


@dataclass(frozen=True, slots=True)
class Markup:
    """XML with a pair of braces for each value, so that a row is put together at once and not cell by cell."""

    pattern: str
    values: tuple[pl.Expr, ...]

    def text(self) -> pl.Expr:
        """Return an expression of the XML, null where a value is."""
        import polars as pl

        return pl.format(self.pattern, *self.values)


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
                return Markup('<c t="b"><v>{}</v></c>', (values.cast(pl.Int8),))
            case ColumnType.DATE | ColumnType.DATETIME | ColumnType.LOCAL_DATETIME | ColumnType.TIME:
                return _number(self._serial(), self.style)
            case ColumnType.UUID:
                return _inline(values)
            case _:
                return _number(as_text(self.column, self.index), 0)

    def _careful(self, values: pl.Series) -> Markup:
        import polars as pl

        column, text = pl.col(position(self.index)), as_text(self.column, self.index)
        match self.column.type:
            case ColumnType.INTEGER:
                fits = column.is_between(-(10**DOUBLE_DIGITS), 10**DOUBLE_DIGITS, closed="none")
            case ColumnType.DECIMAL:
                fits = _is_short_text(text) if values.dtype == pl.String else _digits(text) <= DOUBLE_DIGITS
            case ColumnType.FLOAT:
                fits = column.is_finite()
            case ColumnType.DATE:
                fits = self._is_known_day()
            case ColumnType.DATETIME | ColumnType.LOCAL_DATETIME:
                fits, text = self._is_known_day(), column.dt.strftime(LOCAL_DATETIME)
            case _:
                return self._texts(values)
        return _either(fits, self._plain(), _inline(text))

    def _texts(self, values: pl.Series) -> Markup:
        import polars as pl

        column = pl.col(position(self.index))
        text = escaped(column) if values.str.contains_any(_SUSPECT).any() else column
        spaced = (values.str.strip_chars(_XML_SPACE) != values).any()
        cells = _spaced(text, column) if spaced else _inline(text)
        if self.link is None:
            return cells
        return _either(is_link(column), _inline(text, f'<c s="{self.link}" t="inlineStr"><is><t>'), cells)

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

    value = pl.lit(text)
    return str(pl.select(_spaced(escaped(value), value).text()).item())


def _either(fits: pl.Expr, first: Markup, other: Markup) -> Markup:
    import polars as pl

    return Markup("{}", (pl.when(fits).then(first.text()).otherwise(other.text()),))


def _inline(text: pl.Expr, start: str = _TEXT) -> Markup:
    return Markup(f"{start}{{}}{_TEXT_END}", (text,))


def _spaced(text: pl.Expr, values: pl.Expr) -> Markup:
    """Return cells of texts: only white space at an end must be asked for (XML 1.0, section 2.10)."""
    import polars as pl

    start = pl.when(values.str.strip_chars(_XML_SPACE) != values).then(pl.lit(_SPACED)).otherwise(pl.lit(_TEXT))
    return Markup(f"{{}}{{}}{_TEXT_END}", (start, text))


def _number(digits: pl.Expr, style: int) -> Markup:
    start = f'<c s="{style}"><v>' if style else "<c><v>"
    return Markup(f"{start}{{}}</v></c>", (digits,))


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
