"""ZIP with ZIP64 (PKZIP APPNOTE): one archive of all files of an export, each deflated as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast
from zipfile import ZipFile

from include.core.compression import Compression, Encoded
from include.core.errors import VerificationFailed
from include.core.format import RowCounter
from include.core.streamed_zip import StreamedZip
from include.core.zip_entries import ZipEntries

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from io import BufferedIOBase


class Zip(Compression):
    """An archive with the files at its top."""

    media_type: ClassVar[str] = "application/zip"
    suffix: ClassVar[str] = ".zip"
    bundles: ClassVar[bool] = True

    def compress(self, files: Iterable[Encoded]) -> Generator[bytes]:
        """Yield the archive's bytes, file after file, and its directory at the end."""
        archive = StreamedZip()
        try:
            for file in files:
                with archive.entry(file.name, any_size=True) as entry:
                    for chunk in file.chunks:
                        entry.write(chunk)
                        if taken := archive.take():
                            yield taken
            archive.close()
            yield archive.take()
        finally:
            archive.abandon()

    def counter(self, counters: Sequence[RowCounter]) -> RowCounter:
        """Return a counter that inflates each entry."""
        return _EntryCounter(counters)

    def unpack(self, file: BufferedIOBase) -> Iterator[BufferedIOBase]:
        """Yield each file, by the directory at the end, at which the counter does not look."""
        with ZipFile(file) as archive:
            for name in archive.namelist():
                with archive.open(name) as opened:
                    yield cast("BufferedIOBase", opened)


class _EntryCounter(RowCounter):
    """Gives each entry's bytes to the counter of its place among the files."""

    def __init__(self, counters: Sequence[RowCounter]) -> None:
        self._counters = counters
        self._found = 0
        self._entries = ZipEntries(self._open)

    def _open(self, name: str) -> RowCounter:  # noqa: ARG002 - files are told apart by their place
        self._found += 1
        return self._counters[self._found - 1]

    def feed(self, chunk: bytes) -> None:
        """Take the archive's next bytes."""
        self._entries.feed(chunk)

    def rows(self) -> int:
        """Return the rows of all files.

        :raises VerificationFailed: when the archive has no end, or not each file.
        """
        self._entries.finish()
        if self._found != len(self._counters):
            raise VerificationFailed(
                f"The zip that was written holds {self._found} files instead of {len(self._counters)}. "
                "Nothing was published."
            )
        return sum(counter.counted for counter in self._counters)
