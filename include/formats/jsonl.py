"""JSON Lines: one object a row, every key on every line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from include.core.format import Encoding, Format, FormatOptions, RowCounter, Sheet
from include.formats._json import object_lines
from include.formats._read_json import JsonReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from include.core.reader import Reader
    from include.core.schema import Schema


class JsonlOptions(FormatOptions):
    """There are no options of jsonl."""


class JsonlFormat(Format):
    """JSON Lines, encoded batch by batch by vectorized expressions."""

    media_type: ClassVar[str] = "application/jsonl"
    suffix: ClassVar[str] = ".jsonl"
    options_type: ClassVar[type[FormatOptions]] = JsonlOptions

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:  # noqa: ARG002
        """Yield one chunk for each batch."""
        for sheet in sheets:
            yield from object_lines(sheet.schema, sheet.batches, end="\n")

    def head(self, schema: Schema, options: FormatOptions) -> bytes | None:  # noqa: ARG002
        """Return nothing: each line is a row."""
        return b""

    def counter(self, options: FormatOptions) -> RowCounter:  # noqa: ARG002
        """Return a counter of line ends: a line end inside a value is always escaped."""
        return LineCounter()

    def reader(self, options: FormatOptions) -> Reader:  # noqa: ARG002
        """Return a reader by Python's own parser."""
        return JsonReader(array=False)


class LineCounter(RowCounter):
    """Counts line ends."""

    def __init__(self) -> None:
        self._lines = 0

    def feed(self, chunk: bytes) -> None:
        """Count the chunk's line ends."""
        self._lines += chunk.count(b"\n")

    def rows(self) -> int:
        """Return the count."""
        return self._lines
