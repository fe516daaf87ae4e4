"""Excel workbooks (ECMA-376): typed cells, texts that are never formulas, continuation sheets.

* Integers of more than 15 digits and decimals that a double cannot hold are texts with every digit.
* Excel has no time zones: times are UTC; it has milliseconds: finer times are cut, and the manifest says so.
* Dates before March 1900 are texts, for Excel counts a day in 1900 that never was.
* NaN and infinities are the texts ``NaN``, ``Infinity`` and ``-Infinity``.
* Characters that XML cannot hold are escaped as ``_xHHHH_`` (ECMA-376 part 1, section 22.9.2.19).
"""

from __future__ import annotations

import math
import re
import tempfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from include.core.errors import Fatal
from include.core.format import Encoding, Format, FormatOptions, Header, RowCounter, Sheet
from include.core.schema import Column, ColumnType
from include.formats._text import headings
from include.formats._zip_rows import WorkbookRowCounter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_TEXT = 32_767
MAX_TITLE = 31
"""Limits of a worksheet, a cell's text and a sheet's name (Excel specifications and limits)."""

DOUBLE_DIGITS = 15
"""Decimal digits that every double keeps."""

FIRST_DAY = date(1900, 3, 1)
"""The first day whose serial number Excel and the calendar agree on."""

CHUNK_BYTES = 1024 * 1024

_ESCAPED = re.compile(r"[\x00-\x08\x0b-\x0d\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_TITLE_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")

NUMBER_FORMATS = {
    ColumnType.DATE: "yyyy-mm-dd",
    ColumnType.DATETIME: "yyyy-mm-dd hh:mm:ss",
    ColumnType.LOCAL_DATETIME: "yyyy-mm-dd hh:mm:ss",
    ColumnType.TIME: "hh:mm:ss",
}


class XlsxOptions(FormatOptions):
    """Options of xlsx."""

    header: Header = Field("label", description="The first row: columns' labels, their names, or no header row.")


class XlsxFormat(Format):
    """A workbook written by openpyxl in write-only mode, through a temporary file."""

    media_type: ClassVar[str] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffix: ClassVar[str] = ".xlsx"
    options_type: ClassVar[type[FormatOptions]] = XlsxOptions

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:
        """Write the workbook, then yield it."""
        from openpyxl import Workbook

        workbook = Workbook(write_only=True)
        header = XlsxOptions.model_validate(options).header
        try:
            for sheet in sheets:
                _SheetWriter(workbook, sheet, header, encoding).write()
        except BaseException:
            _discard(workbook)
            raise
        with tempfile.TemporaryFile() as file:
            workbook.save(file)
            file.seek(0)
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def counter(self, options: FormatOptions) -> RowCounter:
        """Return a counter of the rows in the sheets' XML."""
        return WorkbookRowCounter(headers=0 if XlsxOptions.model_validate(options).header == "none" else 1)


def _discard(workbook: Any) -> None:
    """Remove the temporary files of a workbook that will not be saved; openpyxl would keep them until the end."""
    for worksheet in workbook.worksheets:
        worksheet.close()
        worksheet._writer.cleanup()  # noqa: SLF001 - there is no public way


class _SheetWriter:
    """Writes one sheet, and its continuations when its rows are more than a worksheet holds."""

    def __init__(self, workbook: Any, sheet: Sheet, header: str, encoding: Encoding) -> None:
        if len(sheet.schema) > MAX_COLUMNS:
            raise Fatal(
                f"The export has {len(sheet.schema)} columns; a worksheet holds {MAX_COLUMNS:,}. Choose fewer columns "
                "or another format.",
                code="xlsx_too_wide",
            )
        self._workbook = workbook
        self._sheet = sheet
        self._headings = [] if header == "none" else headings(sheet.schema, header)
        self._encoding = encoding
        self._writers = [_cell_value(column, encoding) for column in sheet.schema]
        self._part = 0
        self._room = 0
        self._row = 0

    def write(self) -> None:
        self._start_part()
        for batch in self._sheet.batches:
            columns = [array.to_pylist() for array in batch.columns]
            for values in zip(*columns, strict=True):
                self._row += 1
                if not self._room:
                    self._start_part()
                self._worksheet.append([self._cell(index, value) for index, value in enumerate(values)])
                self._room -= 1

    def _start_part(self) -> None:
        self._part += 1
        self._worksheet = self._workbook.create_sheet(sheet_title(self._sheet.title, self._part))
        self._room = MAX_ROWS
        if self._headings:
            self._worksheet.freeze_panes = "A2"
            self._worksheet.append([self._text(escape(name)) for name in self._headings])
            self._room -= 1

    def _cell(self, index: int, value: object) -> Any:
        if value is None:
            return None
        try:
            typed = self._writers[index](value)
        except _TooLongError as error:
            column = self._sheet.schema.columns[index]
            raise Fatal(
                f"Column {column.name!r}, row {self._row}: the text has {error.length:,} characters; a cell holds "
                f"{MAX_TEXT:,}. Leave the column out or choose another format.",
                code="xlsx_text_too_long",
            ) from None
        if isinstance(typed, str):
            return self._text(typed)
        if isinstance(typed, float | Decimal):
            return self._number(repr(typed) if isinstance(typed, float) else format(typed, "f"))
        number_format = NUMBER_FORMATS.get(self._sheet.schema.columns[index].type)
        return self._formatted(typed, number_format) if number_format else typed

    def _text(self, text: str) -> Any:
        """Return a cell that is a text whatever it starts with."""
        from openpyxl.cell import WriteOnlyCell

        cell = WriteOnlyCell(self._worksheet)
        cell._value, cell.data_type = text, "s"  # noqa: SLF001 - the setter would take "=" for a formula
        return cell

    def _number(self, digits: str) -> Any:
        """Return a numeric cell with exactly these digits; openpyxl's sixteen may be another double."""
        from openpyxl.cell import WriteOnlyCell

        cell = WriteOnlyCell(self._worksheet)
        cell._value, cell.data_type = digits, "n"  # noqa: SLF001 - the setter would make it a text
        return cell

    def _formatted(self, value: object, number_format: str) -> Any:
        from openpyxl.cell import WriteOnlyCell

        cell = WriteOnlyCell(self._worksheet, value=value)
        cell.number_format = number_format
        return cell


class _TooLongError(ValueError):
    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length


def sheet_title(title: str, part: int) -> str:
    """Return a sheet's name: no forbidden characters, at most 31 long, numbered from the second part on."""
    suffix = f" ({part})" if part > 1 else ""
    clean = _TITLE_FORBIDDEN.sub("_", title).strip("'") or "Sheet"
    return clean[: MAX_TITLE - len(suffix)] + suffix


def escape(text: str) -> str:
    """Escape what XML cannot hold or would change, and what would look like such an escape."""
    return _ESCAPED.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def _cell_value(column: Column, encoding: Encoding) -> Callable[[Any], Any]:
    """Return the function from a column's Python values to what a cell holds; a str means a text cell."""
    times = _Times(encoding)
    table: dict[ColumnType, Callable[[Any], Any]] = {
        ColumnType.INTEGER: lambda value: value if abs(value) < 10**DOUBLE_DIGITS else str(value),
        ColumnType.DECIMAL: lambda value: _decimal(Decimal(value)),
        ColumnType.FLOAT: lambda value: value if math.isfinite(value) else _SPECIAL[str(value)],
        ColumnType.BOOLEAN: lambda value: value,
        ColumnType.DATE: lambda value: value if value >= FIRST_DAY else value.isoformat(),
        ColumnType.DATETIME: times.zoned,
        ColumnType.LOCAL_DATETIME: times.local,
        ColumnType.TIME: times.cut,
    }
    return table.get(column.type, _text)


def _text(value: str) -> str:
    length = len(value.encode("utf-16-le")) // 2
    if length > MAX_TEXT:
        raise _TooLongError(length)
    return escape(value)


class _Times:
    """Times as Excel has them: without zone, to the millisecond; notes what that changed."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding

    def zoned(self, value: datetime) -> Any:
        self._encoding.note("Times in the workbook are UTC.")
        return self.local(value.astimezone(UTC).replace(tzinfo=None))

    def local(self, value: datetime) -> Any:
        return value.isoformat() if value.date() < FIRST_DAY else self.cut(value)

    def cut(self, value: Any) -> Any:
        if value.microsecond % 1000:
            self._encoding.note("Times in the workbook are cut to milliseconds, the finest that Excel knows.")
        return value.replace(microsecond=value.microsecond // 1000 * 1000)


_SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _decimal(value: Decimal) -> Decimal | str:
    """Return a number when a double holds every digit, else a text."""
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    if value.is_finite() and len(digits) <= DOUBLE_DIGITS and Decimal(repr(float(value))) == value:
        return value
    return format(value, "f")
