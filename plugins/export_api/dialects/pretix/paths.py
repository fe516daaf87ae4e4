"""Where in pretix's tree of addresses a request is, and the addresses that it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote
from uuid import UUID, uuid5

from fastapi import Depends, Request

if TYPE_CHECKING:
    from export_api.service import ExportService

PREFIX = "/api/v1/organizers"

LEVELS = ("/{organizer}", "/{organizer}/events/{event}")
"""Exporters of an organizer, and of one of its events."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose exporters are meant: an organizer's, or one event's. ``base`` is the address of the server."""

    base: str
    organizer: str
    event: str | None

    @property
    def name(self) -> str:
        """What files of it are called."""
        return self.organizer if self.event is None else self.event

    @property
    def exporters(self) -> str:
        """The absolute address of its exporters."""
        event = "" if self.event is None else f"/events/{quote(self.event, safe='')}"
        return f"{self.base}{PREFIX}/{quote(self.organizer, safe='')}{event}/exporters/"

    def download(self, identifier: str, export_id: UUID) -> str:
        """Return the address of an export's file."""
        return f"{self.exporters}{identifier}/download/{export_id}/{self.file_id(identifier, export_id)}/"

    def file_id(self, identifier: str, export_id: UUID) -> UUID:
        """Return the second half of a download's address.

        It follows from the first and from the way to it: a replayed request gets the same address again, and below
        another organizer, event or exporter the file is not found.
        """
        return uuid5(export_id, "\n".join((self.organizer, self.event or "", identifier)))


async def _scope(request: Request) -> Scope:
    service: ExportService = request.app.state.service
    base = service.airflow.base_url or str(request.base_url).rstrip("/").removesuffix(PREFIX)
    return Scope(base, request.path_params["organizer"], request.path_params.get("event"))


ScopeDep = Annotated[Scope, Depends(_scope)]
