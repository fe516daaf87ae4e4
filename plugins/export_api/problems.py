"""Errors as problem details (RFC 9457): one table from the domain's errors to what a client sees."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from export_api.responses import WaybillJSON
from include.core.errors import (
    Conflict,
    Fatal,
    FieldError,
    Gone,
    InvalidRequest,
    NotAllowed,
    NotFound,
    QuotaExceeded,
    Retriable,
    WaybillError,
    invalid,
)
from include.core.request import escape, sentence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fastapi import FastAPI, Request, Response

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "5"


class Unauthenticated(NotAllowed):
    """No credentials, or none that are good."""

    code = "unauthenticated"


class Malformed(InvalidRequest):
    """The body cannot be read as JSON at all."""

    code = "malformed"


class UnsupportedMediaType(InvalidRequest):
    """The body is of another kind than JSON."""

    code = "unsupported_media_type"


class TooLarge(InvalidRequest):
    """The body is longer than any request needs."""

    code = "too_large"


class RangeNotSatisfiable(InvalidRequest):
    """The file has no such bytes; ``length`` is how many it has."""

    code = "range_not_satisfiable"

    def __init__(self, message: str, *, length: int) -> None:
        super().__init__(message)
        self.length = length


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of error looks from outside."""

    status: HTTPStatus
    title: str


KINDS: Mapping[type[WaybillError], Kind] = {
    Malformed: Kind(HTTPStatus.BAD_REQUEST, "The body cannot be read"),
    Unauthenticated: Kind(HTTPStatus.UNAUTHORIZED, "Credentials are needed"),
    NotAllowed: Kind(HTTPStatus.FORBIDDEN, "Not allowed"),
    NotFound: Kind(HTTPStatus.NOT_FOUND, "Not found"),
    Conflict: Kind(HTTPStatus.CONFLICT, "Not now"),
    Gone: Kind(HTTPStatus.GONE, "Not available any more"),
    TooLarge: Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"),
    UnsupportedMediaType: Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not JSON"),
    RangeNotSatisfiable: Kind(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "No such range"),
    InvalidRequest: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid"),
    QuotaExceeded: Kind(HTTPStatus.TOO_MANY_REQUESTS, "Too many at once"),
    Retriable: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "Not available at the moment"),
    Fatal: Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "Failed"),
    WaybillError: Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "Failed"),
}
"""The table; a class that is not listed is treated as the nearest of its parents that is."""


def kind_of(error: type[WaybillError]) -> Kind:
    """Return the entry of an error's class."""
    return next(KINDS[cls] for cls in error.__mro__ if cls in KINDS)


def status_of_code(code: str, *, retryable: bool) -> HTTPStatus:
    """Return the status that a code has in the table, for an error that is only known by what was written down."""
    known = {cls.code: kind.status for cls, kind in KINDS.items()}
    return known.get(code, kind_of(Retriable if retryable else Fatal).status)


def type_of(code: str) -> str:
    """Return the URI that names a kind of problem; it is an identifier, not an address."""
    return f"urn:waybill:problem:{code}"


def problem(
    *, status: int, title: str, detail: str, code: str, retryable: bool = False, errors: tuple[FieldError, ...] = ()
) -> dict[str, Any]:
    """Return a problem object."""
    return {
        "type": type_of(code),
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": retryable,
        "errors": [{"pointer": error.pointer, "detail": error.detail} for error in errors],
    }


def problem_of(error: WaybillError) -> dict[str, Any]:
    """Return the problem object of a domain error."""
    kind = kind_of(type(error))
    return problem(
        status=kind.status,
        title=kind.title,
        detail=error.message,
        code=error.error_code,
        retryable=error.retryable,
        errors=error.errors,
    )


def headers_of(error: WaybillError) -> dict[str, str]:
    """Return the headers that belong to an error."""
    match error:
        case Unauthenticated():
            return {"WWW-Authenticate": 'Bearer realm="waybill", Token realm="waybill"'}
        case RangeNotSatisfiable(length=length):
            return {"Content-Range": f"bytes */{length}"}
        case QuotaExceeded(quota=quota):
            # draft-ietf-httpapi-ratelimit-headers-11: what is limited is not a rate but how many there are at once.
            return {
                "Retry-After": RETRY_AFTER_SECONDS,
                "RateLimit-Policy": f'"queue";q={quota};qu="concurrent-requests"',
                "RateLimit": '"queue";r=0',
            }
        case Retriable() | Conflict(retryable=True):
            return {"Retry-After": RETRY_AFTER_SECONDS}
        case _:
            return {}


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of an error: a problem object, headers, and the domain's error where it is one."""

    problem: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    error: WaybillError | None = None


Answer: TypeAlias = "Callable[[Request, Told], Response]"
"""How an API writes down what is told of an error."""


def respond(request: Request, told: Told) -> Response:
    """Return a problem as a response that names the request as its instance."""
    content = {**told.problem, "instance": request.url.path}
    return WaybillJSON(content, status_code=told.problem["status"], media_type=MEDIA_TYPE, headers=dict(told.headers))


def _of_domain(_request: Request, error: Exception) -> Told:
    assert isinstance(error, WaybillError)  # noqa: S101 - registered for this class
    return Told(problem_of(error), headers_of(error), error)


def _of_validation(request: Request, error: Exception) -> Told:
    """Tell of path and query parameters; bodies are read by ourselves."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    found = [
        FieldError("".join(f"/{escape(part)}" for part in item["loc"]), sentence(item["msg"]))
        for item in error.errors()
    ]
    return _of_domain(request, invalid(found))


def _of_http(request: Request, error: Exception) -> Told:
    """Tell where the framework refuses by itself: no such route, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    status = HTTPStatus(error.status_code)
    detail = f"{request.method} {request.url.path}: {error.detail}"
    body = problem(status=status, title=status.phrase, detail=detail, code=status.name.lower())
    allow = {"Allow": ", ".join(_methods_of(request))} if status is HTTPStatus.METHOD_NOT_ALLOWED else {}
    return Told(body, {**(error.headers or {}), **allow})


def _methods_of(request: Request) -> list[str]:
    """Return every method of a path; the framework names those of the first route only."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in routes for method in route.methods})


def _of_database(request: Request, error: Exception) -> Told:
    log.error("The metadata database does not answer", exc_info=error)
    return _of_domain(
        request, Retriable("The metadata database does not answer. Try again.", code="database_unavailable")
    )


def _of_anything(request: Request, error: Exception) -> Told:
    log.error("Unexpected error in %s %s", request.method, request.url.path, exc_info=error)
    body = problem(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        title="Unexpected error",
        detail="Something went wrong on our side; the server's log says what.",
        code="internal",
    )
    return Told(body)


TELLERS: Mapping[type[Exception], Callable[[Request, Exception], Told]] = {
    WaybillError: _of_domain,
    RequestValidationError: _of_validation,
    HTTPException: _of_http,
    OperationalError: _of_database,
    InterfaceError: _of_database,
    Exception: _of_anything,
}
"""Everything that can be raised below a route; no route raises HTTPException."""


def install(app: FastAPI, answer: Answer = respond) -> None:
    """Make an app answer every error: as a problem, unless it is told otherwise."""

    def handler(tell: Callable[[Request, Exception], Told]) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def handle(request: Request, error: Exception) -> Response:
            return answer(request, tell(request, error))

        return handle

    for cls, tell in TELLERS.items():
        app.add_exception_handler(cls, handler(tell))
