"""Typed conditions: which comparison fits which type, and which values it takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from include.core.query import Filter, check_filters, check_order
from include.core.request import Condition, Op
from include.core.schema import Column, ColumnType, Schema

if TYPE_CHECKING:
    from include.core.errors import FieldError

SCHEMA = Schema.of(
    *(Column.of(kind.value, kind) for kind in ColumnType), Column.of("net", ColumnType.DECIMAL, derived=True)
)

EQUALITY = {"=", "!=", "in", "not_in"}
ORDER = {"<", "<=", ">", ">="}
TEXT = {"contains", "starts_with"}
NULL = {"is_null", "not_null"}

FITTING = {
    "string": EQUALITY | ORDER | TEXT | NULL,
    "integer": EQUALITY | ORDER | NULL,
    "decimal": EQUALITY | ORDER | NULL,
    "float": EQUALITY | ORDER | NULL,
    "boolean": EQUALITY | NULL,
    "date": EQUALITY | ORDER | NULL,
    "datetime": EQUALITY | ORDER | NULL,
    "local_datetime": EQUALITY | ORDER | NULL,
    "time": EQUALITY | ORDER | NULL,
    "uuid": EQUALITY | NULL,
    "json": NULL,
}

A_UUID = "8f14e45f-ceea-467f-a5a5-2f1b5bd7e0c1"
VALUES: dict[str, tuple[object, object]] = {
    "string": ("=1+1", "=1+1"),
    "integer": (9_007_199_254_740_993, 9_007_199_254_740_993),
    "decimal": ("0.10", Decimal("0.10")),
    "float": (1.5, 1.5),
    "boolean": (False, False),
    "date": ("2026-10-01", date(2026, 10, 1)),
    "datetime": ("2026-10-01T02:00:00+02:00", datetime(2026, 10, 1, tzinfo=UTC)),
    "local_datetime": ("2026-10-01T00:00:00", datetime(2026, 10, 1)),  # noqa: DTZ001 - a local time
    "time": ("10:00:01", time(10, 0, 1)),
    "uuid": (A_UUID, UUID(A_UUID)),
    "json": ("{}", "{}"),
}


def checked(column: str, op: str, value: Any = None) -> tuple[tuple[Filter, ...], list[FieldError]]:
    errors: list[FieldError] = []
    filters = check_filters(SCHEMA, [Condition(column=column, op=Op(op), value=value)], errors)
    return filters, errors


def value_for(op: str, value: object) -> object:
    if op in NULL:
        return None
    return [value, value] if op in {"in", "not_in"} else value


EVERY_PAIR = [(kind.value, op.value) for kind in ColumnType for op in Op]


@pytest.mark.parametrize(("kind", "op"), EVERY_PAIR)
def test_a_comparison_is_taken_where_it_fits_the_type_and_refused_elsewhere(kind: str, op: str) -> None:
    given, wanted = VALUES[kind]
    filters, errors = checked(kind, op, value_for(op, given))
    if op not in FITTING[kind]:
        assert not filters
        assert errors[0].pointer == "/where/0/op"
        assert kind in errors[0].detail
        return
    assert not errors
    typed = value_for(op, wanted)
    assert filters[0].value == (tuple(typed) if isinstance(typed, list) else typed)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", 5),
        ("string", True),
        ("string", ["a"]),
        ("string", "a\0b"),
        ("integer", True),
        ("integer", 1.5),
        ("integer", "1.5"),
        ("integer", 2**63),
        ("integer", -(2**63) - 1),
        ("decimal", "NaN"),
        ("decimal", True),
        ("float", "much"),
        ("boolean", 2),
        ("boolean", "perhaps"),
        ("date", "2026-02-29"),
        ("date", "2026-10-01T10:00:00"),
        ("datetime", "2025-05-05T05:05:05"),
        ("local_datetime", "2025-05-05T05:05:05Z"),
        ("time", "25:00"),
        ("time", 36_000),
        ("uuid", "8f14e45f"),
        ("date", None),
    ],
)
def test_a_value_of_another_type_is_refused_without_repeating_it(kind: str, value: object) -> None:
    filters, errors = checked(kind, "=", value)
    assert not filters
    assert [error.pointer for error in errors] == ["/where/0/value"]
    assert value is None or str(value) not in errors[0].detail


@pytest.mark.parametrize("op", sorted(NULL))
def test_null_tests_take_no_value(op: str) -> None:
    assert checked("string", op, "x")[1][0].pointer == "/where/0/value"


@pytest.mark.parametrize("op", ["in", "not_in"])
@pytest.mark.parametrize("value", ["a", None, [], {}, [None], [["a"]]])
def test_lists_take_lists_with_at_least_one_plain_value(op: str, value: object) -> None:
    assert checked("string", op, value)[1][0].pointer == "/where/0/value"


def test_the_limits_of_64_bits_are_taken() -> None:
    for edge in (2**63 - 1, -(2**63)):
        assert checked("integer", "=", edge)[0][0].value == edge


def test_a_derived_column_can_be_neither_filtered_nor_sorted_by() -> None:
    errors: list[FieldError] = []
    assert checked("net", "is_null")[1][0].pointer == "/where/0/column"
    assert check_order(SCHEMA, ["-net"], errors) == ()
    assert errors[0].pointer == "/order_by/0"


def test_every_wrong_condition_is_told_by_its_place() -> None:
    errors: list[FieldError] = []
    wrong = [
        Condition(column="json", op=Op.EQ, value="{}"),
        Condition(column="string", op=Op.EQ, value="fine"),
        Condition(column="integer", op=Op.EQ, value="x"),
    ]
    filters = check_filters(SCHEMA, wrong, errors)
    assert [found.value for found in filters] == ["fine"]
    assert [error.pointer for error in errors] == ["/where/0/op", "/where/2/value"]
