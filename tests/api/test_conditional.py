"""Conditional reads (RFC 9110): who has the body already does not get it again."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from export_api.conditional import conditional, is_known, weak_tag

TAG = 'W/"abc"'


@pytest.mark.parametrize(
    "value",
    [
        '"abc"',
        'W/"abc"',
        "*",
        " * ",
        ' W/"abc"\t',
        '"x", W/"abc"',
        'W/"abc","x"',
        ',, "x" ,\t"abc" ,',
        '"a,b", "abc"',
        '"a b", "abc"'.replace(" b", "'b"),
        '"", "abc"',
        '"\xe4", "abc"',
    ],
)
def test_a_list_that_names_the_tag_is_known(value: str) -> None:
    assert is_known(value, TAG)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        ",",
        '"x"',
        "abc",
        'w/"abc"',
        'W/ "abc"',
        'W/"abc',
        'abc"',
        '"abc" "abc"',
        '"x abc"',
        '"x,"abc',
        '"abc", oops',
        '*, "x"',
        "**",
        '"ABC"',
        '"abc\x7f"',
        "W/",
        '"' * 101,
        "," * 20_000 + "x",
        '"x" ' * 20_000,
    ],
)
def test_any_other_value_names_nothing(value: str) -> None:
    assert not is_known(value, TAG)


def test_a_tag_is_weak_and_changes_with_the_body() -> None:
    first, second = weak_tag(b"{}"), weak_tag(b"{} ")
    assert first.startswith('W/"')
    assert first != second
    assert first == weak_tag(b"{}")
    assert is_known(first, first)
    assert not is_known(first, second)


def answer(*lines: str, content: bytes = b"{}") -> tuple[int, bytes, dict[str, str]]:
    asked = Headers(raw=[(b"if-none-match", line.encode("latin-1")) for line in lines])
    found = conditional(
        asked, content, tag=TAG, media_type="application/json", headers={"Retry-After": "1", "Cache-Control": "private"}
    )
    return found.status_code, bytes(found.body), dict(found.headers)


def test_without_a_condition_the_body_comes_with_its_tag() -> None:
    for lines in ([], ['"other"'], ["nonsense"]):
        status, body, headers = answer(*lines)
        assert (status, body, headers["etag"]) == (200, b"{}", TAG)
        assert headers["content-type"] == "application/json"
        assert headers["content-length"] == "2"


def test_304_has_no_body_and_keeps_what_belongs_to_both() -> None:
    for lines in (["*"], [TAG], ['"x"', '"abc"'], ['"x",', ',W/"abc"']):
        assert answer(*lines) == (304, b"", {"retry-after": "1", "cache-control": "private", "etag": TAG})
