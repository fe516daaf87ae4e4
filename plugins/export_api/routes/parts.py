"""What the routes share: the service as a dependency, and how operations are documented."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request

from export_api import MOUNT, examples, idempotency, problems
from export_api.bodies import read_json
from export_api.idempotency import Key, KeyInFlight, key_of
from export_api.looking import Looks
from export_api.preferences import LONGEST_WAIT, wait_of
from export_api.schemas.parts import Problem
from export_api.service import ExportService
from export_api.shaping import Addresses


async def _service(request: Request) -> ExportService:
    service: ExportService = request.app.state.service
    return service


ServiceDep = Annotated[ExportService, Depends(_service)]


async def _addresses(request: Request) -> Addresses:
    """Use the configured address of Airflow, else the one that this request came to."""
    service: ExportService = request.app.state.service
    return Addresses(service.airflow.base_url or str(request.base_url).rstrip("/").removesuffix(MOUNT))


async def _looks(request: Request) -> Looks:
    looks: Looks = request.app.state.looks
    return looks


LooksDep = Annotated[Looks, Depends(_looks)]


AddressesDep = Annotated[Addresses, Depends(_addresses)]


async def _json_body(request: Request) -> Any:
    return await read_json(request.headers, request.stream())


JsonBody = Annotated[Any, Depends(_json_body)]


RETRY_AFTER_SECONDS = "1"
"""When to ask for an export's status again."""

LOCATION = {"Location": {"description": "The export's address.", "schema": {"type": "string"}}}
RETRY_AFTER = {
    "Retry-After": {"description": "Seconds after which to ask for its status.", "schema": {"type": "integer"}}
}
"""Headers of an answer that an export has been started."""


async def _wait(request: Request) -> int | None:
    return wait_of(request.headers.getlist("prefer"))


WaitDep = Annotated[int | None, Depends(_wait)]
"""For how many seconds the client would like to wait."""


async def _key(request: Request) -> Key | None:
    route = f"{request.method} {request.scope['route'].path}"
    return key_of(route, request.headers.getlist(idempotency.HEADER))


KeyDep = Annotated[Key | None, Depends(_key)]
"""What tells a repeated request from a new one."""


def applied(wait: int | None) -> dict[str, str]:
    """Return the header that says which preference was followed."""
    return {} if wait is None else {"Preference-Applied": f"wait={wait}"}


Responses = dict[int | str, dict[str, Any]]

_SAMPLES: dict[int, tuple[str, str]] = {
    400: ("malformed", "The body is not JSON: Expecting value: line 1 column 1 (char 0)."),
    401: ("unauthenticated", "Send the header 'Authorization: Token …' with an API token, or log in to Airflow."),
    403: ("not_allowed", "You may not create exports."),
    404: ("not_found", "There is no export '0d4f7f0e-5b1c-4a39-9d0e-6c1f3f0c2b7a'."),
    409: ("not_ready", "The export is running: its file is not ready yet."),
    410: ("gone", "The export failed and has no file: the source did not answer."),
    413: ("too_large", "The body is longer than 1048576 bytes."),
    415: ("unsupported_media_type", "Send JSON, with Content-Type: application/json."),
    416: ("range_not_satisfiable", "The file has 1048576 bytes."),
    429: ("quota_exceeded", "You have 500 unfinished exports, as many as one user may have."),
    500: ("internal", "Something went wrong on our side; the server's log says what."),
    503: ("dag_paused", "The DAG 'export' is paused: unpause it in Airflow."),
}


def refusals(*statuses: int) -> Responses:
    """Document the problems that an operation may answer with."""
    return {status: _described(status, _example(status)) for status in statuses}


def refused(status: int, code: str, detail: str, **more: Any) -> Responses:
    """Document a problem of one operation alone."""
    return {status: _described(status, _problem(status, code, detail)) | more}


def _described(status: int, example: dict[str, Any]) -> dict[str, Any]:
    # A "model" would be documented under the media type of good answers too.
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    content = {problems.MEDIA_TYPE: {"schema": schema, "example": example}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _example(status: int) -> dict[str, Any]:
    return _problem(status, *_SAMPLES[status]) if status in _SAMPLES else examples.PROBLEM_INVALID


def _problem(status: int, code: str, detail: str) -> dict[str, Any]:
    later = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    retryable = status in later or code == KeyInFlight.code
    body = problems.problem(status=status, title=_title(status), detail=detail, code=code, retryable=retryable)
    return {**body, "instance": "/export-api/v1/exports"}


def _title(status: int) -> str:
    kinds = problems.KINDS.values()
    return next((kind.title for kind in kinds if kind.status == status), HTTPStatus(status).phrase)


NAMED_EXAMPLE = "x-example"
"""Where an answer names its example: FastAPI would strip nulls from the example itself."""


def answers(status: int, example: str, description: str, **more: Any) -> Responses:
    """Document an operation's good answer by an entry of :data:`export_api.examples.NAMED`."""
    return {status: {"description": description, "content": {"application/json": {NAMED_EXAMPLE: example}}, **more}}


def header(name: str, description: str) -> dict[str, Any]:
    """Document a header that an operation reads by itself."""
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}}


PREFER = header(
    "Prefer", f"`wait=N` (RFC 7240): wait up to N seconds for the end of the export, {LONGEST_WAIT} at most."
)
PREFERENCE_APPLIED = {
    "Preference-Applied": {
        "description": "`wait=N` when the wait was granted, with the N that was.",
        "schema": {"type": "string"},
    }
}
