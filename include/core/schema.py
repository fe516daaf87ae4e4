"""Columns: what an exporter declares about its rows, and what that means in Arrow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

MAX_DECIMAL_DIGITS = 76
"""Digits of Arrow's decimal256; a wider or unbounded numeric travels as its exact text."""

DECIMAL128_DIGITS = 38


class ColumnType(StrEnum):
    """The types that a column can declare; each has one documented rendering in each format."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    LOCAL_DATETIME = "local_datetime"
    TIME = "time"
    UUID = "uuid"
    JSON = "json"

    @property
    def textual(self) -> bool:
        """Whether values of this type are free text, which a spreadsheet could take for a formula."""
        return self in {ColumnType.STRING, ColumnType.JSON, ColumnType.UUID}


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column.

    ``name`` is the column's name in the file; ``origin`` its name in the exporter's rows (they differ after a
    rename). ``precision`` and ``scale`` belong to decimals: both are None for a numeric without bounds.
    ``derived`` columns are computed after the source was read, so no filter or order can be pushed down to them.
    Columns ``on_request`` are in the file only where a request names them, such as a key that only orders the rows.
    """

    name: str
    type: ColumnType
    label: str
    origin: str
    description: str = ""
    sensitive: bool = False
    precision: int | None = None
    scale: int | None = None
    derived: bool = False
    on_request: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        column_type: ColumnType,
        label: str | None = None,
        *,
        description: str = "",
        sensitive: bool = False,
        precision: int | None = None,
        scale: int | None = None,
        derived: bool = False,
        on_request: bool = False,
    ) -> Column:
        """Return a declared column; its label is made from its name when left out."""
        return cls(
            name=name,
            type=column_type,
            label=label or name.replace("_", " ").capitalize(),
            origin=name,
            description=description,
            sensitive=sensitive,
            precision=precision,
            scale=scale,
            derived=derived,
            on_request=on_request,
        )

    def renamed(self, name: str) -> Column:
        """Return this column under another name in the file; its label follows."""
        return replace(self, name=name, label=name)

    def arrow_type(self) -> pa.DataType:
        """Return the Arrow type that holds every value of this column exactly."""
        import pyarrow as pa

        if self.type is ColumnType.DECIMAL and self.precision is not None and self.precision <= MAX_DECIMAL_DIGITS:
            make = pa.decimal128 if self.precision <= DECIMAL128_DIGITS else pa.decimal256
            return make(self.precision, self.scale or 0)
        plain = {
            ColumnType.INTEGER: pa.int64(),
            ColumnType.FLOAT: pa.float64(),
            ColumnType.BOOLEAN: pa.bool_(),
            ColumnType.DATE: pa.date32(),
            ColumnType.DATETIME: pa.timestamp("us", tz="UTC"),
            ColumnType.LOCAL_DATETIME: pa.timestamp("us"),
            ColumnType.TIME: pa.time64("us"),
        }
        return plain.get(self.type, pa.string())


@dataclass(frozen=True, slots=True)
class Schema:
    """The declared columns in their order."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, *columns: Column) -> Schema:
        """Return the schema of these columns."""
        return cls(columns)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names in the file."""
        return tuple(column.name for column in self.columns)

    def arrow(self) -> pa.Schema:
        """Return the Arrow schema of a batch of these columns."""
        import pyarrow as pa

        return pa.schema([pa.field(column.name, column.arrow_type()) for column in self.columns])
