"""Draws pages by reportlab, with marked content (ISO 32000-1, section 14.6) around each row and cell.

A row is ``/TR``, a cell ``/TD``; its ``ActualText`` (section 14.9.4) holds the value where the drawn lines do not show
it whole: where lines were broken, and for an empty text, so that it is not NULL.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

from include.formats._pdf_font import FONT
from include.formats._pdf_layout import LEADING, MARGIN, NUMBERS, PADDING, TITLE_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reportlab.pdfgen.canvas import Canvas

    from include.formats._pdf_layout import Page, Row

_FOOTER_SIZE = 7.0
_SHADE, _RULE = 0.92, 0.75
"""Grey behind the header row, and of the lines between rows; 1 is white."""

_ASCENT = 0.95
"""From a line's top down to its base, by the size of the font."""


def draw(pages: Sequence[Page], title: str) -> bytes:
    """Return a document of these pages; the same pages give the same bytes."""
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=1, pageCompression=1, initialFontName=FONT)  # type: ignore[arg-type]
    canvas.setTitle(title)
    canvas.setAuthor("")
    canvas.setCreator("Waybill")
    for number, page in enumerate(pages, start=1):
        canvas.setPageSize(page.grid.page)
        _page(canvas, page)
        with _marked(canvas, "Artifact"):
            canvas.setFont(FONT, _FOOTER_SIZE)
            canvas.drawRightString(page.grid.page[0] - MARGIN, MARGIN, f"{number} / {len(pages)}")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _page(canvas: Canvas, page: Page) -> None:
    top = page.grid.page[1] - MARGIN
    if page.title:
        canvas.setFont(FONT, TITLE_SIZE)
        with _marked(canvas, "H1"):
            for number, line in enumerate(page.title):
                canvas.drawString(MARGIN, top - TITLE_SIZE * (number * LEADING + _ASCENT), line)
        top -= TITLE_SIZE * LEADING * (len(page.title) + 0.5)
    canvas.setFont(FONT, page.grid.size)
    right = MARGIN + sum(page.grid.widths)
    if page.header:
        with _marked(canvas, "Artifact"):
            canvas.setFillGray(_SHADE)
            canvas.rect(MARGIN, top - page.header.height, right - MARGIN, page.header.height, stroke=0, fill=1)
            canvas.setFillGray(0)
        with _marked(canvas, "THead"):
            _row(canvas, page, page.header, top)
        top -= page.header.height
    rules = []
    for row in page.rows:
        with _marked(canvas, "TR"):
            _row(canvas, page, row, top)
        top -= row.height
        rules.append((MARGIN, top, right, top))
    with _marked(canvas, "Artifact"):
        canvas.setStrokeGray(_RULE)
        canvas.setLineWidth(0.4)
        canvas.lines(rules)


def _row(canvas: Canvas, page: Page, row: Row, top: float) -> None:
    size, left = page.grid.size, MARGIN
    for column, width, text, lines in zip(page.columns, page.grid.widths, row.texts, row.lines, strict=True):
        with _marked(canvas, "TD", _actual(text, lines)):
            base = top - PADDING - size * _ASCENT
            for number, line in enumerate(lines):
                if column.type in NUMBERS:
                    canvas.drawRightString(left + width - PADDING, base - number * size * LEADING, line)
                else:
                    canvas.drawString(left + PADDING, base - number * size * LEADING, line)
        left += width


@contextmanager
def _marked(canvas: Canvas, tag: str, actual: str | None = None) -> Iterator[None]:
    """Mark what is drawn inside."""
    if actual is None:
        canvas.addLiteral(f"/{tag} BMC")
    else:
        canvas.addLiteral(f"/{tag} <</ActualText <FEFF{actual.encode('utf-16-be').hex().upper()}> >> BDC")
    yield
    canvas.addLiteral("EMC")


def _actual(text: str | None, lines: list[str]) -> str | None:
    """Return a value that its lines do not show whole, or that the font's table of characters cannot name."""
    plain = text is None or (text and lines == [text] and "\N{NO-BREAK SPACE}" not in text and max(text) <= "\uffff")
    return None if plain else text
