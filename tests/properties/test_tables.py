"""The tables that the properties are tested with: every type and every class of value comes up among them."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from include.core.schema import Column, ColumnType
from tests.properties.tables import AWKWARD_TABLES, Table, meaning, tables
from tests.properties.values import AWKWARD, AWKWARD_NAMES, AWKWARD_TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = 200
"""As many as each format is tested with in every run."""


def traits_of_shape(table: Table) -> Iterator[str]:
    width, height = len(table.schema), len(table.rows)
    yield {0: "no rows", 1: "one row"}.get(height, "many rows")
    yield {1: "one column"}.get(width, "eleven columns or more" if width > 10 else "some columns")
    if height > table.batch_rows:
        yield "many batches"
    if height % table.batch_rows:
        yield "a last batch that is not full"
    if len({repr(row) for row in table.rows}) < height:
        yield "rows that are equal"
    if len({column.type for column in table.schema}) == len(ColumnType):
        yield "every type at once"
    if len({column.type for column in table.schema}) < width:
        yield "a type twice"
    for name in table.schema.names:
        yield "an awkward name" if name in AWKWARD_NAMES else "a plain name" if name.isascii() else "a name in Unicode"


def traits_of(column: Column, value: Any) -> Iterator[str]:
    """What is special about a value."""
    kind = column.type
    yield f"{kind}: {'null' if value is None else 'value'}"
    match meaning(kind, value) if value is not None else None:
        case Decimal() as number:
            yield from traits_of_decimal(column, number)
        case float() as number if kind is ColumnType.FLOAT:
            yield from traits_of_float(number)
        case datetime() | time() as moment:
            micros = moment.microsecond
            yield f"{kind}: {0 if not micros else 6 if micros % 1000 else 3} digits of a second"
    if isinstance(value, date):
        yield from traits_of_day(kind, value)
    if isinstance(value, int) and kind is ColumnType.INTEGER:
        yield f"integer: {'beyond' if abs(value) >= 2**53 else 'within'} 53 bits"
        yield f"integer: {'negative' if value < 0 else 'positive'}"
    if kind is ColumnType.STRING and isinstance(value, str):
        yield "string: awkward" if value in AWKWARD_TEXTS else "string: any"
    if kind is ColumnType.JSON and isinstance(value, str):
        yield from traits_of_document(value)


def traits_of_decimal(column: Column, number: Decimal) -> Iterator[str]:
    match column.precision:
        case None:
            yield "decimal: without bounds"
        case int(precision):
            yield f"decimal: {'up to 38' if precision <= 38 else 'up to 76'} digits"
            yield (
                "decimal: whole"
                if not column.scale
                else "decimal: all behind the point"
                if (column.scale == precision)
                else "decimal: some behind the point"
            )
    if number.is_finite():
        yield f"decimal: {'negative' if number < 0 else 'zero' if not number else 'positive'}"
        yield f"decimal: {'over' if len(number.as_tuple().digits) > 15 else 'up to'} 15 digits"


def traits_of_float(number: float) -> Iterator[str]:
    if math.isnan(number) or math.isinf(number) or number == 0:
        yield f"float: {number}"
    else:
        yield f"float: {'subnormal' if abs(number) < 2.2250738585072014e-308 else 'normal'}"


def traits_of_day(kind: ColumnType, day: date) -> Iterator[str]:
    if (day.month, day.day) == (2, 29):
        yield f"{kind}: leap day"
    if day < date(1900, 3, 1) if not isinstance(day, datetime) else day.date() < date(1900, 3, 1):
        yield f"{kind}: before March 1900"
    if day.year in {1, 9999}:
        yield f"{kind}: year {day.year}"


def traits_of_document(text: str) -> Iterator[str]:
    found = json.loads(text)
    yield f"json: {type(found).__name__}"
    if "\n" in text:
        yield "json: over lines"
    if "[[" in text.replace(" ", "").replace("\n", ""):
        yield "json: nested"
    if isinstance(found, int) and abs(found) > 2**64:
        yield "json: huge number"


WANTED = {
    "no rows",
    "one row",
    "many rows",
    "many batches",
    "a last batch that is not full",
    "rows that are equal",
    "one column",
    "some columns",
    "eleven columns or more",
    "every type at once",
    "a type twice",
    "an awkward name",
    "a plain name",
    "a name in Unicode",
    *(f"{kind}: {what}" for kind in ColumnType for what in ("null", "value")),
    *(f"integer: {what}" for what in ("beyond 53 bits", "within 53 bits", "negative", "positive")),
    *(f"decimal: {what}" for what in ("without bounds", "up to 38 digits", "up to 76 digits", "whole")),
    *(f"decimal: {what}" for what in ("all behind the point", "some behind the point", "up to 15 digits")),
    *(f"decimal: {what}" for what in ("over 15 digits", "negative", "zero", "positive")),
    *(f"float: {what}" for what in ("nan", "inf", "-inf", "0.0", "-0.0", "subnormal", "normal")),
    *(
        f"{kind}: {what}"
        for kind in ("date", "datetime", "local_datetime")
        for what in ("leap day", "before March 1900", "year 1", "year 9999")
    ),
    *(f"{kind}: {n} digits of a second" for kind in ("datetime", "local_datetime", "time") for n in (0, 3, 6)),
    *(f"string: {what}" for what in ("awkward", "any")),
    *(f"json: {what}" for what in ("NoneType", "bool", "int", "float", "str", "list", "dict")),
    *(f"json: {what}" for what in ("over lines", "nested", "huge number")),
}


def test_every_class_of_table_and_value_comes_up_in_a_run() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES, derandomize=True)
    @given(table=tables())
    def look(table: Table) -> None:
        traits = set(traits_of_shape(table))
        for row in table.rows:
            for column, value in zip(table.schema, row, strict=True):
                traits |= set(traits_of(column, value))
        seen.update(traits)

    look()
    assert sorted(WANTED - set(seen)) == []


@pytest.mark.parametrize("kind", ColumnType)
def test_every_awkward_value_is_tested_always(kind: ColumnType) -> None:
    table = AWKWARD_TABLES[0]
    [index] = [index for index, column in enumerate(table.schema) if column.type is kind]
    values = [row[index] for row in table.rows]
    assert {repr(value) for value in AWKWARD[kind]} | {"None"} == {repr(value) for value in values}


def test_every_awkward_name_is_tested_always() -> None:
    assert set(AWKWARD_TABLES[1].schema.names) == set(AWKWARD_NAMES)
    assert all(0 < len(name) <= 255 and "\0" not in name for name in AWKWARD_NAMES)
