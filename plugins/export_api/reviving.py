"""Reviving: exports without a file run once more when somebody clears their run in Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export_api.db import listing, records

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from export_api.gateway import Gateway

_BATCH = 200
_OURSELVES = "waybill"


class Reviver:
    """Opens exports again that run again.

    Runs that go on are found at once. One that was cleared and has ended again between two looks can be any: so each
    look takes some more of those without a file, the last settled first, and begins anew behind the last one.
    """

    def __init__(self, airflow: Gateway, now: Callable[[], datetime]) -> None:
        self._airflow = airflow
        self._now = now
        self._place: listing.Cursor | None = None

    def reopen_all(self) -> None:
        """Open again what runs again, as far as one look goes."""
        with self._airflow.session() as session:
            failed = records.failed(session, self._place, _BATCH)
            self._place = failed[-1] if len(failed) == _BATCH else None
            for export in self._airflow.revived(session, [place.id for place in failed], _BATCH):
                if records.reopen(session, export.id):
                    records.audit(session, at=self._now(), caller=_OURSELVES, action="reopen", export_id=export.id)
