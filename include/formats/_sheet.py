"""One data sheet and its continuations, written row by row into the workbook's zip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.core.errors import Fatal
from include.formats._cells import Cells, notes
from include.formats._links import Links
from include.formats._package import relations_of
from include.formats._text import headings, joined, position, to_frame
from include.formats._text_cells import text_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from include.core.format import Encoding, Sheet
    from include.core.schema import Schema
    from include.core.streamed_zip import StreamedZip
    from include.formats._workbook import Book, Worksheet

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_TEXT = 32_767
"""Limits of a worksheet and a cell's text (Excel specifications and limits)."""

MAX_SHEET_BYTES = 1_800_000_000
"""A sheet's XML, so that its entry needs no ZIP64, which not every reader of workbooks has."""

WIDTHS = {"string": 24, "json": 40, "uuid": 38, "datetime": 20, "local_datetime": 20, "date": 12, "time": 10}
DEFAULT_WIDTH = 14
"""Widths of columns, in characters."""

_START = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
)
_FROZEN = (
    '<sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    "</sheetView></sheetViews>"
)


class SheetWriter:
    """Writes one sheet, and its continuations when its rows are more than a worksheet holds.

    :param header: ``name``, ``label`` or ``none``.
    :param links: names of the columns whose texts become links where they are addresses.
    :raises Fatal: when the columns do not fit a worksheet.
    """

    def __init__(
        self, archive: StreamedZip, book: Book, sheet: Sheet, encoding: Encoding, *, header: str, links: Sequence[str]
    ) -> None:
        if len(sheet.schema) > MAX_COLUMNS:
            raise Fatal(too_wide(sheet.schema), code="xlsx_too_wide")
        self._archive = archive
        self._book = book
        self._sheet = sheet
        self._encoding = encoding
        self._headings = [] if header == "none" else headings(sheet.schema, header)
        columns = list(enumerate(sheet.schema))
        self._cells = [
            Cells(column, index, book.styles.of(column), link=book.styles.link if column.name in links else None)
            for index, column in columns
        ]
        self._texts = [index for index, column in columns if column.type.textual]
        self._linked = tuple(index for index, column in columns if column.name in links)
        self.rows = 0

    def write(self) -> Iterator[bytes]:
        """Yield the zip's bytes as the rows come in; ``rows`` is their number."""
        frames = (to_frame(batch) for batch in self._sheet.batches)
        waiting, started = next(frames, None), False
        while waiting is not None or not started:
            started = True
            worksheet, links = self._book.add(self._sheet.title), Links(self._sheet.schema, self._linked)
            with self._archive.entry(worksheet.part) as file:
                size = file.write(self._start().encode())
                row = int(bool(self._headings))
                while waiting is not None and row < MAX_ROWS and size < MAX_SHEET_BYTES:
                    taken, rest = waiting.head(MAX_ROWS - row), waiting.slice(MAX_ROWS - row)
                    links.collect(taken, row + 1)
                    size += file.write(self._xml(taken))
                    row += taken.height
                    waiting = rest if rest.height else next(frames, None)
                    if chunk := self._archive.take():  # what is small waits in the compressor
                        yield chunk
                file.write(self._end(worksheet, row, links).encode())
            if links:
                self._archive.add(relations_of(worksheet.part), links.relations())

    def _start(self) -> str:
        widths = "".join(
            f'<col min="{number}" max="{number}" width="{WIDTHS.get(column.type, DEFAULT_WIDTH)}" customWidth="1"/>'
            for number, column in enumerate(self._sheet.schema, start=1)
        )
        header = f"<row>{''.join(map(text_cell, self._headings))}</row>" if self._headings else ""
        return f"{_START}{_FROZEN if header else ''}<cols>{widths}</cols><sheetData>{header}"

    def _end(self, worksheet: Worksheet, rows: int, links: Links) -> str:
        filters = ""
        if self._headings:
            area = self._book.add_filter(worksheet, len(self._sheet.schema), rows)
            filters = f'<autoFilter ref="{area}"/>'
        return f"</sheetData>{filters}{links.elements()}</worksheet>"

    def _xml(self, frame: pl.DataFrame) -> memoryview:
        """Return the rows' XML."""
        import polars as pl

        for index in self._texts:
            self._check_lengths(frame, index)
        for index, column in enumerate(self._sheet.schema):
            notes(column, frame, index, self._encoding)
        self.rows += frame.height
        cells = [each.of(frame) for each in self._cells]
        pattern = f"<row>{''.join(each.pattern for each in cells)}</row>"
        return joined(frame, pl.format(pattern, *(value for each in cells for value in each.values)))

    def _check_lengths(self, frame: pl.DataFrame, index: int) -> None:
        """Refuse a text that no cell can hold; bytes are counted first, for there are never fewer of them."""
        values = frame.get_column(position(index))
        if (values.str.len_bytes().max() or 0) <= MAX_TEXT:  # type: ignore[operator]
            return
        for row, value in enumerate(values, start=self.rows + 1):
            length = len(value.encode("utf-16-le")) // 2 if value is not None else 0
            if length > MAX_TEXT:
                raise Fatal(
                    f"Column {self._sheet.schema.columns[index].name!r}, row {row}: the text has {length:,} "
                    f"characters; a cell holds {MAX_TEXT:,}. Leave the column out or choose another format.",
                    code="xlsx_text_too_long",
                )


def too_wide(schema: Schema) -> str:
    """Return the message about more columns than a worksheet holds."""
    return (
        f"The export has {len(schema)} columns; a worksheet holds {MAX_COLUMNS:,}. Choose fewer columns "
        "or another format."
    )
