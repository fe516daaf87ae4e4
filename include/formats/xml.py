"""XML as SQL/XML maps a table (ISO 9075-14), in the shape of PostgreSQL's ``query_to_xml``.

One ``<row>`` a row on its own line, in it one element a column; NULL is ``xsi:nil="true"``, an empty text an empty
element. Columns' names become element names by section 9.1: what a name cannot hold is ``_xHHHH_``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from include.core.errors import Fatal, VerificationFailed
from include.core.format import Encoding, Format, FormatOptions, RowCounter, Sheet
from include.formats._occurrences import Occurrences
from include.formats._read_xml import XmlReader
from include.formats._text import as_text, joined, position, to_frame
from include.formats._xml_names import element_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

    from include.core.reader import Reader
    from include.core.schema import Column, Schema

_START = b'<?xml version="1.0" encoding="UTF-8"?>\n<table xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
_END = b"</table>\n"

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
"""What content must have escaped, and the carriage return, which a reader would take for a line feed."""

_FORBIDDEN = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"
"""What XML 1.0 cannot hold, not even escaped (section 2.2)."""


class XmlOptions(FormatOptions):
    """There are no options of xml."""


class XmlFormat(Format):
    """One element a row, encoded batch by batch by vectorized expressions."""

    media_type: ClassVar[str] = "application/xml"
    suffix: ClassVar[str] = ".xml"
    options_type: ClassVar[type[FormatOptions]] = XmlOptions

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:  # noqa: ARG002
        """Yield one chunk for each batch, and the root element's tags around them.

        :raises Fatal: ``xml_character``, when a text has a character that XML cannot hold.
        """
        yield _START
        for sheet in sheets:
            rows = _Rows(sheet.schema)
            for batch in sheet.batches:
                yield rows.write(to_frame(batch))
        yield _END

    def counter(self, options: FormatOptions) -> RowCounter:  # noqa: ARG002
        """Return a counter of lines that start a row."""
        return XmlRowCounter()

    def reader(self, options: FormatOptions) -> Reader:  # noqa: ARG002
        """Return a reader by libxml2."""
        return XmlReader()


class XmlRowCounter(RowCounter):
    """Counts ``<row>`` at the start of a line, between the root element's tags.

    No text holds a raw ``<``, and inside a row no start tag follows a line end, so a column may be called ``row``.
    That as many rows end at the end of a line is counted too.
    """

    def __init__(self) -> None:
        self._starts = Occurrences(b"\n<row>")
        self._ends = Occurrences(b"</row>\n")
        self._roots = Occurrences(b"\n<table ")
        self._first = b""
        self._last = b""

    def feed(self, chunk: bytes) -> None:
        """Count the chunk's rows."""
        for each in (self._starts, self._ends, self._roots):
            each.feed(chunk)
        self._first = (self._first + chunk[: len(_START)])[: len(_START)]
        self._last = (self._last + chunk[-len(_END) :])[-len(_END) :]

    def rows(self) -> int:
        """Return the count of rows.

        :raises VerificationFailed: when the bytes are not one whole table.
        """
        framed = self._first == _START and self._last == _END and self._roots.count == 1
        if not framed or self._starts.count != self._ends.count:
            raise VerificationFailed("The XML that was written is no whole table. Nothing was published.")
        return self._starts.count


class _Rows:
    """Writes frames as elements, and knows the number of the next row."""

    def __init__(self, schema: Schema) -> None:
        import polars as pl

        self._schema = schema
        elements = [_element(column, index) for index, column in enumerate(schema)]
        self._line = pl.format(f"<row>{'{}' * len(elements)}</row>\n", *elements)
        self._texts = [index for index, column in enumerate(schema) if column.type.textual]
        self._before = 0

    def write(self, frame: pl.DataFrame) -> bytes:
        for index in self._texts:
            self._check(frame, index)
        self._before += frame.height
        return bytes(joined(frame, self._line))

    def _check(self, frame: pl.DataFrame, index: int) -> None:
        """Refuse a character that XML cannot hold."""
        refused = frame.get_column(position(index)).str.contains(_FORBIDDEN)
        if not refused.any():
            return
        row = refused.fill_null(value=False).arg_true()[0]
        text = frame.get_column(position(index))[row]
        kind = "a control character" if min(set(text) - {*"\t\n\r"}) < " " else "a noncharacter"
        raise Fatal(
            f"Column {self._schema.columns[index].name!r}, row {self._before + row + 1}: the text has {kind}, which "
            "XML cannot hold. Leave the column out or choose another format.",
            code="xml_character",
        )


def _element(column: Column, index: int) -> pl.Expr:
    """Return an expression of a column's elements, never null."""
    import polars as pl

    name, text = element_name(column.name), as_text(column, index)
    if column.type.textual:
        text = text.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))
    return pl.format(f"<{name}>{{}}</{name}>", text).fill_null(f'<{name} xsi:nil="true"/>')
