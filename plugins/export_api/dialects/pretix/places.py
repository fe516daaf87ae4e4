"""Which organizers and events there are: what an ordinary exporter, ``eventdata``, says of the shop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from export_api.caller import Right
from include.core.errors import NotAllowed
from include.core.exporter import ONLY
from include.core.params import Reference
from include.core.query import Selection
from include.core.references import LOOKUP_SECONDS, known_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from export_api.caller import Caller
    from export_api.dialects.pretix.paths import Scope
    from export_api.service import ExportService
    from include.core.exporter import Exporter
    from include.core.source import Sources

EVENTS = "eventdata"
"""The exporter that has a row for each event: ``slug``, ``timezone`` (an IANA name) and ``date_from``."""

_COLUMNS = ("slug", "timezone", "date_from")
_SLUG = re.compile(r"[\w.-]{1,200}", re.ASCII)
_NOWHERE = "UTC"


@dataclass(frozen=True, slots=True)
class Place:
    """An organizer, or one of its events.

    ``events`` are the organizer's, by their slugs. ``zone`` is the one that days are meant in: the event's; of an
    organizer that of its first event, and UTC where there is none.
    """

    scope: Scope
    events: frozenset[str]
    zone: ZoneInfo
    today: date


def find_place(service: ExportService, caller: Caller, scope: Scope) -> Place:
    """Look up an organizer and its events.

    :raises NotAllowed: when the caller may not see exporters, and when there is no such organizer or event.
    :raises NotFound: when the catalog has no exporter of events.
    :raises Retriable: when the source does not answer.
    """
    caller.need(Right.READ)
    events = _events(service, scope.organizer) if _SLUG.fullmatch(scope.organizer) else None
    if events is None or (scope.event is not None and scope.event not in events):
        raise NotAllowed("There is no such organizer or event.")
    zone = next(iter(events.values()), _NOWHERE) if scope.event is None else events[scope.event]
    found = ZoneInfo(zone)
    return Place(scope, frozenset(events), found, service.settler.now().astimezone(found).date())


def _events(service: ExportService, organizer: str) -> Mapping[str, str] | None:
    """Return the time zones of an organizer's events by their slugs, the first event first; None without such one."""
    exporter = service.catalog.load(EVENTS)
    with service.asking.sources("waybill look-up", seconds=LOOKUP_SECONDS, patience=LOOKUP_SECONDS) as sources:
        given = {"organizer": organizer}
        if organizer not in known_keys(_reference(exporter), given, [organizer], sources):
            return None
        rows = _rows(exporter, given, sources)
    rows.sort(key=itemgetter("date_from", "slug"))
    return {row["slug"]: row["timezone"] for row in rows}


def _reference(exporter: Exporter[Any]) -> Reference:
    """Return what all organizers are looked up by."""
    metadata = exporter.params_type.model_fields["organizer"].metadata
    return next(item for item in metadata if isinstance(item, Reference))


def _rows(exporter: Exporter[Any], given: Mapping[str, str], sources: Sources) -> list[dict[str, Any]]:
    params = exporter.params_type.model_validate(given)
    table = exporter.tables(params)[ONLY]
    selection = Selection(tuple(table.columns[name] for name in _COLUMNS))
    return [row for batch in table.batches(params, selection, sources).stream for row in batch.to_pylist()]
