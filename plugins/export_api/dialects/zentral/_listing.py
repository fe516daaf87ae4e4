"""GET where exports are started: Zentral documents it and answers 405. Here it lists, and starts nothing."""

from __future__ import annotations

from fastapi import APIRouter, Response

from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.db.listing import Filter
from export_api.dialects.zentral._kinds import APPS, INSTALLED, MACHINES, SNAPSHOTS, Kind
from export_api.dialects.zentral._results import result_url, state_of
from export_api.responses import WaybillJSON
from export_api.routes.parts import ServiceDep  # noqa: TC001 - as above

RECENT = 50
"""How many exports a list has at most."""

router = APIRouter()


def _add(kind: Kind) -> None:
    @router.get(kind.path)
    def recent(caller: CallerDep, service: ServiceDep) -> Response:
        """List the caller's own exports of a kind, the newest first."""
        wanted = Filter(exporter=kind.exporter, requested_by=caller.name)
        exports = service.list(caller, wanted, status=None, limit=RECENT).items
        return WaybillJSON(
            [
                {"task_id": key, "task_result_url": result_url(key), "status": state_of(shown.status)}
                for shown in exports
                for key in [str(shown.export.id)]
            ]
        )


for _kind in (MACHINES, *APPS, *INSTALLED, SNAPSHOTS):
    _add(_kind)
