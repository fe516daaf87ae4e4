"""Starting an export: what the routes of every kind have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from export_api.dialects.zentral._results import result_url
from export_api.responses import WaybillJSON
from include.core.request import parse_request

if TYPE_CHECKING:
    from fastapi import Response

    from export_api.caller import Caller
    from export_api.service import ExportService


def start(caller: Caller, service: ExportService, request: dict[str, Any]) -> Response:
    """Start an export; errors as of :meth:`ExportService.submit`."""
    export_id = str(service.submit(caller, parse_request(request)).export.id)
    return WaybillJSON({"task_id": export_id, "task_result_url": result_url(export_id)}, status_code=201)
