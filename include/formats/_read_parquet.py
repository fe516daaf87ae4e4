"""Reads Parquet back by polars, which has a decoder of its own; pyarrow wrote it.

polars reads files on disk only as it goes along, and whole ones from anything else. So each row group is laid into a
file of its own with the footer, at its place and with nothing where the others would be: such a file takes no more
room than the row group. Decimals of more than 38 digits, which polars has not, are read by pyarrow.
"""

from __future__ import annotations

import io
import tempfile
from typing import IO, TYPE_CHECKING, ClassVar

from include.core.reader import Reader, StoredSheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedIOBase

    import pyarrow as pa
    from pyarrow.parquet import FileMetaData

_MAGIC = 4
_TRAILER = 8  # the footer's length in four bytes, and the magic


class ParquetReader(Reader):
    """Reads one row group at a time."""

    name: ClassVar[str] = "polars"
    seeks: ClassVar[bool] = True

    def read(self, file: BufferedIOBase, sheets: Sequence[StoredSheet]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield the batches of each row group."""
        from pyarrow import parquet

        (sheet,) = sheets
        metadata = parquet.read_metadata(file)
        if list(metadata.schema.to_arrow_schema().names) != list(sheet.schema.names):
            raise ValueError("The file has other columns.")
        before = 0
        for group in range(metadata.num_row_groups):
            with tempfile.NamedTemporaryFile(suffix=".parquet") as copy:
                _lay(file, copy, metadata, group)
                for batch in _group(copy.name, metadata, group, before).to_batches():
                    yield 0, batch
            before += metadata.row_group(group).num_rows


def _lay(file: BufferedIOBase, copy: IO[bytes], metadata: FileMetaData, group: int) -> None:
    """Copy what belongs to one row group."""
    size = file.seek(0, io.SEEK_END)
    file.seek(-_TRAILER, io.SEEK_END)
    footer = size - _TRAILER - int.from_bytes(file.read(_MAGIC), "little")
    for start, end in ((0, _MAGIC), _span(metadata, group), (footer, size)):
        file.seek(start)
        copy.seek(start)
        copy.write(file.read(end - start))
    copy.flush()


def _span(metadata: FileMetaData, group: int) -> tuple[int, int]:
    """Return where a row group's columns begin and end."""
    found = metadata.row_group(group)
    columns = [found.column(index) for index in range(found.num_columns)]
    starts = [each.dictionary_page_offset or each.data_page_offset for each in columns]
    return min(starts), max(start + each.total_compressed_size for start, each in zip(starts, columns, strict=True))


def _group(path: str, metadata: FileMetaData, group: int, before: int) -> pa.Table:
    """Return the rows of a row group, which lie behind so many others."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = metadata.schema.to_arrow_schema()
    wide = [index for index, field in enumerate(schema) if pa.types.is_decimal256(field.type)]
    others = [index for index in range(len(schema)) if index not in wide]
    arrays = {}
    if others:
        table = _by_polars(path, others, before, metadata.row_group(group).num_rows)
        arrays = dict(zip(others, table.columns, strict=True))
    if wide:
        table = parquet.ParquetFile(path).read_row_group(group, [schema.names[index] for index in wide])
        arrays |= dict(zip(wide, table.columns, strict=True))
    return pa.table([arrays[index] for index in range(len(schema))], names=[str(index) for index in range(len(schema))])


def _by_polars(path: str, columns: list[int], before: int, rows: int) -> pa.Table:
    """Return some columns of so many rows.

    :raises ValueError: when they cannot be read; some damage makes polars panic.
    """
    import polars as pl

    try:
        found = pl.scan_parquet(path, glob=False).slice(before, rows).select(pl.nth(columns)).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ValueError("The row group cannot be read.") from error
    return found.to_arrow(compat_level=pl.CompatLevel.oldest())
