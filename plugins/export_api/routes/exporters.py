"""Exporters: what can be exported."""

from __future__ import annotations

from fastapi import APIRouter

from export_api import exporters
from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.caller import Right
from export_api.routes.parts import ServiceDep, answers, refusals
from export_api.schemas.exporters import ExporterBody, ExporterList

router = APIRouter(prefix="/exporters", tags=["Exporters"])


@router.get(
    "",
    summary="List exporters",
    responses=answers(200, "exporter_list", "All exporters") | refusals(403),
)
def list_exporters(caller: CallerDep, service: ServiceDep) -> ExporterList:
    """List what can be exported; exporters whose file is broken are left out, and named by the health route."""
    caller.need(Right.READ)
    described = [exporters.describe(name, exporter) for name, exporter in service.catalog.working()]
    return ExporterList.model_validate({"items": described})


@router.get(
    "/{name}",
    summary="Read an exporter",
    responses=answers(200, "exporter", "The exporter") | refusals(403, 404),
)
def read_exporter(name: str, caller: CallerDep, service: ServiceDep) -> ExporterBody:
    """Say what an exporter takes and gives: parameters, columns, comparisons and formats."""
    caller.need(Right.READ)
    return ExporterBody.model_validate(exporters.describe(name, service.catalog.load(name)))
