"""How long one row takes on the whole stack, against an empty DAG, and the first export after a start."""

from __future__ import annotations

import statistics
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import targets
from benchmarks.callers import Exports, Runs, seconds_of
from benchmarks.records import Record, alternate, machine

if TYPE_CHECKING:
    from benchmarks.bench import Bench


def run(bench: Bench) -> list[Record]:
    """Measure after each of some starts: the first export, and later ones and empty runs in turn."""
    scale, here = bench.scale, machine()
    firsts = []
    for _ in range(scale.starts):
        bench.stop_airflow()
        bench.start_airflow()
        firsts.append(seconds_of(Exports(bench.stack)))
    exports, runs = Exports(bench.stack), Runs(bench.stack)
    seconds_of(runs)
    times = scale.latency_times
    found = alternate(
        {"one row": (times, partial(seconds_of, exports)), "empty DAG": (times, partial(seconds_of, runs))}
    )
    print(f"  first after a start: {', '.join(f'{seconds:.2f}' for seconds in firsts)}")
    return [
        Record(targets.LATENCY, found["one row"], found["empty DAG"], "s", 1, here),
        Record(targets.FIRST, statistics.median(firsts), found["one row"], "s", 1, here),
    ]
