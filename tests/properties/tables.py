"""Any table: every column type, and every awkward value that a source can send."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from include.core.schema import Column, ColumnType, Schema

if TYPE_CHECKING:
    import pyarrow as pa

AWKWARD_TEXTS = [
    "",
    " ",
    "\n",
    "\r",
    "\r\n",
    "\t",
    '"',
    '""',
    ",",
    ";",
    "'",
    "\\",
    "\\N",
    "NULL",
    "null",
    "None",
    "nan",
    "=1+1",
    "-1",
    "+1",
    "@x",
    "007",
    "true",
    "_x000D_",
    "\x00",
    "\x01",
    "\ufeff",
    "\ufffe",
    "\u2028",
    "\u0085",
    "<row r=",
    "&amp;",
    "ü",
    "📦",
    "{}",
    "}",
    "PAR1",
]
texts = st.sampled_from(AWKWARD_TEXTS) | st.text(max_size=12)


_WIDE = Context(prec=100)


def _decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    top = 10**precision - 1
    return st.integers(-top, top).map(lambda digits: Decimal(digits).scaleb(-scale, _WIDE))


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)

VALUES: dict[ColumnType, st.SearchStrategy[Any]] = {
    ColumnType.STRING: texts,
    ColumnType.INTEGER: st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53, -(2**53), 10**15, 10**15 - 1]),
    ColumnType.FLOAT: st.floats(allow_nan=True, allow_infinity=True),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.DATE: st.dates(),
    ColumnType.DATETIME: st.datetimes(timezones=st.just(UTC)),
    ColumnType.LOCAL_DATETIME: st.datetimes(),
    ColumnType.TIME: st.times(),
    ColumnType.UUID: st.uuids().map(str),
    ColumnType.JSON: st.tuples(documents, st.sampled_from([None, 2])).map(
        lambda made: json.dumps(made[0], ensure_ascii=False, indent=made[1])
    ),
}
DECIMALS: list[tuple[int | None, int | None, st.SearchStrategy[Any]]] = [
    (12, 2, _decimals(12, 2)),
    (38, 9, _decimals(38, 9)),
    (76, 20, _decimals(76, 20)),
    (None, None, _decimals(90, 45).map(lambda value: format(value, "f")) | st.sampled_from(["NaN", "0.10", "-0"])),
]


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
def columns(draw: st.DrawFn) -> list[tuple[Column, st.SearchStrategy[Any]]]:
    """Every type at once, or a few of them; awkward names are the contracts' business."""
    kinds = draw(st.just(list(ColumnType)) | st.lists(st.sampled_from(list(ColumnType)), min_size=1, max_size=3))
    made: list[tuple[Column, st.SearchStrategy[Any]]] = []
    for index, kind in enumerate(kinds):
        if kind is ColumnType.DECIMAL:
            precision, scale, values = draw(st.sampled_from(DECIMALS))
            made.append((Column.of(f"c{index}", kind, precision=precision, scale=scale), values))
        else:
            made.append((Column.of(f"c{index}", kind), VALUES[kind]))
    return made


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Any table."""
    made = draw(columns())
    row = st.tuples(*(st.none() | values for _, values in made))
    rows = draw(st.lists(row, max_size=6))
    return Table(Schema(tuple(column for column, _ in made)), rows, draw(st.integers(1, 4)))
