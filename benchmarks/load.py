"""Many at once: a burst of exports against as many empty runs."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import targets
from benchmarks.callers import PATIENCE_SECONDS, Exports, Runs, finish
from benchmarks.records import Record, alternate, machine
from deploy.local import databases

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from benchmarks.callers import Caller
    from deploy.local.stack import Stack

CLIENTS = 8
_FINISHED = """
    select count(*) filter (where state in ('success', 'failed')), extract(epoch from max(end_date))
    from dag_run
    where run_id = any(%s)
"""


def run(bench: Bench) -> list[Record]:
    """Measure bursts in turn."""
    bench.start_airflow()
    scale, here = bench.scale, machine()
    exports, runs = Exports(bench.stack), Runs(bench.stack)
    for caller in (exports, runs):  # what the first ones wait for is not measured here
        finish(caller, caller.start())
    rounds = scale.load_rounds
    bursts = alternate(
        {
            "burst of exports": (rounds, partial(burst, bench, exports)),
            "burst of empty runs": (rounds, partial(burst, bench, runs)),
        }
    )
    return [
        Record(targets.BURST, bursts["burst of exports"], bursts["burst of empty runs"], "runs/s", scale.burst, here)
    ]


def burst(bench: Bench, caller: Caller) -> float:
    """Start many at once; return runs per second, from the first request to the end of the last run."""
    started = time.time()
    with ThreadPoolExecutor(CLIENTS) as pool:
        paths = list(pool.map(lambda _: caller.start(), range(bench.scale.burst)))
    seconds = _end_of(bench.stack, paths) - started
    for path in paths:
        if (state := _settled(caller, path)) != caller.good:
            raise RuntimeError(f"{path} is {state}.")
    return bench.scale.burst / seconds


def _end_of(stack: Stack, paths: list[str]) -> float:
    """Wait for all runs, and return when the last ended, in seconds since 1970.

    The database is asked, for many clients that poll would be a load of their own.
    """
    import psycopg

    names = [path.rpartition("/")[2] for path in paths]
    run_ids = [name if "__" in name else f"export__{name}" for name in names]
    deadline = time.monotonic() + PATIENCE_SECONDS
    with psycopg.connect(databases.dsn(stack.state, "airflow"), autocommit=True) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(_FINISHED, [run_ids]).fetchone()
            if row is not None and row[0] == len(run_ids):
                return float(row[1])
            time.sleep(0.2)
    raise RuntimeError(f"Of {len(run_ids)} runs, some still go on after {PATIENCE_SECONDS:g} s.")


def _settled(caller: Caller, path: str) -> str:
    """Return the state once it is final."""
    finish(caller, path)
    return caller.good
