"""The sweep through the whole store: nothing stays that belongs to no export, and nothing else is touched.

docs/adr/0011-nothing-is-left-in-the-bucket.md says what goes and what stays.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import ValidationError

from export_api.db import records
from export_api.status import Status
from include.artifacts.s3 import PROBES
from include.core.identity import export_of_key, manifest_key
from include.core.manifest import Manifest
from include.core.store import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from export_api.gateway import Gateway
    from include.artifacts.s3 import S3Store
    from include.core.store import Listed, Lying

log = logging.getLogger(__name__)

ORPHANED = timedelta(days=2)
"""How old something without an export must be to go. The DAG gives a run one day; a run of any other DAG is an export
in our table as soon as it is known what it exports, and its task is at work until it ends."""

_PROBED = timedelta(hours=1)
_PROBE = re.compile(re.escape(PROBES) + "[0-9a-f]{32}")
_PAGE = 500
_SECONDS = 1.0
"""About how long one call takes, once the store has listed a page."""
_OURSELVES = "waybill"


class OrphanSweep:
    """Looks through the store again and again, a little at a time.

    A process keeps where it stands in memory and begins anew when it starts. Of what it sees it keeps one page.
    """

    def __init__(self, airflow: Gateway, now: Callable[[], datetime], *, page: int = _PAGE) -> None:
        self._airflow = airflow
        self._now = now
        self._page = page
        self._begun: datetime | None = None
        self._place: Place | None = None

    def sweep(self) -> bool:
        """Look on, for about a second; return whether the end was reached, so that there is a pause now.

        :raises Retriable: when the store does not answer; the next call goes on there.
        """
        if self._place is None:
            if self._pauses():
                return True
            self._begun, self._place = self._now(), Place()
        ends = time.monotonic() + _SECONDS
        while self._place is not None:
            self._place = self._look(self._airflow.store(), self._place)
            if time.monotonic() >= ends:
                break
        return self._place is None

    def _pauses(self) -> bool:
        # A clock that was put back must not make the pause longer.
        pause = timedelta(minutes=self._airflow.settings.sweep_minutes)
        return self._begun is not None and self._begun <= self._now() < self._begun + pause

    def _look(self, store: S3Store, place: Place) -> Place | None:
        """Judge one page, or the beginning of it if that takes too long; return where to go on."""
        page = store.listed(place, limit=self._page)
        judge = self._judge(store, page)
        ends = time.monotonic() + _SECONDS
        removed: Counter[tuple[str, str]] = Counter()
        try:
            for item in page.items:
                if judge.goes(item):
                    store.drop(item)
                    kind = "objects" if item.upload_id is None else "uploads"
                    removed[export_of_key(item.key) or PROBES, kind] += 1
                if time.monotonic() >= ends:
                    return place if place.uploads else Place(after=item.key)
        finally:
            self._tell(removed)
        return page.next

    def _judge(self, store: S3Store, page: Listed) -> _Judge:
        """Learn what is known of the exports of a page. This comes after the listing: what begins now is not in it."""
        named = {export_of_key(item.key) for item in page.items} - {None}
        with self._airflow.session() as session:
            at_work = self._airflow.at_work(session) if named else frozenset()
            known = records.in_store(session, [UUID(export_id) for export_id in named])
        return _Judge(store, {str(row.id): row for row in known}, at_work, self._now())

    def _tell(self, removed: Mapping[tuple[str, str], int]) -> None:
        """Say what was removed, in the audit trail and in the log."""
        if not removed:
            return
        with self._airflow.session() as session:
            for (whose, kind), number in removed.items():
                if whose != PROBES:
                    records.audit(
                        session,
                        at=self._now(),
                        caller=_OURSELVES,
                        action="sweep",
                        export_id=UUID(whose),
                        detail={kind: number},
                    )
        for (whose, kind), number in removed.items():
            log.info("Removed from the store, for no export has a use for it: %d %s of %s", number, kind, whose)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Says what goes.

    :param known: our rows, by export
    :param at_work: exports whose task Airflow has not seen the end of
    :param manifests: those read so far of exports without a row
    """

    store: S3Store
    known: Mapping[str, records.InStore]
    at_work: Collection[str]
    now: datetime
    manifests: dict[str, Manifest | None] = field(default_factory=dict)

    def goes(self, item: Lying) -> bool:
        """Return whether nobody has a use for it; what is not ours by its shape always stays."""
        if _PROBE.fullmatch(item.key):
            return item.upload_id is None and self.now - item.since > _PROBED
        export_id = export_of_key(item.key)
        if export_id is None or export_id in self.at_work:
            return False
        row = self.known.get(export_id)
        if row is None:
            return self.now - item.since > ORPHANED and not self._is_kept(item, export_id)
        if row.settled_at is None or self.now - row.settled_at < records.STRAGGLING:
            return False
        if row.status != Status.SUCCEEDED or row.deleted_at is not None or row.expired_at is not None:
            return True
        return item.upload_id is not None or item.key not in {manifest_key(export_id), *row.keys}

    def _is_kept(self, item: Lying, export_id: str) -> bool:
        """Return whether a manifest that has no row vouches for it: the database may be an old one, put back."""
        if item.upload_id is not None:
            return False
        if export_id not in self.manifests:
            self.manifests[export_id] = self._manifest(export_id)
        manifest = self.manifests[export_id]
        if manifest is None or (manifest.expires_at is not None and manifest.expires_at <= self.now):
            return False
        return item.key in {manifest_key(export_id), *(file.key for file in manifest.files)}

    def _manifest(self, export_id: str) -> Manifest | None:
        data = self.store.read(manifest_key(export_id))
        try:
            manifest = Manifest.from_bytes(data) if data is not None else None
        except ValidationError:
            return None
        return manifest if manifest is not None and manifest.id == export_id else None
