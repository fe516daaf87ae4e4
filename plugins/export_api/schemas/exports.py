"""Exports as the API shows them."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from export_api.schemas.parts import Answer, Moment
from export_api.status import Status
from include.core.identity import Trigger


class Failure(Answer):
    """Why an export failed."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool


class ProgressInfo(Answer):
    """How far an export is."""

    stage: str
    rows: int
    rows_estimated: int | None = Field(description="What the source expects, where it can tell.")
    bytes: int
    percent: float | None = Field(description="Below 100 until the end: an estimate is no promise.")
    rows_verified: int | None = Field(None, description="Rows read back from the store so far, with `verify: full`.")


class SourceInfo(Answer):
    """One of the exporters that an export reads."""

    exporter: str | None
    status: Status
    rows: int | None = Field(description="Rows read so far; of one among several null until all are done.")


class ContentInfo(Answer):
    """One file inside of a compressed one."""

    name: str
    rows: int


class FileInfo(Answer):
    """One file."""

    name: str
    format: str
    media_type: str
    bytes: int
    rows: int = Field(description="Counted from the bytes written.")
    sha256: str
    crc32: str
    contents: list[ContentInfo] | None = Field(None, description="The files inside, where this one is compressed.")
    download_url: str = Field(description="Leads to this file alone.")


class Result(Answer):
    """What a finished export holds; the manifest says more."""

    model_config = ConfigDict(extra="allow")

    rows: int
    empty: bool
    truncated: bool
    order: str
    consistency: str
    snapshot: str | None
    verification: dict[str, Any]
    notes: list[str]
    files: list[FileInfo]


class Links(Answer):
    """Where to go from here."""

    self: str
    cancel: str | None = Field(description="Where to POST to end it, as long as it has not ended.")
    download: str | None
    airflow_run: str
    log: str


class ExportBody(Answer):
    """An export."""

    id: str
    status: Status
    unready: bool
    exporter: str | None = Field(description="Null where there are several: `sources` names them.")
    params: dict[str, Any]
    format: str | None
    name: str | None
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    expires_at: Moment | None = Field(description="Until when the file is kept, once there is one.")
    expired: bool = Field(description="Whether that time is over: the file is gone, and this stays.")
    attempt: int
    progress: ProgressInfo | None
    sources: list[SourceInfo]
    result: Result | None
    download_url: str | None = Field(description="Leads to the file, or to one zip of all where there are several.")
    error: Failure | None
    warnings: list[str]
    deliveries: list[Any]
    requested_by: str
    report: str | None
    trigger: Trigger
    links: Links


class ExportPage(Answer):
    """Some exports."""

    items: list[ExportBody]
    next_page_token: str | None
    total: int | None = Field(None, description="Only with count=true.")


class DownloadLink(Answer):
    """A link to a file for somebody without credentials."""

    url: str
    expires_at: Moment
