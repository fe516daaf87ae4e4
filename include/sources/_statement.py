"""One statement around an exporter's own, with columns, conditions, order and limit pushed down.

SQLAlchemy writes it, so names are quoted and values bound as the database at hand wants it. Identifiers come from
the declared columns only, values only through binds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from include.core.errors import Fatal
from include.core.request import Op
from include.core.schema import ColumnType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy.sql.elements import ColumnElement

    from include.core.query import Filter, Order, Query
    from include.core.schema import Column

_CAST_BIND = re.compile(r"(?<![:\w\\]):\w+(?=::)")
"""``:name::type``: SQLAlchemy sees no bind there, but it does in ``(:name)::type``."""

TYPES: dict[ColumnType, Callable[[], sa.types.TypeEngine[Any]]] = {
    ColumnType.STRING: sa.Text,
    ColumnType.INTEGER: sa.BigInteger,
    ColumnType.DECIMAL: sa.Numeric,
    ColumnType.FLOAT: sa.Double,
    ColumnType.BOOLEAN: sa.Boolean,
    ColumnType.DATE: sa.Date,
    ColumnType.DATETIME: lambda: sa.DateTime(timezone=True),
    ColumnType.LOCAL_DATETIME: sa.DateTime,
    ColumnType.TIME: sa.Time,
    ColumnType.UUID: sa.Uuid,
}
"""How a condition's value is bound; a json column is only ever tested for null."""

OPERATIONS: dict[Op, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    Op.EQ: lambda column, value: column == value,
    Op.NE: lambda column, value: column != value,
    Op.LT: lambda column, value: column < value,
    Op.LE: lambda column, value: column <= value,
    Op.GT: lambda column, value: column > value,
    Op.GE: lambda column, value: column >= value,
    Op.IN: lambda column, value: column.in_(value),
    Op.NOT_IN: lambda column, value: column.not_in(value),
    Op.CONTAINS: lambda column, value: column.like(value, escape="/"),
    Op.STARTS_WITH: lambda column, value: column.like(value, escape="/"),
    Op.IS_NULL: lambda column, _: column.is_(None),
    Op.NOT_NULL: lambda column, _: column.is_not(None),
}


def build(query: Query) -> sa.Select[Any]:
    """Return ``select <columns> from (<statement>) where … order by … limit …``.

    The limit is one row more than asked for, so that a reader knows whether there was more.
    """
    names = dict.fromkeys(
        column.origin
        for column in (
            *query.selection.columns,
            *(f.column for f in query.selection.filters),
            *(o.column for o in query.full_order),
        )
    )
    rows = _counts(query, query.counted) if query.counted is not None else _rows(query, names)
    statement = sa.select(*(rows.c[column.origin].label(column.name) for column in query.selection.columns))
    statement = statement.where(*(_condition(rows, f) for f in query.selection.filters))
    if query.selection.after is not None:
        statement = statement.where(_behind(rows, query.full_order, query.selection.after))
    for order in query.full_order:
        key = rows.c[order.column.origin]
        statement = statement.order_by(key.desc() if order.descending else key.asc())
    if query.selection.limit is not None:
        statement = statement.limit(sa.literal_column(str(query.selection.limit + 1)))
    return statement


def _rows(query: Query, names: Iterable[str]) -> sa.Subquery:
    """Return the rows of the exporter's own statement."""
    return _inner(query).columns(*(sa.column(name) for name in names)).subquery("rows")


def _counts(query: Query, name: str) -> sa.Subquery:
    """Return how many of its rows there are for each value of a column, and which part of all, in percent."""
    value = _inner(query).columns(sa.column(name)).subquery("counted").c[name]
    number = sa.func.count()
    part = sa.literal_column("100.0") * number / sa.func.sum(number).over()
    percent = sa.cast(sa.func.round(part, sa.literal_column("2")), sa.Numeric(5, 2))
    found = sa.select(value.label("value"), number.label("count"), percent.label("percent"))
    return found.group_by(value).subquery("rows")


def _inner(query: Query) -> sa.TextClause:
    """Return the exporter's own statement with its arguments bound.

    :raises Fatal: when it uses a name that is no parameter.
    """
    text = sa.text(_CAST_BIND.sub(r"(\g<0>)", query.sql) + "\n")  # the statement may end in a comment
    used = set(text._bindparams)  # noqa: SLF001 - the names that the statement uses; there is no public way
    if unknown := sorted(used - set(query.arguments)):
        raise Fatal(
            f"The exporter's statement uses :{unknown[0]}, which is none of its parameters. "
            "Declare it, or write \\: for a colon that starts no parameter.",
            code="exporter_broken",
        )
    return text.bindparams(*(sa.bindparam(name, query.arguments[name]) for name in used))


def _condition(rows: sa.Subquery, condition: Filter) -> ColumnElement[bool]:
    kind = _type(condition.column)
    column = sa.type_coerce(rows.c[condition.column.origin], kind)
    bound: Any = _pattern(condition)
    bound = [_bind(value, kind) for value in bound] if isinstance(bound, tuple) else _bind(bound, kind)
    return OPERATIONS[condition.op](column, bound)


def _behind(rows: sa.Subquery, orders: Sequence[Order], place: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition for rows that come behind a place without NULLs, where NULL sorts as the largest value.

    Each text is bound without a type, so that the database reads it as one of the column's own.
    """
    found: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for order, text in zip(orders, place, strict=True):
        column, bound = rows.c[order.column.origin], _bind(text, sa.types.NullType())
        beyond = column < bound if order.descending else sa.or_(column > bound, column.is_(None))
        found.append(sa.and_(*equal, beyond))
        equal.append(column == bound)
    return sa.or_(*found)


def _pattern(condition: Filter) -> Any:
    """Return the value to compare with; of a text to look for, a pattern that holds it literally."""
    before = {Op.CONTAINS: "%", Op.STARTS_WITH: ""}.get(condition.op)
    if before is None:
        return condition.value
    return before + re.sub("[/%_]", r"/\g<0>", condition.value) + "%"


def _bind(value: Any, kind: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    """Bind under a name that no parameter of an exporter can have: none starts with an underscore."""
    return sa.bindparam("_condition", value, kind, unique=True)


def _type(column: Column) -> sa.types.TypeEngine[Any]:
    return TYPES.get(column.type, sa.Text)()
