"""What became of an export, in Celery's words, and its file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from export_api import MOUNT, VERSION
from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.dialects.zentral._kinds import task_name
from export_api.responses import WaybillJSON
from export_api.routes.parts import AddressesDep, LooksDep, ServiceDep  # noqa: TC001 - as above
from export_api.status import Status
from include.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "/api/task_result"

_STATES: Mapping[Status, str] = {
    Status.QUEUED: "PENDING",
    Status.RUNNING: "STARTED",
    Status.VERIFYING: "STARTED",
    Status.SUCCEEDED: "SUCCESS",
    Status.FAILED: "FAILURE",
    Status.CANCELLED: "REVOKED",
}

router = APIRouter()


def state_of(status: Status) -> str:
    """Return a status as Celery calls it."""
    return _STATES[status]


def result_url(task_id: str) -> str:
    """Return where to ask what became of an export, relative to the host."""
    return f"{PREFIX}/{task_id}/"


@router.get("/{task_id}/")
async def task_result(task_id: str, caller: CallerDep, looks: LooksDep, addresses: AddressesDep) -> Response:
    """Say how an export is; one that is not there, or not the caller's, is always still to come."""
    key = _key(task_id)
    try:
        view = await looks.look(caller, key, addresses)
    except NotFound:
        return WaybillJSON({"id": key, "status": "UNKNOWN", "unready": True})
    return WaybillJSON(_result(json.loads(view.content)))


@router.get("/{task_id}/download/")
def download(task_id: str, caller: CallerDep, service: ServiceDep) -> Response:
    """Redirect to a link that works without credentials for a while.

    An export of our own API may have several files: they come as one zip, from our own API.
    """
    key = _key(task_id)
    link = service.link(caller, key)
    address = f"{MOUNT}{VERSION}/exports/{key}/content" if link is None else link.url
    return RedirectResponse(address, status_code=302, headers={"Cache-Control": "no-store"})


def _key(task_id: str) -> str:
    """Return a task's id as it is written.

    :raises NotFound: when it is none: no route of Zentral's leads there.
    """
    try:
        return str(UUID(task_id))
    except ValueError:
        raise NotFound(f"{task_id!r} is no task's id.") from None


def _result(export: dict[str, Any]) -> dict[str, Any]:
    """Return an export's body of the native API as a result."""
    status = Status(export["status"])
    progress = export["progress"] or {}
    found: dict[str, Any] = {
        "name": task_name(export["exporter"]),
        "id": export["id"],
        "status": state_of(status),
        "unready": export["unready"],
    }
    if status is Status.SUCCEEDED:
        found |= {"percentage": 100.0, "result": {"headers": _headers(export["result"]["files"])}}
        if not export["expired"]:
            found["download_url"] = f"{result_url(export['id'])}download/"
    elif progress.get("percent") is not None:
        found["percentage"] = progress["percent"]
    if status is Status.FAILED and export["error"]:
        found["error"] = export["error"]["detail"]
    return found


def _headers(files: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the headers that the file comes with; what is put together on the way has no length yet."""
    if len(files) > 1:
        return {"Content-Type": "application/zip"}
    (file,) = files
    return {
        "Content-Type": file["media_type"],
        "Content-Length": file["bytes"],
        "Content-Disposition": f'attachment; filename="{file["name"]}"',
    }
