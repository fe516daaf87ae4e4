"""What a request would do, told before it is started: the catalog, the sources and past exports are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from export_api.caller import Right
from export_api.db import records
from export_api.notifications.rules import check_notify
from export_api.sources import joined
from include.compressions import COMPRESSIONS
from include.core.expiry import lifetime
from include.core.fairness import dag_of
from include.core.forecast import forecast
from include.core.request import utc_now
from include.core.resolve import resolve
from include.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from export_api.asking import Asking
    from export_api.caller import Caller
    from export_api.service import ExportService
    from include.core.forecast import Forecast
    from include.core.request import ExportRequest
    from include.core.resolve import ResolvedExport

ESTIMATE_SECONDS = 10
"""The longest that a source may take for an estimate."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A request that would work, and what is expected of it; ``bytes`` is None where no earlier export tells.

    ``tables`` names the exporter of each table that is read, and the table where it has several.
    """

    request: dict[str, Any]
    tables: tuple[tuple[str, str | None], ...]
    expected: Forecast
    bytes: int | None


class Foresight:
    """Asks everybody who can tell, and starts nothing."""

    def __init__(
        self,
        service: ExportService,
        asking: Asking,
        *,
        now: Callable[[], datetime] = utc_now,
        seconds: int = ESTIMATE_SECONDS,
    ) -> None:
        self._service = service
        self._asking = asking
        self._now = now
        self._seconds = seconds

    def foresee(self, caller: Caller, request: ExportRequest) -> Foreseen:
        """Check a request as if it were submitted, and say what is expected of it; nothing is started.

        :raises NotAllowed: when the caller may not create exports.
        :raises InvalidRequest: with a pointer to each mistake.
        :raises Retriable: when a run would not start, a source does not answer, or too many ask at once.
        :raises Fatal: when a source refuses the query.
        """
        caller.need(Right.CREATE)
        resolved = resolve(request, self._service.catalog, FORMATS, COMPRESSIONS)
        airflow = self._service.airflow
        lifetime(resolved, airflow.settings)
        airflow.store()
        with airflow.session() as session:
            check_notify(session, caller, request, airflow.settings)
            airflow.require_dag(session, dag_of(resolved.readings))
        self._asking.check(resolved)
        with self._asking.sources("waybill estimate", seconds=self._seconds) as sources:
            expected = forecast(resolved, sources, self._now())
        tables = tuple((each.name, each.sheet or None) for each in resolved.readings)
        return Foreseen(resolved.frozen_request(), tables, expected, self._bytes(resolved, expected.rows))

    def _bytes(self, resolved: ResolvedExport, rows: int | None) -> int | None:
        """Return about how many bytes so many rows make, if they weigh what they did before."""
        if rows is None:
            return None
        request = resolved.request
        with self._service.airflow.session() as session:
            past = records.past_sizes(
                session,
                exporter=joined(request.exporters),
                file_format=request.format,
                compression=request.compression,
            )
        return round(rows * sum(size for _, size in past) / sum(count for count, _ in past)) if past else None
