"""Going on where a lost attempt stopped: what is noted along the way, and what a later attempt takes up.

Only a file that can be cut between two rows, read in a total order, is continued (docs/adr/0010-resuming.md). While
it is written, its end is noted each time that the store has acknowledged so much of it: how many rows and bytes, the
bytes' CRC-32, and the row behind which the next one begins. The note lies in the store, where the rows lie too.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import ValidationError

from include.core.manifest import Record, SourceRecord
from include.core.store import LeftUpload

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    import pyarrow as pa

    from include.core.query import Order
    from include.core.resolve import ResolvedExport
    from include.core.schema import Schema
    from include.core.verify import Transcript

_SECONDS = 0.15
"""From one note to the next at least: what was read since the last one is read again after a crash."""


class Checkpoint(Record):
    """Where an attempt stood; ``after`` is the last row's place in the order, as texts that the source understands.

    ``binding`` is a hash of all that decides the file's bytes: nothing else goes on from here. ``content`` is the hash
    of the rows, where the file will be read back.
    """

    version: Literal[1] = 1
    binding: str
    key: str
    upload_id: str
    checksums: tuple[str, ...]
    rows: int
    length: int
    crc32: int
    after: tuple[str, ...]
    started_at: datetime
    sources: tuple[SourceRecord, ...]
    notes: tuple[str, ...] = ()
    content: int = 0

    @property
    def left(self) -> LeftUpload:
        """The upload that has the bytes."""
        return LeftUpload(self.key, self.upload_id, self.checksums, self.length, self.crc32)

    def to_bytes(self) -> bytes:
        """Return it as it is kept."""
        return self.model_dump_json().encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Checkpoint | None:
        """Read what was kept; None when it is not a checkpoint of this version."""
        try:
            return cls.model_validate_json(data)
        except ValidationError:
            return None


def binding_of(resolved: ResolvedExport, query_sha256: str, versions: Mapping[str, str]) -> str:
    """Return a hash of all that decides a file's bytes, save for the source's rows."""
    parts = [resolved.frozen_request(), query_sha256, dict(versions)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Mark:
    """The end of a row: rows and bytes up to there, their hash and CRC-32, and the row's place in the order."""

    rows: int
    after: tuple[str, ...]
    length: int
    crc32: int
    content: int


class End(NamedTuple):
    """How many rows this attempt has encoded, the place of the last one where it is known, and all rows' hash."""

    rows: int
    after: tuple[str, ...] | None
    content: int


class Trail:
    """Follows one file from its encoder into the store, and notes how far it has come.

    The encoder's thread runs :meth:`over`, the storing one :meth:`passing`, and a third keeps the notes. ``key`` is the
    file's, ``save`` keeps a note, and ``saved`` says whether there is one that a later attempt can go on from.

    :param binding: a hash of all that decides the file's bytes
    :param start: where an earlier attempt stood, if this one goes on from there
    """

    def __init__(
        self, binding: str, start: Checkpoint | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.binding = binding
        self.start = start
        self.behind = start.left if start else None
        self.saved = start is not None
        self.key = ""
        self.save: Callable[[Mark, str, tuple[str, ...]], None] = _keep_nothing
        self._clock = clock
        self._next = clock() + _SECONDS
        self._ends: deque[End] = deque()
        self._marks: deque[Mark] = deque()

    @property
    def rows(self) -> int:
        """Rows that an earlier attempt has written."""
        return self.start.rows if self.start else 0

    def over(self, chunks: Generator[bytes], end: Callable[[], End], *, head: int) -> Generator[bytes]:
        """Pass chunks of whole rows through, with the place of each one's last row; leave out a head that is there.

        :param end: what was encoded so far
        :param head: length of what comes before the first row
        """
        left_out = head if self.start else 0
        with closing(chunks):
            for chunk in chunks:
                kept = chunk[left_out:]
                left_out = max(left_out - len(chunk), 0)
                if kept:
                    self._ends.append(end())
                    yield kept

    def passing(self, chunks: Iterator[bytes], transcript: Transcript) -> Iterator[bytes]:
        """Pass the same chunks through where they are stored, once the transcript has read them."""
        for chunk in chunks:
            rows, after, content = self._ends.popleft()
            if after is not None:
                self._marks.append(Mark(self.rows + rows, after, transcript.length, transcript.crc32, content))
            yield chunk

    def acknowledged(self, upload_id: str, checksums: Sequence[str], length: int) -> None:
        """Note the last end that lies within the first bytes of an upload, so many of which the store has."""
        reached: Mark | None = None
        if (now := self._clock()) < self._next:
            return
        while self._marks and self._marks[0].length <= length:
            reached = self._marks.popleft()
        if reached is not None:
            self._next = now + _SECONDS
            self.save(reached, upload_id, tuple(checksums))


def _keep_nothing(mark: Mark, upload_id: str, checksums: tuple[str, ...]) -> None:
    """Keep no notes."""


def positions(order: Sequence[Order], schema: Schema) -> tuple[int, ...] | None:
    """Return where the columns of an order are in the file; None where one of them is not."""
    places = {column.origin: index for index, column in enumerate(schema)}
    found = tuple(places.get(each.column.origin, -1) for each in order)
    return None if -1 in found else found


def place_in_batch(batch: pa.RecordBatch, columns: Sequence[int]) -> tuple[str, ...] | None:
    """Return the place of a batch's last row; None where it has a NULL."""
    values = [batch.column(index)[batch.num_rows - 1].as_py() for index in columns]
    return None if None in values else tuple(map(_literal, values))


def place_in_text(rows: bytes, columns: Sequence[int], *, delimiter: str, line_end: str) -> tuple[str, ...] | None:
    """Return the place of the last of some csv rows; None where it has a NULL or an empty text."""
    end = line_end.encode()
    start = len(rows) - len(end)
    while (start := rows.rfind(end, 0, start)) >= 0 and rows.count(b'"', start) % 2:
        continue  # inside of quotes, for all rows together have an even number of them
    row = rows[start + len(end) if start >= 0 else 0 :].decode()
    try:
        fields = next(csv.reader(io.StringIO(row, newline=""), delimiter=delimiter))
    except csv.Error:  # a field of more than 131,072 characters
        return None
    values = tuple(fields[index] for index in columns)
    return values if all(values) else None


def _literal(value: Any) -> str:
    """Return a value as a text that a database reads back as that value."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case datetime() | date() | time_of_day():
            return value.isoformat()
        case float():
            return repr(value)
        case _:
            return str(value)
