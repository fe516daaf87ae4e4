"""Conditional reads by entity tags (RFC 9110, sections 8.8.3 and 13.1.2)."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.datastructures import Headers

_HEX_DIGITS = 32
"""128 bits of a SHA-256: nobody finds two bodies with the same tag."""

_ELEMENT = re.compile(r'[ \t]*+(?:(?:W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*+)"[ \t]*+)?(?:,|$)')
"""One element of a list, with its comma; elements may be empty (section 5.6.1.2)."""


def weak_tag(content: bytes) -> str:
    """Return the tag of a body: another body, another tag. Weak, for a proxy may compress what it stands for."""
    return f'W/"{hashlib.sha256(content).hexdigest()[:_HEX_DIGITS]}"'


def conditional(asked: Headers, content: bytes, *, tag: str, media_type: str, headers: Mapping[str, str]) -> Response:
    """Return the answer to a GET: the content, or 304 without it when the client names its tag in If-None-Match.

    ``headers`` belong to both.
    """
    kept = {**headers, "ETag": tag}
    if is_known(", ".join(asked.getlist("if-none-match")), tag):
        return Response(status_code=304, headers=kept)
    return Response(content, media_type=media_type, headers=kept)


def is_known(if_none_match: str, tag: str) -> bool:
    """Return whether If-None-Match names a tag, by weak comparison; a value that cannot be read names none."""
    return if_none_match.strip(" \t") == "*" or _opaque(tag) in set(_listed(if_none_match))


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/").strip('"')


def _listed(value: str) -> Iterator[str]:
    """Yield the tags of a list without quotes and weakness; a comma may stand inside of a tag."""
    place = 0
    found: list[str] = []
    while place < len(value):
        match = _ELEMENT.match(value, place)
        if match is None:
            return
        if match["opaque"] is not None:
            found.append(match["opaque"])
        place = match.end()
    yield from found
