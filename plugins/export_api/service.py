"""The product's operations: what every route and every dialect calls. Knows no web framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from export_api.adoption import Adopter
from export_api.bundle import Bundle
from export_api.caller import Right
from export_api.db import records
from export_api.db.models import Export
from export_api.reading import Page, Reader, Shown
from export_api.settling import Settler
from export_api.sources import joined
from export_api.status import Observation, Reason, Status
from include.compressions import COMPRESSIONS
from include.core.errors import Conflict, Gone, NotFound
from include.core.identity import DAG_ID, TASK_ID, Trigger, run_id_of
from include.core.manifest import Manifest
from include.core.request import utc_now
from include.core.resolve import resolve
from include.exporters import catalog_of
from include.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from export_api.caller import Caller
    from export_api.gateway import Gateway
    from include.core.catalog import Catalog
    from include.core.manifest import FileRecord
    from include.core.request import ExportRequest


_NAMED = 20
"""How many files an error names at most."""


@dataclass(frozen=True, slots=True)
class Link:
    """A presigned address and when it ends."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that is ready, or the zip of all where there are several, and the export that it belongs to."""

    export: Export
    file: FileRecord | Bundle


class ExportService:
    """Every method checks the caller's rights itself; somebody else's export is as if it did not exist."""

    def __init__(
        self, airflow: Gateway, *, now: Callable[[], datetime] = utc_now, new_id: Callable[[], UUID] = uuid4
    ) -> None:
        self.airflow = airflow
        self.adopter = Adopter(airflow, now)
        self.settler = Settler(airflow, now)
        self._reader = Reader(airflow, self.adopter, self.settler)
        self._now = now
        self._new_id = new_id

    @cached_property
    def catalog(self) -> Catalog:
        """The exporters of this installation."""
        return catalog_of(self.airflow.settings)

    def submit(self, caller: Caller, request: ExportRequest) -> Shown:
        """Start an export: our row, Airflow's run and the audit entry come into being together, or not at all.

        :raises NotAllowed: when the caller may not create exports.
        :raises InvalidRequest: with a pointer to each mistake.
        :raises Retriable: when a run would not start, or has no store to write to.
        """
        caller.need(Right.CREATE)
        frozen = resolve(request, self.catalog, FORMATS, COMPRESSIONS).frozen_request()
        self.airflow.store()
        export_id = self._new_id()
        export = Export(
            id=export_id,
            dag_id=DAG_ID,
            run_id=run_id_of(str(export_id)),
            task_id=TASK_ID,
            map_index=-1,
            exporter=joined(request.exporters),
            format=request.format,
            name=request.name,
            request=frozen,
            trigger=Trigger.API,
            requested_by=caller.name,
            created_at=self._now(),
        )
        with self.airflow.session() as session:
            self.airflow.require_dag(session)
            session.add(export)
            session.flush()
            self.airflow.trigger(session, run_id=export.run_id, conf=frozen, caller=caller.name)
            self._audit(session, caller, "create", export_id, {"trigger": Trigger.API, "request": frozen})
        return Shown(export, Observation(run_state="queued", task_exists=True))

    def get(self, caller: Caller, export_id: str) -> Shown:
        """Return one export; one that has ended is settled first.

        :raises NotFound: when there is none, or it is somebody else's.
        """
        caller.need(Right.READ)
        export = self._reader.find(export_id)
        if export is None or not caller.sees(export.requested_by):
            raise NotFound(f"There is no export {export_id!r}.")
        return self._reader.look([export])[0]

    def list(
        self, caller: Caller, wanted: records.Filter, *, status: Status | None, limit: int, count: bool = False
    ) -> Page:
        """Return a page of the exports that the caller may see."""
        caller.need(Right.READ)
        if not caller.may(Right.READ_ALL):
            if wanted.requested_by not in {None, caller.name}:
                return Page([], None, 0 if count else None)
            wanted = replace(wanted, requested_by=caller.name)
        return self._reader.page(wanted, status, limit=limit, count=count)

    def manifest(self, caller: Caller, export_id: str) -> dict[str, Any]:
        """Return the waybill of a finished export.

        :raises NotFound: when there is no such export.
        :raises Conflict: when it is not ready.
        :raises Gone: when it failed.
        """
        return dict(_ready(self.get(caller, export_id)))

    def artifact(self, caller: Caller, export_id: str, name: str | None = None) -> Artifact:
        """Return the file of that name of a finished export; without a name the only one, or all in one zip.

        :raises NotFound: when there is no file of that name; other errors as of :meth:`manifest`.
        """
        shown = self.get(caller, export_id)
        files = Manifest.model_validate(_ready(shown)).files
        if name is not None:
            return Artifact(shown.export, _named(files, name))
        return Artifact(shown.export, files[0] if len(files) == 1 else Bundle(str(shown.export.id), files))

    def link(self, caller: Caller, export_id: str, name: str | None = None) -> Link | None:
        """Mint a link to a file, for somebody without credentials; it is audited. Errors as of :meth:`artifact`.

        None for the zip of several files: the store does not have it, only :meth:`open` can put it together.
        """
        found = self.artifact(caller, export_id, name)
        file = found.file
        if isinstance(file, Bundle):
            return None
        seconds = self.airflow.settings.link_seconds
        expires_at = self._now() + timedelta(seconds=seconds)
        url = self.airflow.store().presign(file.key, filename=file.name, media_type=file.media_type, seconds=seconds)
        self._audit_download(caller, found, {"via": "link", "expires_at": expires_at.isoformat()})
        return Link(url, expires_at)

    def open(self, caller: Caller, found: Artifact, *, start: int, end: int) -> Iterator[bytes]:
        """Open some bytes of a file; it is audited.

        :raises Retriable: when the store does not answer.
        """
        store, file = self.airflow.store(), found.file
        if isinstance(file, Bundle):
            chunks = file.open(store.open, start=start, end=end)
        else:
            chunks = store.open(file.key, start=start, end=end) if end > start else iter(())
        self._audit_download(caller, found, {"via": "content", "start": start, "end": end})
        return chunks

    def _audit_download(self, caller: Caller, found: Artifact, detail: dict[str, Any]) -> None:
        with self.airflow.session() as session:
            self._audit(session, caller, "download", found.export.id, {"file": found.file.name, **detail})

    def _audit(self, session: Any, caller: Caller, action: str, export_id: UUID, detail: dict[str, Any]) -> None:
        records.audit(session, at=self._now(), caller=caller.name, action=action, export_id=export_id, detail=detail)


def _named(files: Sequence[FileRecord], name: str) -> FileRecord:
    """Return the file of that name.

    :raises NotFound: naming those that there are.
    """
    for file in files:
        if file.name == name:
            return file
    more = f", and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    known = ", ".join(file.name for file in files[:_NAMED])
    raise NotFound(f"The export has no file {name!r}; it has {known}{more}.", code="file_not_found")


def _ready(shown: Shown) -> dict[str, Any]:
    """Return the manifest of an export that has one.

    :raises Conflict: when it is not ready.
    :raises Gone: when it failed or was cancelled.
    """
    match shown.status:
        case Status.SUCCEEDED if shown.export.manifest is not None:
            return shown.export.manifest
        case Status.FAILED | Status.CANCELLED:
            reason = Reason.told(shown.export.error)
            why = f": {reason.detail}" if reason else "."
            raise Gone(f"The export {shown.status} and has no file{why}")
        case _:
            raise Conflict(f"The export is {shown.status}: its file is not ready yet.", code="not_ready")
