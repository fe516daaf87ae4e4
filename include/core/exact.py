"""Numbers in JSON that a reader could mangle."""

from __future__ import annotations

from typing import Any

MAX_EXACT = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8259, section 6)."""


def exact(value: Any) -> Any:
    """Return JSON content with integers that a double cannot hold as strings."""
    match value:
        case bool():
            return value
        case int():
            return value if -MAX_EXACT <= value <= MAX_EXACT else str(value)
        case dict():
            return {key: exact(item) for key, item in value.items()}
        case list() | tuple():
            return [exact(item) for item in value]
        case _:
            return value
