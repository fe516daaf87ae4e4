"""Evidence that what was written is what was read.

Three witnesses stand along the way of the rows. A :class:`Seal` is put on the batches as they leave the exporter
and again as they enter the encoder: both must be equal. A :class:`Transcript` reads the encoded bytes: it counts
rows in them without knowing how they were made, and its CRC-32 must equal the one that the store computed over
what arrived there. No number is compared with itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isal import isal_zlib

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import pyarrow as pa

    from include.core.format import RowCounter
    from include.core.source import TextRows


@dataclass(slots=True)
class Seal:
    """Row count and running CRC-32 of the content of record batches, in their order."""

    rows: int = 0
    crc32: int = 0

    def over(self, batches: Iterator[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
        """Pass batches through, sealing each."""
        for batch in batches:
            self.rows += batch.num_rows
            self.crc32 = isal_zlib.crc32(memoryview(batch.serialize()), self.crc32)
            yield batch

    def over_text(self, chunks: TextRows) -> Generator[tuple[int, bytes]]:
        """Pass text through, sealing it."""
        for rows, chunk in chunks:
            self.rows += rows
            self.crc32 = isal_zlib.crc32(chunk, self.crc32)
            yield rows, chunk


@dataclass(slots=True)
class Transcript:
    """What is known of a file from its bytes alone."""

    counter: RowCounter
    length: int = 0
    crc32: int = 0
    _sha256: hashlib._Hash = field(default_factory=hashlib.sha256)

    def over(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass chunks through, reading each."""
        for chunk in chunks:
            self.length += len(chunk)
            self.crc32 = isal_zlib.crc32(chunk, self.crc32)
            self._sha256.update(chunk)
            self.counter.feed(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        """SHA-256 of all bytes so far, in hex."""
        return self._sha256.hexdigest()


def combine_crc32(first: int, second: int, second_length: int) -> int:
    """Return the CRC-32 of two byte strings put together, from theirs and the second's length.

    The method is zlib's ``crc32_combine``: appending zeros is a linear map over GF(2), and its powers of two are
    applied for the bits of the length.
    """
    if second_length <= 0:
        return first
    odd = [0xEDB88320, *(1 << bit for bit in range(31))]  # one zero bit
    even = _square(odd)  # two
    odd = _square(even)  # four
    while second_length:
        even = _square(odd)
        if second_length & 1:
            first = _times(even, first)
        second_length >>= 1
        odd, even = even, odd
    return first ^ second


def _times(matrix: list[int], vector: int) -> int:
    total = 0
    for row in matrix:
        if not vector:
            break
        if vector & 1:
            total ^= row
        vector >>= 1
    return total


def _square(matrix: list[int]) -> list[int]:
    return [_times(matrix, row) for row in matrix]
