"""The parts of a workbook around its sheets, made by openpyxl, and the zip that they are streamed into."""

from __future__ import annotations

import io
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from include.core.schema import ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from include.core.schema import Column

NUMBER_FORMATS = {
    ColumnType.DATE: "yyyy-mm-dd",
    ColumnType.DATETIME: "yyyy-mm-dd hh:mm:ss",
    ColumnType.LOCAL_DATETIME: "yyyy-mm-dd hh:mm:ss",
    ColumnType.TIME: "hh:mm:ss",
}

_STYLES = tuple(dict.fromkeys(NUMBER_FORMATS.values()))
"""The cell styles behind the general one, in the order in which openpyxl meets and numbers them."""

COMPRESSION_LEVEL = 1
"""ISA-L's: 0 to 3."""

_SHEETS = "xl/worksheets/"
_PROPERTIES = "docProps/core.xml"
_MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - the file format has no zone; the same request gives the same bytes


def style_of(column: Column) -> int:
    """Return the index of a column's number format among the workbook's cell styles; 0 is the general one."""
    number_format = NUMBER_FORMATS.get(column.type)
    return _STYLES.index(number_format) + 1 if number_format else 0


def parts(titles: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every part but the sheets, for sheets of these titles."""
    from openpyxl import Workbook
    from openpyxl.xml.functions import tostring

    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for title in titles:
        workbook.create_sheet(title)
    for row, number_format in enumerate(_STYLES, start=1):
        workbook.worksheets[0].cell(row=row, column=1).number_format = number_format
    saved = io.BytesIO()
    workbook.save(saved)
    workbook.properties.created = workbook.properties.modified = _MADE
    with ZipFile(saved) as archive:
        for name in archive.namelist():
            if name == _PROPERTIES:
                yield name, tostring(workbook.properties.to_tree())
            elif not name.startswith(_SHEETS):
                yield name, archive.read(name)


class StreamedZip:
    """A zip whose entries are written one after the other, its bytes taken as they come."""

    def __init__(self) -> None:
        self._taken = _Taken()
        self._zip = ZipFile(self._taken, "w", ZIP_DEFLATED)

    @contextmanager
    def entry(self, name: str) -> Iterator[Any]:
        """Open an entry for writing, deflated by ISA-L; its sizes follow its data."""
        from isal import isal_zlib

        info = ZipInfo(name)  # dated 1980-01-01, the earliest that a zip knows
        info.compress_type = ZIP_DEFLATED
        with self._zip.open(info, "w") as file:
            file._compressor = isal_zlib.compressobj(COMPRESSION_LEVEL, isal_zlib.DEFLATED, -15)  # type: ignore[attr-defined]  # noqa: SLF001 - zipfile has no way to choose one
            yield file

    def close(self) -> None:
        """Write the directory."""
        self._zip.close()

    def take(self) -> bytes:
        """Return the bytes written since the last call."""
        return self._taken.take()

    def abandon(self) -> None:
        """Leave the zip unfinished: without this, it would try to finish when it is collected."""
        self._zip.fp = None


class _Taken(io.RawIOBase):
    """A sink that cannot seek, so that zipfile writes what can be streamed."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces = []
        return taken
