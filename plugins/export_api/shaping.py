"""Exports as the native API shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from export_api import MOUNT, VERSION
from export_api.conditional import weak_tag
from export_api.problems import status_of_code, type_of
from export_api.responses import to_bytes
from export_api.schemas.exports import ExportBody, Failure, Links, ProgressInfo, Result, SourceInfo
from export_api.sources import names_of, readings_of, rows_of
from export_api.status import Reason, Status
from include.core.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from export_api.db.models import Export
    from export_api.reading import Shown


@dataclass(frozen=True, slots=True)
class Addresses:
    """Absolute addresses; ``base`` is Airflow's own, without a trailing slash."""

    base: str

    @property
    def exports(self) -> str:
        """The list of exports."""
        return f"{self.base}{MOUNT}{VERSION}/exports"

    def export(self, export_id: object) -> str:
        """Return the export's own address."""
        return f"{self.exports}/{export_id}"

    def download(self, export_id: object, file: str | None = None) -> str:
        """Return the address that leads to its file, or to one of several, today and tomorrow."""
        chosen = "" if file is None else f"?{urlencode({'file': file}, quote_via=quote)}"
        return f"{self.export(export_id)}/download{chosen}"

    def airflow_run(self, export: Export) -> str:
        """Return its run in Airflow's UI."""
        return f"{self.base}/dags/{quote(export.dag_id, safe='')}/runs/{quote(export.run_id, safe='')}"

    def log(self, export: Export) -> str:
        """Return its task in Airflow's UI, where the log is."""
        mapped = f"/mapped/{export.map_index}" if export.map_index >= 0 else ""
        return f"{self.airflow_run(export)}/tasks/{quote(export.task_id, safe='')}{mapped}"


@dataclass(frozen=True, slots=True)
class _Course:
    """How an export went so far: as settled, else as observed."""

    attempt: int
    started_at: datetime | None
    finished_at: datetime | None
    progress: dict[str, Any] | None

    @classmethod
    def of(cls, shown: Shown) -> _Course:
        export, seen = shown.export, shown.seen
        if export.settled_at is not None:
            return cls(export.attempt or 1, export.started_at, export.finished_at, export.progress)
        return cls(seen.attempt, seen.started_at, None, seen.said("progress"))


@dataclass(frozen=True, slots=True)
class View:
    """An export at one moment, as it goes over the wire: JSON in one line, and its entity tag."""

    content: bytes
    tag: str
    final: bool


def view_of(shown: Shown, addresses: Addresses) -> View:
    """Return an export's body with its tag."""
    content = to_bytes(export_body(shown, addresses).model_dump(mode="json"))
    return View(content, weak_tag(content), shown.status.final)


def export_body(shown: Shown, addresses: Addresses) -> ExportBody:
    """Return an export's body."""
    export, status, course = shown.export, shown.status, _Course.of(shown)
    progress = _progress(course.progress)
    names = names_of(export.request)
    several = len(names) > 1
    manifest = None if export.manifest is None else Manifest.model_validate(export.manifest)
    has_file = status is Status.SUCCEEDED and not shown.expired
    download = addresses.download(export.id) if has_file else None
    return ExportBody(
        id=str(export.id),
        status=status,
        unready=not status.final,
        exporter=None if several else export.exporter,
        params={} if several else _params(export.request),
        format=export.format,
        name=export.name,
        created_at=export.created_at,
        started_at=course.started_at,
        finished_at=course.finished_at,
        expires_at=export.expires_at,
        expired=shown.expired,
        attempt=course.attempt,
        progress=progress,
        sources=_several(names, status, manifest)
        if several
        else [SourceInfo(exporter=export.exporter, status=status, rows=progress.rows if progress else 0)],
        result=None if manifest is None else _result(manifest, addresses),
        download_url=download,
        error=_failure(export),
        warnings=list(shown.warnings),
        deliveries=[],
        requested_by=export.requested_by,
        report=None,
        trigger=export.trigger,
        links=Links(
            self=addresses.export(export.id),
            cancel=None if status.final else f"{addresses.export(export.id)}/cancel",
            download=download,
            airflow_run=addresses.airflow_run(export),
            log=addresses.log(export),
        ),
    )


def _params(request: dict[str, Any]) -> dict[str, Any]:
    params = next(iter(readings_of(request)), {}).get("params")
    return params if isinstance(params, dict) else {}


def _several(names: Sequence[str], status: Status, manifest: Manifest | None) -> list[SourceInfo]:
    """Return an entry for each of several exporters; progress tells their rows together only."""
    rows = [None] * len(names) if manifest is None else rows_of(len(names), manifest.sources)
    return [SourceInfo(exporter=name, status=status, rows=count) for name, count in zip(names, rows, strict=True)]


def _progress(told: dict[str, Any] | None) -> ProgressInfo | None:
    """Read what a task told; anything else than a task of ours could have written it."""
    if told is None:
        return None
    try:
        return ProgressInfo.model_validate(told)
    except ValueError:
        return None


def _result(manifest: Manifest, addresses: Addresses) -> Result:
    shown = manifest.result()
    for file in shown["files"]:
        file["download_url"] = addresses.download(manifest.id, file["name"])
    return Result.model_validate(shown)


def _failure(export: Export) -> Failure | None:
    reason = Reason.told(export.error)
    if reason is None:
        return None
    return Failure(
        type=type_of(reason.code),
        title="The export failed",
        status=status_of_code(reason.code, retryable=reason.retryable),
        detail=reason.detail,
        code=reason.code,
        retryable=reason.retryable,
    )
