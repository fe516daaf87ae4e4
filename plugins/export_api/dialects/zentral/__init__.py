"""Zentral's inventory exports: a client of theirs needs another host and another token, and nothing else.

What Zentral calls a task is an export here. docs/dialects/zentral.md says what is deliberately different.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from fastapi import APIRouter

from export_api.dialects._base import Dialect
from export_api.dialects.zentral import _apps, _installed, _later, _listing, _machines, _refusals, _results

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request, Response

    from export_api.problems import Told


class Zentral(Dialect):
    """Machines by conditions, apps by machines, what is installed by source, and what became of it."""

    title: ClassVar[str] = "Zentral"

    def routers(self) -> Mapping[str, APIRouter]:
        """Return the routes, those of what is not served yet among them."""
        inventory = APIRouter()
        for module in (_machines, _apps, _installed, _listing):
            inventory.include_router(module.router)
        inventory.include_router(_later.full_export)
        return {
            "/api/inventory": inventory,
            _results.PREFIX: _results.router,
            "/api/santa": _later.santa,
            "/api/osquery": _later.osquery,
        }

    def refuse(self, request: Request, told: Told) -> Response:
        """Return an error as Zentral's framework writes it."""
        return _refusals.refuse(request, told)
