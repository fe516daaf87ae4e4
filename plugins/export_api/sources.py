"""The exporters that a request names, read from the JSON that was kept: whoever wrote it, it can be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.core.request import NAMES_SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.core.manifest import SourceRecord


def readings_of(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what is asked of each exporter."""
    sources = request.get("sources")
    if not isinstance(sources, list):
        return [request]
    return [source for source in sources if isinstance(source, dict)]


def names_of(request: Mapping[str, Any]) -> list[str]:
    """Return the exporters' names, in their order."""
    named = [reading.get("exporter") for reading in readings_of(request)]
    return [name for name in named if isinstance(name, str)]


def joined(names: Sequence[str]) -> str | None:
    """Return names as the table keeps them; None when there are none."""
    return NAMES_SEPARATOR.join(names) or None


def rows_of(several: int, records: Sequence[SourceRecord]) -> list[int]:
    """Return how many rows were read for each of several sources of a request, from a manifest's records."""
    return [sum(record.rows for record in records if record.place == place) for place in range(several)]
