"""CSV as RFC 4180 has it: UTF-8, CRLF, quotes where needed; NULL is nothing, an empty text is ``""``.

The profile ``excel`` presets the options that Excel wants: a byte order mark, ``;``, and formulas escaped.
"""

from __future__ import annotations

import io
import re
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from include.core.format import CsvText, Encoding, Format, FormatOptions, Header, RowCounter, Sheet
from include.core.schema import Column, ColumnType, Schema
from include.formats._csv_fields import (
    FRACTIONAL,
    NUMERIC,
    escaped,
    escaped_heading,
    is_formula,
    quoted,
    quoted_heading,
    with_comma,
)
from include.formats._read_csv import CsvReader
from include.formats._text import as_text, headings, position, to_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

    from include.core.reader import Reader

_BOM = b"\xef\xbb\xbf"
_LINE_ENDS = {"crlf": "\r\n", "lf": "\n"}
_EXCEL: dict[str, Any] = {"delimiter": ";", "bom": True, "formulas": "escape"}
"""What the profile says where the request does not."""

_RENDERED = frozenset({ColumnType.DATETIME, ColumnType.LOCAL_DATETIME, ColumnType.TIME, ColumnType.FLOAT})
"""Types whose text the writer itself would make otherwise than this product does."""

SINGLE_COLUMN_NOTE = "With a single column, a NULL is an empty line: read the file without skipping them."

FORMULAS_NOTE = "Texts that a spreadsheet program would take for formulas have an apostrophe in front."


class CsvOptions(FormatOptions):
    """Options of csv."""

    profile: Literal["rfc4180", "excel"] = Field(
        "rfc4180",
        description="Presets: `excel` is `delimiter` `;`, `bom` `true` and `formulas` `escape`, unless given.",
    )
    delimiter: Literal[",", ";", "\t", "|"] = Field(",", description="Between fields.")
    header: Header = Field("name", description="The first row: columns' names, their labels, or no header row.")
    bom: bool = Field(default=False, description="Start with a byte order mark, for old versions of Excel.")
    formulas: Literal["keep", "escape"] = Field(
        "keep", description="Texts and headings that start as formulas do: as they are, or behind an apostrophe."
    )
    null: str = Field(
        "",
        max_length=20,
        pattern=r'^[^\x00-\x1f\ufeff",;|=+@＝＋＠]*$',  # noqa: RUF001 - the full-width forms are meant
        description="What stands for NULL, never in quotes; a value with the same text is in quotes.",
    )
    quote: Literal["minimal", "all", "non_numeric"] = Field(
        "minimal",
        description="Quotes where they are needed, around every value and heading but NULL, or around all but numbers.",
    )
    line_end: Literal["crlf", "lf"] = Field("crlf", description="Behind each row.")
    decimal_comma: bool = Field(default=False, description="Write decimals and floats with a decimal comma.")

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, given: Any) -> Any:
        """Fill in what the profile says."""
        if isinstance(given, dict) and given.get("profile") == "excel":
            return {**_EXCEL, **given}
        return given

    @model_validator(mode="after")
    def _told_apart(self) -> CsvOptions:
        if self.null and self.quotes_null:
            raise ValueError("With quote non_numeric, NULL is an empty text in quotes: leave null out.")
        return self

    @property
    def quotes_null(self) -> bool:
        """Whether NULL is in quotes, too: readers then take every field without them for a number."""
        return self.quote == "non_numeric"


class CsvFormat(Format):
    """CSV, encoded batch by batch."""

    media_type: ClassVar[str] = "text/csv; charset=utf-8"
    suffix: ClassVar[str] = ".csv"
    options_type: ClassVar[type[FormatOptions]] = CsvOptions

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:
        """Yield one chunk for each batch."""
        chosen = CsvOptions.model_validate(options)
        for sheet in sheets:
            if len(sheet.schema) == 1 and not chosen.null and not chosen.quotes_null:
                encoding.note(SINGLE_COLUMN_NOTE)
            fields = _Fields(sheet.schema, chosen)
            rows = (fields.write(to_frame(batch), encoding) for batch in sheet.batches)
            chunks = chain([_header_row(sheet.schema, chosen, encoding)], rows)
            yield from chain([_BOM], chunks) if chosen.bom else _without_mark(chunks, chosen.delimiter)

    def plain_text(self, schema: Schema, options: FormatOptions, encoding: Encoding) -> CsvText | None:
        """Return what to write where the options leave the fields as a source can write them.

        Without a header or a mark, the first field may need quotes that only this format knows of.
        """
        chosen = CsvOptions.model_validate(options)
        touched = chosen.null or chosen.quote != "minimal" or chosen.formulas == "escape" or chosen.decimal_comma
        head = self.head(schema, options)
        if touched or head is None:
            return None
        if len(schema) == 1:
            encoding.note(SINGLE_COLUMN_NOTE)
        return CsvText(head=head, delimiter=chosen.delimiter, line_end=_LINE_ENDS[chosen.line_end])

    def head(self, schema: Schema, options: FormatOptions) -> bytes | None:
        """Return mark and header; without either, the first field may need quotes that others do not."""
        chosen = CsvOptions.model_validate(options)
        if chosen.header == "none" and not chosen.bom:
            return None
        names = iter([_header_row(schema, chosen, Encoding())])
        return b"".join(chain([_BOM], names) if chosen.bom else _without_mark(names, chosen.delimiter))

    def counter(self, options: FormatOptions) -> RowCounter:
        """Return a scan for line ends outside quotes."""
        return CsvRowCounter(headers=0 if CsvOptions.model_validate(options).header == "none" else 1)

    def reader(self, options: FormatOptions) -> Reader:
        """Return a reader by pyarrow."""
        return CsvReader(CsvOptions.model_validate(options))


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


class _Fields:
    """Writes frames as the options say; the writer itself does what it can, for it is faster."""

    def __init__(self, schema: Schema, chosen: CsvOptions) -> None:
        self._chosen = chosen
        self._quotes_here = bool(chosen.null) or chosen.quote != "minimal"
        self._texts = [text for index, column in enumerate(schema) if (text := self._text(column, index)) is not None]
        escapes = chosen.formulas == "escape"
        self._formulas = [
            is_formula(column, as_text(column, index)).any()
            for index, column in enumerate(schema)
            if escapes and column.type.textual
        ]

    def write(self, frame: pl.DataFrame, encoding: Encoding) -> bytes:
        import polars as pl

        untold = self._formulas and FORMULAS_NOTE not in encoding.notes
        if untold and frame.select(pl.any_horizontal(self._formulas)).item():
            encoding.note(FORMULAS_NOTE)
        buffer = io.BytesIO()
        frame.with_columns(self._texts).write_csv(
            buffer,
            include_header=False,
            separator=self._chosen.delimiter,
            line_terminator=_LINE_ENDS[self._chosen.line_end],
            quote_style="never" if self._quotes_here else "necessary",
            null_value=self._chosen.null,
        )
        return buffer.getvalue()

    def _text(self, column: Column, index: int) -> pl.Expr | None:
        """Return what replaces a column before it is written, or None where the writer does it all."""
        chosen, text = self._chosen, as_text(column, index)
        comma = chosen.decimal_comma and column.type in FRACTIONAL
        escape = chosen.formulas == "escape" and column.type.textual
        if not (comma or escape or self._quotes_here or column.type in _RENDERED):
            return None
        if comma:
            text = with_comma(text)
        if escape:
            text = escaped(column, text)
        if self._quotes_here:
            always = chosen.quote == "all" or (chosen.quotes_null and column.type not in NUMERIC)
            text = quoted(text, chosen.delimiter, chosen.null, always=always)
        if chosen.quotes_null:
            text = text.fill_null('""')
        return text.alias(position(index))


def _without_mark(chunks: Iterator[bytes], delimiter: str) -> Iterator[bytes]:
    """Quote a first field that starts as a byte order mark does, or a reader would take its first character for one."""
    first = next((chunk for chunk in chunks if chunk), b"")
    if first.startswith(_BOM):
        field = re.split(f"[{delimiter}\r\n]".encode(), first, maxsplit=1)[0]  # it has no quotes, so none of these
        first = b'"' + field + b'"' + first[len(field) :]
    yield first
    yield from chunks


def _header_row(schema: Schema, chosen: CsvOptions, encoding: Encoding) -> bytes:
    if chosen.header == "none":
        return b""
    names = headings(schema, chosen.header)
    if chosen.formulas == "escape":
        safe = [escaped_heading(name) for name in names]
        if safe != names:
            encoding.note(FORMULAS_NOTE)
        names = safe
    always = chosen.quote != "minimal"
    fields = (quoted_heading(name, chosen.delimiter, chosen.null, always=always) for name in names)
    return (chosen.delimiter.join(fields) + _LINE_ENDS[chosen.line_end]).encode()
