"""Exporters, runs and downloads, at an organizer and at each of its events."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.bodies import read_json
from export_api.caller import Right
from export_api.dialects.pretix.answers import answer
from export_api.dialects.pretix.offers import KEPT, find_offer, offers
from export_api.dialects.pretix.paths import LEVELS, Scope, ScopeDep
from export_api.dialects.pretix.places import find_place
from export_api.dialects.pretix.refusals import NoSuchPage, Rejected, by_field
from export_api.idempotency import Key, KeyReused, fingerprint_of_json
from export_api.routes import files
from export_api.routes.parts import RETRY_AFTER_SECONDS, ServiceDep
from export_api.status import Reason, Status
from include.core.errors import Gone, InvalidRequest, NotFound

if TYPE_CHECKING:
    from export_api.dialects.pretix.offers import Offer
    from export_api.reading import Shown
    from export_api.service import ExportService

router = APIRouter()

PAGE = 50
"""Exporters of one page."""


async def _body(request: Request) -> dict[str, Any]:
    """Read a body; none at all is an empty object.

    :raises Rejected: when it is no object.
    """
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return {}
    found = await read_json(headers, request.stream())
    if not isinstance(found, dict):
        kind = type(found).__name__
        raise Rejected({"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]})
    return found


BodyDep = Annotated[dict[str, Any], Depends(_body)]


def list_exporters(scope: ScopeDep, caller: CallerDep, service: ServiceDep, request: Request) -> Response:
    """List what can be exported here."""
    find_place(service, caller, scope)
    found = offers(service.catalog, scope)
    last = max(1, -(-len(found) // PAGE))
    number = _page(request.query_params.get("page"), last)
    return answer(
        {
            "count": len(found),
            "next": _address(scope, number + 1) if number < last else None,
            "previous": _address(scope, number - 1) if number > 1 else None,
            "results": [offer.described(scope) for offer in found[(number - 1) * PAGE : number * PAGE]],
        }
    )


def read_exporter(identifier: str, scope: ScopeDep, caller: CallerDep, service: ServiceDep) -> Response:
    """Say what an exporter takes."""
    find_place(service, caller, scope)
    return answer(find_offer(service.catalog, scope, identifier).described(scope))


def run(  # noqa: PLR0917 - FastAPI passes them by name
    identifier: str, scope: ScopeDep, caller: CallerDep, service: ServiceDep, body: BodyDep, request: Request
) -> Response:
    """Start an export; the answer says where its file will be."""
    caller.need(Right.CREATE)
    place = find_place(service, caller, scope)
    offer = find_offer(service.catalog, scope, identifier)
    wanted = offer.request(place, body, _kept(service, offer))
    try:
        shown = service.submit(caller, wanted, _key(request, body))
    except InvalidRequest as error:
        raise _told(error, offer, wanted.params) from error
    return answer({"download": scope.download(identifier, shown.export.id)}, 202)


def download(  # noqa: PLR0917 - FastAPI passes them by name
    identifier: str,
    asyncid: str,
    fileid: str,
    scope: ScopeDep,
    caller: CallerDep,
    service: ServiceDep,
    request: Request,
) -> Response:
    """Send the file, or say how far the export is."""
    export_id = _own_id(scope, identifier, asyncid, fileid)
    shown = service.get(caller, export_id)
    if shown.expired:
        raise NotFound("The file has expired.")
    match shown.status:
        case Status.SUCCEEDED if request.method == "HEAD":
            return files.content_head(export_id, caller, service)
        case Status.SUCCEEDED:
            return files.content(export_id, caller, service, request)
        case Status.FAILED | Status.CANCELLED:
            reason = Reason.told(shown.export.error)
            raise Gone(reason.detail if reason else f"The export was {shown.status}.")
        case Status.QUEUED:
            return _not_yet("waiting", shown)
        case _:
            return _not_yet("running", shown)


for level in LEVELS:
    router.add_api_route(f"{level}/exporters/", list_exporters, methods=["GET"])
    router.add_api_route(f"{level}/exporters/{{identifier}}/", read_exporter, methods=["GET"])
    router.add_api_route(f"{level}/exporters/{{identifier}}/run/", run, methods=["POST"])
    router.add_api_route(
        f"{level}/exporters/{{identifier}}/download/{{asyncid}}/{{fileid}}/", download, methods=["GET", "HEAD"]
    )


def _page(given: str | None, last: int) -> int:
    """Return which page is wanted.

    :raises NoSuchPage: when there is none.
    """
    if given in (None, ""):
        return 1
    if given == "last":
        return last
    if given.isdecimal() and given.isascii() and len(given) < 10 and 1 <= int(given) <= last:  # noqa: PLR2004 - digits
        return int(given)
    raise NoSuchPage(f"There is no page {given!r}.")


def _address(scope: Scope, page: int) -> str:
    return scope.exporters if page == 1 else f"{scope.exporters}?{urlencode({'page': page})}"


def _kept(service: ExportService, offer: Offer) -> timedelta:
    """Return how long the file is kept."""
    limits = (offer.exporter.max_expires_days, service.airflow.settings.max_expires_days)
    return min(KEPT, *(timedelta(days=limit) for limit in limits if limit is not None))


def _key(request: Request, body: dict[str, Any]) -> Key | None:
    """Return what tells a repeated run from a new one: any text, of one address."""
    given = request.headers.get("x-idempotency-key")
    if not given:
        return None
    text = hashlib.sha256(f"{request.url.path.rstrip('/')}\n{given}".encode()).hexdigest()
    return Key("POST pretix run", text, fingerprint_of_json(body))


def _told(error: InvalidRequest, offer: Offer, params: dict[str, Any]) -> InvalidRequest:
    """Return an error with the product's sentences: keys that the source does not have, above all."""
    if isinstance(error, KeyReused):
        return error
    sentences: dict[str, list[str]] = {}
    for each in error.errors:
        name, _, index = each.pointer.removeprefix("/params/").partition("/")
        asked = offer.fields.get(name)
        if asked is None or not asked.keys or asked.many is not bool(index):
            return Rejected(by_field(error))
        value = params[name][int(index)] if asked.many else params[name]
        sentences.setdefault(name, [f'Invalid pk "{value}" - object does not exist.'])
    return Rejected(sentences)


def _own_id(scope: Scope, identifier: str, asyncid: str, fileid: str) -> str:
    """Return the id of the export whose download's address this is.

    :raises NotFound: when it is nobody's.
    """
    try:
        export_id = UUID(asyncid)
    except ValueError:
        raise NotFound("There is no such export.") from None
    if (str(export_id), str(scope.file_id(identifier, export_id))) != (asyncid.lower(), fileid.lower()):
        raise NotFound("There is no such file.")
    return str(export_id)


def _not_yet(status: str, shown: Shown) -> Response:
    percent = (shown.seen.said("progress") or {}).get("percent")
    body = {"status": status, "percentage": percent if isinstance(percent, int | float) else None}
    return answer(body, 409, {"Retry-After": RETRY_AFTER_SECONDS})
