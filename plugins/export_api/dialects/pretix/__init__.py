"""pretix's data exporters API (docs/dialects/pretix.md): exporters of an organizer and of an event, runs, downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export_api.dialects._base import Dialect
from export_api.dialects.pretix import refusals
from export_api.dialects.pretix.paths import PREFIX
from export_api.dialects.pretix.routes import router

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import APIRouter, Request, Response

    from export_api.problems import Told


class Pretix(Dialect):
    """What a client of a ticket shop's exports finds at pretix."""

    title = "pretix data exporters"

    def routers(self) -> Mapping[str, APIRouter]:
        """Return the routes below the organizers."""
        return {PREFIX: router}

    def refuse(self, request: Request, told: Told) -> Response:
        """Return an error as Django REST framework words it."""
        return refusals.refuse(request, told)
