"""What the API answers with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from export_api.health import State
from export_api.status import Status
from include.core.identity import Trigger

Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""A time, shown in UTC whatever the database session's zone is."""


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProblemField(Answer):
    """One thing that is wrong with a request."""

    pointer: str = Field(description="RFC 6901 pointer into the body, or the parameter's place.")
    detail: str


class Problem(Answer):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="For programs; it stays the same when the texts change.")
    retryable: bool = Field(description="Whether the same request may work later.")
    errors: list[ProblemField]


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


class SourceForecast(Answer):
    """What is expected of one exporter, or of one of its tables."""

    exporter: str
    sheet: str | None = Field(None, description="Which table, where the exporter has several.")
    rows_estimated: int | None = Field(description="Null where its source cannot tell.")


class ForecastBody(Answer):
    """What a request would do, if it were started."""

    request: dict[str, Any] = Field(description="The request with its defaults worked out.")
    files: list[str] = Field(
        description="Names of the files. `{time}`, `{id}`, `{number}` and `{value}` stand for what is known only "
        "later; with `split`, one name stands for all."
    )
    rows_estimated: int | None = Field(
        description="What the sources' planners expect of all exporters together; null where one cannot tell."
    )
    bytes_estimated: int | None = Field(
        description="From earlier exports of the same exporter, format and compression; null without any."
    )
    sources: list[SourceForecast]
    warnings: list[str] = Field(description="What the caller might not expect, in words.")


class PreviewColumn(Answer):
    """A column of the file."""

    name: str
    type: str
    label: str
    sensitive: bool = Field(description="Whether its values are personal or secret.")


class PreviewSource(Answer):
    """The first rows of one exporter, or of one of its tables."""

    exporter: str
    sheet: str | None = Field(None, description="Which table, where the exporter has several.")
    title: str
    columns: list[PreviewColumn]
    rows: list[dict[str, Any]] = Field(description="Objects as jsonl has them: decimals and times are strings.")


class PreviewBody(Answer):
    """The first rows of an export."""

    truncated: bool = Field(description="Whether there are more rows.")
    warnings: list[str] = Field(description="What the caller might not expect of the export, in words.")
    sources: list[PreviewSource]


class DownloadLink(Answer):
    """A link to a file for somebody without credentials."""

    url: str
    expires_at: Moment


class ColumnInfo(Answer):
    """A column that an exporter declares."""

    name: str
    type: str
    label: str
    description: str
    sensitive: bool = Field(description="Whether its values are personal or secret.")
    on_request: bool = Field(description="Whether it is left out where `columns` does not name it.")
    ops: list[str] = Field(description="What `where` can do with it.")


class FormatInfo(Answer):
    """A file format."""

    name: str
    media_type: str
    suffix: str
    options: dict[str, Any] = Field(description="JSON Schema of its options.")


class CompressionInfo(Answer):
    """A way to compress files."""

    name: str
    media_type: str
    suffix: str
    bundles: bool = Field(description="Whether it puts several files into one.")


class SheetInfo(Answer):
    """One of several tables of an exporter."""

    name: str = Field(description="For `sheets` in a request.")
    title: str
    columns: list[ColumnInfo]
    key: list[str]


class ExporterBody(Answer):
    """An exporter."""

    name: str
    title: str
    description: str
    params: dict[str, Any] = Field(description="JSON Schema of its parameters.")
    columns: list[ColumnInfo] = Field(description="None where there are several tables.")
    key: list[str] = Field(description="Columns that are unique together and make the order total.")
    sheets: list[SheetInfo] = Field(description="The tables, where there are several: sheets, or files of a zip.")
    formats: list[FormatInfo]
    compressions: list[CompressionInfo]


class ExporterList(Answer):
    """All exporters that work."""

    items: list[ExporterBody]


class KeyBody(Answer):
    """A public key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str = Field(description="The key's 32 bytes in base64url.")
    kid: str = Field(description="Its thumbprint (RFC 7638), a signature's `key_id`.")
    use: Literal["sig"]


class KeySet(Answer):
    """Public keys."""

    keys: list[KeyBody]


class CheckBody(Answer):
    """How one part is."""

    status: State
    message: str | None


class HealthBody(Answer):
    """Whether exports work; ``checks`` only for callers who are known."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, CheckBody] | None = None
