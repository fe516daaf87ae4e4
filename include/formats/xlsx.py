"""Excel workbooks (ECMA-376): typed cells, texts that are never formulas, continuation sheets.

* Integers of more than 15 digits and decimals that a double cannot hold are texts with every digit.
* Excel has no time zones: times are UTC; it has milliseconds: finer times are cut, and the manifest says so.
* Dates before March 1900 are texts, for Excel counts a day in 1900 that never was.
* NaN and infinities are the texts ``NaN``, ``Infinity`` and ``-Infinity``.
* Characters that XML cannot hold are escaped as ``_xHHHH_`` (ECMA-376 part 1, section 22.9.2.19).
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from include.core.errors import Fatal
from include.core.format import Encoding, Format, FormatOptions, Header, RowCounter, Sheet
from include.formats._cells import cell, notes, text_cell
from include.formats._text import headings, position, to_frame
from include.formats._workbook import StreamedZip, parts, style_of
from include.formats._zip_rows import WorkbookRowCounter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    import polars as pl

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_TEXT = 32_767
MAX_TITLE = 31
"""Limits of a worksheet, a cell's text and a sheet's name (Excel specifications and limits)."""

MAX_SHEET_BYTES = 1_800_000_000
"""A sheet's XML, so that its entry needs no ZIP64, which not every reader of workbooks has."""

WIDTHS = {"string": 24, "json": 40, "uuid": 38, "datetime": 20, "local_datetime": 20, "date": 12, "time": 10}
DEFAULT_WIDTH = 14
"""Widths of columns, in characters."""

_TITLE_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")

_START = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
)
_FROZEN = (
    '<sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    "</sheetView></sheetViews>"
)


class XlsxOptions(FormatOptions):
    """Options of xlsx."""

    header: Header = Field("label", description="The first row: columns' labels, their names, or no header row.")


class XlsxFormat(Format):
    """A workbook: its sheets as XML made by vectorized expressions, all else by openpyxl, streamed into one zip."""

    media_type: ClassVar[str] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffix: ClassVar[str] = ".xlsx"
    options_type: ClassVar[type[FormatOptions]] = XlsxOptions

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:
        """Yield one chunk for each batch, and the workbook's other parts at the end."""
        header = XlsxOptions.model_validate(options).header
        archive, titles = StreamedZip(), list[str]()
        try:
            for sheet in sheets:
                yield from _SheetWriter(archive, titles, sheet, header, encoding).write()
            for name, content in parts(titles):
                with archive.entry(name) as file:
                    file.write(content)
            archive.close()
            yield archive.take()
        finally:
            archive.abandon()

    def counter(self, options: FormatOptions) -> RowCounter:
        """Return a counter of the rows in the sheets' XML."""
        return WorkbookRowCounter(headers=0 if XlsxOptions.model_validate(options).header == "none" else 1)


class _SheetWriter:
    """Writes one sheet, and its continuations when its rows are more than a worksheet holds."""

    def __init__(self, archive: StreamedZip, titles: list[str], sheet: Sheet, header: str, encoding: Encoding) -> None:
        if len(sheet.schema) > MAX_COLUMNS:
            raise Fatal(
                f"The export has {len(sheet.schema)} columns; a worksheet holds {MAX_COLUMNS:,}. Choose fewer columns "
                "or another format.",
                code="xlsx_too_wide",
            )
        import polars as pl

        self._archive = archive
        self._titles = titles
        self._sheet = sheet
        self._headings = [] if header == "none" else headings(sheet.schema, header)
        self._encoding = encoding
        cells = [cell(column, index, style_of(column)) for index, column in enumerate(sheet.schema)]
        self._line = pl.concat_str(pl.lit("<row>"), *cells, pl.lit("</row>")).alias("line")
        self._texts = [index for index, column in enumerate(sheet.schema) if column.type.textual]
        self._part = 0
        self._row = 0

    def write(self) -> Iterator[bytes]:
        frames = (to_frame(batch) for batch in self._sheet.batches)
        waiting = next(frames, None)
        while self._part == 0 or waiting is not None:
            self._part += 1
            self._titles.append(sheet_title(self._sheet.title, self._part))
            with self._entry() as file:
                size = file.write(self._start().encode())
                room = MAX_ROWS - bool(self._headings)
                while waiting is not None and room and size < MAX_SHEET_BYTES:
                    taken, rest = waiting.head(room), waiting.slice(room)
                    room -= taken.height
                    size += file.write(self._rows(taken))
                    waiting = rest if rest.height else next(frames, None)
                    if chunk := self._archive.take():  # what is small waits in the compressor
                        yield chunk
                file.write(b"</sheetData></worksheet>")

    def _entry(self) -> AbstractContextManager[io.RawIOBase]:
        return self._archive.entry(f"xl/worksheets/sheet{len(self._titles)}.xml")

    def _start(self) -> str:
        widths = "".join(
            f'<col min="{number}" max="{number}" width="{WIDTHS.get(column.type, DEFAULT_WIDTH)}" customWidth="1"/>'
            for number, column in enumerate(self._sheet.schema, start=1)
        )
        header = f"<row>{''.join(map(text_cell, self._headings))}</row>" if self._headings else ""
        return f"{_START}{_FROZEN if header else ''}<cols>{widths}</cols><sheetData>{header}"

    def _rows(self, frame: pl.DataFrame) -> bytes:
        for index in self._texts:
            self._check_lengths(frame, index)
        for index, column in enumerate(self._sheet.schema):
            notes(column, frame, index, self._encoding)
        buffer = io.BytesIO()
        frame.select(self._line).write_csv(buffer, include_header=False, quote_style="never")
        self._row += frame.height
        return buffer.getvalue()

    def _check_lengths(self, frame: pl.DataFrame, index: int) -> None:
        """Refuse a text that no cell can hold; bytes are counted first, for there are never fewer of them."""
        values = frame.get_column(position(index))
        if (values.str.len_bytes().max() or 0) <= MAX_TEXT:  # type: ignore[operator]
            return
        for row, value in enumerate(values, start=self._row + 1):
            length = len(value.encode("utf-16-le")) // 2 if value is not None else 0
            if length > MAX_TEXT:
                raise Fatal(
                    f"Column {self._sheet.schema.columns[index].name!r}, row {row}: the text has {length:,} "
                    f"characters; a cell holds {MAX_TEXT:,}. Leave the column out or choose another format.",
                    code="xlsx_text_too_long",
                )


def sheet_title(title: str, part: int) -> str:
    """Return a sheet's name: no forbidden characters, at most 31 long, numbered from the second part on."""
    suffix = f" ({part})" if part > 1 else ""
    clean = _TITLE_FORBIDDEN.sub("_", title).strip("'") or "Sheet"
    return clean[: MAX_TITLE - len(suffix)] + suffix
