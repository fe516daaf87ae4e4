"""The waybill: what was read, what was written, and that the two agree."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from include.core.identity import Trigger


class Consistency(StrEnum):
    """What one export saw of its sources.

    ``snapshot``: everything as of one moment; ``per_source``: each source as of one moment of its own;
    ``none``: the source cannot promise that.
    """

    SNAPSHOT = "snapshot"
    PER_SOURCE = "per_source"
    NONE = "none"


class Record(BaseModel):
    """Base of the manifest's parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceRecord(Record):
    """What one query of one source sent."""

    connection: str
    kind: str
    rows: int = Field(description="Rows that the source itself says it sent.")
    consistency: Consistency
    snapshot: str | None = Field(description="The database's own name of the snapshot.")
    query_sha256: str
    exporter: str = Field("", description="The exporter that it was read for.")
    place: int = Field(0, description="Which of the request's sources that is, from 0.")
    sheet: str | None = Field(None, description="Which of the exporter's tables, where it has several.")


class ContentRecord(Record):
    """One file inside of a compressed one."""

    name: str
    rows: int


class FileRecord(Record):
    """One artifact."""

    name: str
    key: str
    format: str
    media_type: str
    bytes: int
    rows: int = Field(description="Rows counted from the bytes written.")
    sha256: str
    crc32: str = Field(description="CRC-32 of the whole file, eight hex digits.")
    contents: list[ContentRecord] | None = Field(None, description="The files inside, where this one is compressed.")


class Verification(Record):
    """The verdict and the figures that it rests on."""

    verdict: Literal["verified"]
    source_rows: int
    encoded_rows: int
    file_rows: int
    file_bytes: int
    stored_bytes: int
    checks: list[str]
    content_hash: str | None = Field(
        None, description="Hash of all rows, whatever their order, in hex: of those read back from the store, too."
    )
    reader: str | None = Field(None, description="What read the files back from the store, where that was asked for.")


class Signature(Record):
    """Who vouches for a manifest; see :class:`include.core.signing.Signer`."""

    algorithm: Literal["Ed25519"]
    key_id: str = Field(description="The public key's thumbprint (RFC 7638).")
    value: str = Field(description="Base64, over the rest of the manifest in its canonical form (RFC 8785).")


class Manifest(Record):
    """A published export. Its existence in the store *is* the success of the export."""

    version: Literal[1] = 1
    id: str
    name: str | None
    exporter: str
    request: dict[str, JsonValue]
    requested_by: str | None
    trigger: Trigger
    dag_id: str
    run_id: str
    attempt: int
    attempt_id: str
    started_at: datetime
    finished_at: datetime
    expires_at: datetime | None = Field(None, description="When the files are removed from the store.")
    rows: int
    empty: bool
    truncated: bool
    order: Literal["key", "request", "physical"]
    consistency: Consistency
    snapshot: str | None
    sources: list[SourceRecord]
    files: list[FileRecord]
    verification: Verification
    notes: list[str] = Field(description="Renderings that a reader should know of, such as a time zone.")
    versions: dict[str, str]
    signature: Signature | None = Field(None, description="Where this installation signs manifests.")

    def to_bytes(self) -> bytes:
        """Return the manifest's file: indented JSON in UTF-8."""
        return (self.model_dump_json(indent=2) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read a manifest's file.

        :raises pydantic.ValidationError: when it is not one.
        """
        return cls.model_validate_json(data)

    def result(self) -> dict[str, Any]:
        """Return what the API shows as ``result``: figures and files, without storage keys."""
        shown = {"rows", "empty", "truncated", "consistency", "snapshot", "order", "verification", "notes"}
        data = self.model_dump(mode="json", include=shown)
        data["files"] = [file.model_dump(mode="json", exclude={"key"}) for file in self.files]
        return data
