"""The first rows of an export, as its file will have them, or as tables."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from export_api.asking import too_slow
from export_api.caller import Right
from export_api.db import records
from include.compressions import COMPRESSIONS
from include.core.forecast import forecast
from include.core.preview import beginning, departures, preview
from include.core.request import utc_now
from include.core.resolve import resolve
from include.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from export_api.asking import Asking
    from export_api.caller import Caller
    from export_api.service import ExportService
    from include.core.preview import Preview
    from include.core.request import ExportRequest
    from include.core.resolve import ResolvedExport, ResolvedReading

PREVIEW_SECONDS = 15
"""The longest that a caller waits for a source's first rows."""

_APPLICATION = "waybill preview"


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of one reading, each as the object that jsonl writes."""

    reading: ResolvedReading
    rows: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """The first rows of all readings; ``truncated`` says that there are more."""

    tables: tuple[Table, ...]
    truncated: bool
    warnings: tuple[str, ...]


class Previews:
    """Nothing is started and nothing is stored, but what is shown is audited."""

    def __init__(
        self,
        service: ExportService,
        asking: Asking,
        *,
        now: Callable[[], datetime] = utc_now,
        seconds: int = PREVIEW_SECONDS,
    ) -> None:
        self._service = service
        self._asking = asking
        self._now = now
        self._seconds = seconds

    def file(self, caller: Caller, request: ExportRequest, rows: int) -> Preview:
        """Return the file of the first rows.

        :raises NotAllowed: when the caller may not create exports.
        :raises InvalidRequest: with a pointer to each mistake.
        :raises Retriable: when a source does not answer in time, or too many ask at once.
        :raises Fatal: when the export could not work either.
        """
        resolved = self._resolved(caller, request)
        with self._asking.sources(_APPLICATION, seconds=self._seconds) as sources:
            found = preview(beginning(resolved, rows), sources, moment=self._now(), tell=self._deadline())
        self._audit(caller, resolved, found.rows)
        return found

    def tables(self, caller: Caller, request: ExportRequest, rows: int) -> Tables:
        """Return the first rows as data, with every warning. Errors as of :meth:`file`."""
        resolved = self._resolved(caller, request)
        jsonl = FORMATS.load("jsonl")
        as_lines = replace(beginning(resolved, rows), format=jsonl(), options=jsonl.options_type(), compression=None)
        tables, tell = [], self._deadline()
        with self._asking.sources(_APPLICATION, seconds=self._seconds) as sources:
            warnings = forecast(resolved, sources, self._now()).warnings
            for reading in as_lines.readings:
                alone = replace(as_lines, readings=(reading,))
                found = preview(alone, sources, moment=self._now(), tell=tell)
                tables.append(Table(reading, tuple(found.content.splitlines())))
            truncated = sources.truncated
        self._audit(caller, resolved, sum(len(table.rows) for table in tables))
        return Tables(tuple(tables), truncated, (*warnings, *departures(resolved)))

    def _resolved(self, caller: Caller, request: ExportRequest) -> ResolvedExport:
        caller.need(Right.CREATE)
        resolved = resolve(request, self._service.catalog, FORMATS, COMPRESSIONS)
        self._asking.check(resolved)
        return resolved

    def _deadline(self) -> Callable[[object], None]:
        """Return what ends the reading of many sources, each of which keeps its own time."""
        ends = time.monotonic() + self._seconds

        def tell(_progress: object) -> None:
            if time.monotonic() > ends:
                raise too_slow(self._seconds)

        return tell

    def _audit(self, caller: Caller, resolved: ResolvedExport, rows: int) -> None:
        detail: dict[str, Any] = {"request": resolved.frozen_request(), "rows": rows}
        with self._service.airflow.session() as session:
            records.audit(session, at=self._now(), caller=caller.name, action="preview", detail=detail)
