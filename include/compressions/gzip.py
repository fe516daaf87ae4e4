"""gzip (RFC 1952) by ISA-L; the header holds neither a time nor a name, so equal files give equal bytes."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, ClassVar

from include.core.compression import Compression, DecompressingCounter, Encoded

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from io import BufferedIOBase

    from include.core.format import RowCounter

LEVEL = 2
"""ISA-L's: 0 to 3."""

_WITH_HEADER = 16 + zlib.MAX_WBITS


class Gzip(Compression):
    """One member, whatever the file's size."""

    media_type: ClassVar[str] = "application/gzip"
    suffix: ClassVar[str] = ".gz"

    def compress(self, files: Iterable[Encoded]) -> Generator[bytes]:
        """Yield the compressed bytes."""
        from isal import isal_zlib

        for file in files:
            compressor = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, _WITH_HEADER)
            for chunk in file.chunks:
                if compressed := compressor.compress(chunk):
                    yield compressed
            yield compressor.flush()

    def counter(self, counters: Sequence[RowCounter]) -> RowCounter:
        """Return a counter that decompresses by zlib, which did not compress it."""
        return DecompressingCounter(zlib.decompressobj(_WITH_HEADER), counters, damage=zlib.error)

    def unpack(self, file: BufferedIOBase) -> Iterator[BufferedIOBase]:
        """Yield the file, by the standard library, which checks its CRC-32 and its length."""
        with gzip.GzipFile(fileobj=file) as opened:
            yield opened
