"""A zip made as its bytes are taken: no temporary file, no entry's size known ahead."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COMPRESSION_LEVEL = 1
"""ISA-L's: 0 to 3."""


class StreamedZip:
    """A zip whose entries are written one after the other, its bytes taken as they come."""

    def __init__(self) -> None:
        self._taken = _Taken()
        self._zip = ZipFile(self._taken, "w", ZIP_DEFLATED)

    @contextmanager
    def entry(self, name: str, *, any_size: bool = False) -> Iterator[Any]:
        """Open an entry for writing, deflated by ISA-L; its sizes follow its data.

        With ``any_size`` it may have 2 GiB and more (ZIP64), which not every program that reads zips knows.
        """
        from isal import isal_zlib

        info = ZipInfo(name)  # dated 1980-01-01, the earliest that a zip knows
        info.compress_type = ZIP_DEFLATED
        with self._zip.open(info, "w", force_zip64=any_size) as file:
            file._compressor = isal_zlib.compressobj(COMPRESSION_LEVEL, isal_zlib.DEFLATED, -15)  # type: ignore[attr-defined]  # noqa: SLF001 - zipfile has no way to choose one
            yield file

    def add(self, name: str, content: bytes) -> None:
        """Write a whole entry."""
        with self.entry(name) as file:
            file.write(content)

    def add_all(self, parts: Iterable[tuple[str, bytes]]) -> None:
        """Write entries, each with its name and content."""
        for name, content in parts:
            self.add(name, content)

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
