"""JSON as this API writes it."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse

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


class WaybillJSON(JSONResponse):
    """Compact UTF-8 JSON without numbers that a reader could mangle."""

    def render(self, content: Any) -> bytes:
        """Return the body's bytes."""
        return json.dumps(exact(content), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
