"""Request bodies: read after the caller is known, and strictly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from export_api.problems import Malformed, TooLarge, UnsupportedMediaType
from include.core.errors import FieldError, invalid
from include.core.request import escape

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

MAX_BYTES = 1024 * 1024
"""No request needs more."""


async def read_json(headers: Mapping[str, str], stream: AsyncIterator[bytes]) -> Any:
    """Read a JSON body.

    :raises UnsupportedMediaType: when the body says that it is something else.
    :raises TooLarge: when it is longer than :data:`MAX_BYTES`.
    :raises Malformed: when it is no JSON (RFC 8259).
    :raises InvalidRequest: when a text holds what neither a database nor a file can keep.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType("Send JSON, with Content-Type: application/json.")
    return parse_json(await _read(stream))


async def _read(stream: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for chunk in stream:
        body += chunk
        if len(body) > MAX_BYTES:
            raise TooLarge(f"The body is longer than {MAX_BYTES} bytes.")
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """Read JSON from bytes; see :func:`read_json`."""
    try:
        content = json.loads(body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_once)
    except RecursionError:
        raise Malformed("The body is nested too deeply.") from None
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are among them
        raise Malformed(f"The body is not JSON: {error}.") from None
    if errors := list(_unstorable(content, "")):
        raise invalid(errors)
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice in one object")
    return found


def _unstorable(value: Any, pointer: str) -> Iterator[FieldError]:
    """Find texts with U+0000, which PostgreSQL cannot store, or halves of surrogate pairs, which are no Unicode."""
    match value:
        case str() if not _is_storable(value):
            yield FieldError(pointer, "A text cannot hold U+0000 or half a surrogate pair.")
        case list():
            for index, item in enumerate(value):
                yield from _unstorable(item, f"{pointer}/{index}")
        case dict():
            for name, item in value.items():
                if not _is_storable(name):
                    yield FieldError(pointer, "A name cannot hold U+0000 or half a surrogate pair.")
                else:
                    yield from _unstorable(item, f"{pointer}/{escape(name)}")


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
