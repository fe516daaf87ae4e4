"""PostgreSQL's COPY text read into batches: what the server wrote is what arrives."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from include.core.errors import Fatal
from include.core.schema import Column, ColumnType, Schema
from include.sources._copy import parse, whole_rows

if TYPE_CHECKING:
    import psycopg

Kind = ColumnType


def parsed(text: str | bytes, *kinds: ColumnType, **given: Any) -> list[tuple[Any, ...]]:
    """Rows of columns named a, b, c …"""
    schema = Schema.of(*(Column.of(chr(ord("a") + index), kind, **given) for index, kind in enumerate(kinds)))
    batch = parse(text.encode() if isinstance(text, str) else text, schema.arrow())
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
    ("kind", "text"),
    [
        (Kind.DATETIME, "infinity"),
        (Kind.LOCAL_DATETIME, "-infinity"),
        (Kind.DATE, "infinity"),
        (Kind.DATE, "10000-01-01"),
        (Kind.DATE, "0044-03-15 BC"),
        (Kind.DATETIME, "294276-12-31 23:59:59+00"),
        (Kind.TIME, "24:00:00"),
        (Kind.INTEGER, "9223372036854775808"),
        (Kind.BOOLEAN, "hunter2"),
    ],
)
def test_a_value_that_its_type_cannot_hold_is_an_error_that_names_the_column_and_not_the_value(
    kind: ColumnType, text: str
) -> None:
    with pytest.raises(Fatal, match="column 'b'") as caught:
        parsed(f"1,\n2,{text}\n", Kind.INTEGER, kind)
    assert caught.value.error_code == "value_unreadable"
    assert text.split(maxsplit=1)[0] not in str(caught.value).replace("infinite", "")
    assert caught.value.__cause__ is None


def test_a_numeric_that_is_not_a_number_in_a_column_with_a_scale_names_the_column() -> None:
    with pytest.raises(Fatal, match="column 'a'"):
        parsed("NaN\n", Kind.DECIMAL, precision=12, scale=2)


def test_columns_may_have_any_name() -> None:
    names = ["", " ", "a,b", '"', "a", "A", "*", "^.*$", "ü"]
    arrow = Schema.of(*(Column.of(name, Kind.INTEGER) for name in names)).arrow()
    batch = parse(b"1,2,3,4,5,6,7,8,9\n", arrow)
    assert batch.schema.names == names
    assert list(batch.to_pylist()[0].values()) == list(range(1, 10))


def test_rows_are_put_together_into_blocks_of_whole_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.sources._copy.BLOCK_BYTES", 10)
    rows: list[bytes] = [b"1,a\n", b"2,bb\n", b"3,a row larger than a block\n", b"4,d\n"]
    copy: psycopg.Copy = rows  # type: ignore[assignment]
    blocks = list(whole_rows(copy))
    assert blocks == [b"1,a\n2,bb\n3,a row larger than a block\n", b"4,d\n"]
    assert b"".join(blocks) == b"".join(rows)
