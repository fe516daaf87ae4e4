"""The inventory's machines, as a workbook or as a zip of csv files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.caller import Right
from export_api.dialects.zentral._drilldown import Drilldown
from export_api.dialects.zentral._kinds import MACHINES
from export_api.dialects.zentral._refusals import Refused
from export_api.dialects.zentral._starting import start
from export_api.routes.parts import ServiceDep  # noqa: TC001 - as above
from include.core.references import LOOKUP_SECONDS
from include.core.request import utc_now
from include.exporters._machine_titles import Titles, find_titles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from export_api.service import ExportService

_FORMATS: Mapping[str, dict[str, Any]] = {
    "xlsx": {"format": "xlsx"},
    "zip": {"format": "csv", "options": {"header": "label"}, "compression": "zip"},
}

router = APIRouter()


@router.post(MACHINES.path)
def export_machines(request: Request, caller: CallerDep, service: ServiceDep) -> Response:
    """Start an export of the machines that the query describes; a body is not read."""
    caller.need(Right.CREATE)
    query = dict(request.query_params)
    form = _FORMATS.get(query.get("export_format", "xlsx"))
    if form is None:
        raise Refused("Unknown export format")
    drilldown = Drilldown.of(query)
    asked = {
        "exporter": MACHINES.exporter,
        "params": drilldown.params(_titles(service, drilldown), utc_now),
        "filename": MACHINES.filename(utc_now()),
        **form,
    }
    return start(caller, service, asked)


def _titles(service: ExportService, drilldown: Drilldown) -> Titles:
    """Look up what is known by its id; the inventory is asked only where something is."""
    tags, checks, bundle_ids = drilldown.tag_ids, drilldown.check_ids, drilldown.bundle_ids
    if not (tags or checks or bundle_ids):
        return Titles()
    with service.asking.sources("waybill look-up", seconds=LOOKUP_SECONDS, patience=LOOKUP_SECONDS) as sources:
        return find_titles(sources, tags=tags, checks=checks, bundle_ids=bundle_ids)
