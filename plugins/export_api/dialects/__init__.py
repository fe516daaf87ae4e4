"""Dialects: other products' wire APIs on our service, one file or package each, switched on by configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export_api.dialects._base import Dialect
from include.core.registry import Registry

if TYPE_CHECKING:
    from fastapi import FastAPI

    from include.core.settings import Settings

DIALECTS: Registry[Dialect] = Registry("export_api.dialects", Dialect)  # type: ignore[type-abstract]

ALL = "*"


def chosen(settings: Settings) -> tuple[str, ...]:
    """Return the dialects that the configuration names and that there are."""
    named = _named(settings)
    return DIALECTS.names if ALL in named else tuple(name for name in DIALECTS.names if name in named)


def unknown(settings: Settings) -> tuple[str, ...]:
    """Return the names in the configuration that are no dialect's."""
    return tuple(sorted(_named(settings) - {ALL, *DIALECTS.names}))


def apps(native: FastAPI, settings: Settings) -> dict[str, FastAPI]:
    """Return the chosen dialects' apps by the prefixes that they are mounted at.

    Longer prefixes come first, whoever's they are, so that none hides another.

    :raises ValueError: when two dialects want the same prefix.
    """
    found: dict[str, FastAPI] = {}
    for name in chosen(settings):
        made = DIALECTS.load(name)().apps(native)
        if taken := sorted(found.keys() & made.keys()):
            raise ValueError(f"The dialect {name!r} has the prefix {taken[0]!r}, as another one of [waybill] dialects.")
        found |= made
    return dict(sorted(found.items(), key=lambda item: len(item[0]), reverse=True))


def _named(settings: Settings) -> set[str]:
    return {name for part in (settings.dialects or "").split(",") if (name := part.strip())}
