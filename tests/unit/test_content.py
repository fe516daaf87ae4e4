"""A hash of rows, whatever their order: what changes it and what does not."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from include.core.content import Content, spelled
from include.core.schema import Column, ColumnType, Schema
from tests.unit.stand_ins import COLUMNS, batch_of, batches_of, some_rows

if TYPE_CHECKING:
    from tests.unit.stand_ins import Row


def hashed(schema: Schema, rows: list[Row], *, size: int = 10, sheet: int = 0) -> str:
    content = Content(schema, sheet)
    for batch in batches_of(schema, rows, size=size):
        content.add(batch)
    assert content.rows == len(rows)
    return spelled(content.value)


def test_it_is_the_same_in_every_version() -> None:
    """Manifests keep it: a change of it is a change of what they mean."""
    decimals: dict[str, Any] = {"precision": 5, "scale": 2}
    schema = Schema.of(
        *(Column.of(kind, kind, **(decimals if kind is ColumnType.DECIMAL else {})) for kind in ColumnType)
    )
    moment = datetime(2026, 10, 25, 0, 30, 0, 123_456)  # noqa: DTZ001 - a local one
    row = (
        "ü",
        7,
        Decimal("-1.50"),
        0.1,
        True,
        date(1969, 12, 31),
        moment.replace(tzinfo=UTC),
        moment,
        time(23),
        "u",
        "{}",
    )
    assert hashed(schema, [row, tuple(None for _ in row)]) == "91788c50eadf3990778d511369b459af"
    assert hashed(schema, []) == "0" * 32


def test_order_and_batches_make_no_difference() -> None:
    rows = some_rows(25)
    assert len({hashed(COLUMNS, each, size=size) for each in (rows, rows[::-1]) for size in (1, 7, 100)}) == 1


def test_a_batch_may_begin_in_the_middle_of_another() -> None:
    content = Content(COLUMNS, 0)
    whole = batch_of(COLUMNS, [*some_rows(20), (21, None, None)])
    for start, length in ((0, 3), (3, 9), (12, 9)):
        content.add(whole.slice(start, length))
    assert spelled(content.value) == hashed(COLUMNS, [*some_rows(20), (21, None, None)])


def test_rows_that_were_hashed_before_are_gone_on_with() -> None:
    first = Content(COLUMNS, 0)
    first.add(batch_of(COLUMNS, some_rows(10)))
    again = Content(COLUMNS, 0, value=first.value, rows=first.rows)
    again.add(batch_of(COLUMNS, some_rows(20)[10:]))
    assert (spelled(again.value), again.rows) == (hashed(COLUMNS, some_rows(20)), 20)


def test_no_two_different_tables_are_the_same() -> None:
    schema = Schema.of(Column.of("a", ColumnType.STRING), Column.of("b", ColumnType.STRING))
    values = [None, "", "~", "1:~", "a", "0:", ":", "1", "aa"]
    pairs = list(itertools.product(values, repeat=2))
    assert len({hashed(schema, [pair]) for pair in pairs}) == len(pairs)
    assert len({hashed(schema, [pair], sheet=1) for pair in pairs} | {hashed(schema, [pair]) for pair in pairs}) == (
        2 * len(pairs)
    )


def test_equal_rows_do_not_cancel_each_other_out() -> None:
    first, second = some_rows(2)
    many = [[first, first], [second, second], [first] * 4, [], [first, second], [first] * 3]
    assert len({hashed(COLUMNS, rows) for rows in many}) == len(many)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (
            ColumnType.FLOAT,
            [0.0, -0.0, 5e-324, float("inf"), float("-inf"), float("nan"), 0.1, 0.30000000000000004, 0.3],
        ),
        (ColumnType.DECIMAL, ["0", "-0", "0.0", "1", "10", "0.10", "0.1", "-1", "NaN", "1" * 90, "1" * 89 + "2"]),
        (ColumnType.DATETIME, [datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)]),
        (ColumnType.INTEGER, [0, 1, -1, 2**63 - 1, -(2**63)]),
    ],
)
def test_every_digit_counts(kind: ColumnType, values: list[Any]) -> None:
    schema = Schema.of(Column.of("v", kind))
    assert len({hashed(schema, [(value,)]) for value in values}) == len(values)


@pytest.mark.parametrize("precision", [5, 38, 39, 76])
def test_a_decimal_is_its_text_whatever_holds_it(precision: int) -> None:
    values = [Decimal("0.00"), Decimal("-0.01"), Decimal("1.50"), Decimal("-123.45"), None]
    held = Schema.of(Column.of("v", ColumnType.DECIMAL, precision=precision, scale=2))
    texts = Schema.of(Column.of("v", ColumnType.DECIMAL))
    rows = [(value,) for value in values]
    assert hashed(held, rows) == hashed(texts, [(None if value is None else format(value, "f"),) for value in values])
