"""Readers: a stored file back into rows, by code that did not write it."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from zipfile import BadZipFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedIOBase

    import pyarrow as pa

    from include.core.schema import Schema


DAMAGE = (
    ValueError,
    ArithmeticError,  # decimal's are
    TypeError,
    LookupError,
    OSError,
    EOFError,
    SyntaxError,  # lxml's is one
    NotImplementedError,  # pyarrow's are one of these, too
    RecursionError,
    zlib.error,
    BadZipFile,
)
"""What libraries fail with when they read bytes that nobody wrote."""


@dataclass(frozen=True, slots=True)
class StoredSheet:
    """A table that a file should hold: its columns, and how many rows."""

    schema: Schema
    rows: int


class Reader(ABC):
    """Reads one format, with the options that a file was written with.

    ``name`` is what a manifest calls it. ``seeks`` says whether it looks back and forth in a file, which then has the
    very bytes that were written; any other reads it from its beginning to its end, whatever it has become.
    """

    name: ClassVar[str]
    seeks: ClassVar[bool] = False

    @abstractmethod
    def read(self, file: BufferedIOBase, sheets: Sequence[StoredSheet]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield every row of the file in flat memory, in batches with the number of their sheet.

        A batch has an array for each column, of the column's Arrow type; decimals may be texts, which keep every digit.

        :raises ValueError: or whatever else :data:`DAMAGE` names, when it cannot be read.
        """

    def promised(self, batch: pa.RecordBatch, schema: Schema) -> pa.RecordBatch:  # noqa: ARG002
        """Return what a reader finds of these rows where the format is documented to say something else.

        :raises Fatal: when a value could not be read back however it is written; the message names its column.
        """
        return batch
