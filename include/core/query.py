"""What is asked of a source: a statement and everything that is pushed down around it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import TypeAdapter

from include.core.errors import FieldError
from include.core.request import ColumnChoice, Condition, Op, no_number
from include.core.schema import Column, ColumnType, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PYTHON_TYPES: dict[ColumnType, type] = {
    ColumnType.STRING: str,
    ColumnType.INTEGER: int,
    ColumnType.DECIMAL: Decimal,
    ColumnType.FLOAT: float,
    ColumnType.BOOLEAN: bool,
    ColumnType.DATE: date,
    ColumnType.DATETIME: datetime,
    ColumnType.LOCAL_DATETIME: datetime,
    ColumnType.TIME: time,
    ColumnType.UUID: UUID,
}
"""The Python type that a condition's value has when it is bound; json columns can only be tested for null."""

_EQUALITY = frozenset({Op.EQ, Op.NE, Op.IN, Op.NOT_IN})
_ORDER = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})
_TEXT = frozenset({Op.CONTAINS, Op.STARTS_WITH})
NULL_TESTS = frozenset({Op.IS_NULL, Op.NOT_NULL})
LISTS = frozenset({Op.IN, Op.NOT_IN})


_TEMPORAL = frozenset({date, datetime, time})


def fitting_ops(column_type: ColumnType) -> frozenset[Op]:
    """Return the comparisons that make sense for a type."""
    match column_type:
        case ColumnType.JSON:
            return NULL_TESTS
        case ColumnType.BOOLEAN | ColumnType.UUID:
            return NULL_TESTS | _EQUALITY
        case ColumnType.STRING:
            return NULL_TESTS | _EQUALITY | _ORDER | _TEXT
        case _:
            return NULL_TESTS | _EQUALITY | _ORDER


@dataclass(frozen=True, slots=True)
class Filter:
    """A checked condition: its column and a value of the column's Python type (a tuple for lists)."""

    column: Column
    op: Op
    value: Any = None


@dataclass(frozen=True, slots=True)
class Order:
    """A checked sort key."""

    column: Column
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Which columns and rows are wanted of an exporter; every part refers to declared columns only.

    ``after`` is the place in the full order behind which to begin: a text for each of its columns.
    """

    columns: tuple[Column, ...]
    filters: tuple[Filter, ...] = ()
    order_by: tuple[Order, ...] = ()
    limit: int | None = None
    after: tuple[str, ...] | None = None

    @property
    def schema(self) -> Schema:
        """The columns of the file."""
        return Schema(self.columns)


@dataclass(frozen=True, slots=True)
class Query:
    """A statement with ``:name`` binds and its arguments, and what to push down around it.

    ``selection.columns`` are read under their ``origin`` and leave under their ``name``. ``key`` is appended to
    the order, so that equal requests on equal data give equal bytes. Where ``counted`` names a column of the
    statement, its rows are not read but counted: the selection is one of ``value``, ``count`` and ``percent``.
    """

    sql: str
    arguments: Mapping[str, Any]
    selection: Selection
    key: tuple[Column, ...] = ()
    timeout_seconds: float | None = None
    counted: str | None = None

    @property
    def full_order(self) -> tuple[Order, ...]:
        """The requested order, made total by the key."""
        asked = {order.column.origin for order in self.selection.order_by}
        return self.selection.order_by + tuple(Order(c) for c in self.key if c.origin not in asked)

    def sha256(self) -> str:
        """Return a hash of all that decides which rows are read."""
        parts = {
            "sql": self.sql,
            "arguments": {name: repr(value) for name, value in sorted(self.arguments.items())},
            "columns": [[c.origin, c.name] for c in self.selection.columns],
            "filters": [[f.column.origin, f.op, repr(f.value)] for f in self.selection.filters],
            "order": [[o.column.origin, o.descending] for o in self.full_order],
            "limit": self.selection.limit,
            **({} if self.selection.after is None else {"after": self.selection.after}),
            **({} if self.counted is None else {"counted": self.counted}),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def choose_columns(
    schema: Schema, wanted: Sequence[ColumnChoice] | None, errors: list[FieldError]
) -> tuple[Column, ...]:
    """Return the wanted columns, renamed where asked; append to ``errors`` what cannot be had."""
    if wanted is None:
        return tuple(column for column in schema if not column.on_request)
    chosen: list[Column] = []
    for index, choice in enumerate(wanted):
        name, rename = choice.name, choice.rename
        if name not in schema:
            errors.append(FieldError(f"/columns/{index}", unknown_column(name, schema)))
            continue
        column = schema[name] if rename is None else schema[name].renamed(rename)
        if any(column.name == other.name for other in chosen):
            errors.append(FieldError(f"/columns/{index}", f"The column {column.name!r} is there twice."))
        chosen.append(column)
    return tuple(chosen)


def check_filters(schema: Schema, conditions: Sequence[Condition], errors: list[FieldError]) -> tuple[Filter, ...]:
    """Return the conditions with values of their columns' types; append to ``errors`` what does not fit."""
    filters: list[Filter] = []
    for index, condition in enumerate(conditions):
        column = _pushable(schema, condition.column, f"/where/{index}/column", errors)
        if column is None:
            continue
        if condition.op not in fitting_ops(column.type):
            fitting = ", ".join(sorted(fitting_ops(column.type)))
            errors.append(
                FieldError(
                    f"/where/{index}/op",
                    f"{condition.op} does not fit {column.name!r}, a {column.type} column; use one of: {fitting}.",
                )
            )
            continue
        try:
            filters.append(Filter(column, condition.op, _typed_value(column, condition)))
        except ValueError as error:
            errors.append(FieldError(f"/where/{index}/value", str(error)))
    return tuple(filters)


def check_order(schema: Schema, order_by: Sequence[str], errors: list[FieldError]) -> tuple[Order, ...]:
    """Return the sort keys; append to ``errors`` what cannot be sorted by."""
    orders: list[Order] = []
    for index, item in enumerate(order_by):
        column = _pushable(schema, item.removeprefix("-"), f"/order_by/{index}", errors)
        if column is None:
            continue
        if column.type is ColumnType.JSON:
            errors.append(FieldError(f"/order_by/{index}", f"{column.name!r} is json and has no order."))
            continue
        if any(order.column == column for order in orders):
            errors.append(FieldError(f"/order_by/{index}", f"{column.name!r} is there twice."))
            continue
        orders.append(Order(column, descending=item.startswith("-")))
    return tuple(orders)


def unknown_column(name: str, schema: Schema) -> str:
    """Return the sentence for a column that is not declared."""
    return f"There is no column {name!r}; the exporter has: {', '.join(schema.names)}."


def _pushable(schema: Schema, name: str, pointer: str, errors: list[FieldError]) -> Column | None:
    if name not in schema:
        errors.append(FieldError(pointer, unknown_column(name, schema)))
        return None
    column = schema[name]
    if column.derived:
        errors.append(
            FieldError(pointer, f"{name!r} is computed after the source was read: no filter or order can use it.")
        )
        return None
    return column


def _typed_value(column: Column, condition: Condition) -> Any:
    if condition.op in NULL_TESTS:
        if condition.value is not None:
            raise ValueError(f"{condition.op} takes no value.")
        return None
    if condition.op in LISTS:
        if not isinstance(condition.value, list) or not condition.value:
            raise ValueError(f"{condition.op} takes a list with at least one value.")
        return tuple(_scalar(column, value) for value in condition.value)
    return _scalar(column, condition.value)


def _scalar(column: Column, value: object) -> Any:
    wanted = PYTHON_TYPES[column.type]
    if value is None:
        raise ValueError("A value is needed; for null use is_null or not_null.")
    if isinstance(value, bool) is not (wanted is bool) or (wanted is str and not isinstance(value, str)):
        raise ValueError(f"This is not a {column.type}.")
    try:
        typed: Any = TypeAdapter(wanted).validate_python(no_number(value) if wanted in _TEMPORAL else value)
    except ValueError:
        raise ValueError(f"This is not a {column.type}.") from None
    if isinstance(typed, datetime):
        _check_zone(column, typed)
    if isinstance(typed, str) and "\0" in typed:
        raise ValueError("A text cannot hold the character U+0000.")
    if isinstance(typed, int) and not isinstance(typed, bool) and not -(2**63) <= typed < 2**63:
        raise ValueError("The number is beyond 64 bits.")
    return typed


def _check_zone(column: Column, value: datetime) -> None:
    zoned = value.tzinfo is not None
    if column.type is ColumnType.DATETIME and not zoned:
        raise ValueError("A time needs its zone, such as 2026-10-01T00:00:00Z.")
    if column.type is ColumnType.LOCAL_DATETIME and zoned:
        raise ValueError("This column holds local times: leave the zone out.")
