"""What is not served yet: it is not found, in Zentral's words, by whoever may ask."""

from __future__ import annotations

from fastapi import APIRouter, Response

from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from include.core.errors import NotFound

_METHODS = ["GET", "POST"]


def _later(path: str) -> APIRouter:
    router = APIRouter()

    @router.api_route(path, methods=_METHODS)
    def not_yet(_caller: CallerDep) -> Response:
        raise NotFound("This export of Zentral's is not served yet.")

    return router


full_export = _later("/full_export/")
santa = _later("/{path:path}")
osquery = _later("/{path:path}")
