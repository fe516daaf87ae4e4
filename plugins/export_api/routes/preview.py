"""The first rows of an export, before it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.previews import Previews
from export_api.responses import WaybillJSON
from export_api.routes.exports import BODY
from export_api.routes.parts import JsonBody, answers, refusals
from export_api.schemas.foreseeing import PreviewBody, PreviewColumn
from include.artifacts.s3 import content_disposition
from include.core.request import parse_request

if TYPE_CHECKING:
    from export_api.previews import Table, Tables

router = APIRouter(prefix="/exports", tags=["Exports"])

_JSON = "application/json"
_HEADERS = {
    "Waybill-Rows": {"description": "How many rows the file holds.", "schema": {"type": "integer"}},
    "Content-Disposition": {"description": "The file's name, to be shown.", "schema": {"type": "string"}},
}
_ANSWERS = answers(
    200,
    "preview",
    "The file, or with `Accept: application/json` its rows and all warnings",
    headers=_HEADERS,
    model=PreviewBody,
)
_ANSWERS[200]["content"]["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}


def _previews(request: Request) -> Previews:
    previews: Previews = request.app.state.previews
    return previews


PreviewsDep = Annotated[Previews, Depends(_previews)]


@router.post(
    "/preview",
    summary="See the first rows",
    response_class=WaybillJSON,
    openapi_extra=BODY,
    responses=_ANSWERS | refusals(400, 403, 413, 415, 422, 503),
)
def preview_export(
    caller: CallerDep,
    previews: PreviewsDep,
    body: JsonBody,
    request: Request,
    rows: Annotated[int, Query(ge=1, le=100, description="How many rows of each exporter.")] = 20,
) -> Response:
    """Make the first rows into a file as the export would: with the same columns, order, format and options.

    It is one file, not compressed and not split; several exporters in a format without sheets are one zip. With
    `Accept: application/json` the rows come as JSON, each as jsonl writes it, with what to beware of. Nothing is
    stored, no run is started; who saw what is audited. A source has 15 seconds to answer.
    """
    asked = parse_request(body)
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if _wants_json(request.headers.get("accept", "")):
        return Response(table_bytes(previews.tables(caller, asked, rows)), media_type=_JSON, headers=headers)
    file = previews.file(caller, asked, rows)
    headers |= {
        "Content-Disposition": content_disposition(file.name, kind="inline"),
        "Content-Encoding": "identity",
        "Waybill-Rows": str(file.rows),
        "X-Content-Type-Options": "nosniff",
    }
    return Response(file.content, media_type=file.media_type, headers=headers)


def _wants_json(accept: str) -> bool:
    return any(item.partition(";")[0].strip().lower() == _JSON for item in accept.split(","))


def table_bytes(found: Tables) -> bytes:
    """Return tables as JSON; rows stay as jsonl wrote them, for reading them again could change a number."""
    head = _object({"truncated": found.truncated, "warnings": list(found.warnings)})
    tables = b",".join(map(_table, found.tables))
    return head[:-1] + b',"sources":[' + tables + b"]}"


def _table(table: Table) -> bytes:
    reading = table.reading
    columns = [
        PreviewColumn(name=each.name, type=each.type, label=each.label, sensitive=each.sensitive).model_dump()
        for each in reading.selection.columns
    ]
    sheet = reading.sheet or None
    head = _object({"exporter": reading.name, "sheet": sheet, "title": reading.title, "columns": columns})
    return head[:-1] + b',"rows":[' + b",".join(table.rows) + b"]}"


def _object(value: dict[str, Any]) -> bytes:
    return bytes(WaybillJSON(value).body)
