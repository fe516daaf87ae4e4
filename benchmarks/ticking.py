"""Ticks of the clock in a process of their own, with Airflow's environment: prints how many milliseconds each took."""

from __future__ import annotations

import json
import time

from export_api.clock import tick
from export_api.gateway import Gateway
from export_api.service import ExportService

_TIMES = 15
_FIRST = 3
"""The first ones look at everything once, and are not counted."""


def main() -> None:
    """Tick some times."""
    service = ExportService(Gateway())
    found = []
    for _ in range(_FIRST + _TIMES):
        started = time.perf_counter()
        tick(service)
        found.append((time.perf_counter() - started) * 1000)
    print(json.dumps({"milliseconds": found[_FIRST:]}))


if __name__ == "__main__":
    main()
