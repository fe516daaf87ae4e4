"""Where one file of an export ends and the next one begins."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from include.core.errors import Fatal

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    import pyarrow as pa

    from include.core.request import Split

SLICE_ROWS = 1_000
"""Rows between two looks at a file's size."""


class Cut:
    """A stream of batches cut into parts; each part is read to its end before the next one begins.

    :param by: the column whose every change begins a new part, where it is split by one
    """

    def __init__(self, batches: Iterable[pa.RecordBatch], split: Split, *, by: int | None = None) -> None:
        self.split = split
        self.by = by
        self._batches = iter(batches)
        self._waiting: pa.RecordBatch | None = None
        self._begun: set[bytes] = set()

    def more(self) -> bool:
        """Whether there is another row."""
        if self._waiting is None:
            self._waiting = next(self._batches, None)
        return self._waiting is not None

    def next_part(self) -> Part:
        """Begin the next file.

        :raises Fatal: when there was one of the same value before: it is not all of that value's rows.
        """
        value = self._value()
        if value is not None:
            mark = hashlib.blake2b(repr(value.as_py()).encode(), digest_size=16).digest()
            if mark in self._begun:
                raise Fatal(
                    f"The file cannot be split by {self.split.by!r}: its source sorts different values of it as equal, "
                    "such as texts that differ in case only, so that their rows come in turns. Export it unsplit, or "
                    "make such values alike in the exporter's statement.",
                    code="values_apart",
                )
            self._begun.add(mark)
        return Part(self, value)

    def take(self, most: int) -> pa.RecordBatch | None:
        """Return the next rows, at most so many; None at the end."""
        if not self.more() or self._waiting is None:
            return None
        taken, rest = self._waiting.slice(0, most), self._waiting.slice(most)
        self._waiting = rest if rest.num_rows else None
        return taken

    def alike(self, value: pa.Scalar) -> int:
        """Return how many of the rows at hand have this value."""
        import pyarrow.compute as pc

        if self.by is None or not self.more() or self._waiting is None:
            return 0
        column = self._waiting.column(self.by)
        if not value.is_valid:
            same = pc.is_null(column)
        elif _is_nan(value.as_py()):
            same = pc.fill_null(pc.is_nan(column), fill_value=False)
        else:
            same = pc.fill_null(pc.equal(column, value), fill_value=False)
        first_other = pc.index(same, value=False).as_py()
        return self._waiting.num_rows if first_other < 0 else int(first_other)

    def _value(self) -> pa.Scalar | None:
        if self.by is None or not self.more() or self._waiting is None:
            return None
        return self._waiting.column(self.by)[0]


class Part:
    """The rows of one file and the size that it has so far."""

    def __init__(self, cut: Cut, common: pa.Scalar | None) -> None:
        self._cut = cut
        self._common = common
        self._rows = 0
        self._bytes = 0

    @property
    def place(self) -> int | None:
        """Where the column is that the rows are alike in; None where they are cut otherwise."""
        return self._cut.by

    @property
    def value(self) -> str | None:
        """What the rows have in common, as text, NULL as the word; None where there are no rows, or nothing."""
        if self._common is None:
            return None
        value = self._common.as_py()
        match value:
            case None:
                return "null"
            case bool():
                return str(value).lower()
            case datetime():
                return value.isoformat().replace("+00:00", "Z")
            case _:
                return str(value)

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
        if split.by is not None:
            return 0 if self._common is None else self._cut.alike(self._common)
        if split.rows is not None:
            return split.rows - self._rows
        return SLICE_ROWS if self._bytes < (split.bytes or 0) else 0


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
