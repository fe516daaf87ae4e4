"""How long a file is kept: what the request says, within what the exporters and the installation allow."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from include.core.errors import FieldError, invalid

if TYPE_CHECKING:
    from include.core.resolve import ResolvedExport
    from include.core.settings import Settings


def lifetime(resolved: ResolvedExport, settings: Settings) -> timedelta:
    """Return how long an export's file is kept once it is finished.

    :raises InvalidRequest: when the request asks for more than is allowed.
    """
    limits = (reading.exporter.max_expires_days for reading in resolved.readings)
    longest = timedelta(days=min(limit for limit in (*limits, settings.max_expires_days) if limit is not None))
    asked = resolved.request.expires_in
    if asked is None:
        return min(timedelta(days=settings.expires_days), longest)
    if asked > longest:
        detail = f"This export's file is kept for {longest / timedelta(days=1):g} days at most."
        raise invalid([FieldError("/expires_in", detail)])
    return asked
