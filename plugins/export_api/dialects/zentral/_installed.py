"""What is installed on each machine, and the machines as nested objects: a file for each source, in one zip."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.dialects.zentral._kinds import INSTALLED, SNAPSHOTS, Kind
from export_api.dialects.zentral._starting import start
from export_api.routes.parts import ServiceDep  # noqa: TC001 - as above
from include.core.request import utc_now

router = APIRouter()


def _add(kind: Kind, file_format: str) -> None:
    @router.post(kind.path)
    def export_by_source(request: Request, caller: CallerDep, service: ServiceDep) -> Response:
        name = request.query_params.get("source_name")
        asked = {
            "exporter": kind.exporter,
            "params": {"source_name": name} if name else {},
            "format": file_format,
            "compression": "zip",
            "split": {"by": "source_name"},
            "filename": kind.filename(utc_now()),
        }
        return start(caller, service, asked)


for _kind in INSTALLED:
    _add(_kind, "csv")
_add(SNAPSHOTS, "jsonl")
