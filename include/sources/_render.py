"""SQL expressions that write a column's text as ``include/formats/_text.py`` documents it, on the server.

A value that its type cannot hold must end the query, naming its column. SQL has no RAISE, so such a value is turned
into a text that can be cast to no number, which says what is wrong and nothing of the value: :func:`told_misfit` reads
it from the server's message. It depends on the column, or the planner would cast it before there is a row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from include.core.schema import Column, ColumnType
from include.sources._misfit import Misfit
from include.sources._server_types import BIGINT_DIGITS, INTEGERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg
    import pyarrow as pa

    from include.sources._server_types import ServerType

_TOLD = re.compile(r"waybill:(\d+):([a-z_]+)")

_INFINITE = {ColumnType.DATE: Misfit.INFINITE_DATE}


def renders(columns: Sequence[Column]) -> bool:
    r"""Return whether the server writes all of these columns as the formats do.

    Floats it does not: its shortest text is not always the formats'. A text alone in its row neither: COPY puts
    ``\.`` in quotes there.
    """
    alone = len(columns) == 1 and columns[0].type.textual
    return not alone and all(column.type is not ColumnType.FLOAT for column in columns)


def rendered(columns: Sequence[Column], server: Sequence[ServerType], arrow: pa.Schema) -> list[str]:
    """Return an expression for each column, which it calls by :func:`position`."""
    return [
        _expression(index, column, kind, field.type)
        for index, (column, kind, field) in enumerate(zip(columns, server, arrow, strict=True))
    ]


def bounded(columns: Sequence[Column], server: Sequence[ServerType], arrow: pa.Schema) -> list[str] | None:
    """Return an expression for each column, or None where the columns can be read as they are.

    A decimal whose exporter declares other bounds than the server's is brought into them here, or refused: Arrow's
    reader lets numbers pass that do not fit, and wraps some of them.
    """
    import pyarrow as pa

    loose = [
        pa.types.is_decimal(field.type) and not _within(kind, field.type)
        for kind, field in zip(server, arrow, strict=True)
    ]
    if not any(loose):
        return None
    return [
        _expression(index, column, kind, field.type) if loose[index] else position(index)
        for index, (column, kind, field) in enumerate(zip(columns, server, arrow, strict=True))
    ]


def position(index: int) -> str:
    """Return the name of a column in the statement around the query."""
    return f"c{index}"


def told_misfit(error: psycopg.Error) -> tuple[int, Misfit] | None:
    """Return the index of the column and the kind of the value that ended a query, if it is one of these errors."""
    found = _TOLD.search(error.diag.message_primary or "")
    return (int(found[1]), Misfit(found[2])) if found else None


def _expression(index: int, column: Column, server: ServerType, arrow: pa.DataType) -> str:
    import pyarrow as pa

    name = position(index)
    match column.type:
        case ColumnType.BOOLEAN:
            return f"case {name} when true then 'true' when false then 'false' end"
        case ColumnType.DATE:
            return _in_years(index, column.type, name)
        case ColumnType.DATETIME | ColumnType.LOCAL_DATETIME:
            return _in_years(index, column.type, _moment(name, column.type))
        case ColumnType.TIME:
            misfit = f"({_telling(index, Misfit.END_OF_DAY)})::integer::text"
            return f"case when {name} = '24:00' then {misfit} else {name}::text || {_rest(name, 'time')} end"
        case ColumnType.DECIMAL if pa.types.is_decimal(arrow):
            return _decimal(index, server, arrow)
        case _:
            return name


def _telling(index: int, kind: str) -> str:
    return f"'waybill:{index}:{kind}' || left({position(index)}::text, 0)"


def _in_years(index: int, kind: ColumnType, text: str) -> str:
    """Return the text of a time in the years 1 to 9999, which also refuses infinite ones."""
    name = position(index)
    infinite = _INFINITE.get(kind, Misfit.INFINITE_TIME)
    told = (
        f"case when not isfinite({name}) then {_telling(index, infinite)}"
        f" when {name} < '0001-01-01' then {_telling(index, Misfit.YEAR_TOO_EARLY)}"
        f" else {_telling(index, Misfit.YEAR_TOO_LATE)} end"
    )
    cast = "date" if kind is ColumnType.DATE else "integer::text"
    return (
        f"case when {name} >= '0001-01-01' and {name} < '10000-01-01' then {text}"
        f" when {name} is not null then ({told})::{cast} end"
    )


def _moment(name: str, kind: ColumnType) -> str:
    if kind is ColumnType.LOCAL_DATETIME:
        return f"replace({name}::text, ' ', 'T') || {_rest(name, 'timestamp')}"
    return f"replace(({name} at time zone 'UTC')::text, ' ', 'T') || {_rest(name, 'timestamptz', zone='Z')}"


def _rest(name: str, server_type: str, *, zone: str = "") -> str:
    """Return what is missing behind the server's text: zeros up to 3 or 6 digits of a second, and the zone.

    The server leaves trailing zeros out. How many digits a value has is seen from a rounding that changes nothing.
    """

    def has(digits: int) -> str:
        return f"{name}::{server_type}({digits}) = {name}"

    return (
        f"case when {has(0)} or not {has(5)} then '{zone}' when {has(1)} then '00{zone}' when {has(2)} then '0{zone}'"
        f" when {has(3)} then '{zone}' when {has(4)} then '00{zone}' else '0{zone}' end"
    )


def _within(server: ServerType, arrow: pa.DataType) -> bool:
    """Return whether the server's type has just the digits of the declared one, NaN left aside."""
    if server.name in INTEGERS:
        return bool(arrow.scale == 0 and arrow.precision >= BIGINT_DIGITS)
    return (server.precision, server.scale) == (arrow.precision, arrow.scale)


def _decimal(index: int, server: ServerType, arrow: pa.DataType) -> str:
    """Return a decimal with all digits of its scale, refusing what is beyond its precision or has more digits."""
    name = position(index)
    if _within(server, arrow):
        if server.name in INTEGERS:
            return name
        return f"case when {name} = 'NaN' then ({_telling(index, Misfit.NAN)})::numeric else {name} end"
    value = f"{name}::numeric"
    told = (
        f"case when {value} = 'NaN' then {_telling(index, Misfit.NAN)}"
        f" when abs({value})::text = 'Infinity' then {_telling(index, Misfit.INFINITE_NUMBER)}"
        f" else {_telling(index, Misfit.DIGITS)} end"
    )
    return (
        f"case when {value} = trunc({value}, {arrow.scale})"
        f" and abs({value}) < '1e{arrow.precision - arrow.scale}'::numeric"
        f" then {name}::numeric({arrow.precision}, {arrow.scale})"
        f" when {name} is not null then ({told})::numeric end"
    )
