"""Counts rows in the bytes of a workbook as they pass, by inflating its sheets."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from include.core.errors import VerificationFailed
from include.core.format import RowCounter

if TYPE_CHECKING:
    from collections.abc import Callable

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
"""A local file header up to the name (PKZIP APPNOTE, section 4.3.7)."""

_LOCAL, _DESCRIPTOR = b"PK\x03\x04", b"PK\x07\x08"
_SHEETS = "xl/worksheets/"
_ROW = b"<row"
_STORED, _DEFLATED = 0, 8
_HAS_DESCRIPTOR = 0x08
_END = b"PK\x05\x06"
_END_BYTES = 22  # the end record of a zip without a comment


class WorkbookRowCounter(RowCounter):
    """Walks the zip's local entries and counts ``<row`` elements in the sheets among them.

    :param headers: header rows of each sheet, which are no data.
    """

    def __init__(self, *, headers: int) -> None:
        self._headers = headers
        self._rows = 0
        self._buffer = b""
        self._step: Callable[[], bool] = self._read_header
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._in_sheet = False
        self._stored_left = 0
        self._has_descriptor = False
        self._carry = b""
        self._end = b""

    def feed(self, chunk: bytes) -> None:
        """Take the file's next bytes."""
        self._buffer += chunk
        while self._step():
            pass

    def rows(self) -> int:
        """Return the data rows of all sheets.

        :raises VerificationFailed: when the bytes ended before the end of the zip.
        """
        if self._step != self._skip_directory or not self._end.startswith(_END):
            raise VerificationFailed("The workbook that was written ends too early. Nothing was published.")
        return self._rows

    def _read_header(self) -> bool:
        if self._buffer[:2] == b"PK" and len(self._buffer) >= 4 and self._buffer[:4] != _LOCAL:  # noqa: PLR2004 - a signature
            self._step = self._skip_directory
            return True
        if len(self._buffer) < _LOCAL_HEADER.size:
            return False
        signature, _, flags, method, *_, compressed, _, name_length, extra_length = _LOCAL_HEADER.unpack_from(
            self._buffer
        )
        end = _LOCAL_HEADER.size + name_length + extra_length
        if len(self._buffer) < end:
            return False
        if signature != _LOCAL or method not in {_STORED, _DEFLATED}:
            raise VerificationFailed("The workbook that was written is no zip file. Nothing was published.")
        name = self._buffer[_LOCAL_HEADER.size : _LOCAL_HEADER.size + name_length].decode()
        self._in_sheet = name.startswith(_SHEETS)
        self._rows -= self._headers if self._in_sheet else 0
        self._has_descriptor = bool(flags & _HAS_DESCRIPTOR)
        self._carry = b""
        self._buffer = self._buffer[end:]
        self._stored_left = compressed
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._step = self._inflate if method == _DEFLATED else self._skip_stored
        return True

    def _inflate(self) -> bool:
        if not self._buffer:
            return False
        text = self._inflater.decompress(self._buffer)
        self._buffer = self._inflater.unused_data
        if self._in_sheet:
            text = self._carry + text
            self._rows += text.count(_ROW + b" ") + text.count(_ROW + b">")
            self._carry = text[-len(_ROW) :]
        if self._inflater.eof:
            self._step = self._skip_descriptor if self._has_descriptor else self._read_header
        return True

    def _skip_stored(self) -> bool:
        taken = min(self._stored_left, len(self._buffer))
        self._buffer = self._buffer[taken:]
        self._stored_left -= taken
        if self._stored_left:
            return False
        self._step = self._read_header
        return True

    def _skip_descriptor(self) -> bool:
        """Find the next signature behind a data descriptor: 12 to 24 bytes, with or without a signature."""
        found = [self._buffer.find(signature, 4) for signature in (_LOCAL, b"PK\x01\x02")]
        places = [place for place in found if place >= 0]
        if not places:
            return False
        self._buffer = self._buffer[min(places) :]
        self._step = self._read_header
        return True

    def _skip_directory(self) -> bool:
        self._end = (self._end + self._buffer)[-_END_BYTES:]
        self._buffer = b""
        return False
