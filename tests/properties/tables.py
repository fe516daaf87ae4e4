"""Any table: every column type, any names, and every awkward value that a source can send."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import example, given
from hypothesis import strategies as st

from include.core.schema import DECIMAL128_DIGITS, MAX_DECIMAL_DIGITS, Column, ColumnType, Schema
from tests.properties.values import AWKWARD, AWKWARD_NAMES, VALUES, decimals, free_decimals, names

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

Test: TypeAlias = "Callable[..., None]"


@dataclass(frozen=True)
class Table:
    """A schema and rows of Python values, as they lie in batches."""

    schema: Schema
    rows: list[tuple[Any, ...]]
    batch_rows: int

    def batches(self) -> list[pa.RecordBatch]:
        import pyarrow as pa

        arrow = self.schema.arrow()
        return [
            pa.RecordBatch.from_arrays(
                [
                    pa.array([row[index] for row in self.rows[start : start + self.batch_rows]], field.type)
                    for index, field in enumerate(arrow)
                ],
                schema=arrow,
            )
            for start in range(0, len(self.rows), self.batch_rows)
        ]

    def values(self) -> list[tuple[Any, ...]]:
        """The rows with decimals as numbers and documents as what they say."""
        return [
            tuple(
                value if value is None else meaning(column.type, value)
                for column, value in zip(self.schema, row, strict=True)
            )
            for row in self.rows
        ]


def meaning(kind: ColumnType, value: Any) -> Any:
    if kind is ColumnType.DECIMAL:
        return Decimal(value)
    return json.loads(value) if kind is ColumnType.JSON else value


@st.composite
def column(draw: st.DrawFn, name: str, kind: ColumnType) -> tuple[Column, st.SearchStrategy[Any]]:
    """A column of a type, and its values; a decimal of any precision that Arrow has, or of none."""
    if kind is not ColumnType.DECIMAL:
        return Column.of(name, kind), VALUES[kind]
    widths = st.sampled_from([12, DECIMAL128_DIGITS, DECIMAL128_DIGITS + 1, MAX_DECIMAL_DIGITS])
    precision = draw(st.none() | st.integers(1, MAX_DECIMAL_DIGITS) | widths)
    if precision is None:
        return Column.of(name, kind), free_decimals
    scale = draw(st.sampled_from([0, precision]) | st.integers(0, precision))
    return Column.of(name, kind, precision=precision, scale=scale), decimals(precision, scale)


@st.composite
def columns(draw: st.DrawFn) -> list[tuple[Column, st.SearchStrategy[Any]]]:
    """Every type at once, or one to twelve of any type, plainly named or not."""
    any_kind = st.sampled_from(list(ColumnType))
    few, many = st.lists(any_kind, min_size=1, max_size=3), st.lists(any_kind, min_size=4, max_size=12)
    kinds = draw(few | many | st.permutations(list(ColumnType)))
    plain = st.just([f"c{index}" for index in range(len(kinds))])
    any_names = st.lists(names, min_size=len(kinds), max_size=len(kinds), unique=True)
    return [draw(column(name, kind)) for name, kind in zip(draw(plain | any_names), kinds, strict=True)]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Any table."""
    made = draw(columns())
    row = st.tuples(*(st.none() | values for _, values in made))
    height = draw(st.sampled_from([0, 1, 2, 4, 6, 8, 10]))
    rows = draw(st.lists(row, min_size=height, max_size=height)) * draw(st.sampled_from([1, 1, 1, 2, 20]))
    return Table(Schema(tuple(column for column, _ in made)), rows, draw(st.integers(1, 4) | st.just(100)))


def _awkward() -> Table:
    """Every awkward value, of every type, and a NULL after each column's last."""
    kinds = list(AWKWARD)
    longest = max(map(len, AWKWARD.values()))
    filled = [AWKWARD[kind] + [None] * (longest + 1 - len(AWKWARD[kind])) for kind in kinds]
    schema = Schema(tuple(Column.of(f"a_{kind}", kind) for kind in kinds))
    return Table(schema, list(zip(*filled, strict=True)), batch_rows=16)


def _awkwardly_named() -> Table:
    """Every awkward name; each value tells its column."""
    schema = Schema(tuple(Column.of(name, ColumnType.STRING) for name in AWKWARD_NAMES))
    return Table(schema, [tuple(f"value of {index}" for index in range(len(schema)))], batch_rows=1)


AWKWARD_TABLES = (_awkward(), _awkwardly_named())


def any_table(test: Test) -> Test:
    """Run a test with any ``table``, and always with those that hold every awkward value and name."""
    for awkward in AWKWARD_TABLES:
        test = example(table=awkward)(test)
    return given(table=tables())(test)
