"""PostgreSQL's COPY text read into batches: what the server wrote is what arrives."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from include.core.errors import Fatal
from include.core.schema import Column, ColumnType, Schema
from include.sources._parse import parse

Kind = ColumnType


def parsed(text: str | bytes, *kinds: ColumnType, **given: Any) -> list[tuple[Any, ...]]:
    """Rows of columns named a, b, c …"""
    schema = Schema.of(*(Column.of(chr(ord("a") + index), kind, **given) for index, kind in enumerate(kinds)))
    batch = parse(text.encode() if isinstance(text, str) else text, schema.arrow(), rows_before=0)
    assert batch.schema == schema.arrow()
    return [tuple(row.values()) for row in batch.to_pylist()]


def test_null_is_nothing_and_an_empty_text_is_quoted() -> None:
    assert parsed('1,\n2,""\n3,NULL\n', Kind.INTEGER, Kind.STRING) == [(1, None), (2, ""), (3, "NULL")]


@pytest.mark.parametrize(
    "value",
    ["a\nb", "a\r\nb", "\r", '"', '""', ",", "a,b", " x ", "\\.", "\\N", "\t", "ü📦", "=1+1", "'", "nan", "None"],
)
def test_a_text_arrives_as_it_is(value: str) -> None:
    quoted = '"' + value.replace('"', '""') + '"'
    assert parsed(f"1,{quoted}\n2,{quoted}\n", Kind.INTEGER, Kind.STRING) == [(1, value), (2, value)]


def test_a_single_column_of_nulls_keeps_its_rows() -> None:
    assert parsed("\n\n\n", Kind.STRING) == [(None,)] * 3
    assert parsed('a\n\n""\n\n', Kind.STRING) == [("a",), (None,), ("",), (None,)]
    assert parsed("\n1\n\n", Kind.INTEGER) == [(None,), (1,), (None,)]


def test_a_row_larger_than_any_block_arrives_whole() -> None:
    huge = "x" * 9_000_000 + "\n" + "y" * 1_000_000
    assert parsed(f'1,"{huge}"\n2,z\n', Kind.INTEGER, Kind.STRING) == [(1, huge), (2, "z")]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.INTEGER, "9223372036854775807", 2**63 - 1),
        (Kind.INTEGER, "-9223372036854775808", -(2**63)),
        (Kind.DECIMAL, "-123456789012345678901234567890.123456789", "-123456789012345678901234567890.123456789"),
        (Kind.DECIMAL, "NaN", "NaN"),
        (Kind.FLOAT, "0.1", 0.1),
        (Kind.FLOAT, "1e+300", 1e300),
        (Kind.FLOAT, "5e-324", 5e-324),
        (Kind.FLOAT, "Infinity", float("inf")),
        (Kind.FLOAT, "-Infinity", float("-inf")),
        (Kind.BOOLEAN, "t", True),
        (Kind.BOOLEAN, "f", False),
        (Kind.DATE, "2024-02-29", date(2024, 2, 29)),
        (Kind.DATE, "0001-01-01", date(1, 1, 1)),
        (Kind.DATE, "9999-12-31", date(9999, 12, 31)),
        (Kind.DATETIME, "2026-03-29 01:30:00+00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (Kind.DATETIME, "2026-03-29 01:30:00.000001+00", datetime(2026, 3, 29, 1, 30, 0, 1, tzinfo=UTC)),
        (Kind.DATETIME, "2026-03-29 01:30:00.5+00", datetime(2026, 3, 29, 1, 30, 0, 500_000, tzinfo=UTC)),
        (Kind.DATETIME, "0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
        (Kind.LOCAL_DATETIME, "2026-03-29 02:30:00.25", datetime(2026, 3, 29, 2, 30, 0, 250_000)),  # noqa: DTZ001
        (Kind.TIME, "23:59:59.999999", time(23, 59, 59, 999_999)),
        (Kind.TIME, "00:00:00", time(0)),
        (Kind.TIME, "10:00:00.5", time(10, 0, 0, 500_000)),
        (Kind.UUID, "8f14e45f-ceea-467f-a5a5-2f1b5bd7e0c1", "8f14e45f-ceea-467f-a5a5-2f1b5bd7e0c1"),
        (Kind.JSON, '"{""a"": 1}"', '{"a": 1}'),
    ],
)
def test_every_type_arrives_exactly_as_the_server_writes_it(kind: ColumnType, text: str, value: object) -> None:
    assert parsed(f"{text}\n\n", kind) == [(value,), (None,)]


def test_not_a_number_arrives_as_itself() -> None:
    [(value,)] = parsed("NaN\n", Kind.FLOAT)
    assert value != value  # noqa: PLR0124 - that is what NaN is


def test_a_decimal_keeps_its_declared_scale() -> None:
    assert parsed("1.50\n-0.01\n", Kind.DECIMAL, precision=12, scale=2) == [(Decimal("1.50"),), (Decimal("-0.01"),)]
    digits = "9" * 74 + ".99"
    assert parsed(f"{digits}\n", Kind.DECIMAL, precision=76, scale=2) == [(Decimal(digits),)]


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (Kind.DATETIME, "infinity", "an infinite time"),
        (Kind.LOCAL_DATETIME, "-infinity", "an infinite time"),
        (Kind.DATE, "infinity", "an infinite date"),
        (Kind.DATE, "10000-01-01", "a year beyond 9999"),
        (Kind.DATE, "0044-03-15 BC", "a year before 1"),
        (Kind.DATETIME, "294276-12-31 23:59:59+00", "a year beyond 9999"),
        (Kind.TIME, "24:00:00", "24:00, the end of a day"),
        (Kind.INTEGER, "9223372036854775808", "a number with too many digits"),
        (Kind.BOOLEAN, "hunter2", "a text of another kind"),
    ],
)
def test_a_value_that_its_type_cannot_hold_is_an_error_that_names_column_and_row_and_not_the_value(
    kind: ColumnType, text: str, said: str
) -> None:
    with pytest.raises(Fatal, match=f"^Column 'b', row 2: {said} cannot be held") as caught:
        parsed(f"1,\n2,{text}\n3,\n", Kind.INTEGER, kind)
    assert caught.value.error_code == "value_unreadable"
    assert text.split(maxsplit=1)[0] not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("row", [1, 2, 500, 999, 1000])
def test_the_row_of_a_misfit_is_counted_in_the_export_whatever_the_texts_around_it(row: int) -> None:
    arrow = Schema.of(Column.of("a", Kind.STRING), Column.of("b", Kind.DATE), Column.of("c", Kind.DATE)).arrow()
    lines = [f'"x\n""{number}","2026-01-01",\n' for number in range(1, 1001)]
    lines[row - 1] = '"",,infinity\n'
    lines.append('"",infinity,\n')  # the first row counts, not the first column
    with pytest.raises(Fatal, match=f"^Column 'c', row {12_000 + row}: an infinite date"):
        parse("".join(lines).encode(), arrow, rows_before=12_000)


def test_a_numeric_that_is_not_a_number_in_a_column_with_a_scale_names_the_column() -> None:
    for precision in (12, 60):
        with pytest.raises(Fatal, match="'a', row 2: a NaN"):
            parsed("1.00\nNaN\n", Kind.DECIMAL, precision=precision, scale=2)


def test_columns_may_have_any_name() -> None:
    names = ["", " ", "a,b", '"', "a", "A", "*", "^.*$", "ü"]
    arrow = Schema.of(*(Column.of(name, Kind.INTEGER) for name in names)).arrow()
    batch = parse(b"1,2,3,4,5,6,7,8,9\n", arrow, rows_before=0)
    assert batch.schema.names == names
    assert list(batch.to_pylist()[0].values()) == list(range(1, 10))
