"""One export: read it, wait for it, and watch it."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from export_api import event_stream, examples
from export_api.auth import CallerDep, RecheckDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.conditional import conditional, weak_tag
from export_api.responses import to_bytes
from export_api.routes.parts import (
    PREFER,
    PREFERENCE_APPLIED,
    RETRY_AFTER_SECONDS,
    AddressesDep,
    LooksDep,
    Responses,
    WaitDep,
    answers,
    applied,
    header,
    refusals,
)
from export_api.schemas.exports import ExportBody
from export_api.shaping import View
from export_api.waiting import final_or_last

router = APIRouter(prefix="/exports/{export_id}", tags=["Exports"])

_IF_NONE_MATCH = header(
    "If-None-Match", "Tags of what you have already (RFC 9110): when it has not changed, the answer is 304."
)
_HEADERS = {
    "ETag": {"description": "A weak tag; it changes whenever the body does.", "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds after which to ask again; absent when the export is done.",
        "schema": {"type": "integer"},
    },
    **PREFERENCE_APPLIED,
}
_UNCHANGED: Responses = {304: {"description": "It is as you know it", "headers": _HEADERS}}


@router.get(
    "",
    summary="Read an export",
    response_model=ExportBody,
    openapi_extra={"parameters": [_IF_NONE_MATCH, PREFER]},
    responses=answers(200, "export_succeeded", "The export", headers=_HEADERS) | _UNCHANGED | refusals(403, 404),
)
async def read_export(  # noqa: PLR0917 - FastAPI passes them by name
    export_id: str, caller: CallerDep, looks: LooksDep, addresses: AddressesDep, wait: WaitDep, request: Request
) -> Response:
    """Say how an export is doing.

    As long as it is not done, `Retry-After` says when to ask again; or let the server wait for its end, with
    `Prefer: wait=30`.
    """
    look = partial(looks.look, caller, export_id, addresses)
    view = await look()
    if wait:
        view = await final_or_last(view, look, receive=request.receive, seconds=wait)
    headers = {"Cache-Control": "private, no-cache", **applied(wait)}
    if not view.final:
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    return conditional(request.headers, view.content, tag=view.tag, media_type="application/json", headers=headers)


def _event_example() -> str:
    content = to_bytes(examples.EXPORT_SUCCEEDED)
    return event_stream.event(View(content, weak_tag(content), final=True)).decode()


_EVENTS: Responses = {
    200: {
        "description": "Events `export`; the `id` is the tag, the `data` the export as `GET` answers it",
        "content": {event_stream.MEDIA_TYPE: {"schema": {"type": "string"}, "example": _event_example()}},
    },
    204: {"description": "The export is done, and as `Last-Event-ID` says: there will be no more events"},
}
_LAST_EVENT_ID = header("Last-Event-ID", "The `id` of the last event that you have; it is not sent again.")


@router.get(
    "/events",
    summary="Watch an export",
    response_class=StreamingResponse,
    openapi_extra={"parameters": [_LAST_EVENT_ID]},
    responses=_EVENTS | refusals(403, 404),
)
async def watch_export(  # noqa: PLR0917 - FastAPI passes them by name
    export_id: str,
    caller: CallerDep,
    recheck: RecheckDep,
    looks: LooksDep,
    addresses: AddressesDep,
    request: Request,
) -> Response:
    """Send the export at once and whenever it changes, as server-sent events; the stream ends when the export is done.

    A browser's `EventSource` connects again by itself, and stops when it is told 204. Your right to read is checked
    again at each look: the stream ends when it is taken away.
    """
    view = await looks.look(caller, export_id, addresses)
    known = request.headers.get("last-event-id")
    if view.final and view.tag == known:
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def look() -> View:
        return await looks.look(await recheck(), export_id, addresses)

    events = event_stream.changes(view, look, known=known)
    return StreamingResponse(events, media_type=event_stream.MEDIA_TYPE, headers=event_stream.HEADERS)
