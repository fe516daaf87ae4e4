"""What pretix's clients are offered: the exporters of the catalog that ask for an organizer, and how each is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from export_api.dialects.pretix.fields import (
    FRAME,
    REQUIRED,
    Field,
    Misfit,
    Today,
    boolean,
    fields_of,
    read_date,
    reference_of,
)
from export_api.dialects.pretix.refusals import Rejected
from include.core.errors import Fatal, NotFound
from include.core.exporter import ONLY, Exporter
from include.core.request import ExportRequest, parse_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from export_api.dialects.pretix.paths import Scope
    from export_api.dialects.pretix.places import Place
    from include.core.catalog import Catalog

KEPT = timedelta(hours=24)
"""How long files are kept, unless the exporter or the installation keeps them for less."""

_CSV = {"header": "label", "formulas": "escape"}
_DEFAULT = {**_CSV, "quote": "non_numeric"}
_SEMICOLON = {**_CSV, "delimiter": ";"}
_XLSX = "xlsx"
_OF_ONE = {"default": _DEFAULT, "csv-excel": _CSV, "semicolon": _SEMICOLON}
_OF_SHEETS = {"default": _DEFAULT, "excel": _CSV, "semicolon": _SEMICOLON}
"""The options of csv behind what the product's clients call a format: of an exporter with one table, and of a sheet."""

_FORMAT, _ORGANIZER, _EVENTS, _ALL_EVENTS = "_format", "organizer", "events", "all_events"
_EVERY = boolean(_ALL_EVENTS)
_OWN = frozenset({_ORGANIZER, _EVENTS})
_LEGACY = {"_from": 0, "_to": 1}


@dataclass(frozen=True, slots=True)
class Offer:
    """One exporter as pretix's clients see it. ``fields`` are its parameters but for the organizer and the events."""

    identifier: str
    exporter: Exporter[Any]
    fields: Mapping[str, Field]
    by_event: bool
    formats: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def described(self, scope: Scope) -> dict[str, Any]:
        """Return what the list of exporters says of it."""
        return {
            "identifier": self.identifier,
            "verbose_name": self.exporter.title,
            "input_parameters": [
                *({"name": name, "required": False} for name in self._of_events(scope)),
                {"name": _FORMAT, "required": True, "choices": list(self.formats)},
                *(each.described() for each in self.fields.values()),
            ],
        }

    def request(self, place: Place, body: Mapping[str, Any], keep: timedelta) -> ExportRequest:
        """Return the export that a run asks for.

        :raises Rejected: with the product's sentences for each field that is wrong.
        """
        reading = _Reading(self, place, dict(body))
        params = reading.params()
        chosen = reading.format()
        reading.finish(allowed={_FORMAT, *self.fields, *self._of_events(place.scope)})
        return parse_request(
            {
                "exporter": self.identifier,
                "params": params,
                **self.formats[chosen],
                "filename": f"{place.scope.name}_{self.identifier}_{{id}}",  # no two are called the same
                "expires_in": keep,
            }
        )

    def _of_events(self, scope: Scope) -> tuple[str, ...]:
        return (_ALL_EVENTS, _EVENTS) if scope.event is None and self.by_event else ()


def offers(catalog: Catalog, scope: Scope) -> list[Offer]:
    """Return what is offered, by name."""
    found = [offer for name, exporter in catalog.working() if (offer := _offer(name, exporter)) and _fits(offer, scope)]
    return sorted(found, key=lambda offer: (offer.exporter.title, offer.identifier))


def find_offer(catalog: Catalog, scope: Scope, identifier: str) -> Offer:
    """Return one exporter.

    :raises NotFound: when there is none, or none that pretix's clients could ask for here.
    """
    try:
        offer = _offer(identifier, catalog.load(identifier))
    except Fatal:
        offer = None
    if offer is None or not _fits(offer, scope):
        raise NotFound(f"There is no exporter {identifier!r}.")
    return offer


def _fits(offer: Offer, scope: Scope) -> bool:
    return scope.event is None or offer.by_event


@lru_cache(maxsize=512)
def _offer(identifier: str, exporter: Exporter[Any]) -> Offer | None:
    """Return an exporter as an offer; None where it asks for no organizer, or for events in a way of its own."""
    given = exporter.params_type.model_fields
    referring = {name for name, info in given.items() if reference_of(info) is not None}
    if _ORGANIZER not in referring or (_EVENTS in given and _EVENTS not in referring):
        return None
    own = {name: each for name, each in fields_of(exporter.params_type).items() if name not in _OWN}
    return Offer(identifier, exporter, own, _EVENTS in referring, _formats(exporter))


def _formats(exporter: Exporter[Any]) -> dict[str, dict[str, Any]]:
    """Return what a request says for each format."""
    sheets = list(exporter.declared())
    found: dict[str, dict[str, Any]] = {_XLSX: {"format": _XLSX}}
    if sheets == [ONLY]:
        return found | {name: {"format": "csv", "options": options} for name, options in _OF_ONE.items()}
    for sheet in sheets:
        for name, options in _OF_SHEETS.items():
            found[f"{sheet}:{name}"] = {"format": "csv", "options": options, "sheets": [sheet]}
    return found


class _Reading:
    """The body of a run as it is read; what is wrong is collected."""

    def __init__(self, offer: Offer, place: Place, body: dict[str, Any]) -> None:
        self._offer = offer
        self._place = place
        self._body = body
        self._today = Today(place.today, place.zone)
        self._wrong: dict[str, list[str]] = {}

    def format(self) -> str:
        """Return the format; one that is wrong is told of at the end."""
        if _FORMAT not in self._body:
            self._wrong[_FORMAT] = [REQUIRED]
            return _XLSX
        chosen = self._body[_FORMAT]
        if chosen is None:
            self._wrong[_FORMAT] = ["This field may not be null."]
        elif not isinstance(chosen, str) or chosen not in self._offer.formats:
            self._wrong[_FORMAT] = [f'"{chosen}" is not a valid choice.']
        else:
            return chosen
        return _XLSX

    def params(self) -> dict[str, Any]:
        """Return the exporter's parameters, as far as they are right."""
        params: dict[str, Any] = {_ORGANIZER: self._place.scope.organizer}
        if self._place.scope.event is not None:
            params[_EVENTS] = [self._place.scope.event]
        elif self._offer.by_event and (events := self._events()) is not None:
            params[_EVENTS] = events
        for name, each in self._offer.fields.items():
            if each.kind == FRAME:
                self._take_legacy(name)
            if (value := self._read(each)) is not None:
                params[name] = value
        return params

    def finish(self, *, allowed: set[str]) -> None:
        """Say what is wrong, if anything is; names that nobody knows are told of when all others are right.

        :raises Rejected: with the product's sentences.
        """
        if self._wrong:
            raise Rejected(self._wrong)
        if more := sorted(self._body.keys() - allowed):
            raise Rejected({"fields": [f"Additional fields not allowed: {more}."]})

    def _events(self) -> list[str] | None:
        """Return the events that are meant, or None for all."""
        every = self._read(_EVERY)
        if _EVENTS not in self._body:
            return None
        chosen = self._body[_EVENTS]
        if chosen is None:
            self._wrong[_EVENTS] = ["This field may not be null."]
        elif not isinstance(chosen, list):
            self._wrong[_EVENTS] = [f'Expected a list of items but got type "{type(chosen).__name__}".']
        elif not chosen:
            self._wrong[_EVENTS] = ["This list may not be empty."]
        elif unknown := [slug for slug in chosen if not isinstance(slug, str) or slug not in self._place.events]:
            self._wrong[_EVENTS] = [f"Object with slug={unknown[0]} does not exist."]
        elif not every:
            return list(dict.fromkeys(chosen))
        return None

    def _read(self, asked: Field) -> Any:
        """Return the value of a field, or None."""
        if asked.name not in self._body:
            if asked.required:
                self._wrong[asked.name] = [REQUIRED]
            return None
        try:
            return asked.read(self._body[asked.name], self._today)
        except Misfit as misfit:
            self._wrong[asked.name] = [str(misfit)]
            return None

    def _take_legacy(self, name: str) -> None:
        """Read ``x_from`` and ``x_to``, which older clients send instead of ``x_range``."""
        stem = name.removesuffix("_range")
        given = {f"{stem}{suffix}" for suffix in _LEGACY} & self._body.keys()
        if stem == name or name in self._body or not given:
            return
        ends: list[str | None] = [None, None]
        for suffix, end in _LEGACY.items():
            try:
                ends[end] = read_date(self._body.pop(f"{stem}{suffix}", None))
            except Misfit as misfit:
                self._wrong[f"{stem}{suffix}"] = [str(misfit)]
        self._body[name] = "/".join(end or "" for end in ends)
