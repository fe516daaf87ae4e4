"""What an export left: the file by a link or through the API, and the manifest."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.bundle import Bundle
from export_api.byte_ranges import wanted_range
from export_api.responses import WaybillJSON
from export_api.routes.parts import Responses, ServiceDep, answers, refusals
from export_api.schemas.exports import DownloadLink
from include.artifacts.s3 import content_disposition
from include.core.errors import FieldError, invalid

if TYPE_CHECKING:
    from include.core.manifest import FileRecord

router = APIRouter(prefix="/exports/{export_id}", tags=["Files"])

_REDIRECT: Responses = {
    302: {
        "description": "The file, at a presigned address that works without credentials for a while; where there are "
        "several and none is named, the export's `/content`, which sends all in one zip",
        "headers": {"Location": {"schema": {"type": "string"}}},
    }
}
_BYTES: dict[str, Any] = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
_CONTENT: Responses = {200: {"description": "The file", **_BYTES}, 206: {"description": "A part of it", **_BYTES}}

FileName = Annotated[
    str | None, Query(description="Name of one of the export's files; without it, all of several come as one zip.")
]


@router.get(
    "/download",
    summary="Fetch the file from the store",
    response_model=DownloadLink,
    responses=_REDIRECT
    | answers(200, "download_link", "The link itself, with `redirect=false`")
    | refusals(403, 404, 409, 410, 422, 503),
)
def download(
    export_id: str,
    caller: CallerDep,
    service: ServiceDep,
    file: FileName = None,
    redirect: Annotated[bool, Query(description="Whether to answer with a redirect.")] = True,  # noqa: FBT002
) -> Response:
    """Mint a link to the file, after checking again that you may have it. Each link is audited."""
    link = service.link(caller, export_id, file)
    headers = {"Cache-Control": "no-store"}
    if link is None:
        if not redirect:
            raise invalid([FieldError("/query/file", "The export has several files: a link needs the name of one.")])
        # Relative, so that a client stays with the host that it sent its credentials to.
        return RedirectResponse("content", status_code=302, headers=headers)
    if redirect:
        return RedirectResponse(link.url, status_code=302, headers=headers)
    body = DownloadLink(url=link.url, expires_at=link.expires_at)
    return WaybillJSON(body.model_dump(mode="json"), headers=headers)


@router.get(
    "/content",
    summary="Fetch the file through the API",
    response_class=StreamingResponse,
    responses=_CONTENT | refusals(403, 404, 409, 410, 416, 503),
)
def content(
    export_id: str, caller: CallerDep, service: ServiceDep, request: Request, file: FileName = None
) -> Response:
    """Stream the file, for clients that cannot reach the store; single byte ranges work. Each read is audited."""
    found = service.artifact(caller, export_id, file)
    described = found.file
    wanted = wanted_range(
        request.headers.get("range"), request.headers.get("if-range"), length=described.bytes, etag=_etag(described)
    )
    chunks = service.open(caller, found, start=wanted.start, end=wanted.end)
    headers = {**_headers(described), "Content-Length": str(wanted.size)}
    if wanted.whole:
        return StreamingResponse(chunks, media_type=described.media_type, headers=headers)
    headers["Content-Range"] = wanted.content_range
    return StreamingResponse(chunks, status_code=206, media_type=described.media_type, headers=headers)


@router.head("/content", summary="Describe the file", responses=refusals(403, 404, 409, 410))
def content_head(export_id: str, caller: CallerDep, service: ServiceDep, file: FileName = None) -> Response:
    """Answer as GET does, without the file."""
    described = service.artifact(caller, export_id, file).file
    headers = {**_headers(described), "Content-Length": str(described.bytes)}
    return Response(media_type=described.media_type, headers=headers)


@router.get(
    "/manifest",
    summary="Read the waybill",
    response_class=WaybillJSON,
    responses=answers(200, "manifest", "The manifest as it was published") | refusals(403, 404, 409, 410),
)
def manifest(export_id: str, caller: CallerDep, service: ServiceDep) -> Response:
    """Say what was read, what was written, and that the two agree."""
    return WaybillJSON(service.manifest(caller, export_id))


def _etag(file: FileRecord | Bundle) -> str:
    return f'"{file.etag if isinstance(file, Bundle) else file.sha256}"'


def _headers(file: FileRecord | Bundle) -> dict[str, str]:
    """Return what describes the whole file; the encoding is named so that no middleware compresses it again."""
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": content_disposition(file.name),
        "Content-Encoding": "identity",
        "ETag": _etag(file),
        **({} if isinstance(file, Bundle) else {"Repr-Digest": _digest(file)}),
        "X-Content-Type-Options": "nosniff",
    }


def _digest(file: FileRecord) -> str:
    return f"sha-256=:{base64.b64encode(bytes.fromhex(file.sha256)).decode()}:"
