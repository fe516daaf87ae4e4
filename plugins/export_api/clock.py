"""The clock: what has to happen even when nobody asks (docs/adr/0003-the-clock-lives-in-the-api-server.md)."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from include.core.errors import WaybillError

if TYPE_CHECKING:
    from collections.abc import Callable

    from export_api.service import ExportService

log = logging.getLogger(__name__)

_STOP_SECONDS = 5.0
_FALLBACK_SECONDS = 5.0


def tick(service: ExportService) -> None:
    """Adopt, reopen, settle, remove what is over or nobody's, forget keys and events; in one process at a time."""
    with service.airflow.only_one() as alone:
        if not alone:
            return
        service.adopter.adopt_all()
        service.submitter.forget_keys()
        service.settler.forget_events()
        service.reviver.reopen_all()
        service.settler.settle_all_ended()
        service.settler.sweep_all()
        service.settler.expire_all()
        service.orphans.sweep()


class Clock:
    """Ticks in a thread of its own, so that the event loop never waits for a database or the store."""

    def __init__(self, service: ExportService, work: Callable[[ExportService], None] = tick) -> None:
        self._service = service
        self._work = work
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="waybill-clock", daemon=True)
        self._complaint = ""

    def start(self) -> None:
        """Start ticking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop soon; a tick in progress may be cut off at the end of the process, which leaves nothing half done."""
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds()):
            self.tick()

    def tick(self) -> None:
        """Tick once; an error is told in the log once, until it changes or is over."""
        try:
            self._work(self._service)
        except Exception as error:
            complaint = f"{type(error).__name__}: {error}" if isinstance(error, WaybillError) else type(error).__name__
            if complaint != self._complaint:
                log.warning("The clock cannot settle or sweep at the moment: %s", complaint, exc_info=error)
            self._complaint = complaint
        else:
            if self._complaint:
                log.info("The clock settles and sweeps again")
            self._complaint = ""

    def _seconds(self) -> float:
        try:
            return self._service.airflow.settings.clock_seconds
        except WaybillError:
            return _FALLBACK_SECONDS
