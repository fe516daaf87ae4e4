"""JSON: one array with one object a row, each on its own line; the values are those of jsonl."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from include.core.errors import VerificationFailed
from include.core.format import Encoding, Format, FormatOptions, RowCounter, Sheet
from include.formats._json import object_lines
from include.formats._occurrences import Occurrences
from include.formats._read_json import JsonReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from include.core.reader import Reader

_START, _BETWEEN, _END = b"[\n", b",\n", b"\n]\n"


class JsonOptions(FormatOptions):
    """There are no options of json."""


class JsonFormat(Format):
    """One JSON array, encoded batch by batch by vectorized expressions."""

    media_type: ClassVar[str] = "application/json"
    suffix: ClassVar[str] = ".json"
    options_type: ClassVar[type[FormatOptions]] = JsonOptions

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:  # noqa: ARG002
        """Yield one chunk for each batch, and the array's brackets around them."""
        before = _START
        for sheet in sheets:
            for lines in object_lines(sheet.schema, sheet.batches, end=_BETWEEN.decode()):
                yield before
                yield lines[: -len(_BETWEEN)]
                before = _BETWEEN
        yield _END if before == _BETWEEN else _START.rstrip() + _END

    def counter(self, options: FormatOptions) -> RowCounter:  # noqa: ARG002
        """Return a counter of lines that start an object."""
        return ArrayRowCounter()

    def reader(self, options: FormatOptions) -> Reader:  # noqa: ARG002
        """Return a reader by Python's own parser."""
        return JsonReader(array=True)


class ArrayRowCounter(RowCounter):
    """Counts the lines that start with ``{`` between the array's brackets.

    JSON allows no line end inside a string, so a line's first byte is never a value's. That nothing else lies on the
    lines and a comma between each two objects is counted too.
    """

    def __init__(self) -> None:
        self._lines = 0
        self._objects = Occurrences(b"\n{")
        self._seams = Occurrences(b"},\n{")
        self._first = b""
        self._last = b""

    def feed(self, chunk: bytes) -> None:
        """Count the chunk's lines."""
        self._lines += chunk.count(b"\n")
        self._objects.feed(chunk)
        self._seams.feed(chunk)
        self._first = (self._first + chunk[: len(_START)])[: len(_START)]
        self._last = (self._last + chunk[-len(_END) :])[-len(_END) :]

    def rows(self) -> int:
        """Return the count of objects.

        :raises VerificationFailed: when the bytes are not one whole array with an object on each line.
        """
        rows = self._objects.count
        framed = self._first == _START and self._last == _END
        if not framed or self._lines != rows + 2 or self._seams.count != max(rows - 1, 0):
            raise VerificationFailed("The JSON that was written is no whole array of rows. Nothing was published.")
        return rows
