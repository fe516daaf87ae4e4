"""What a described column of PostgreSQL says of its type, and what it means for the declared one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from include.core.schema import MAX_DECIMAL_DIGITS, Column, ColumnType

if TYPE_CHECKING:
    import psycopg

INTEGERS = frozenset({"int2", "int4", "int8"})

BIGINT_DIGITS = 19


@dataclass(frozen=True, slots=True)
class ServerType:
    """The type of a described column; ``name`` is None for those that are not the server's own, such as enums.

    ``precision`` and ``scale`` belong to a numeric that declares them. A domain is described by its base type.
    """

    name: str | None
    precision: int | None = None
    scale: int | None = None

    @classmethod
    def of(cls, described: psycopg.Column) -> ServerType:
        """Return the type of a column that a query was described with."""
        from psycopg.postgres import types

        info = types.get(described.type_code)
        if info is None or info.oid != described.type_code:  # the registry also finds an array's element by its oid
            return cls(None)
        if info.name != "numeric" or described.precision is None:
            return cls(info.name)
        return cls(info.name, described.precision, described.scale or 0)

    def exact(self, column: Column) -> Column:
        """Return the column with the precision that the server gives, where the exporter declares none.

        A numeric whose scale is negative or larger than its precision travels as its exact text, as those do that
        are wider than Arrow's decimals.
        """
        if column.type is not ColumnType.DECIMAL or column.precision is not None:
            return column
        if self.name in INTEGERS:
            return replace(column, precision=BIGINT_DIGITS, scale=0)
        if self.precision is None or self.scale is None:
            return column
        if self.precision > MAX_DECIMAL_DIGITS or not 0 <= self.scale <= self.precision:
            return column
        return replace(column, precision=self.precision, scale=self.scale)
