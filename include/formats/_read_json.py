"""Reads JSON back by Python's own parser; numbers keep the digits that they are written with."""

from __future__ import annotations

import codecs
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from include.core.errors import Fatal
from include.core.reader import Reader, StoredSheet
from include.core.schema import ColumnType
from include.formats._read_text import BATCH_ROWS, batch_of_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedIOBase

    import pyarrow as pa

    from include.core.schema import Schema

_CHUNK_BYTES = 256 * 1024
_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.FLOAT})


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Object(list[tuple[str, Any]]):
    """An object's members in their order, doubled names too."""


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON.")


_DECODER = json.JSONDecoder(
    parse_int=_Number, parse_float=_Number, parse_constant=_no_constant, object_pairs_hook=_Object
)


class JsonReader(Reader):
    """Reads one object a row, of one array or of one line each.

    :param array: whether the file is one array
    """

    name: ClassVar[str] = "python json"

    def __init__(self, *, array: bool) -> None:
        self._array = array

    def read(self, file: BufferedIOBase, sheets: Sequence[StoredSheet]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield batches of so many rows as are read together."""
        (sheet,) = sheets
        objects = _elements(file) if self._array else (_DECODER.decode(line.decode()) for line in file)
        while rows := [_texts(found, sheet.schema) for found in islice(objects, BATCH_ROWS)]:
            yield 0, batch_of_texts(sheet.schema, rows)

    def promised(self, batch: pa.RecordBatch, schema: Schema) -> pa.RecordBatch:
        """Return the rows with documents as what they say.

        White space between their tokens may be another, and the document ``null`` is the same as none.
        """
        import pyarrow as pa

        for index, column in enumerate(schema):
            if column.type is ColumnType.JSON:
                texts = _documents(column.name, batch.column(index).to_pylist())
                batch = batch.set_column(index, batch.schema.names[index], pa.array(texts, pa.string()))
        return batch


def _documents(name: str, texts: Sequence[str | None]) -> list[str | None]:
    """Return what documents say."""
    try:
        return [None if text is None else _text(ColumnType.JSON, _DECODER.decode(text)) for text in texts]
    except (ValueError, RecursionError) as error:
        reason = "is no JSON" if isinstance(error, ValueError) else "is nested too deeply to be read back"
        raise Fatal(
            f"Column {name!r}: a document {reason}. Leave the column out, or choose another format or verify counts.",
            code="json_document",
        ) from error


def _texts(found: Any, schema: Schema) -> list[str | None]:
    """Return the values of an object as texts.

    :raises ValueError: when it has other names, or a value is not of the kind that its column's type is written as.
    """
    if not isinstance(found, _Object) or [name for name, _ in found] != list(schema.names):
        raise ValueError("A row has other names than the columns.")
    return [_text(column.type, value) for column, (_, value) in zip(schema, found, strict=True)]


def _text(kind: ColumnType, value: Any) -> str | None:
    if value is None:
        return None
    if kind is ColumnType.JSON:
        return _spelled(value)
    if kind is ColumnType.BOOLEAN and isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and (kind in _NUMBERS or not isinstance(value, _Number)):
        return str(value)
    raise ValueError(f"A value is none of type {kind}.")


def _spelled(value: Any) -> str:
    """Return a document without white space between its tokens, with the numbers' own digits."""
    match value:
        case _Number():
            return str(value)
        case _Object():
            return "{" + ",".join([f"{json.dumps(name)}:{_spelled(item)}" for name, item in value]) + "}"
        case list():
            return "[" + ",".join([_spelled(item) for item in value]) + "]"
        case _:
            return json.dumps(value)


def _elements(file: BufferedIOBase) -> Iterator[Any]:
    """Yield the elements of one array as they come.

    :raises ValueError: when the file is anything else.
    """
    text = _Text(file)
    text.expect("[")
    if text.next() == "]":
        text.expect("]")
    else:
        yield text.element()
        while text.next() == ",":
            text.expect(",")
            yield text.element()
        text.expect("]")
    if text.next():
        raise ValueError("The array goes on behind its end.")


class _Text:
    """A text that is read piece by piece, and forgotten behind the place where it is looked at."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0

    def next(self) -> str:
        """Return the next character that is no white space, nothing at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in " \t\r\n":
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def expect(self, character: str) -> None:
        """Go behind the next character, which must be this one."""
        if self.next() != character:
            raise ValueError(f"The file is no array: {character} is missing.")
        self._at += 1

    def element(self) -> Any:
        """Return the next element; what is not there yet is read, twice as much each time that it is not enough."""
        self.next()
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise
            else:
                return value

    def _more(self) -> bool:
        """Read further, and forget what lies behind; return whether there was anything."""
        rest = self._text[self._at :]
        more = self._file.read(max(_CHUNK_BYTES, len(rest)))
        self._text, self._at = rest + self._decoder.decode(more, final=not more), 0
        return bool(more)
