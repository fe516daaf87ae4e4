"""Errors as Zentral's clients know them: texts in a list for what is wrong with a request, else a detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from export_api.auth import SCHEMES
from export_api.problems import RETRY_AFTER_SECONDS, Malformed
from export_api.responses import WaybillJSON
from include.core.errors import InvalidRequest

if TYPE_CHECKING:
    from fastapi import Request, Response

    from export_api.problems import Told

_AS_NOT_FOUND = frozenset({409, 410})
"""A file that is not ready, or will never be, is not found."""

_DETAILS = {
    403: "You do not have permission to perform this action.",
    404: "Not found.",
    429: f"Request was throttled. Expected available in {RETRY_AFTER_SECONDS} seconds.",
}


class Refused(InvalidRequest):
    """A request that is wrong, in Zentral's very words."""


def refuse(request: Request, told: Told) -> Response:
    """Return an error of any kind."""
    status = int(told.problem["status"])
    status = 404 if status in _AS_NOT_FOUND else 400 if status == 422 else status  # noqa: PLR2004
    headers = dict(told.headers)
    if status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = "Token"
    return WaybillJSON(_body(status, request, told), status_code=status, headers=headers)


def _body(status: int, request: Request, told: Told) -> Any:
    match told.error:
        case Refused(message=message):
            return [message]
        case Malformed(message=message):
            detail = f"JSON parse error - {message.removeprefix('The body is not JSON: ')}"
        case InvalidRequest(errors=errors) if errors:
            return [f"{_place(error.pointer)}: {error.detail}" for error in errors]
        case _:
            detail = _detail(status, request) or told.problem["detail"]
    return {"detail": detail}


def _place(pointer: str) -> str:
    """Return what a pointer into our request is to somebody who has written another one."""
    return pointer.removeprefix("/params").removeprefix("/query").removeprefix("/")


def _detail(status: int, request: Request) -> str | None:
    match status:
        case 401:
            return _unauthenticated(request.headers.get("authorization"))
        case 405:
            return f'Method "{request.method}" not allowed.'
        case 415:
            return f'Unsupported media type "{request.headers.get("content-type", "")}" in request.'
        case _:
            return _DETAILS.get(status)


def _unauthenticated(header: str | None) -> str:
    scheme, _, credentials = (header or "").strip().partition(" ")
    if scheme.lower() not in SCHEMES:
        return "Authentication credentials were not provided."
    return "Invalid token." if credentials.strip() else "Invalid token header. No credentials provided."
