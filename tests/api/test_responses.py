"""Numbers that a reader could mangle are sent as text."""

from __future__ import annotations

import json

import pytest

from export_api.responses import WaybillJSON
from include.core.exact import exact


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
        (1234567890123456789, "1234567890123456789"),
        (True, True),
        (None, None),
        (1.5, 1.5),
        ({"a": [2**60, {"b": (2**60,)}]}, {"a": [str(2**60), {"b": [str(2**60)]}]}),
    ],
)
def test_integers_beyond_a_double_become_text(value: object, expected: object) -> None:
    assert exact(value) == expected
    assert type(exact(value)) is type(expected)


def test_the_body_is_compact_utf_8() -> None:
    body = bytes(WaybillJSON({"a": "ä", "b": 2**60}).body)
    assert body == '{"a":"ä","b":"1152921504606846976"}'.encode()
    assert json.loads(body)["b"] == "1152921504606846976"
