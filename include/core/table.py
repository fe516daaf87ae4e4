"""Tables: what an exporter's rows come from, one of them or several, each a sheet or a file of the export."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel

from include.core.params import binds_of
from include.core.query import Order, Query, Selection
from include.core.schema import Column, ColumnType, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.core.format import CsvText
    from include.core.source import Batches, Sources, TextRows

P = TypeVar("P", bound=BaseModel)


class Table(ABC, Generic[P]):
    """Rows of declared columns, for an exporter's parameters.

    ``title`` is what a sheet of it is called. ``columns`` declares every column it can give. ``key`` names columns
    that are unique together: they make the order total, so equal requests on equal data give equal bytes.
    """

    title: str
    columns: Schema
    key: tuple[str, ...] = ()

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


class SqlTable(Table[P]):
    """A table whose rows are one statement's.

    ``default_order`` is the order of a request that has none, before the key.
    """

    source: str
    sql: str
    timeout_seconds: float | None = None
    default_order: tuple[Order, ...] = ()

    def arguments(self, params: P) -> Mapping[str, Any]:
        """Return the values of the statement's ``:name`` binds."""
        return binds_of(params)

    def batches(self, params: P, selection: Selection, sources: Sources) -> Batches:
        """Read the statement with everything pushed down."""
        return sources.read(self.source, self.query(params, selection))

    def text(self, params: P, selection: Selection, sources: Sources, text: CsvText) -> TextRows | None:
        """Have the source write the rows, unless a subclass makes its batches in a way of its own."""
        if type(self).batches is not SqlTable.batches:
            return None
        return sources.read_text(self.source, self.query(params, selection), text)

    def origin(self, params: P, selection: Selection) -> tuple[str, Query] | None:
        """Return the statement where it has a key, unless a subclass makes its batches in a way of its own."""
        if type(self).batches is not SqlTable.batches or not self.key:
            return None
        return self.source, self.query(params, selection)

    def estimate(self, params: P, selection: Selection, sources: Sources) -> int | None:
        """Ask the source, unless a subclass makes its batches in a way of its own."""
        if type(self).batches is not SqlTable.batches:
            return None
        return sources.estimate(self.source, self.query(params, selection))

    def query(self, params: P, selection: Selection) -> Query:
        """Return the statement, its arguments and what is pushed down around it."""
        return Query(
            sql=self.sql,
            arguments=self.arguments(params),
            selection=selection if selection.order_by else replace(selection, order_by=self.default_order),
            key=tuple(self.columns[name] for name in self.key),
            timeout_seconds=self.timeout_seconds,
        )


class StatementTable(SqlTable[P]):
    """A table made from its parts: a sheet that a YAML file describes, or one that a Python exporter puts together.

    :param extra: values of further binds than the parameters
    """

    def __init__(
        self,
        *,
        title: str,
        source: str,
        sql: str,
        columns: Schema,
        key: tuple[str, ...] = (),
        timeout_seconds: float | None = None,
        default_order: tuple[Order, ...] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.title = title
        self.source = source
        self.sql = sql
        self.columns = columns
        self.key = key
        self.timeout_seconds = timeout_seconds
        self.default_order = default_order
        self._extra = dict(extra or {})

    def arguments(self, params: P) -> Mapping[str, Any]:
        """Return the parameters and what else the statement binds."""
        return {**super().arguments(params), **self._extra}


class CountsTable(SqlTable[P]):
    """How many rows another table has for each value of one of its columns, the most frequent first.

    Its columns are ``value``, ``count`` and ``percent``, of all rows, with two decimals. NULL is counted like a value.
    """

    key = ("value",)

    def __init__(self, of: SqlTable[P], by: str, *, title: str) -> None:
        """Take the other table's statement.

        :raises ValueError: when the source could not count the column's values.
        """
        counted = of.columns[by]
        if isinstance(of, CountsTable):
            raise ValueError("These are counts already, and cannot be counted themselves.")  # noqa: TRY004 - of a file
        if counted.derived:
            raise ValueError(f"{by!r} is computed after the source was read: its values cannot be counted there.")
        if counted.type is ColumnType.JSON:
            raise ValueError(f"{by!r} is json: its values cannot be told apart. Count a part of it as a string.")
        self.title = title
        self.source = of.source
        self.timeout_seconds = of.timeout_seconds
        self.sql = of.sql
        self.columns = Schema.of(
            replace(counted, name="value", origin="value", label="Value"),
            Column.of("count", ColumnType.INTEGER, "Count"),
            Column.of("percent", ColumnType.DECIMAL, "%", precision=5, scale=2),
        )
        self.default_order = (Order(self.columns["count"], descending=True),)
        self._of = of
        self._by = by

    def arguments(self, params: P) -> Mapping[str, Any]:
        """Return what the other table's statement binds."""
        return self._of.arguments(params)

    def query(self, params: P, selection: Selection) -> Query:
        """Return the other table's statement, whose rows are counted."""
        return replace(super().query(params, selection), counted=self._by)
