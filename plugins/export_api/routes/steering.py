"""Steering an export that has been started."""

from __future__ import annotations

from fastapi import APIRouter, Response

from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.routes.parts import (
    LOCATION,
    RETRY_AFTER,
    RETRY_AFTER_SECONDS,
    AddressesDep,
    ServiceDep,
    answers,
    refusals,
)
from export_api.schemas.exports import ExportBody  # noqa: TC001 - as above
from export_api.shaping import export_body

router = APIRouter(prefix="/exports/{export_id}", tags=["Exports"])


@router.post(
    "/cancel",
    status_code=202,
    summary="Cancel an export",
    responses=answers(202, "export_cancelling", "It ends; ask for its status until it is `cancelled`")
    | refusals(403, 404, 409, 503),
)
def cancel_export(
    export_id: str, caller: CallerDep, service: ServiceDep, addresses: AddressesDep, response: Response
) -> ExportBody:
    """End an export, waiting or running; asked again it changes nothing. It is `cancelled` once its query is gone."""
    shown = service.cancel(caller, export_id)
    if not shown.status.final:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return export_body(shown, addresses)


@router.post(
    "/rerun",
    status_code=202,
    summary="Run an export's request again",
    responses=answers(202, "export_queued", "Accepted, as an export of its own", headers={**LOCATION, **RETRY_AFTER})
    | refusals(403, 404, 409, 422, 429, 503),
)
def rerun_export(
    export_id: str, caller: CallerDep, service: ServiceDep, addresses: AddressesDep, response: Response
) -> ExportBody:
    """Start a new export of the same request; the old one and its file stay as they are."""
    shown = service.rerun(caller, export_id)
    response.headers["Location"] = addresses.export(shown.export.id)
    response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return export_body(shown, addresses)


@router.delete(
    "",
    status_code=204,
    summary="Delete an export",
    response_class=Response,
    responses={204: {"description": "It is gone, and so are its files."}, **refusals(403, 404, 503)},
)
def delete_export(export_id: str, caller: CallerDep, service: ServiceDep) -> None:
    """Forget an export and remove its files; one that runs is cancelled. The audit trail keeps that it was there."""
    service.delete(caller, export_id)
