"""JSON as pretix sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from export_api.responses import WaybillJSON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Response


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON, which the product could also send in another form."""
    return WaybillJSON(content, status_code=status, headers={**(headers or {}), "Vary": "Accept"})
