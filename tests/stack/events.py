"""A reader of server-sent events, as WHATWG HTML, section 9.2.6, tells it to read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Event(NamedTuple):
    """One event as a browser dispatches it."""

    kind: str
    data: str
    id: str


def lines_of(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield lines; they end with LF, CR or both, and with nothing else."""
    rest = b""
    for chunk in chunks:
        *lines, rest = re.split(rb"\r\n|\n|\r", rest + chunk)
        yield from (line.decode() for line in lines)


def events_of(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Yield the events; what comes after the last empty line is none."""
    kind, last_id = "", ""
    data: list[str] = []
    for line in lines_of(chunks):
        if not line:
            if data:
                yield Event(kind or "message", "\n".join(data), last_id)
            kind, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                kind = value
            case "data":
                data.append(value)
            case "id" if "\0" not in value:
                last_id = value
            case _:  # comments and retry
                pass
