"""Values of every type: any at all, and those that exports get wrong."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal
from typing import Any

from hypothesis import strategies as st

from include.core.schema import ColumnType

AWKWARD_TEXTS = [
    "",
    " ",
    " padded ",
    "\n",
    "\r",
    "\r\n",
    "a\r\nb",
    "\t",
    '"',
    '""',
    ",",
    ";",
    "|",
    "'",
    "\\",
    "\\N",
    "\\.",
    "NULL",
    "null",
    "None",
    "nan",
    "=1+1",
    "-1",
    "+1",
    "@x",
    "\N{FULLWIDTH EQUALS SIGN}1",
    "007",
    "1e5",
    "2026-01-02",
    "true",
    "_x000D_",
    "_x005F_x000D_",
    "\x00",
    "\x01",
    "\x1f",
    "\x7f",
    "\ufeff",
    "\ufffe",
    "\uffff",
    "\u2028",
    "\u0085",
    "\u202eabc",
    "<row r=",
    "&amp;",
    "]]>",
    "ü",
    "u\u0308",
    "📦",
    "\U0001f468\u200d\U0001f469",
    "{}",
    "}",
    "},\n{",
    "PAR1",
    "x" * 5_000,
]
AWKWARD_NAMES = [
    "*",
    "^a$",
    "^.*$",
    "ü📦",
    "a b",
    " ",
    'a"b',
    "a'b",
    "a,b;c",
    "a\r\nb",
    "=1+1",
    "-1",
    "NULL",
    "{",
    "}",
    "\\",
    "a.b",
    "<a>&amp;",
    "_x0041_",
    "column_0",
    "literal",
    "C0",
    "\ufeffa",
    "x" * 255,
]
"""Names that a request may give a column: up to 255 characters, any but U+0000."""

names = st.sampled_from(AWKWARD_NAMES) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
texts = st.sampled_from(AWKWARD_TEXTS) | st.text(max_size=12)

_DATES = [
    date.min,
    date(4, 2, 29),
    date(1582, 10, 10),
    date(1899, 12, 31),
    date(1900, 1, 1),
    date(1900, 2, 28),
    date(1900, 3, 1),
    date(1969, 12, 31),
    date(1970, 1, 1),
    date(2000, 2, 29),
    date(2024, 2, 29),
    date(2038, 1, 19),
    date.max,
]
_TIMES = [
    time.min,
    time(0, 0, 0, 1),
    time(0, 0, 0, 100),
    time(0, 0, 0, 1_000),
    time(2, 30),
    time(12, 34, 56, 500_000),
    time(12, 34, 56, 789_000),
    time(12, 34, 56, 789_012),
    time(23, 59, 59),
    time(23, 59, 59, 999_000),
    time.max,
]
_DOCUMENTS = [
    "null",
    "true",
    '""',
    "[]",
    "{}",
    "0",
    "-0",
    "1.10",
    "1E400",
    "-12345678901234567890123456789012345678901234567890",
    "0.1000000000000000055511151231257827",
    '"\\u0000"',
    '"\\ud83d\\udce6"',
    '"a\\r\\nb"',
    '"\u2028"',
    "[ 1 ,\r\n\t2 ]",
    '{"": {"a b": null, "*": [{}]}}',
    '{"b": 1, "a": "=1+1"}',
    "[" * 60 + "]" * 60,
]
AWKWARD: dict[ColumnType, list[Any]] = {
    ColumnType.STRING: AWKWARD_TEXTS,
    ColumnType.INTEGER: [
        sign * size
        for size in (0, 1, 2**31, 10**15 - 1, 10**15, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1)
        for sign in (1, -1)
    ]
    + [-(2**63)],
    ColumnType.DECIMAL: ["NaN", "0.10", "-0", "0", "1" + "0" * 40, "-0." + "0" * 40 + "1", "1" * 90, "100.00", "-1.50"],
    ColumnType.FLOAT: [
        sign * size
        for size in (0.0, 0.1, 1 / 3, 1.0, 1e15, 1e16, 1e21, 2.0**53, 5e-324, 2.2250738585072014e-308, 1.5e-7)
        for sign in (1, -1)
    ]
    + [0.1 + 0.2, 1.7976931348623157e308, 3.4028234663852886e38, math.inf, -math.inf, math.nan],
    ColumnType.BOOLEAN: [True, False],
    ColumnType.DATE: _DATES,
    ColumnType.DATETIME: [datetime.combine(day, clock, UTC) for day in _DATES for clock in (_TIMES[0], _TIMES[7])]
    + [datetime.combine(date(2026, 10, 25), clock, UTC) for clock in _TIMES],
    ColumnType.LOCAL_DATETIME: [datetime.combine(day, clock) for day in _DATES for clock in (_TIMES[0], _TIMES[-1])]
    + [datetime.combine(date(2026, 3, 29), clock) for clock in _TIMES],
    ColumnType.TIME: _TIMES,
    ColumnType.UUID: [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "1e000000-0000-4000-8000-000000000000",
    ],
    ColumnType.JSON: _DOCUMENTS,
}
"""Of each type, values that some export somewhere got wrong; decimals are those without a declared precision."""

times = st.sampled_from(_TIMES) | st.builds(
    lambda clock, digits: clock.replace(microsecond=clock.microsecond // digits * digits, fold=0),
    st.times(),
    st.sampled_from([1, 1_000, 1_000_000]),
)
dates = st.dates() | st.sampled_from(_DATES) | st.sampled_from([date.min, date.max, date(2024, 2, 29)])
documents = st.recursive(
    st.sampled_from([None, True, False, 2**80])
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=6,
)
VALUES: dict[ColumnType, st.SearchStrategy[Any]] = {
    ColumnType.STRING: texts,
    ColumnType.INTEGER: st.integers(-(2**63), 2**63 - 1) | st.sampled_from(AWKWARD[ColumnType.INTEGER]),
    ColumnType.FLOAT: st.floats()
    | st.sampled_from(AWKWARD[ColumnType.FLOAT])
    | st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324]),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.DATE: dates,
    ColumnType.DATETIME: st.builds(datetime.combine, dates, times, st.just(UTC)),
    ColumnType.LOCAL_DATETIME: st.builds(datetime.combine, dates, times),
    ColumnType.TIME: times,
    ColumnType.UUID: st.uuids().map(str) | st.sampled_from(AWKWARD[ColumnType.UUID]),
    ColumnType.JSON: st.builds(json.dumps, documents, ensure_ascii=st.booleans(), indent=st.sampled_from([None, 2]))
    | st.sampled_from(_DOCUMENTS),
}
"""Any value of each type but decimals, whose values depend on their precision."""

_WIDE = Context(prec=100)


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    """Any decimal of so many digits, so many of them behind the point; the largest and the smallest often."""
    top = 10**precision - 1
    digits = st.integers(-top, top) | st.sampled_from([0, 1, -1, top, -top])
    return digits.map(lambda number: Decimal(number).scaleb(-scale, _WIDE))


free_decimals = st.builds(
    lambda digits, scale: format(Decimal(digits).scaleb(-scale, _WIDE), "f"),
    st.integers(-(10**90), 10**90),
    st.integers(0, 45),
) | st.sampled_from(AWKWARD[ColumnType.DECIMAL])
"""The texts of a numeric without bounds."""
