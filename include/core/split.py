"""Where one file of an export ends and the next one begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    import pyarrow as pa

    from include.core.request import Split

SLICE_ROWS = 1_000
"""Rows between two looks at a file's size."""


class Cut:
    """A stream of batches cut into parts; each part is read to its end before the next one begins."""

    def __init__(self, batches: Iterable[pa.RecordBatch], split: Split) -> None:
        self.split = split
        self._batches = iter(batches)
        self._waiting: pa.RecordBatch | None = None

    def more(self) -> bool:
        """Whether there is another row."""
        if self._waiting is None:
            self._waiting = next(self._batches, None)
        return self._waiting is not None

    def next_part(self) -> Part:
        """Begin the next file."""
        return Part(self)

    def take(self, most: int) -> pa.RecordBatch | None:
        """Return the next rows, at most so many; None at the end."""
        if not self.more() or self._waiting is None:
            return None
        taken, rest = self._waiting.slice(0, most), self._waiting.slice(most)
        self._waiting = rest if rest.num_rows else None
        return taken


class Part:
    """The rows of one file and the size that it has so far."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._rows = 0
        self._bytes = 0

    def rows_taken(self) -> int:
        """Return how many rows the file was given."""
        return self._rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the file's batches."""
        while (room := self._room()) and (batch := self._cut.take(room)) is not None:
            self._rows += batch.num_rows
            yield batch

    def over_chunks(self, chunks: Generator[bytes]) -> Generator[bytes]:
        """Pass the file's bytes through, measuring them."""
        try:
            for chunk in chunks:
                self._bytes += len(chunk)
                yield chunk
        finally:
            chunks.close()

    def _room(self) -> int:
        split = self._cut.split
        if split.rows is not None:
            return split.rows - self._rows
        return SLICE_ROWS if self._bytes < (split.bytes or 0) else 0
