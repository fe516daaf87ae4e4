"""One byte range of a file (RFC 9110, section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from export_api.problems import RangeNotSatisfiable

_SINGLE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from ``start`` up to and without ``end``, of a file of ``length`` bytes."""

    start: int
    end: int
    length: int

    @property
    def whole(self) -> bool:
        """Whether it is the whole file."""
        return (self.start, self.end) == (0, self.length)

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.end - self.start

    @property
    def content_range(self) -> str:
        """The value of Content-Range."""
        return f"bytes {self.start}-{self.end - 1}/{self.length}"


def wanted_range(header: str | None, if_range: str | None, *, length: int, etag: str) -> ByteRange:
    """Return which bytes are wanted.

    A header that is not understood, several ranges, or an If-Range that does not name this very file mean the
    whole file, as the RFC allows.

    :raises RangeNotSatisfiable: when a single range lies beyond the end.
    """
    whole = ByteRange(0, length, length)
    if header is None or (if_range is not None and if_range.strip() != etag):
        return whole
    match = _SINGLE.fullmatch(header)
    if match is None or match.groups() == ("", ""):
        return whole
    first, last = match.groups()
    if not first:
        start, end = max(length - int(last), 0), length
    else:
        start, end = int(first), min(int(last) + 1, length) if last else length
        if last and int(last) < start:
            return whole
    if start >= end:
        raise RangeNotSatisfiable(f"The file has {length} bytes.", length=length)
    return ByteRange(start, end, length)
