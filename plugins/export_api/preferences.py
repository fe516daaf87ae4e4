"""The header Prefer (RFC 7240): how long a client would like to wait."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_WAIT = 30
"""Seconds; proxies commonly give up after a minute."""

_PREFERENCE = re.compile(r'(?:[^,"]++|"(?:[^"\\]++|\\.)*+"?)++')
"""One preference of a list; a comma within quotes belongs to it."""

_SECONDS = re.compile(r'[ \t]*(?:(\d{1,19})|"(\d{1,19})")[ \t]*(?:;.*)?', re.ASCII)


def wait_of(lines: Sequence[str]) -> int | None:
    """Return for how many seconds to wait, at most :data:`LONGEST_WAIT`; None when nobody asks for it.

    The first ``wait`` counts. Other preferences, and what cannot be read, are ignored, as the RFC says.
    """
    for preference in _PREFERENCE.findall(",".join(lines)):
        name, _, value = preference.partition("=")
        if name.strip(" \t").lower() == "wait":
            match = _SECONDS.fullmatch(value)
            return min(int(match[1] or match[2]), LONGEST_WAIT) if match else None
    return None
