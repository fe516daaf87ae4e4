"""Bodies are read strictly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from export_api.bodies import MAX_BYTES, parse_json, read_json
from export_api.problems import Malformed, TooLarge, UnsupportedMediaType
from include.core.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def read(content_type: str | None, *chunks: bytes) -> Any:
    headers = {} if content_type is None else {"content-type": content_type}
    return asyncio.run(read_json(headers, stream(*chunks)))


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "application/x+json"])
def test_json_is_read_whatever_it_is_cut_into(content_type: str) -> None:
    assert read(content_type, b'{"a"', b': "\xc3', b'\xa4"}') == {"a": "ä"}


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded"])
def test_other_media_types_are_refused(content_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaType):
        read(content_type, b"{}")


def test_a_long_body_is_refused_before_it_is_read_to_the_end() -> None:
    with pytest.raises(TooLarge):
        read("application/json", *[b" " * 1024] * (MAX_BYTES // 1024 + 1))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'"\xff"',
        b'{"a": NaN}',
        b"[Infinity]",
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b"1" * 5_000,
    ],
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b'{"name": "a\\u0000b"}', ["/name"]),
        (b'{"where": [{"value": "\\ud800"}, {"value": ["x", "\\u0000"]}]}', ["/where/0/value", "/where/1/value/1"]),
        (b'{"params": {"a\\u0000": 1, "b/c": "\\u0000"}}', ["/params", "/params/b~1c"]),
    ],
)
def test_texts_that_cannot_be_kept_are_pointed_at(body: bytes, pointers: list[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_json(body)
    assert [error.pointer for error in caught.value.errors] == pointers


def test_all_of_unicode_that_can_be_kept_is_kept() -> None:
    assert parse_json('{"a": "ä\\ud83d\\ude00\\uffff"}'.encode()) == {"a": "ä😀\uffff"}
