"""Settling: an export's end, found out once and written once; and the sweep after failures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from export_api.db import listing, outbox, records
from export_api.notifications import events
from export_api.status import Reason, Status, has_ended, may_still_run, reason_of
from include.core.errors import Retriable
from include.core.identity import manifest_key
from include.core.manifest import Manifest
from include.core.progress import Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from export_api.db.models import Export
    from export_api.gateway import Gateway
    from export_api.status import Observation

_BATCH = 200
_OURSELVES = "waybill"


@dataclass(frozen=True, slots=True)
class Settler:
    """Decides by the manifest: present, and the export succeeded, whatever Airflow says; absent, and it failed."""

    airflow: Gateway
    now: Callable[[], datetime]

    def settle(self, export: Export, seen: Observation) -> Export:
        """Settle one export that has ended; return its row as it is then.

        Without a manifest, one whose worker may still run stays unsettled.

        :raises Retriable: when the store does not answer; the export stays unsettled.
        """
        outcome = self._outcome(export, seen)
        if outcome is None:
            return export
        with self.airflow.session() as session:
            by_us = records.settle(session, export.id, outcome)
            settled = records.find(session, export.id)
            assert settled is not None  # noqa: S101 - rows are never deleted
            if by_us:
                events.announce_end(session, settled, self.now())
        if settled.status != Status.SUCCEEDED or settled.deleted_at is not None:
            self._sweep_quietly(settled)
        return settled

    def remove(self, export_id: UUID) -> None:
        """Remove what a deleted export left; one that has not ended, or a store that does not answer, waits."""
        with self.airflow.session() as session:
            export = records.find(session, export_id)
        if export is not None and export.settled_at is not None:
            self._sweep_quietly(export)

    def settle_all_ended(self) -> int:
        """Settle every export that has ended; return how many.

        :raises Retriable: when the store does not answer.
        """
        settled = 0
        place: listing.Cursor | None = None
        while True:
            wanted = listing.Filter(unsettled=True, deleted=True, descending=False, after=place)
            with self.airflow.session() as session:
                batch = listing.page(session, wanted, _BATCH)
                seen = self.airflow.observe(session, [export.id for export in batch])
            for export in batch:
                if has_ended(seen[export.id]):
                    settled += self.settle(export, seen[export.id]).settled_at is not None
            if len(batch) < _BATCH:
                return settled
            place = listing.Cursor(batch[-1].created_at, batch[-1].id)

    def sweep_all(self) -> None:
        """Remove what failed and deleted exports left in the store.

        :raises Retriable: when the store does not answer; the rest is tried again later.
        """
        with self.airflow.session() as session:
            left = records.unswept(session, self.now(), _BATCH)
        for export in left:
            self._sweep(export)

    def expire_all(self) -> None:
        """Remove the files that have been kept long enough.

        :raises Retriable: when the store does not answer; the rest is tried again later.
        """
        with self.airflow.session() as session:
            over = records.expired(session, self.now(), _BATCH)
        for export in over:
            self.airflow.store().remove(str(export.id))
            with self.airflow.session() as session:
                if records.mark_expired(session, export.id, self.now()):
                    records.audit(session, at=self.now(), caller=_OURSELVES, action="expire", export_id=export.id)
                    events.announce_expiry(session, export, self.now())

    def forget_events(self) -> None:
        """Remove events that nobody can replay any more."""
        with self.airflow.session() as session:
            outbox.forget(session, self.now())

    def _sweep_quietly(self, export: Export) -> None:
        try:
            self._sweep(export)
        except Retriable:
            return  # the clock tries again until it worked

    def _sweep(self, export: Export) -> None:
        self.airflow.store().remove(str(export.id))
        with self.airflow.session() as session:
            records.mark_swept(session, export.id, self.now())
            if export.deleted_at is not None:
                records.forget(session, export.id)

    def _outcome(self, export: Export, seen: Observation) -> dict[str, Any] | None:
        data = self.airflow.store().read(manifest_key(str(export.id)))
        if data is None:
            if may_still_run(seen, self.now()):
                return None
            return self._failed(export, seen, reason_of(seen))
        try:
            manifest = Manifest.from_bytes(data)
        except ValidationError:
            manifest = None
        if manifest is None or manifest.id != str(export.id) or not manifest.files:
            broken = Reason("manifest_broken", "The export's manifest is damaged. Request it again.", retryable=True)
            return self._failed(export, seen, broken)
        asked = seen.said("request") or export.request
        # Addresses of people are not in the manifest, which goes with the file.
        notify = {"notify": asked["notify"]} if asked.get("notify") else {}
        settled = self._succeeded(manifest)
        return {**settled, "request": settled["request"] | notify, "manifest": json.loads(data)}  # as it was signed

    def _succeeded(self, manifest: Manifest) -> dict[str, Any]:
        return {
            "settled_at": self.now(),
            "status": Status.SUCCEEDED,
            "exporter": manifest.exporter,
            "format": manifest.files[0].format,
            "name": manifest.name,
            "request": manifest.request,
            "started_at": manifest.started_at,
            "finished_at": manifest.finished_at,
            "expires_at": manifest.expires_at,
            "attempt": manifest.attempt,
            "progress": {
                "stage": Stage.DONE,
                "rows": manifest.rows,
                "rows_estimated": None,
                "bytes": sum(file.bytes for file in manifest.files),
                "percent": 100.0,
            },
        }

    def _failed(self, export: Export, seen: Observation, reason: Reason) -> dict[str, Any]:
        now = self.now()
        cancelled = export.cancelled_at is not None
        return {
            "settled_at": now,
            "status": Status.CANCELLED if cancelled else Status.FAILED,
            "request": seen.said("request") or export.request,
            "started_at": seen.started_at,
            "finished_at": seen.ended_at or now,
            "attempt": seen.attempt,
            "progress": seen.said("progress"),
            "error": (_cancelled_by(export) if cancelled else reason).to_json(),
        }


def _cancelled_by(export: Export) -> Reason:
    return Reason("cancelled", f"The export was cancelled by {export.cancelled_by}.", retryable=False)
