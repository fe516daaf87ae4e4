"""Errors as Django REST framework words them: ``detail``, or a list of sentences for each field."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from export_api.dialects.pretix.answers import answer
from export_api.idempotency import KeyInFlight, KeyReused
from export_api.problems import (
    RETRY_AFTER_SECONDS,
    Malformed,
    RangeNotSatisfiable,
    TooLarge,
    Unauthenticated,
    UnsupportedMediaType,
)
from include.core.errors import Gone, InvalidRequest, NotAllowed, NotFound, QuotaExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fastapi import Request, Response

    from export_api.problems import Told
    from include.core.errors import WaybillError

_SCHEMES = frozenset({"token", "bearer", "device"})
_NO_FIELD = "non_field_errors"
_UNDER_PARAMS = re.compile(r"/(?:params/)?([^/]+)(?:/.*)?")


class Rejected(InvalidRequest):
    """Fields of a run that are wrong, with the product's sentences for each."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__("The fields are not valid: " + ", ".join(fields))
        self.fields = {name: list(sentences) for name, sentences in fields.items()}


class NoSuchPage(NotFound):
    """The list is not so long."""


def refuse(request: Request, told: Told) -> Response:
    """Return an error as the product's clients know it."""
    headers = dict(told.headers)
    if told.error is None:
        return answer({"detail": _of_framework(request, told)}, told.problem["status"], headers)
    status, say = next(_REFUSALS[cls] for cls in type(told.error).__mro__ if cls in _REFUSALS)
    if isinstance(told.error, Unauthenticated):
        headers["WWW-Authenticate"] = "Token"
    return answer(say(request, told.error), status or told.problem["status"], headers)


def by_field(error: InvalidRequest) -> dict[str, list[str]]:
    """Return what is said of each field; what is said of none is said of all."""
    found: dict[str, list[str]] = {}
    for each in error.errors:
        match = _UNDER_PARAMS.fullmatch(each.pointer)
        found.setdefault(match[1] if match else _NO_FIELD, []).append(each.detail)
    return found or {_NO_FIELD: [error.message]}


def _who(request: Request) -> str:
    """Say what is wrong with the credentials."""
    scheme, _, credentials = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() not in _SCHEMES:
        return "Authentication credentials were not provided."
    return "Invalid token." if credentials.strip() else "Invalid token header. No credentials provided."


def _of_framework(request: Request, told: Told) -> Any:
    """Say what the framework refuses by itself, and what nobody expected."""
    match told.problem["status"]:
        case 404:
            return "Not found."
        case 405:
            return f'Method "{request.method}" not allowed.'
        case 500:
            return "A server error occurred."
        case _:
            return told.problem["detail"]


def _detail(text: str) -> Callable[[Request, Any], dict[str, Any]]:
    return lambda _request, _error: {"detail": text}


def _parse_error(_request: Request, error: Malformed) -> dict[str, Any]:
    reason = error.message.removeprefix("The body is not JSON: ").removesuffix(".")
    return {"detail": f"JSON parse error - {reason}"}


def _media_type(request: Request, _error: UnsupportedMediaType) -> dict[str, Any]:
    return {"detail": f'Unsupported media type "{request.headers.get("content-type", "")}" in request.'}


def _own_words(_request: Request, error: WaybillError) -> dict[str, Any]:
    return {"detail": error.message}


_THROTTLED = f"Request was throttled. Expected available in {RETRY_AFTER_SECONDS} seconds."

_REFUSALS: Mapping[type, tuple[int | None, Callable[[Request, Any], Any]]] = {
    Rejected: (400, lambda _request, error: error.fields),
    Malformed: (400, _parse_error),
    KeyReused: (400, _own_words),
    Unauthenticated: (401, lambda request, _error: {"detail": _who(request)}),
    NotAllowed: (403, _detail("You do not have permission to perform this action.")),
    NoSuchPage: (404, _detail("Invalid page.")),
    NotFound: (404, _detail("Not found.")),
    KeyInFlight: (409, _detail("Concurrent request with idempotency key.")),
    Gone: (410, lambda _request, error: {"status": "failed", "message": error.message}),
    TooLarge: (413, _own_words),
    UnsupportedMediaType: (415, _media_type),
    RangeNotSatisfiable: (416, _own_words),
    InvalidRequest: (400, lambda _request, error: by_field(error)),
    QuotaExceeded: (429, _detail(_THROTTLED)),
    Exception: (None, _own_words),
}
"""Status and body for each kind of error; where there is no status, it is the native API's."""
