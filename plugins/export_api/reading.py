"""Reading exports: our rows joined with what Airflow says, settled on the way where they have ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from export_api.db import records
from export_api.status import FINAL, GONE, Observation, Reason, Status, has_ended, status_of
from include.core.errors import Retriable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from export_api.adoption import Adopter
    from export_api.db.models import Export
    from export_api.gateway import Gateway
    from export_api.settling import Settler

SETTLED_PER_READ = 50
"""How many ended exports one read settles at most; the clock does the rest."""

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Shown:
    """An export as it is seen: our row, and what Airflow says as long as it is not settled."""

    export: Export
    seen: Observation = GONE
    warnings: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """The export's status."""
        return status_of(self.export.status, self.seen)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the exports that were asked for; ``total`` only when it was asked for too."""

    items: Sequence[Shown]
    next: records.Cursor | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Finds and shows exports; who may see them is decided by the service."""

    airflow: Gateway
    adopter: Adopter
    settler: Settler

    def find(self, export_id: str) -> Export | None:
        """Return the row of an export; one that Airflow started a moment ago is adopted first."""
        try:
            key = UUID(export_id)
        except ValueError:
            return None
        with self.airflow.session() as session:
            export = records.find(session, key)
        if export is None and self.adopter.adopt():
            with self.airflow.session() as session:
                export = records.find(session, key)
        return export

    def look(self, rows: Sequence[Export]) -> list[Shown]:
        """Show rows as they are now, in one query and one read of the store for each that has just ended.

        While the store does not answer, an export that has ended stays ``verifying``, with a warning that says so.
        """
        unsettled = [row.id for row in rows if row.settled_at is None]
        if not unsettled:
            return [Shown(row) for row in rows]
        with self.airflow.session() as session:
            seen = self.airflow.observe(session, unsettled)
        shown: list[Shown] = []
        budget = SETTLED_PER_READ
        silent: tuple[str, ...] = ()
        for row in rows:
            found = Shown(row, seen.get(row.id, GONE), _retrying(seen.get(row.id)))
            if row.settled_at is None and has_ended(found.seen):
                if budget and not silent:
                    budget -= 1
                    try:
                        found = Shown(self.settler.settle(row, found.seen))
                    except Retriable as error:
                        silent = (f"The run has ended, but its outcome is not known yet: {error.message}",)
                found = replace(found, warnings=found.warnings + silent)
            shown.append(found)
        return shown

    def page(self, wanted: records.Filter, status: Status | None, *, limit: int, count: bool) -> Page:
        """Return a page of exports.

        Final statuses are asked of our table, after what has ended was settled. Any other status belongs to rows
        that are not settled: those are few, so they are looked at, batch after batch.
        """
        self.adopter.adopt()
        if status is None or status in FINAL:
            found, total = self._in_table(replace(wanted, status=status), limit + 1, count=count)
        else:
            found, total = self._live(replace(wanted, unsettled=True), status, limit + 1, count=count)
        items = found[:limit]
        last = items[-1].export if len(found) > limit else None
        return Page(items, records.Cursor(last.created_at, last.id) if last else None, total)

    def _in_table(self, wanted: records.Filter, limit: int, *, count: bool) -> tuple[list[Shown], int | None]:
        if wanted.status is not None:
            unsettled = replace(wanted, status=None, unsettled=True, after=None)
            with self.airflow.session() as session:
                rows = records.page(session, unsettled, _BATCH)
            self.look(rows)
        with self.airflow.session() as session:
            rows = records.page(session, wanted, limit)
            total = records.count(session, wanted) if count else None
        return self.look(rows), total

    def _live(
        self, wanted: records.Filter, status: Status, limit: int, *, count: bool
    ) -> tuple[list[Shown], int | None]:
        found: list[Shown] = []
        for shown in self._matching(wanted, status):
            found.append(shown)
            if len(found) == limit:
                break
        total = sum(1 for _ in self._matching(replace(wanted, after=None), status)) if count else None
        return found, total

    def _matching(self, wanted: records.Filter, status: Status) -> Iterator[Shown]:
        while True:
            with self.airflow.session() as session:
                rows = records.page(session, wanted, _BATCH)
            yield from (shown for shown in self.look(rows) if shown.status is status)
            if len(rows) < _BATCH:
                return
            wanted = replace(wanted, after=records.Cursor(rows[-1].created_at, rows[-1].id))


def _retrying(seen: Observation | None) -> tuple[str, ...]:
    """Say why an earlier attempt failed while the next one is on its way."""
    if seen is None or seen.task_state != "up_for_retry":
        return ()
    reason = Reason.told(seen.told.get("error"))
    why = f": {reason.detail}" if reason else "."
    return (f"Attempt {seen.attempt} failed and will be repeated{why}",)
