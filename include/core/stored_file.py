"""An object of the store as a file, read range by range: nobody holds a request open while rows are compared."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from include.core.errors import VerificationFailed, WaybillError

if TYPE_CHECKING:
    from include.core.store import Destination

RANGE_BYTES = 4 * 1024 * 1024
"""Bytes asked for at once."""


class StoredFile(io.RawIOBase):
    """One object, of so many bytes as the store said when it was written.

    ``error`` is what the store last failed with: libraries that read may hide it behind an error of their own.
    """

    def __init__(self, store: Destination, key: str, *, size: int) -> None:
        super().__init__()
        self.error: WaybillError | None = None
        self._store = store
        self._key = key
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be read in any order."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, counted as files do."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes.

        :raises Retriable: when the store does not answer.
        :raises VerificationFailed: when the object is longer or shorter than it was.
        """
        try:
            return self._read_into(memoryview(buffer).cast("B"))
        except WaybillError as error:
            self.error = error
            raise

    def _read_into(self, buffer: memoryview) -> int:
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        beyond = int(end == self._size)  # one byte more than there should be, to see that there is none
        taken, room = 0, end - self._at
        for chunk in self._store.open(self._key, start=self._at, end=end + beyond):
            if taken + len(chunk) > room:
                raise VerificationFailed("The store has more bytes of a file than were written. Nothing was published.")
            buffer[taken : taken + len(chunk)] = chunk
            taken += len(chunk)
        if taken < room:
            raise VerificationFailed("The store has fewer bytes of a file than were written. Nothing was published.")
        self._at += taken
        return taken
