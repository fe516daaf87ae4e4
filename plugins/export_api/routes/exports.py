"""Exports: create and list."""

from __future__ import annotations

import base64
import json
import logging
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from export_api import examples, idempotency
from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.caller import Right
from export_api.db.listing import Cursor, Filter
from export_api.idempotency import KeyInFlight
from export_api.responses import WaybillJSON
from export_api.routes.foreseeing import ForesightDep, ValidateOnly, forecast_answer, foreseen_or_done
from export_api.routes.parts import (
    LOCATION,
    PREFER,
    PREFERENCE_APPLIED,
    RETRY_AFTER,
    RETRY_AFTER_SECONDS,
    AddressesDep,
    JsonBody,
    KeyDep,
    LooksDep,
    ServiceDep,
    WaitDep,
    answers,
    applied,
    header,
    refusals,
    refused,
)
from export_api.schemas.exports import ExportBody, ExportPage
from export_api.shaping import View, export_body, view_of
from export_api.status import Status
from export_api.waiting import final_or_last
from include.core.errors import FieldError, Gone, WaybillError, invalid
from include.core.request import ExportRequest, parse_request

if TYPE_CHECKING:
    from export_api.reading import Shown

router = APIRouter(prefix="/exports", tags=["Exports"])

log = logging.getLogger(__name__)

_IDEMPOTENCY_KEY = header(
    idempotency.HEADER,
    "Your name for this request, 1 to 255 visible ASCII characters, kept for 24 hours: sending the same body with it "
    "again answers with the export that it started, and starts no other.",
)
_IN_FLIGHT = "The first request with this Idempotency-Key is still being answered."
_ADDRESS = {
    **LOCATION,
    "Idempotent-Replayed": {
        "description": "`true` when the same request was there before, and started this export then.",
        "schema": {"type": "string"},
    },
    **PREFERENCE_APPLIED,
}
BODY = {
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
    response_model=ExportBody,
    openapi_extra={**BODY, "parameters": [_IDEMPOTENCY_KEY, PREFER]},
    responses=answers(202, "export_queued", "Accepted", headers={**_ADDRESS, **RETRY_AFTER})
    | foreseen_or_done(_ADDRESS)
    | refused(409, KeyInFlight.code, _IN_FLIGHT, headers=RETRY_AFTER)
    | refused(410, Gone.code, "The export that this Idempotency-Key started is no longer there.")
    | refusals(400, 403, 413, 415, 422, 429, 503),
)
async def create_export(  # noqa: PLR0917 - FastAPI passes them by name
    caller: CallerDep,
    service: ServiceDep,
    looks: LooksDep,
    addresses: AddressesDep,
    key: KeyDep,
    body: JsonBody,
    wait: WaitDep,
    foresight: ForesightDep,
    request: Request,
    validate_only: ValidateOnly = False,  # noqa: FBT002
) -> Response:
    """Check the request against the catalog and start it.

    Ask for its status at the address in `Location`; or let the server wait for its end, with `Prefer: wait=30`. With an
    `Idempotency-Key`, a request that got no answer can be sent again without starting a second export.
    """
    if validate_only:
        return await run_in_threadpool(lambda: forecast_answer(foresight.foresee(caller, parse_request(body))))

    def submit() -> tuple[Shown, View]:
        shown = service.submit(caller, parse_request(body), key)
        return shown, view_of(shown, addresses)

    shown, view = await run_in_threadpool(submit)
    export_id = str(shown.export.id)
    wait = wait if caller.may(Right.READ) else None
    if wait:
        look = partial(looks.look, caller, export_id, addresses)
        try:
            view = await final_or_last(view, look, receive=request.receive, seconds=wait)
        except (WaybillError, SQLAlchemyError):
            # It has started: an error would have the client start another one.
            log.warning("The export %s cannot be read while its client waits", export_id, exc_info=True)
    headers = {"Location": addresses.export(export_id), **applied(wait)}
    if shown.replayed:
        headers["Idempotent-Replayed"] = "true"
    if not view.final:
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    return Response(view.content, 200 if wait and view.final else 202, headers, media_type="application/json")


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
    response_model=ExportPage,
    responses=answers(200, "export_page", "A page of exports") | refusals(403, 422),
)
def list_exports(
    caller: CallerDep,
    service: ServiceDep,
    addresses: AddressesDep,
    query: Annotated[ListQuery, Query()],
    request: Request,
) -> Response:
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
    headers = {}
    if token is not None:
        again = [(name, value) for name, value in request.query_params.multi_items() if name != "page_token"]
        address = f"{addresses.exports}?{urlencode([*again, ('page_token', token)])}"
        headers["Link"] = f'<{address}>; rel="next"'
    body = {
        "items": [export_body(shown, addresses).model_dump(mode="json") for shown in page.items],
        "next_page_token": token,
        **({} if page.total is None else {"total": page.total}),
    }
    return WaybillJSON(body, headers=headers)


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
