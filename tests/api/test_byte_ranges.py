"""Byte ranges as RFC 9110 has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_api.byte_ranges import wanted_range
from export_api.problems import RangeNotSatisfiable

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (0, 10)),
        ("bytes=0-", (0, 10)),
        ("bytes=0-0", (0, 1)),
        ("bytes=3-5", (3, 6)),
        ("bytes=3-", (3, 10)),
        ("bytes=9-", (9, 10)),
        ("bytes=5-99", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("BYTES = 3 - 5", (3, 6)),
        # Not understood, or more than one: the whole file.
        ("bytes=-", (0, 10)),
        ("bytes=5-3", (0, 10)),
        ("bytes=0-1,3-4", (0, 10)),
        ("rows=0-1", (0, 10)),
        ("bytes=a-b", (0, 10)),
        ("bytes=" + "9" * 30 + "-", (0, 10)),
    ],
)
def test_which_bytes_are_wanted(header: str | None, expected: tuple[int, int]) -> None:
    wanted = wanted_range(header, None, length=10, etag=ETAG)
    assert (wanted.start, wanted.end) == expected
    assert wanted.whole is (expected == (0, 10))


@pytest.mark.parametrize(
    ("header", "length"), [("bytes=10-", 10), ("bytes=99-100", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_bytes_beyond_the_end_are_refused(header: str, length: int) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        wanted_range(header, None, length=length, etag=ETAG)
    assert caught.value.length == length


@pytest.mark.parametrize(
    ("if_range", "honoured"),
    [
        (ETAG, True),
        (f" {ETAG} ", True),
        ('"other"', False),
        (f"W/{ETAG}", False),
        ("Sun, 01 Nov 2026 08:00:00 GMT", False),
    ],
)
def test_if_range_must_name_this_very_file(if_range: str, *, honoured: bool) -> None:
    assert wanted_range("bytes=3-5", if_range, length=10, etag=ETAG).whole is not honoured


@given(header=st.text(max_size=30) | st.from_regex(r"bytes=\d{0,4}-\d{0,4}"), length=st.integers(0, 2000))
def test_whatever_is_sent_the_bytes_lie_within_the_file(header: str, length: int) -> None:
    try:
        wanted = wanted_range(header, None, length=length, etag=ETAG)
    except RangeNotSatisfiable:
        return
    assert 0 <= wanted.start <= wanted.end <= length
    assert wanted.size == wanted.end - wanted.start
