"""Who waits for whom: in which of Airflow's DAGs and pools an export runs.

Airflow's scheduler does the waiting. A pool for each user lets so many of a user's exports run at once, whatever others
do; an exporter with a limit of its own has a DAG of its own, whose task Airflow runs so many times at once.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

from include.core.identity import DAG_ID, dag_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.core.resolve import ResolvedReading

INTERACTIVE_WEIGHT = 10
"""Airflow's priority of what somebody waits for; of what a schedule starts it is 1."""

_POOL_PREFIX = "waybill."
_NAME_LENGTH = 200
"""Airflow keeps 256 characters of a pool's name."""


def pool_of(caller: str) -> str:
    """Return the name of a user's pool: ASCII, as Airflow's metrics want it, and never the same for two users."""
    name = quote(caller, safe=" @+")
    if len(name) > _NAME_LENGTH:
        name = f"{name[: _NAME_LENGTH - 65]}-{sha256(caller.encode()).hexdigest()}"
    return _POOL_PREFIX + name


def dag_of(readings: Sequence[ResolvedReading]) -> str:
    """Return the DAG that runs an export: that of its exporter with the lowest limit, where there is one."""
    limited = [(each.exporter.max_running, each.name) for each in readings if each.exporter.max_running is not None]
    return dag_id_of(min(limited)[1]) if limited else DAG_ID


def time_limit_of(readings: Sequence[ResolvedReading], most: float) -> float:
    """Return how many seconds an attempt may take: what its exporters say together, and never more than ``most``."""
    limits = {each.place: each.exporter.time_limit_seconds or most for each in readings}
    return min(most, sum(limits.values()))
