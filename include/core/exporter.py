"""Exporters: named recipes, typed parameters in, rows out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic

from include.core.params import Params
from include.core.query import Selection
from include.core.source import Batches
from include.core.table import P, SqlTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd
    import pyarrow as pa
    from pydantic import BaseModel

    from include.core.source import Sources
    from include.core.table import Table

__all__ = ["Book", "Exporter", "PandasExporter", "Params", "SqlExporter"]

ONLY = ""
"""The name of an exporter's table where it has one only."""


class Exporter(ABC, Generic[P]):
    """A named recipe; the file's name is the exporter's name.

    ``max_expires_days`` is how many days its files are kept at most, where that is less than the installation allows.
    ``max_running`` is how many of its exports run at once, whoever asks for them, and ``time_limit_seconds`` how long
    each attempt may take.
    """

    title: str
    description: ClassVar[str] = ""
    params_type: ClassVar[type[BaseModel]]
    max_expires_days: ClassVar[float | None] = None
    max_running: ClassVar[int | None] = None
    time_limit_seconds: ClassVar[float | None] = None

    @abstractmethod
    def declared(self) -> Mapping[str, Table[P]]:
        """Return its tables by name, as far as they are known without parameters; one alone has no name."""

    def tables(self, params: P) -> Mapping[str, Table[P]]:  # noqa: ARG002
        """Return its tables for some parameters, in the order of the sheets."""
        return self.declared()


class SqlExporter(SqlTable[P], Exporter[P]):
    """An exporter of one table, whose rows are one statement's; what YAML describes, and a base for Python classes."""

    def declared(self) -> Mapping[str, Table[P]]:
        """Return itself."""
        return {ONLY: self}


class Book(Exporter[P]):
    """An exporter of several tables with the same parameters: the sheets of a workbook, or files of a zip.

    A request may choose some of them. All are read in one snapshot where the source has it.
    """


class PandasExporter(SqlExporter[P]):
    """A statement whose rows pass, batch by batch, through a pandas function of yours.

    Columns declared ``derived`` are made by ``transform``; all others are read from the source. Frames have
    Arrow-backed dtypes, so NULL stays NULL and integers stay integers.
    """

    @abstractmethod
    def transform(self, df: pd.DataFrame, params: P) -> pd.DataFrame:
        """Return the frame with every declared column; rows may be dropped or added."""

    def batches(self, params: P, selection: Selection, sources: Sources) -> Batches:
        """Read all source columns, transform, then keep the selected columns."""
        batches = super().batches(params, self._read(selection), sources)
        fields = {field.name: field for field in batches.arrow}
        arrow = _schema_of(selection, fields)
        return Batches(arrow, self._transformed(batches, arrow, selection, params))

    def estimate(self, params: P, selection: Selection, sources: Sources) -> int | None:
        """Ask the source for what is read: transform may drop rows or add some."""
        return sources.estimate(self.source, self.query(params, self._read(selection)))

    def _read(self, selection: Selection) -> Selection:
        read = tuple(column for column in self.columns if not column.derived)
        return Selection(read, selection.filters, selection.order_by, selection.limit)

    def _transformed(
        self, batches: Batches, arrow: pa.Schema, selection: Selection, params: P
    ) -> Iterator[pa.RecordBatch]:
        import pandas as pd
        import pyarrow as pa

        origins = [column.origin for column in selection.columns]
        for batch in batches.stream:
            frame = batch.to_pandas(types_mapper=pd.ArrowDtype)
            frame = self.transform(frame, params)[origins]
            frame.columns = pd.Index(arrow.names)
            table = pa.Table.from_pandas(frame, schema=arrow, preserve_index=False).combine_chunks()
            yield from (result for result in table.to_batches() if result.num_rows)


def _schema_of(selection: Selection, read: Mapping[str, pa.Field]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(column.name, column.arrow_type() if column.derived else read[column.origin].type)
            for column in selection.columns
        ]
    )
