"""Zstandard (RFC 8878): smaller and faster than gzip, for whoever can read it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, ClassVar

from include.core.compression import Compression, DecompressingCounter, Encoded

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from io import BufferedIOBase

    from include.core.format import RowCounter

LEVEL = 3
"""The library's own default: 1 to 22."""

BUFFER_BYTES = 1024 * 1024
"""Decompressed bytes that are read at once."""


class Zstd(Compression):
    """One frame, with the checksum of its content."""

    media_type: ClassVar[str] = "application/zstd"
    suffix: ClassVar[str] = ".zst"

    def compress(self, files: Iterable[Encoded]) -> Generator[bytes]:
        """Yield the compressed bytes."""
        import zstandard

        for file in files:
            compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compressobj()
            for chunk in file.chunks:
                if compressed := compressor.compress(chunk):
                    yield compressed
            yield compressor.flush()

    def counter(self, counters: Sequence[RowCounter]) -> RowCounter:
        """Return a counter that decompresses."""
        import zstandard

        decompressor = zstandard.ZstdDecompressor().decompressobj()
        return DecompressingCounter(decompressor, counters, damage=zstandard.ZstdError)

    def unpack(self, file: BufferedIOBase) -> Iterator[BufferedIOBase]:
        """Yield the file, by Apache Arrow, which brings along a library of its own."""
        import pyarrow as pa

        with pa.CompressedInputStream(file, "zstd") as stream:
            yield io.BufferedReader(stream, BUFFER_BYTES)
