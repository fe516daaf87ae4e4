"""Reads the entries of a zip from its bytes as they pass, knowing nothing of who made it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Protocol

from include.core.errors import VerificationFailed

if TYPE_CHECKING:
    from collections.abc import Callable

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
"""A local file header up to the name (PKZIP APPNOTE, section 4.3.7)."""

_LOCAL = b"PK\x03\x04"
_DIRECTORY = b"PK\x01\x02"
_STORED, _DEFLATED = 0, 8
_HAS_DESCRIPTOR = 0x08
_END = b"PK\x05\x06"
_RAW = -15  # the window of a deflated stream without a frame, as a zip has it
_END_BYTES = 22  # the end record of a zip without a comment
_STRETCH = 128 * 1024
"""Bytes inflated together: their content, many times as long, then stays in the processor's cache."""

_UNREADABLE = "The zip that was written cannot be read. Nothing was published."


class Content(Protocol):
    """Takes the content of an entry."""

    def feed(self, chunk: bytes) -> None:
        """Take the content's next bytes."""


class ZipEntries:
    """Walks the local entries of a zip, inflating those that are asked for.

    :param open_entry: called with each entry's name; returns who takes its content, or None
    """

    def __init__(self, open_entry: Callable[[str], Content | None]) -> None:
        self._open_entry = open_entry
        self._buffer = b""
        self._step: Callable[[], bool] = self._read_header
        self._content: Content | None = None
        self._inflater = _inflater()
        self._stored_left = 0
        self._has_descriptor = False
        self._end = b""

    def feed(self, chunk: bytes) -> None:
        """Take the zip's next bytes."""
        for start in range(0, len(chunk), _STRETCH):
            self._buffer += chunk[start : start + _STRETCH]
            while self._step():
                pass

    def finish(self) -> None:
        """Check that the bytes were a whole zip.

        :raises VerificationFailed: when they ended before its end.
        """
        if self._step != self._skip_directory or not self._end.startswith(_END):
            raise VerificationFailed("The zip that was written ends too early. Nothing was published.")

    def _read_header(self) -> bool:
        if self._buffer[:2] == b"PK" and len(self._buffer) >= len(_LOCAL) and self._buffer[:4] != _LOCAL:
            self._step = self._skip_directory
            return True
        if len(self._buffer) < _LOCAL_HEADER.size:
            return False
        signature, _, flags, method, *_, compressed, _, name_length, extra_length = _LOCAL_HEADER.unpack_from(
            self._buffer
        )
        if signature != _LOCAL or method not in {_STORED, _DEFLATED}:
            raise VerificationFailed(_UNREADABLE)
        end = _LOCAL_HEADER.size + name_length + extra_length
        if len(self._buffer) < end:
            return False
        name = self._buffer[_LOCAL_HEADER.size : _LOCAL_HEADER.size + name_length].decode()
        self._content = self._open_entry(name)
        self._has_descriptor = bool(flags & _HAS_DESCRIPTOR)
        self._buffer = self._buffer[end:]
        self._stored_left = compressed
        self._inflater = _inflater()
        self._step = self._inflate if method == _DEFLATED else self._take_stored
        return True

    def _inflate(self) -> bool:
        if not self._buffer:
            return False
        from isal import isal_zlib

        try:
            content = self._inflater.decompress(self._buffer)
        except isal_zlib.error as error:  # type: ignore[misc]  # its stub calls the class a variable
            raise VerificationFailed(_UNREADABLE) from error
        self._buffer = self._inflater.unused_data
        if self._content is not None and content:
            self._content.feed(content)
        if self._inflater.eof:
            self._step = self._skip_descriptor if self._has_descriptor else self._read_header
        return True

    def _take_stored(self) -> bool:
        taken = self._buffer[: self._stored_left]
        self._buffer = self._buffer[len(taken) :]
        self._stored_left -= len(taken)
        if self._content is not None and taken:
            self._content.feed(taken)
        if self._stored_left:
            return False
        self._step = self._read_header
        return True

    def _skip_descriptor(self) -> bool:
        """Find the next signature behind a data descriptor: 12 to 24 bytes, with or without a signature."""
        found = [self._buffer.find(signature, 4) for signature in (_LOCAL, _DIRECTORY)]
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


def _inflater() -> Any:
    """Return ISA-L's inflater, which is twice as fast as zlib's and shares no code with its deflater."""
    from isal import isal_zlib

    return isal_zlib.decompressobj(_RAW)
