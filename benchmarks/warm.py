"""What warm workers save: the same one-row export on one stack, with and without WAYBILL_WARM, in turn."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks import targets
from benchmarks.callers import Exports, seconds_of
from benchmarks.records import Record, machine

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from deploy.local.stack import Stack

_TIMES = 7


def run(bench: Bench) -> list[Record]:
    """Measure in turn; the first export after each start is not counted. The scheduler is warm at the end."""
    bench.start_airflow()
    exports = Exports(bench.stack)
    found: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(bench.scale.starts):
        for warm, measured in found.items():
            restart_scheduler(bench.stack, warm=warm)
            measured.extend([seconds_of(exports) for _ in range(_TIMES + 1)][1:])
    ours, peer = (statistics.median(found[warm]) for warm in (True, False))
    return [Record(targets.WARM, ours, peer, "s", 1, machine())]


def restart_scheduler(stack: Stack, *, warm: bool) -> None:
    """Start the scheduler again with or without what tasks inherit."""
    script = stack.home / "airflow/scheduler.sh"
    text = script.read_text(encoding="utf-8")
    script.write_text(text.replace(f"WAYBILL_WARM={int(not warm)}", f"WAYBILL_WARM={int(warm)}"), encoding="utf-8")
    stack.restart("scheduler")
    stack.wait_ready()
