"""The API's own description, behind authentication like everything else, and readable without internet."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse, Response

from export_api import MOUNT
from export_api.responses import WaybillJSON
from export_api.routes.parts import AddressesDep  # noqa: TC001 - FastAPI reads the annotations
from include.core.errors import NotFound

router = APIRouter(include_in_schema=False)

_ASSETS = {
    "swagger-ui-bundle.js": ("js/swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": ("css/swagger/swagger-ui.css", "text/css"),
}
"""Swagger UI as Flask-AppBuilder brings it along."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Waybill API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<noscript>This page needs JavaScript; <a href="openapi.json">openapi.json</a> says the same.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "openapi.json", dom_id: "#api", deepLinking: true})</script>
</body>
</html>
"""


@router.get("/openapi.json")
def openapi(request: Request, addresses: AddressesDep) -> Response:
    """Describe the API in OpenAPI 3.1; the server is a path, so that a browser stays with the host that it is at."""
    description: dict[str, Any] = request.app.openapi()
    return WaybillJSON({**description, "servers": [{"url": urlsplit(addresses.base).path + MOUNT}]})


@router.get("/docs")
def docs() -> Response:
    """Describe the API to people."""
    return HTMLResponse(_PAGE)


@router.get("/docs/{name}")
def docs_asset(name: str) -> Response:
    """Serve a part of the page.

    :raises NotFound: when there is none of that name.
    """
    spec = importlib.util.find_spec("flask_appbuilder")
    if name not in _ASSETS or spec is None or spec.origin is None:
        raise NotFound(f"There is no {name!r}.")
    path, media_type = _ASSETS[name]
    return FileResponse(Path(spec.origin).parent / "static" / "appbuilder" / path, media_type=media_type)
