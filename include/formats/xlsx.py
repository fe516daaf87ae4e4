"""Excel workbooks (ECMA-376): typed cells, texts that are never formulas, continuation sheets, templates.

* Integers of more than 15 digits and decimals that a double cannot hold are texts with every digit.
* Excel has no time zones: times are UTC; it has milliseconds: finer times are cut, and the manifest says so.
* Days that Excel does not know or counts wrongly, before March 1900 and after 9999, are texts.
* NaN and infinities are the texts ``NaN``, ``Infinity`` and ``-Infinity``.
* Characters that XML cannot hold are escaped as ``_xHHHH_`` (ECMA-376 part 1, section 22.9.2.19).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from include.core.errors import Fatal, FieldError
from include.core.format import Encoding, Format, FormatOptions, Header, RowCounter, Sheet
from include.core.streamed_zip import StreamedZip
from include.formats import _templates
from include.formats._read_xlsx import WorkbookReader
from include.formats._sheet import MAX_COLUMNS, MAX_ROWS, SheetWriter, too_wide
from include.formats._workbook import Book, sheet_prefix
from include.formats._zip_rows import WorkbookRowCounter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from include.core.reader import Reader
    from include.core.schema import Schema


class XlsxOptions(FormatOptions):
    """Options of xlsx."""

    header: Header = Field("label", description="The first row: columns' labels, their names, or no header row.")
    template: str | None = Field(
        None, max_length=200, description="A workbook of include/templates that the data sheets are put into."
    )
    hyperlinks: tuple[str, ...] = Field(
        (), max_length=100, description="Columns whose web and mail addresses can be clicked; every sheet needs them."
    )

    @field_validator("template")
    @classmethod
    def _is_usable(cls, name: str | None) -> str | None:
        if name is not None:
            _templates.load(name)
        return name


class XlsxFormat(Format):
    """A workbook: its sheets as XML made by vectorized expressions, all else by openpyxl or from a template."""

    media_type: ClassVar[str] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffix: ClassVar[str] = ".xlsx"
    options_type: ClassVar[type[FormatOptions]] = XlsxOptions
    many_sheets: ClassVar[bool] = True

    def misfits(self, schema: Schema, options: FormatOptions) -> list[FieldError]:
        """Return what no worksheet holds, and links in columns that cannot have them."""
        wide = [] if len(schema) <= MAX_COLUMNS else [FieldError("/columns", too_wide(schema))]
        return wide + _misplaced_links(schema, XlsxOptions.model_validate(options))

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:
        """Yield one chunk for each batch, and the workbook's other parts at the end."""
        chosen = XlsxOptions.model_validate(options)
        template = _templates.load(chosen.template) if chosen.template else None
        archive, book, rows = StreamedZip(), None, 0
        try:
            for sheet in sheets:
                if errors := _misplaced_links(sheet.schema, chosen):
                    raise Fatal(errors[0].detail, code="xlsx_no_such_column", errors=errors)
                if book is None:
                    book = Book(template, sheet.title)
                    archive.add_all(book.early_parts())
                writer = SheetWriter(archive, book, sheet, encoding, header=chosen.header, links=chosen.hyperlinks)
                yield from writer.write()
                rows += writer.rows
            if book is not None:
                archive.add_all(book.late_parts(rows))
            archive.close()
            yield archive.take()
        finally:
            archive.abandon()

    def counter(self, options: FormatOptions) -> RowCounter:
        """Return a counter of the rows in the data sheets' XML."""
        chosen = XlsxOptions.model_validate(options)
        return WorkbookRowCounter(
            headers=0 if chosen.header == "none" else 1, sheets=sheet_prefix(is_template=chosen.template is not None)
        )

    def reader(self, options: FormatOptions) -> Reader:
        """Return a reader by the standard library and libxml2."""
        chosen = XlsxOptions.model_validate(options)
        return WorkbookReader(header=chosen.header, prefix=sheet_prefix(is_template=chosen.template is not None))

    def forewarn(self, expected: Sequence[tuple[str, int]], options: FormatOptions) -> list[str]:
        """Warn of tables that need more than one worksheet."""
        most = MAX_ROWS - (XlsxOptions.model_validate(options).header != "none")
        return [
            f"{title}: about {rows:,} rows are expected. A worksheet holds {most:,}; the rest goes on further ones."
            for title, rows in expected
            if rows > most
        ]


def _misplaced_links(schema: Schema, options: XlsxOptions) -> list[FieldError]:
    found = []
    for place, name in enumerate(options.hyperlinks):
        pointer = f"/options/hyperlinks/{place}"
        if name not in schema:
            known = ", ".join(schema.names)
            found.append(FieldError(pointer, f"The file has no column {name!r}; it has {known}."))
        elif not schema[name].type.textual:
            kind = schema[name].type
            found.append(FieldError(pointer, f"The column {name!r} is of type {kind}; only texts can be links."))
    return found
