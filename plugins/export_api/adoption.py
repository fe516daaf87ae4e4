"""Adoption: runs that were not started through the API become exports too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from export_api.db import records
from export_api.gateway import Horizon
from export_api.sources import joined, names_of
from include.core.identity import Trigger, export_id_of
from include.core.request import ExportRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from export_api.gateway import Gateway, Stranger

BATCH = 200

_DEFAULT_FORMAT = ExportRequest.model_fields["format"].default
_NOBODY = "airflow"
_LONGEST = 200


class Adopter:
    """Finds task instances of our operator and gives them rows.

    Airflow's tables have no index on the operator, so only runs that may have changed are looked at: new ones, and
    those that were active at the last look. A process looks at all of them once, when it starts.
    """

    def __init__(self, airflow: Gateway, now: Callable[[], datetime]) -> None:
        self._airflow = airflow
        self._now = now
        self._seen = Horizon()

    def adopt(self) -> int:
        """Look once, in a bounded way; return how many exports are new."""
        with self._airflow.session() as session:
            # First the horizon: a run that ends after this is active in it, and looked at again.
            horizon = self._airflow.horizon(session, beyond=self._seen.newest, now=self._now())
            strangers = self._airflow.strangers(session, beyond=self._seen, limit=BATCH)
            rows = {row["id"]: row for row in map(export_row, strangers)}
            adopted = records.adopt(session, list(rows.values()))
            for export_id in adopted:
                self._audit(session, rows[export_id])
        if len(strangers) < BATCH or not adopted:
            self._seen = horizon
        return len(adopted)

    def adopt_all(self) -> None:
        """Look until nothing new is found."""
        while self.adopt():
            pass

    def _audit(self, session: Any, row: Mapping[str, Any]) -> None:
        records.audit(
            session,
            at=self._now(),
            caller=row["requested_by"],
            action="create",
            export_id=row["id"],
            detail={"trigger": row["trigger"], "request": row["request"]},
        )


def export_row(stranger: Stranger) -> dict[str, Any]:
    """Return the row of an export that Airflow started."""
    request = stranger.request or {}
    exporters = joined([name[:_LONGEST] for name in names_of(request)])
    identity: dict[str, Any] = {
        "dag_id": stranger.dag_id,
        "run_id": stranger.run_id,
        "task_id": stranger.task_id,
        "map_index": stranger.map_index,
    }
    return {
        "id": UUID(export_id_of(**identity)),
        **identity,
        "exporter": exporters,
        "format": _text(request.get("format", _DEFAULT_FORMAT if exporters else None)),
        "name": _text(request.get("name")),
        "request": request,
        "trigger": Trigger.of_run(run_type=stranger.run_type, run_id=stranger.run_id),
        "requested_by": stranger.triggered_by or stranger.owner or _NOBODY,
        "created_at": stranger.created_at,
    }


def _text(value: object) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) else None
