"""Counts rows in the bytes of a workbook as they pass, by inflating its sheets."""

from __future__ import annotations

from include.core.format import RowCounter
from include.core.zip_entries import ZipEntries
from include.formats._occurrences import Occurrences

_SHEETS = "xl/worksheets/sheet"
_ROW_END = b"</row>"


class WorkbookRowCounter(RowCounter):
    """Counts the ends of ``row`` elements in the data sheets of a workbook.

    :param headers: header rows of each sheet, which are no data.
    :param sheets: how the names of the data sheets start; a template has others, too.
    """

    def __init__(self, *, headers: int, sheets: str = _SHEETS) -> None:
        self._headers = headers
        self._sheets = sheets
        self._found: list[Occurrences] = []
        self._entries = ZipEntries(self._open)

    def _open(self, name: str) -> Occurrences | None:
        if not name.startswith(self._sheets):
            return None
        self._found.append(Occurrences(_ROW_END))
        return self._found[-1]

    def feed(self, chunk: bytes) -> None:
        """Take the file's next bytes."""
        self._entries.feed(chunk)

    def rows(self) -> int:
        """Return the data rows of all sheets.

        :raises VerificationFailed: when the bytes ended before the end of the zip.
        """
        self._entries.finish()
        return sum(sheet.count - self._headers for sheet in self._found)
