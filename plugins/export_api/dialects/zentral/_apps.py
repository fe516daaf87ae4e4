"""Apps by the number of their machines; the request is a JSON object that may be missing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.bodies import read_json
from export_api.caller import Right
from export_api.dialects.zentral._kinds import APPS, Apps
from export_api.dialects.zentral._refusals import Refused
from export_api.dialects.zentral._starting import start
from export_api.problems import Malformed, TooLarge, UnsupportedMediaType
from export_api.routes.parts import ServiceDep  # noqa: TC001 - as above
from include.core.errors import InvalidRequest
from include.core.request import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from export_api.caller import Caller
    from export_api.service import ExportService

_FORMATS: Mapping[str, dict[str, Any]] = {
    "xlsx": {"format": "xlsx"},
    "csv": {"format": "csv", "options": {"delimiter": ";", "header": "label"}},
}
_LAST_SEEN = frozenset({"1d", "7d", "14d", "30d", "45d", "90d"})
_LONGEST = 64
"""Characters of a text that is looked for."""


async def _body(request: Request) -> Any:
    """Read the body where there is one; only then its media type matters."""
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return {}
    try:
        return await read_json(request.headers, request.stream())
    except (Malformed, TooLarge, UnsupportedMediaType):
        raise
    except InvalidRequest:
        raise Refused(_INVALID) from None


_INVALID = "Invalid search parameters"
_BodyDep = Annotated[Any, Depends(_body)]

router = APIRouter()


def _add(kind: Apps) -> None:
    @router.post(kind.path)
    async def export_apps(caller: CallerDep, service: ServiceDep, body: _BodyDep) -> Response:
        return await run_in_threadpool(_start, kind, caller, service, body)


for _kind in APPS:
    _add(_kind)


def _start(kind: Apps, caller: Caller, service: ExportService, body: Any) -> Response:
    """Start an export of the apps that a body describes.

    :raises Refused: where the body is none that Zentral takes.
    """
    caller.need(Right.CREATE)
    if not isinstance(body, dict):
        raise Refused(_INVALID)
    wanted = body.get("export_format", "xlsx")
    form = _FORMATS.get(wanted) if isinstance(wanted, str) else None
    if form is None:
        raise Refused("Invalid export format")
    asked = {"exporter": kind.exporter, "params": _params(kind, body), "filename": kind.filename(utc_now()), **form}
    try:
        return start(caller, service, asked)
    except InvalidRequest:  # the source is none that the inventory has
        raise Refused(_INVALID) from None


def _params(kind: Apps, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exporter's parameters.

    :raises Refused: where a value is none that Zentral takes; keys that it does not know are ignored.
    """
    found: dict[str, Any] = {}
    sought = next((text for key in kind.sought if (text := _text(body, key))), "")
    source, last_seen, order = (_text(body, key) for key in ("source", "last_seen", "order"))
    if len(sought) > _LONGEST:
        raise Refused(_INVALID)
    if sought:
        found["containing"] = sought
    if source:
        found["source_id"] = source
    if last_seen:
        if last_seen not in _LAST_SEEN:
            raise Refused(_INVALID)
        found["seen_since"] = (utc_now() - timedelta(days=int(last_seen.removesuffix("d")))).isoformat()
    if order:
        found["order"] = _order(kind, order)
    return found


def _order(kind: Apps, text: str) -> str:
    by, _, direction = text.partition("-")
    name = {kind.by_name: "name", "mc": "machines"}.get(by)
    sign = {"a": "", "d": "-"}.get(direction)
    if name is None or sign is None:
        raise Refused(_INVALID)
    return f"{sign}{name}"


def _text(body: Mapping[str, Any], key: str) -> str:
    """Return a value as a form has it: a text, or a number as one."""
    match body.get(key):
        case None:
            return ""
        case bool():
            raise Refused(_INVALID)
        case str() | int() as value:
            return str(value).strip()
        case _:
            raise Refused(_INVALID)
