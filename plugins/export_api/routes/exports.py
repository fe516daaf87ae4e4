"""Exports: create, list, read."""

from __future__ import annotations

import base64
import json
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from export_api import examples
from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.db.records import Cursor, Filter
from export_api.routes.parts import AddressesDep, JsonBody, ServiceDep, answers, refusals
from export_api.schemas import ExportBody, ExportPage
from export_api.shaping import export_body
from export_api.status import Status
from include.core.errors import FieldError, invalid
from include.core.request import ExportRequest, parse_request

router = APIRouter(prefix="/exports", tags=["Exports"])

RETRY_AFTER_SECONDS = "1"

_HEADERS = {
    "Location": {"description": "The export's address.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds after which to ask for its status.", "schema": {"type": "integer"}},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{ExportRequest.__name__}"},
                "examples": examples.REQUESTS,
            }
        },
    }
}


@router.post(
    "",
    status_code=202,
    summary="Start an export",
    openapi_extra=_BODY,
    responses=answers(202, "export_queued", "Accepted", headers=_HEADERS) | refusals(400, 403, 413, 415, 422, 503),
)
def create_export(
    caller: CallerDep, service: ServiceDep, addresses: AddressesDep, body: JsonBody, response: Response
) -> ExportBody:
    """Check the request against the catalog and start it; ask for its status at the address in `Location`."""
    shown = service.submit(caller, parse_request(body))
    response.headers["Location"] = addresses.export(shown.export.id)
    response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return export_body(shown, addresses)


class ListQuery(BaseModel):
    """Which exports are wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(50, ge=1, le=1000)
    page_token: str | None = Field(None, description="The `next_page_token` of the page before.", max_length=500)
    status: Status | None = None
    exporter: str | None = Field(None, description="Alone, or among several.", max_length=200)
    name: str | None = Field(None, max_length=200)
    requested_by: str | None = Field(None, max_length=512)
    created_after: AwareDatetime | None = None
    order_by: Literal["created_at", "-created_at"] = "-created_at"
    count: bool = Field(default=False, description="Say how many there are in `total`.")


@router.get(
    "",
    summary="List exports",
    response_model_exclude_unset=True,
    responses=answers(200, "export_page", "A page of exports") | refusals(403, 422),
)
def list_exports(  # noqa: PLR0917 - FastAPI passes them by name
    caller: CallerDep,
    service: ServiceDep,
    addresses: AddressesDep,
    query: Annotated[ListQuery, Query()],
    request: Request,
    response: Response,
) -> ExportPage:
    """List your exports, or everybody's if you may see them; those that Airflow started are among them."""
    wanted = Filter(
        exporter=query.exporter,
        name=query.name,
        requested_by=query.requested_by,
        created_after=query.created_after,
        descending=query.order_by.startswith("-"),
        after=None if query.page_token is None else read_page_token(query.page_token),
    )
    page = service.list(caller, wanted, status=query.status, limit=query.limit, count=query.count)
    token = None if page.next is None else make_page_token(page.next)
    if token is not None:
        again = [(name, value) for name, value in request.query_params.multi_items() if name != "page_token"]
        address = f"{addresses.exports}?{urlencode([*again, ('page_token', token)])}"
        response.headers["Link"] = f'<{address}>; rel="next"'
    body: dict[str, Any] = {
        "items": [export_body(shown, addresses) for shown in page.items],
        "next_page_token": token,
    }
    return ExportPage(**body) if page.total is None else ExportPage(**body, total=page.total)


@router.get(
    "/{export_id}",
    summary="Read an export",
    responses=answers(200, "export_succeeded", "The export") | refusals(403, 404),
)
def read_export(
    export_id: str, caller: CallerDep, service: ServiceDep, addresses: AddressesDep, response: Response
) -> ExportBody:
    """Say how an export is doing; as long as it is not done, `Retry-After` says when to ask again."""
    shown = service.get(caller, export_id)
    if not shown.status.final:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return export_body(shown, addresses)


_PLACE = TypeAdapter(tuple[AwareDatetime, UUID])


def make_page_token(cursor: Cursor) -> str:
    """Return a place in a list as text that says nothing to people."""
    place = json.dumps([cursor.created_at.isoformat(), str(cursor.id)], separators=(",", ":"))
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def read_page_token(token: str) -> Cursor:
    """Read a place in a list.

    :raises InvalidRequest: when we did not make it.
    """
    try:
        place = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return Cursor(*_PLACE.validate_json(place))
    except ValueError:  # pydantic's and binascii's errors are among them
        raise invalid([FieldError("/query/page_token", "This is no page token of ours.")]) from None
