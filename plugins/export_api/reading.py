"""Reading exports: our rows joined with what Airflow says, settled on the way where they have ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from export_api.db import listing, records
from export_api.status import FINAL, GONE, Observation, Reason, Status, has_ended, status_of
from include.core.errors import Retriable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from export_api.adoption import Adopter
    from export_api.db.models import Export
    from export_api.gateway import Gateway
    from export_api.settling import Settler

SETTLED_PER_READ = 50
"""How many ended exports one read settles at most; the clock does the rest."""

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """All that can change of an export: when two are equal, the export is shown the same."""

    version: str
    owner: str
    settled: bool
    expired: bool
    seen: Observation

    @property
    def lasts(self) -> bool:
        """Whether the export stays as it is until something happens: not one that has ended and is to be settled."""
        return self.settled or not has_ended(self.seen)


@dataclass(frozen=True, slots=True)
class Shown:
    """An export as it is seen: our row, and what Airflow says as long as it is not settled.

    ``replayed`` says of a request that it was there before, and started this export then.
    """

    export: Export
    seen: Observation = GONE
    warnings: tuple[str, ...] = ()
    expired: bool = False
    replayed: bool = False

    @property
    def status(self) -> Status:
        """The export's status."""
        return status_of(self.export.status, self.seen, cancelled=self.export.cancelled_at is not None)

    @property
    def glance(self) -> Glance:
        """What a glance showed at this moment."""
        return Glance(
            version=self.export.version,
            owner=self.export.requested_by,
            settled=self.export.settled_at is not None,
            expired=self.expired,
            seen=self.seen,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the exports that were asked for; ``total`` only when it was asked for too."""

    items: Sequence[Shown]
    next: listing.Cursor | None
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
        return export if export is None or export.deleted_at is None else None

    def glances(self, ids: Collection[UUID]) -> dict[UUID, Glance]:
        """Say of exports how they are at this moment; those that are not there are left out."""
        with self.airflow.statements() as session:
            marks = self.airflow.marks(session, ids)
        now = self.settler.now()
        return {
            mark.id: Glance(
                version=mark.version,
                owner=mark.requested_by,
                settled=mark.settled_at is not None,
                expired=mark.settled_at is not None and mark.expires_at is not None and mark.expires_at <= now,
                seen=seen,
            )
            for mark, seen in marks
        }

    def look(self, rows: Sequence[Export], seen: Mapping[UUID, Observation] | None = None) -> list[Shown]:
        """Show rows as they are now, in one query and one read of the store for each that has just ended.

        While the store does not answer, an export that has ended stays ``verifying``, with a warning that says so.

        :param seen: what is known of all that are not settled; it saves the query
        """
        unsettled = [row.id for row in rows if row.settled_at is None]
        if not unsettled:
            return [self._settled(row) for row in rows]
        if seen is None:
            with self.airflow.session() as session:
                seen = self.airflow.observe(session, unsettled)
        shown: list[Shown] = []
        budget = SETTLED_PER_READ
        silent: tuple[str, ...] = ()
        for row in rows:
            now, ended = row, False
            if row.settled_at is None and (ended := has_ended(seen[row.id])) and budget and not silent:
                budget -= 1
                try:
                    now = self.settler.settle(row, seen[row.id])
                except Retriable as error:
                    silent = (f"The run has ended, but its outcome is not known yet: {error.message}",)
            if now.settled_at is not None:
                shown.append(self._settled(now))
            else:
                told = silent if ended else ()
                shown.append(Shown(row, seen[row.id], _warnings(row, seen[row.id]) + told))
        return shown

    def _settled(self, row: Export) -> Shown:
        return Shown(row, expired=row.expires_at is not None and row.expires_at <= self.settler.now())

    def page(self, wanted: listing.Filter, status: Status | None, *, limit: int, count: bool) -> Page:
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
        return Page(items, listing.Cursor(last.created_at, last.id) if last else None, total)

    def _in_table(self, wanted: listing.Filter, limit: int, *, count: bool) -> tuple[list[Shown], int | None]:
        if wanted.status is not None:
            unsettled = replace(wanted, status=None, unsettled=True, after=None)
            with self.airflow.session() as session:
                rows = listing.page(session, unsettled, _BATCH)
            self.look(rows)
        with self.airflow.session() as session:
            rows = listing.page(session, wanted, limit)
            total = listing.count(session, wanted) if count else None
        return self.look(rows), total

    def _live(
        self, wanted: listing.Filter, status: Status, limit: int, *, count: bool
    ) -> tuple[list[Shown], int | None]:
        found: list[Shown] = []
        for shown in self._matching(wanted, status):
            found.append(shown)
            if len(found) == limit:
                break
        total = sum(1 for _ in self._matching(replace(wanted, after=None), status)) if count else None
        return found, total

    def _matching(self, wanted: listing.Filter, status: Status) -> Iterator[Shown]:
        while True:
            with self.airflow.session() as session:
                rows = listing.page(session, wanted, _BATCH)
            yield from (shown for shown in self.look(rows) if shown.status is status)
            if len(rows) < _BATCH:
                return
            wanted = replace(wanted, after=listing.Cursor(rows[-1].created_at, rows[-1].id))


def _warnings(export: Export, seen: Observation) -> tuple[str, ...]:
    """Say that it is being cancelled, or why an earlier attempt failed while the next one is on its way."""
    if export.cancelled_at is not None:
        return ("The export is being cancelled: its query is being ended.",)
    if seen.task_state != "up_for_retry":
        return ()
    reason = Reason.told(seen.told.get("error"))
    why = f": {reason.detail}" if reason else "."
    return (f"Attempt {seen.attempt} failed and will be repeated{why}",)
