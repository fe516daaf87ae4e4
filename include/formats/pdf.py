"""PDF for short reports: one table on pages, its header row on each, in a font that the file embeds.

What a person reads and prints; a program should read another format. All rows are laid out before the first page, for
"3 / 12" and the columns' widths need them: so a PDF is not written in flat memory, and holds few rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from include.core.errors import Fatal, FieldError
from include.core.format import Encoding, Format, FormatOptions, Header, RowCounter, Sheet
from include.formats._pdf_font import typeface
from include.formats._pdf_layout import Table, grid, most_columns, page_sizes, pages, too_long
from include.formats._pdf_pages import draw
from include.formats._pdf_rows import PdfRowCounter
from include.formats._text import as_text, headings, position, to_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl

    from include.core.schema import Schema
    from include.formats._pdf_layout import Page, Text

MAX_ROWS = 10_000
"""More rows end the export: some 200 pages are the most that a person might leaf through."""

MAX_TEXT = 5_000
"""Characters of one value: about a page."""


class PdfOptions(FormatOptions):
    """Options of pdf."""

    header: Header = Field("label", description="The first row: columns' labels, their names, or no header row.")
    page_size: Literal["a4", "letter"] = Field("a4", description="The paper.")
    orientation: Literal["auto", "portrait", "landscape"] = Field(
        "auto", description="How the paper lies; auto is landscape where portrait would break lines."
    )


class PdfFormat(Format):
    """A table on pages, laid out as its texts need and drawn by reportlab; each sheet begins a page."""

    media_type: ClassVar[str] = "application/pdf"
    suffix: ClassVar[str] = ".pdf"
    options_type: ClassVar[type[FormatOptions]] = PdfOptions
    many_sheets: ClassVar[bool] = True

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:  # noqa: ARG002
        """Yield the whole file once all rows came.

        :raises Fatal: ``pdf_too_many_rows``, ``pdf_too_wide``, ``pdf_text_too_long`` and ``pdf_character``.
        """
        chosen = PdfOptions.model_validate(options)
        allowed = page_sizes(chosen.page_size, chosen.orientation)
        reader = _Reader(chosen.header)
        laid: list[Page] = []
        for sheet in sheets:
            for misfit in self.misfits(sheet.schema, options):
                raise Fatal(misfit.detail, code="pdf_too_wide")
            table = reader.read(sheet)
            laid += pages(table, grid(table, allowed, typeface()), typeface())
        yield draw(laid, reader.title)

    def counter(self, options: FormatOptions) -> RowCounter:  # noqa: ARG002
        """Return a reader of the pages' marked content."""
        return PdfRowCounter()

    def misfits(self, schema: Schema, options: FormatOptions) -> list[FieldError]:
        """Return what is wrong with a table of more columns than the page holds."""
        chosen = PdfOptions.model_validate(options)
        most = max(map(most_columns, page_sizes(chosen.page_size, chosen.orientation)))
        if len(schema) <= most:
            return []
        detail = f"There are {len(schema)} columns; the page holds {most}. Choose fewer, landscape or another format."
        return [FieldError("/format", detail)]

    def forewarn(self, expected: Sequence[tuple[str, int]], options: FormatOptions) -> list[str]:  # noqa: ARG002
        """Warn of more rows than a PDF holds."""
        rows = sum(rows for _, rows in expected)
        warning = (
            f"About {rows:,} rows are expected. A PDF holds {MAX_ROWS:,} at most, and the export would fail. Ask for "
            "fewer rows, or choose xlsx or another format."
        )
        return [warning] if rows > MAX_ROWS else []


class _Reader:
    """Reads sheets as texts, no more of them than a PDF holds; its title is that of the first sheet."""

    def __init__(self, header: str) -> None:
        self.title = ""
        self._header = header
        self._rows = 0

    def read(self, sheet: Sheet) -> Table:
        self.title = self.title or sheet.title
        names = [] if self._header == "none" else headings(sheet.schema, self._header)
        _check_headings(sheet.title, sheet.schema, names)
        values: list[list[Text]] = [[] for _ in sheet.schema]
        texts = [as_text(column, index).alias(position(index)) for index, column in enumerate(sheet.schema)]
        for batch in sheet.batches:
            self._rows += batch.num_rows
            if self._rows > MAX_ROWS:
                raise Fatal(
                    f"The export has more than {MAX_ROWS:,} rows, the most that a PDF holds here. Ask for fewer rows, "
                    "or choose xlsx or another format.",
                    code="pdf_too_many_rows",
                )
            frame = to_frame(batch).select(texts)
            for index, column in enumerate(values):
                _check_values(frame, sheet.schema, index, before=len(column))
                column.extend(frame.get_column(position(index)))
        return Table(sheet.title, sheet.schema.columns, names, values)


def _check_headings(title: str, schema: Schema, names: Sequence[str]) -> None:
    """Refuse what the font cannot say in the title and in headings."""
    if reason := typeface().refusal(title):
        raise _refused("The title", reason)
    for column, name in zip(schema, names, strict=False):
        if reason := typeface().refusal(name):
            raise _refused(f"Column {column.name!r}: the heading", reason)


def _check_values(frame: pl.DataFrame, schema: Schema, index: int, *, before: int) -> None:
    """Refuse a text that is too long, or that the font cannot say; lengths come first, to keep memory bounded."""
    column = schema.columns[index]
    if not column.type.textual:
        return
    values = frame.get_column(position(index))
    if (values.str.len_bytes().max() or 0) > MAX_TEXT:  # type: ignore[operator]
        for row, length in enumerate(values.str.len_chars(), start=before + 1):
            if length is not None and length > MAX_TEXT:
                raise too_long(column, row, f"has {length:,} characters; a PDF takes {MAX_TEXT:,}")
    if typeface().refusal("".join(values.drop_nulls())) is None:
        return
    for row, value in enumerate(values, start=before + 1):
        if value is not None and (reason := typeface().refusal(value)):
            raise _refused(f"Column {column.name!r}, row {row}: the text", reason)


def _refused(where: str, reason: str) -> Fatal:
    return Fatal(
        f"{where} has {reason}. Leave the column out or choose another format.",
        code="pdf_character",
    )
