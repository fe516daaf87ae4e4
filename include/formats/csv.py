"""CSV as RFC 4180 has it: UTF-8, CRLF, quotes where needed; NULL is nothing, an empty text is ``""``."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from include.core.format import Encoding, Format, FormatOptions, Header, RowCounter, Sheet
from include.core.schema import ColumnType
from include.formats._text import as_text, headings, to_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BOM = b"\xef\xbb\xbf"
_RENDERED = frozenset({ColumnType.DATETIME, ColumnType.LOCAL_DATETIME, ColumnType.TIME, ColumnType.FLOAT})
"""Types whose text the writer itself would make otherwise than this product does."""


class CsvOptions(FormatOptions):
    """Options of csv."""

    delimiter: Literal[",", ";", "\t", "|"] = Field(",", description="Between fields.")
    header: Header = Field("name", description="The first row: columns' names, their labels, or no header row.")
    bom: bool = Field(default=False, description="Start with a byte order mark, for old versions of Excel.")


class CsvFormat(Format):
    """CSV, encoded batch by batch."""

    media_type: ClassVar[str] = "text/csv; charset=utf-8"
    suffix: ClassVar[str] = ".csv"
    options_type: ClassVar[type[FormatOptions]] = CsvOptions

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:
        """Yield one chunk for each batch."""
        chosen = CsvOptions.model_validate(options)
        for sheet in sheets:
            if len(sheet.schema) == 1:
                encoding.note("With a single column, a NULL is an empty line: read the file without skipping them.")
            start = _BOM if chosen.bom else b""
            if chosen.header != "none":
                start += _header_row(headings(sheet.schema, chosen.header), chosen.delimiter)
            yield start
            rendered = [as_text(column, index) for index, column in enumerate(sheet.schema) if column.type in _RENDERED]
            for batch in sheet.batches:
                buffer = io.BytesIO()
                to_frame(batch).with_columns(rendered).write_csv(
                    buffer, include_header=False, separator=chosen.delimiter, line_terminator="\r\n"
                )
                yield buffer.getvalue()

    def counter(self, options: FormatOptions) -> RowCounter:
        """Return a scan for line ends outside quotes."""
        return CsvRowCounter(headers=0 if CsvOptions.model_validate(options).header == "none" else 1)


class CsvRowCounter(RowCounter):
    """Counts line ends outside quotes; a doubled quote inside quotes leaves and enters them again."""

    def __init__(self, *, headers: int) -> None:
        self._lines = -headers
        self._inside = 0

    def feed(self, chunk: bytes) -> None:
        """Count the chunk's line ends."""
        pieces = chunk.split(b'"')
        self._lines += sum(piece.count(b"\n") for piece in pieces[self._inside :: 2])
        self._inside = (self._inside + len(pieces) - 1) % 2

    def rows(self) -> int:
        """Return the count without the header row."""
        return self._lines


def _header_row(names: list[str], delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(names)
    return text.getvalue().encode()
