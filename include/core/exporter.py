"""Exporters: named recipes, typed parameters in, rows out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from include.core.query import Query, Selection
from include.core.source import Batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd
    import pyarrow as pa

    from include.core.format import CsvText
    from include.core.schema import Schema
    from include.core.source import Sources, TextRows


class Params(BaseModel):
    """Base of each exporter's parameters; an unknown parameter is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=BaseModel)


class Exporter(ABC, Generic[P]):
    """A named recipe; the file's name is the exporter's name.

    ``columns`` declares every column it can give. ``key`` names columns that are unique together: they make the
    order total, so equal requests on equal data give equal bytes. ``max_expires_days`` is how many days its files are
    kept at most, where that is less than the installation allows. ``max_running`` is how many of its exports run at
    once, whoever asks for them, and ``time_limit_seconds`` how long each attempt may take.
    """

    title: ClassVar[str]
    description: ClassVar[str] = ""
    params_type: ClassVar[type[BaseModel]]
    columns: ClassVar[Schema]
    key: ClassVar[tuple[str, ...]] = ()
    max_expires_days: ClassVar[float | None] = None
    max_running: ClassVar[int | None] = None
    time_limit_seconds: ClassVar[float | None] = None

    @abstractmethod
    def batches(self, params: P, selection: Selection, sources: Sources) -> Batches:
        """Return the selected rows, in record batches of the selection's columns."""

    def text(self, params: P, selection: Selection, sources: Sources, text: CsvText) -> TextRows | None:  # noqa: ARG002
        """Return the selected rows as the source writes them itself, or None where something lies between."""
        return None

    def origin(self, params: P, selection: Selection) -> tuple[str, Query] | None:  # noqa: ARG002
        """Return the connection and the query whose rows are the file's, in a total order; None where there is none.

        Reading may then begin behind any row, which is how an export goes on after a crash.
        """
        return None

    def estimate(self, params: P, selection: Selection, sources: Sources) -> int | None:  # noqa: ARG002
        """Return about how many rows there will be, or None where nobody can tell without reading them."""
        return None


class SqlExporter(Exporter[P]):
    """An exporter whose rows are one statement's; what YAML describes, and a base for Python classes."""

    source: ClassVar[str]
    sql: ClassVar[str]
    timeout_seconds: ClassVar[float | None] = None

    def arguments(self, params: P) -> Mapping[str, Any]:
        """Return the values of the statement's ``:name`` binds."""
        return {name: getattr(params, name) for name in type(params).model_fields}

    def batches(self, params: P, selection: Selection, sources: Sources) -> Batches:
        """Read the statement with everything pushed down."""
        return sources.read(self.source, self.query(params, selection))

    def text(self, params: P, selection: Selection, sources: Sources, text: CsvText) -> TextRows | None:
        """Have the source write the rows, unless a subclass makes its batches in a way of its own."""
        if type(self).batches is not SqlExporter.batches:
            return None
        return sources.read_text(self.source, self.query(params, selection), text)

    def origin(self, params: P, selection: Selection) -> tuple[str, Query] | None:
        """Return the statement where it has a key, unless a subclass makes its batches in a way of its own."""
        if type(self).batches is not SqlExporter.batches or not self.key:
            return None
        return self.source, self.query(params, selection)

    def estimate(self, params: P, selection: Selection, sources: Sources) -> int | None:
        """Ask the source, unless a subclass makes its batches in a way of its own."""
        if type(self).batches is not SqlExporter.batches:
            return None
        return sources.estimate(self.source, self.query(params, selection))

    def query(self, params: P, selection: Selection) -> Query:
        """Return the statement, its arguments and what is pushed down around it."""
        return Query(
            sql=self.sql,
            arguments=self.arguments(params),
            selection=selection,
            key=tuple(self.columns[name] for name in self.key),
            timeout_seconds=self.timeout_seconds,
        )


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
