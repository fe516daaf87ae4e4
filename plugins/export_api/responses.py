"""JSON as this API writes it."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse

from include.core.exact import exact


def to_bytes(content: Any) -> bytes:
    """Return JSON in one line of UTF-8, without numbers that a reader could mangle."""
    return json.dumps(exact(content), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


class WaybillJSON(JSONResponse):
    """Compact UTF-8 JSON without numbers that a reader could mangle."""

    def render(self, content: Any) -> bytes:
        """Return the body's bytes."""
        return to_bytes(content)
