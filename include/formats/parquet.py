"""Apache Parquet: zstd, statistics, row groups of bounded size, decimals and times with their types."""

from __future__ import annotations

import io
from collections import deque
from typing import TYPE_CHECKING, ClassVar

from include.core.errors import VerificationFailed
from include.core.format import Encoding, Format, FormatOptions, RowCounter, Sheet
from include.core.schema import ColumnType
from include.formats._read_parquet import ParquetReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from include.core.reader import Reader

GROUP_ROWS = 65_536
GROUP_BYTES = 16 * 1024 * 1024
"""A row group ends at so many rows or bytes of Arrow memory, whichever comes first."""

DECIMAL_NOTE = "Decimals without a declared precision are written as text, for no number type holds them all."

TAIL_BYTES = 4 * 1024 * 1024
"""How much of a file's end is kept, at least, to read its footer: some forty thousand column chunks."""

_TRAILER = 8  # the footer's length in four bytes, and the magic PAR1


class ParquetOptions(FormatOptions):
    """There are no options of parquet."""


class ParquetFormat(Format):
    """Parquet, one row group in memory at a time."""

    media_type: ClassVar[str] = "application/vnd.apache.parquet"
    suffix: ClassVar[str] = ".parquet"
    options_type: ClassVar[type[FormatOptions]] = ParquetOptions

    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:  # noqa: ARG002
        """Yield the file's bytes, row group by row group."""
        import pyarrow as pa
        from pyarrow import parquet

        for sheet in sheets:
            if any(
                column.type is ColumnType.DECIMAL and pa.types.is_string(field.type)
                for column, field in zip(sheet.schema, sheet.arrow, strict=True)
            ):
                encoding.note(DECIMAL_NOTE)
            sink = io.BytesIO()
            with parquet.ParquetWriter(sink, sheet.arrow, compression="zstd", version="2.6") as writer:
                for table in _groups(sheet.batches):
                    writer.write_table(table, row_group_size=table.num_rows)
                    del table  # not to be in memory together with the next one
                    pa.default_memory_pool().release_unused()
                    yield _drain(sink)
            yield _drain(sink)

    def counter(self, options: FormatOptions) -> RowCounter:  # noqa: ARG002
        """Return a reader of the footer."""
        return FooterCounter()

    def reader(self, options: FormatOptions) -> Reader:  # noqa: ARG002
        """Return a reader by polars."""
        return ParquetReader()


class FooterCounter(RowCounter):
    """Reads the row count in the footer of the bytes that passed."""

    def __init__(self) -> None:
        self._last: deque[bytes] = deque()
        self._kept = 0

    def feed(self, chunk: bytes) -> None:
        """Keep the file's end, in whole chunks."""
        self._last.append(chunk)
        self._kept += len(chunk)
        while self._kept - len(self._last[0]) >= TAIL_BYTES:
            self._kept -= len(self._last.popleft())

    def rows(self) -> int:
        """Return the sum over the row groups that the footer lists.

        :raises VerificationFailed: when the bytes do not end in a footer.
        """
        import pyarrow as pa
        from pyarrow import parquet

        tail = b"".join(self._last)
        footer = int.from_bytes(tail[-_TRAILER:-4], "little") + _TRAILER
        if tail[-4:] != b"PAR1" or footer > len(tail):
            raise VerificationFailed("The parquet file that was written has no readable footer. Nothing was published.")
        try:
            metadata = parquet.read_metadata(pa.BufferReader(tail[-footer:]))
        except (OSError, pa.ArrowInvalid) as error:
            raise VerificationFailed(
                "The parquet file that was written has a damaged footer. Nothing was published."
            ) from error
        return sum(metadata.row_group(index).num_rows for index in range(metadata.num_row_groups))


class _Gathered:
    """Batches put together until they make a row group."""

    def __init__(self) -> None:
        self.batches: list[pa.RecordBatch] = []

    @property
    def full(self) -> bool:
        rows = sum(batch.num_rows for batch in self.batches)
        size: int = sum(batch.nbytes for batch in self.batches)
        return rows >= GROUP_ROWS or size >= GROUP_BYTES

    def take(self) -> pa.Table:
        import pyarrow as pa

        table = pa.Table.from_batches(self.batches)
        self.batches = []
        return table


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    gathered = _Gathered()
    for batch in batches:
        gathered.batches.append(batch)
        if gathered.full:
            yield gathered.take()
    if gathered.batches:
        yield gathered.take()


def _drain(sink: io.BytesIO) -> bytes:
    """Take what was written so far; the writer only ever appends and asks for its position."""
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data
