"""Whether an export would work: each part is asked, and says what is wrong in a sentence."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING

from export_api import dialects
from export_api.exporters import broken_exporters
from include.core.errors import Retriable, WaybillError
from include.core.identity import DAG_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from export_api.service import ExportService

KEPT_SECONDS = 2.0
"""An answer serves everybody for so long: the route is open to strangers."""


class State(StrEnum):
    """How one part is; only ``failed`` makes the whole unavailable."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One part's state, and a sentence when it is not ok."""

    state: State
    message: str | None = None


_OK = Check(State.OK)
_UNPROTECTED = (
    "The bucket has no lifecycle rule of ours, or one that would remove files too early. Exports work; put the rule "
    "there with: python -m export_api.cli store protect."
)


class Health:
    """Asks the parts, at most every :data:`KEPT_SECONDS`."""

    def __init__(self, service: ExportService, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._lock = Lock()
        self._asked_at = float("-inf")
        self._checks: Mapping[str, Check] = {}
        self._store_is_safe = False

    def checks(self) -> Mapping[str, Check]:
        """Return the state of each part."""
        with self._lock:
            if self._clock() - self._asked_at >= KEPT_SECONDS:
                self._checks = {name: _asked(ask) for name, ask in self._parts().items()}
                self._asked_at = self._clock()
            return self._checks

    def _parts(self) -> Mapping[str, Callable[[], Check]]:
        return {
            "database": self._database,
            "scheduler": self._scheduler,
            "dag": self._dag,
            "store": self._store,
            "lifecycle": self._lifecycle,
            "signing": self._signing,
            "exporters": self._exporters,
            "dialects": self._dialects,
        }

    def _database(self) -> Check:
        from sqlalchemy import select

        from export_api.db.models import Export

        with self._service.airflow.session() as session:
            session.execute(select(Export.id).limit(1))
        return _OK

    def _scheduler(self) -> Check:
        with self._service.airflow.session() as session:
            self._service.airflow.require_scheduler(session)
        return _OK

    def _dag(self) -> Check:
        with self._service.airflow.session() as session:
            self._service.airflow.require_dag(session, DAG_ID)
        return _OK

    def _store(self) -> Check:
        """Write to the store once, to see that it keeps what publishing rests on; after that, reading is enough."""
        store = self._service.airflow.store()
        if self._store_is_safe:
            store.read("_probe/none")
        else:
            store.probe()
            self._store_is_safe = True
        return _OK

    def _lifecycle(self) -> Check:
        airflow = self._service.airflow
        try:
            protected = airflow.store().is_protected(keep_days=airflow.settings.keep_days)
        except Retriable as error:
            return Check(State.WARNING, error.message)
        return _OK if protected else Check(State.WARNING, _UNPROTECTED)

    def _signing(self) -> Check:
        self._service.airflow.signer()
        return _OK

    def _exporters(self) -> Check:
        broken = broken_exporters(self._service.catalog)
        if not broken:
            return _OK
        return Check(State.WARNING, "; ".join(f"{name}: {why}" for name, why in broken.items()))

    def _dialects(self) -> Check:
        unknown = dialects.unknown(self._service.airflow.settings)
        if not unknown:
            return _OK
        known = ", ".join(dialects.DIALECTS) or "none"
        return Check(State.WARNING, f"[waybill] dialects names {', '.join(unknown)}; known are: {known}.")


def is_available(checks: Mapping[str, Check]) -> bool:
    """Return whether exports work."""
    return all(check.state is not State.FAILED for check in checks.values())


def _asked(ask: Callable[[], Check]) -> Check:
    try:
        return ask()
    except WaybillError as error:
        return Check(State.FAILED, error.message)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a part, the others are asked too
        return Check(State.FAILED, f"It does not answer ({type(error).__name__}).")
