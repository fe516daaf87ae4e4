"""Builds the FastAPI app: routes, authentication on all of them, one shape of errors, a complete description."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool

from export_api import VERSION, auth, examples, problems
from export_api.clock import Clock
from export_api.foresight import Foresight
from export_api.gateway import Gateway, tasks_api
from export_api.health import Health
from export_api.looking import Looks
from export_api.notifications.endpoints import Endpoints
from export_api.notifications.sending import Sender
from export_api.previews import Previews
from export_api.responses import WaybillJSON
from export_api.routes import (
    documentation,
    exporters,
    exports,
    files,
    health,
    keys,
    preview,
    steering,
    watching,
    webhooks,
)
from export_api.routes.parts import NAMED_EXAMPLE, refusals
from export_api.schemas.parts import Problem
from export_api.service import ExportService
from include.core.errors import FieldError, invalid
from include.core.request import ExportRequest, escape, utc_now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

log = logging.getLogger(__name__)

_DESCRIPTION = (
    "Verified data exports: the complete file with its proof, or no file and a clear reason. Start an export with "
    "`POST /exports`, ask for its status at the address in `Location`, and fetch the file from its `download_url`."
)
_SECURITY = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Token …` with an API token; `Bearer …` works too.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API token, or Airflow's JWT."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "_token", "description": "Airflow's session in a browser."},
}


async def check_query(request: Request, _caller: auth.MaybeCaller) -> None:
    """Refuse a query parameter that the operation does not have, or that is there twice: its sender relies on it.

    :raises InvalidRequest: naming each.
    """
    known = request.app.state.queries.get((request.scope["route"].path, request.method), frozenset())
    unknown = f"There is no such parameter; known are: {', '.join(sorted(known)) or 'none'}."
    errors = [
        FieldError(f"/query/{escape(name)}", "This parameter is there twice." if name in known else unknown)
        for name in request.query_params
        if name not in known or len(request.query_params.getlist(name)) > 1
    ]
    if errors:
        raise invalid(errors)


def create_app(service: ExportService | None = None) -> FastAPI:
    """Return the app that is mounted at /export-api; nothing is asked of Airflow before the first request."""
    app = FastAPI(
        title="Waybill",
        version="1",
        description=_DESCRIPTION,
        # FastAPI's own documentation routes are not covered by dependencies.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=WaybillJSON,
        dependencies=[Depends(auth.identify), Depends(check_query)],
        responses=refusals(401, 422, 500),
        lifespan=_lifespan,
    )
    app.state.service = service or ExportService(Gateway())
    app.state.looks = Looks(app.state.service)
    app.state.known_tokens = auth.KnownTokens(app.state.service.airflow)
    app.state.health = Health(app.state.service)
    app.state.webhooks = Endpoints(app.state.service.airflow)
    asking = app.state.service.asking
    app.state.foresight = Foresight(app.state.service, asking)
    app.state.previews = Previews(app.state.service, asking)
    for module in (exports, preview, watching, steering, files, exporters, keys, webhooks, health, documentation):
        app.include_router(module.router, prefix=VERSION)
    problems.install(app)
    description = describe(app)
    app.state.queries = queries_of(description)
    app.openapi = lambda: description  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the clock as long as the api-server runs; Airflow runs the lifespans of mounted apps."""
    service: ExportService = app.state.service
    try:
        await run_in_threadpool(auth.grant_permissions, service.airflow)
    except Exception:  # the rest of Airflow must start nevertheless
        log.exception("Waybill's permissions could not be created: only those who have them already can use it")
    try:
        await tasks_api.make_ready()
    except Exception:  # the first task waits a little longer, that is all
        log.exception("The API for tasks could not be made ready ahead of them")
    clock = Clock(service)
    sender = Sender(service.airflow, partial(auth.standing_of, service.airflow), now=utc_now)
    clock.start()
    sender.start()
    try:
        yield
    finally:
        await run_in_threadpool(sender.stop)
        await run_in_threadpool(clock.stop)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description."""
    description = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
    )
    schemas = description["components"]["schemas"]
    for model in (ExportRequest, Problem, *webhooks.MODELS):  # no route takes or returns them by FastAPI's own means
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    description["components"]["securitySchemes"] = _SECURITY
    description["security"] = [{name: []} for name in _SECURITY]
    for path, method, operation in operations_of(description):
        if (method, path) in auth.OPEN:
            operation["security"] = [{}, *description["security"]]
        for answer in operation["responses"].values():
            for media in answer.get("content", {}).values():
                if NAMED_EXAMPLE in media:
                    media["example"] = examples.NAMED[media.pop(NAMED_EXAMPLE)]
    return description


def operations_of(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and description of each operation."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            yield path, method.upper(), operation


def queries_of(description: dict[str, Any]) -> dict[tuple[str, str], frozenset[str]]:
    """Return the query parameters of each operation, by path and method."""
    return {
        (path, method): frozenset(item["name"] for item in operation.get("parameters", []) if item["in"] == "query")
        for path, method, operation in operations_of(description)
    }
