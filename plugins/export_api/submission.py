"""Submitting: a request becomes our row, Airflow's run and an audit entry, all together or not at all, and once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from export_api.caller import Right
from export_api.db import keys, records
from export_api.db.models import Export
from export_api.idempotency import Kept, fingerprint_of
from export_api.notifications.rules import check_notify
from export_api.reading import Shown
from export_api.sources import joined
from export_api.status import Observation
from include.compressions import COMPRESSIONS
from include.core.errors import Gone, QuotaExceeded
from include.core.expiry import lifetime
from include.core.fairness import dag_of
from include.core.identity import TASK_ID, Trigger, run_id_of
from include.core.resolve import resolve
from include.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from export_api.asking import Asking
    from export_api.caller import Caller
    from export_api.gateway import Gateway
    from export_api.idempotency import Key
    from export_api.reading import Reader
    from include.core.catalog import Catalog
    from include.core.request import ExportRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    """Starts exports."""

    airflow: Gateway
    asking: Asking
    reader: Reader
    catalog: Callable[[], Catalog]
    now: Callable[[], datetime]
    new_id: Callable[[], UUID]

    def submit(
        self, caller: Caller, request: ExportRequest, key: Key | None = None, *, rerun_of: UUID | None = None
    ) -> Shown:
        """Start an export; with a key that this request had before, return what it started then.

        :param rerun_of: the export whose request it is, for the audit trail
        :raises NotAllowed: when the caller may not create exports.
        :raises InvalidRequest: with a pointer to each mistake.
        :raises KeyReused: when the key belongs to another request.
        :raises KeyInFlight: when an equal request is still being answered.
        :raises Gone: when the export that the key started is no longer there.
        :raises QuotaExceeded: when the caller has as many unfinished exports as one may have.
        :raises Retriable: when a run would not start, or has no store to write to.
        """
        caller.need(Right.CREATE)
        fingerprint = None if key is None else key.fingerprint
        wanted = Kept(fingerprint or fingerprint_of(request), self.new_id())
        if key is not None:
            with self.airflow.session() as session:
                earlier = keys.find(session, caller.name, key, self.now())
            if earlier is not None:
                return self._replay(earlier, wanted)
        export = self._new_export(caller, request, wanted.export_id)
        if request.notify:
            with self.airflow.session() as session:
                check_notify(session, caller, request, self.airflow.settings)
        self.airflow.store()
        with self.airflow.session() as session:
            earlier = None if key is None else keys.take(session, caller.name, key, kept=wanted, now=self.now())
            if earlier is None:
                self._start(session, caller, export, rerun_of)
        if earlier is not None:
            return self._replay(earlier, wanted)
        return Shown(export, Observation(run_state="queued", task_exists=True))

    def forget_keys(self) -> None:
        """Remove idempotency keys that are no longer kept."""
        with self.airflow.session() as session:
            keys.forget(session, self.now())

    def _replay(self, earlier: Kept, wanted: Kept) -> Shown:
        earlier.require(wanted.fingerprint)
        export = self.reader.find(str(earlier.export_id))
        if export is None:
            raise Gone("The export that this Idempotency-Key started is no longer there: take a new key for another.")
        return replace(self.reader.look([export])[0], replayed=True)

    def _new_export(self, caller: Caller, request: ExportRequest, export_id: UUID) -> Export:
        resolved = resolve(request, self.catalog(), FORMATS, COMPRESSIONS)
        lifetime(resolved, self.airflow.settings)
        self.asking.check(resolved)
        return Export(
            id=export_id,
            dag_id=dag_of(resolved.readings),
            run_id=run_id_of(str(export_id)),
            task_id=TASK_ID,
            map_index=-1,
            exporter=joined(request.exporters),
            format=request.format,
            name=request.name,
            request=resolved.frozen_request(),
            trigger=Trigger.API,
            requested_by=caller.name,
            created_at=self.now(),
        )

    def _start(self, session: Session, caller: Caller, export: Export, rerun_of: UUID | None) -> None:
        self.airflow.require_dag(session, export.dag_id)
        self._require_room(session, caller)
        session.add(export)
        session.flush()
        self.airflow.require_pool(session, caller.name)
        self.airflow.trigger(session, export, conf=export.request, caller=caller.name)
        origin = {} if rerun_of is None else {"rerun_of": str(rerun_of)}
        detail = {"trigger": Trigger.API, "request": export.request, **origin}
        records.audit(session, at=self.now(), caller=caller.name, action="create", export_id=export.id, detail=detail)

    def _require_room(self, session: Session, caller: Caller) -> None:
        # Requests at the same moment may each see room for one: the limit guards the queue, it is no exact count.
        quota = self.airflow.settings.queue_limit
        if records.unfinished(session, caller.name, quota) >= quota:
            raise QuotaExceeded(
                f"You have {quota} unfinished exports, as many as one user may have. Wait until some have ended, or "
                "cancel those that you do not need.",
                quota=quota,
            )
