"""The product's operations: what every route and every dialect calls. Knows no web framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from export_api.adoption import Adopter
from export_api.asking import Asking
from export_api.bundle import Bundle
from export_api.caller import Right
from export_api.db import listing, records
from export_api.notifications.rules import with_notify_of
from export_api.orphans import OrphanSweep
from export_api.reading import Page, Reader, Shown
from export_api.reviving import Reviver
from export_api.settling import Settler
from export_api.status import Reason, Status
from export_api.submission import Submitter
from include.core.errors import Conflict, Gone, NotFound
from include.core.manifest import Manifest
from include.core.request import parse_request, utc_now
from include.exporters import catalog_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from export_api.caller import Caller
    from export_api.db.models import Export
    from export_api.gateway import Gateway
    from export_api.idempotency import Key
    from export_api.reading import Glance
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
        self.asking = Asking(airflow)
        self.adopter = Adopter(airflow, now)
        self.settler = Settler(airflow, now)
        self.orphans = OrphanSweep(airflow, now)
        self.reviver = Reviver(airflow, now)
        self._reader = Reader(airflow, self.adopter, self.settler)
        self.submitter = Submitter(
            airflow=airflow,
            asking=self.asking,
            reader=self._reader,
            catalog=lambda: self.catalog,
            now=now,
            new_id=new_id,
        )
        self._now = now

    @cached_property
    def catalog(self) -> Catalog:
        """The exporters of this installation."""
        return catalog_of(self.airflow.settings)

    def submit(
        self, caller: Caller, request: ExportRequest, key: Key | None = None, *, rerun_of: UUID | None = None
    ) -> Shown:
        """Start an export, once for each key; see :meth:`Submitter.submit`."""
        return self.submitter.submit(caller, request, key, rerun_of=rerun_of)

    def get(self, caller: Caller, export_id: str, glance: Glance | None = None) -> Shown:
        """Return one export; one that has ended is settled first.

        A ``glance`` of this very moment saves a second look at Airflow.

        :raises NotFound: when there is none, or it is somebody else's.
        """
        caller.need(Right.READ)
        export = self._reader.find(export_id)
        if export is None or not caller.sees(export.requested_by):
            raise NotFound(f"There is no export {export_id!r}.")
        seen = None if glance is None or glance.version != export.version else {export.id: glance.seen}
        return self._reader.look([export], seen)[0]

    def glances(self, ids: Collection[UUID]) -> Mapping[UUID, Glance]:
        """Return how exports are at this moment, whoever asks: for :class:`Looks`, which knows the caller."""
        return self._reader.glances(ids)

    def cancel(self, caller: Caller, export_id: str) -> Shown:
        """End an export before its time; asked again it changes nothing.

        It is ``cancelled`` only once its query is gone, a moment later.

        :raises NotAllowed: when the caller may not create exports.
        :raises NotFound: when there is none, or it is somebody else's.
        :raises Conflict: when it has ended otherwise.
        """
        caller.need(Right.CREATE)
        export = self.get(caller, export_id).export
        with self.airflow.session() as session:
            if self._stop(session, caller, export):
                self._audit(session, caller, "cancel", export.id, {})
        shown = self.get(caller, export_id)
        if shown.status in {Status.SUCCEEDED, Status.FAILED}:
            raise Conflict(f"The export has already {shown.status}: there is nothing to cancel.", code="finished")
        return shown

    def rerun(self, caller: Caller, export_id: str) -> Shown:
        """Start a new export of the same request; errors as of :meth:`submit` and :meth:`get`.

        :raises Conflict: when the request is not known, for its run died before it had read it.
        """
        caller.need(Right.CREATE)
        export = self.get(caller, export_id).export
        if not export.request:
            raise Conflict("It is not known what this export was asked for.", code="request_unknown")
        with self.airflow.session() as session:
            request = with_notify_of(session, caller, parse_request(export.request), self.airflow.settings)
        return self.submit(caller, request, rerun_of=export.id)

    def delete(self, caller: Caller, export_id: str) -> None:
        """Forget an export and remove its files; one that has not ended is cancelled. The audit trail stays.

        :raises NotAllowed: when the caller may not create exports.
        :raises NotFound: when there is none, or it is somebody else's.
        """
        caller.need(Right.CREATE)
        export = self.get(caller, export_id).export
        with self.airflow.session() as session:
            if not records.delete(session, export.id, self._now()):
                return
            self._audit(session, caller, "delete", export.id, {"trigger": export.trigger})
            self._stop(session, caller, export)
        self.settler.remove(export.id)

    def list(
        self, caller: Caller, wanted: listing.Filter, *, status: Status | None, limit: int, count: bool = False
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
        :raises Gone: when it has expired, too.
        """
        shown = self.get(caller, export_id)
        if shown.expired:
            raise Gone("The file has expired and was removed. Run the export again.", code="expired")
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
        expires_at = self._now() + timedelta(seconds=self.airflow.settings.link_seconds)
        if found.export.expires_at is not None:
            expires_at = min(expires_at, found.export.expires_at)
        seconds = max(1, int((expires_at - self._now()).total_seconds()))
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

    def _stop(self, session: Session, caller: Caller, export: Export) -> bool:
        """Stop an export that goes on and that nobody has stopped yet; return whether this call did."""
        stopped = records.cancel(session, export.id, at=self._now(), by=caller.name)
        if stopped:
            self.airflow.stop(session, export)
        return stopped

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
