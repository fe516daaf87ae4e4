"""Where a table's cells lie on pages: widths of columns, lines of cells, rows of pages.

All lengths are points, 1/72 inch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.core.errors import Fatal
from include.core.schema import Column, ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from include.formats._pdf_font import Typeface

PAGES = {"a4": (595.28, 841.89), "letter": (612.0, 792.0)}
"""Width and height of a page in portrait."""

MARGIN = 28.0
FOOTER = 18.0
PADDING = 2.5
LEADING = 1.25
"""A line's height, by the size of its font."""

TITLE_SIZE = 14.0
SIZES = (8.0, 7.0, 6.0)
"""Font sizes of a table: the largest one with which numbers stay in one piece."""

MIN_WIDTH = 30.0
"""The narrowest column, padding included: seven digits of the smallest size."""

_TEXT_WIDTH = 90.0
"""What a column of texts may be narrowed to before numbers are made smaller."""

_HEADING_EMS = 8.0
"""A heading makes its column so wide, if its longest word does not make it wider."""

NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.FLOAT})

Text = str | None


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet as texts: headings, if it has any, and each column's values."""

    title: str
    columns: tuple[Column, ...]
    headings: Sequence[str]
    values: Sequence[Sequence[Text]]


@dataclass(frozen=True, slots=True)
class Grid:
    """The page's width and height, the font's size and the columns' widths, padding included."""

    page: tuple[float, float]
    size: float
    widths: tuple[float, ...]

    @property
    def body(self) -> float:
        """The height between the margins, without the footer."""
        return self.page[1] - 2 * MARGIN - FOOTER


@dataclass(frozen=True, slots=True)
class Row:
    """A row's values, each value's lines, and the row's height."""

    texts: tuple[Text, ...]
    lines: tuple[list[str], ...]
    height: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the title's lines on a table's first page, the header row, and the rows."""

    grid: Grid
    columns: tuple[Column, ...]
    title: list[str]
    header: Row | None
    rows: list[Row]


def page_sizes(page_size: str, orientation: str) -> list[tuple[float, float]]:
    """Return the pages that an orientation allows, the preferred one first."""
    width, height = PAGES[page_size]
    return {
        "portrait": [(width, height)],
        "landscape": [(height, width)],
        "auto": [(width, height), (height, width)],
    }[orientation]


def most_columns(page: tuple[float, float]) -> int:
    """Return how many columns a page holds."""
    return int((page[0] - 2 * MARGIN) // MIN_WIDTH)


def grid(table: Table, pages: Sequence[tuple[float, float]], typeface: Typeface) -> Grid:
    """Return the first page on which all lies in one line; else the widest one, as large as numbers allow."""
    naturals = [_natural(table, index, typeface) for index in range(len(table.columns))]
    for page in pages:
        wanted = [natural * SIZES[0] + 2 * PADDING for natural in naturals]
        if sum(wanted) <= page[0] - 2 * MARGIN:
            return Grid(page, SIZES[0], tuple(wanted))
    page = pages[-1]
    room = page[0] - 2 * MARGIN
    for size in SIZES:
        wanted = [natural * size + 2 * PADDING for natural in naturals]
        if widths := _with_whole_numbers(table.columns, wanted, room):
            return Grid(page, size, tuple(widths))
    return Grid(page, SIZES[-1], tuple(_shared(wanted, room)))


def pages(table: Table, made: Grid, typeface: Typeface) -> Iterator[Page]:
    """Lay the rows on pages, each under the header row.

    :raises Fatal: ``pdf_text_too_long``, when a row or the header is higher than a page.
    """
    title = typeface.lines(table.title, (made.page[0] - 2 * MARGIN) / TITLE_SIZE)
    header = _row(tuple(table.headings), made, typeface) if table.headings else None
    if header and header.height > made.body / 2:
        raise Fatal(
            "The headings need more than half a page. Choose fewer columns or shorter names, or another format.",
            code="pdf_text_too_long",
        )
    room = made.body - (header.height if header else 0)
    left = room - TITLE_SIZE * LEADING * (len(title) + 0.5)
    page = Page(made, table.columns, title, header, [])
    for number, texts in enumerate(zip(*table.values, strict=True), start=1):
        row = _row(texts, made, typeface)
        if row.height > room:
            longest = max(range(len(row.lines)), key=lambda index: len(row.lines[index]))
            raise too_long(table.columns[longest], number, "needs more than a page")
        if row.height > left:
            yield page
            page, left = Page(made, table.columns, [], header, []), room
        page.rows.append(row)
        left -= row.height
    yield page


def too_long(column: Column, row: int, what: str) -> Fatal:
    """Return the error of a text that does not fit."""
    return Fatal(
        f"Column {column.name!r}, row {row}: the text {what}. Leave the column out or choose another format.",
        code="pdf_text_too_long",
    )


def _row(texts: tuple[Text, ...], made: Grid, typeface: Typeface) -> Row:
    lines = tuple(
        [] if text is None else typeface.lines(text, (width - 2 * PADDING) / made.size + 1e-6)
        for text, width in zip(texts, made.widths, strict=True)
    )
    most = max(1, *map(len, lines))
    return Row(texts, lines, most * made.size * LEADING + 2 * PADDING)


def _natural(table: Table, index: int, typeface: Typeface) -> float:
    """Return a column's width, by the size of the font, with which no value breaks and its heading between words."""
    widest = max((typeface.widest(text) for text in set(table.values[index]) if text is not None), default=0.0)
    if not table.headings:
        return widest
    heading = table.headings[index]
    longest_word = max(map(typeface.width, heading.split()), default=0.0)
    return max(widest, min(typeface.widest(heading), max(longest_word, _HEADING_EMS)))


def _with_whole_numbers(columns: Iterable[Column], wanted: Sequence[float], room: float) -> list[float] | None:
    """Return widths that keep all but texts in one piece, or None when texts would get too narrow."""
    texts = [index for index, column in enumerate(columns) if column.type.textual]
    others = sum(width for index, width in enumerate(wanted) if index not in texts)
    if room - others < sum(min(wanted[index], _TEXT_WIDTH) for index in texts):
        return None
    narrowed = dict(zip(texts, _shared([wanted[index] for index in texts], room - others), strict=True))
    return [narrowed.get(index, width) for index, width in enumerate(wanted)]


def _shared(wanted: Sequence[float], room: float) -> list[float]:
    """Share room among columns: none gets more than it wants, and what one leaves the others get."""
    widths = list(wanted)
    for place, index in enumerate(sorted(range(len(wanted)), key=lambda index: wanted[index])):
        widths[index] = min(wanted[index], room / (len(wanted) - place))
        room -= widths[index]
    return widths
