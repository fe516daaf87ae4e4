"""Looking at an export again and again: a glance says whether it still is as it was shown before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from cachetools import LRUCache
from starlette.concurrency import run_in_threadpool

from export_api.caller import Right
from export_api.gathering import Gathered
from export_api.shaping import view_of

if TYPE_CHECKING:
    from export_api.caller import Caller
    from export_api.reading import Glance
    from export_api.service import ExportService
    from export_api.shaping import Addresses, View

_KEPT_BYTES = 16 * 2**20
"""How much of what was shown is kept, in bytes of JSON."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A view, and the glance of the very moment at which it was made."""

    glance: Glance
    view: View

    @property
    def size(self) -> int:
        return len(self.view.content)


class Looks:
    """What clients are shown of single exports; to be used on the event loop.

    Each look asks the database, in every process: only the work of making a view is saved, never the question whether
    it still holds. Rights are the caller's of this moment.
    """

    def __init__(self, service: ExportService) -> None:
        self._service = service
        self._glances = Gathered(service.glances)
        self._seen: LRUCache[tuple[UUID, Addresses], _Seen] = LRUCache(_KEPT_BYTES, lambda seen: seen.size)

    async def look(self, caller: Caller, export_id: str, addresses: Addresses) -> View:
        """Return an export as it is now; errors as of :meth:`ExportService.get`."""
        caller.need(Right.READ)
        try:
            place = (UUID(export_id), addresses)
        except ValueError:
            return (await run_in_threadpool(self._make, caller, export_id, addresses, None)).view
        glance = await self._glances.ask(place[0])
        known = self._seen.get(place)
        if known is not None and known.glance == glance and caller.sees(known.glance.owner):
            return known.view
        seen = await run_in_threadpool(self._make, caller, export_id, addresses, glance)
        if seen.glance.lasts and seen.size <= _KEPT_BYTES:
            self._seen[place] = seen
        return seen.view

    def _make(self, caller: Caller, export_id: str, addresses: Addresses, glance: Glance | None) -> _Seen:
        shown = self._service.get(caller, export_id, glance)
        return _Seen(shown.glance, view_of(shown, addresses))
