"""Status reads by several clients, beside Airflow's reads of the same runs: of what is done, and of what goes on."""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks import targets
from benchmarks.callers import PATIENCE_SECONDS, POLL_SECONDS, Exports, Runs, finish
from benchmarks.load import CLIENTS
from benchmarks.records import Record, alternate, machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.bench import Bench
    from deploy.local.stack import Stack

_SHEETS = 40
"""So often a large export reads the table: it goes on for longer than any measurement."""


def run(bench: Bench) -> list[Record]:
    """Measure both in turn, then both in turn again while an export runs, which is the one that is read."""
    bench.start_airflow()
    stack, here = bench.stack, machine()
    rounds, seconds = bench.scale.load_rounds, bench.scale.read_seconds
    exports, runs = Exports(stack), Runs(stack)
    done = [exports.start() for _ in range(CLIENTS)]
    for path in done:
        finish(exports, path)
    ours = partial(reads_per_second, stack, headers=exports.headers, seconds=seconds)
    airflows = partial(reads_per_second, stack, headers=runs.headers, seconds=seconds)
    idle = alternate(
        {
            "reads of exports": (rounds, lambda: ours(done)),
            "reads of their runs": (rounds, lambda: airflows([run_of(path) for path in done])),
        }
    )
    with running(bench, exports) as path:
        busy = alternate(
            {
                "reads of a running export": (rounds, lambda: ours([path])),
                "reads of its run": (rounds, lambda: airflows([run_of(path)])),
            }
        )
    return [
        Record(targets.READS, idle["reads of exports"], idle["reads of their runs"], "reads/s", 1, here),
        Record(targets.BUSY_READS, busy["reads of a running export"], busy["reads of its run"], "reads/s", 1, here),
    ]


def run_of(path: str) -> str:
    """Return where Airflow's API shows the run of an export."""
    return f"/api/v2/dags/export/dagRuns/export__{path.rpartition('/')[2]}"


@contextmanager
def running(bench: Bench, exports: Exports) -> Iterator[str]:
    """Yield an export that reads and writes rows all the time.

    :raises RuntimeError: when it does not start, or has ended before the measurement had.
    """
    rows = max(bench.scale.memory_rows)
    sheet = {"exporter": "bench_rows", "params": {"rows": rows}}
    sources = [{**sheet, "name": f"Rows {number}"} for number in range(_SHEETS)]
    path = exports.request({"sources": sources, "format": "csv"})
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (exports.read(path)["progress"] or {}).get("rows"):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} does not start.")
        time.sleep(POLL_SECONDS)
    yield path
    if (state := exports.state(path)) != "running":
        raise RuntimeError(f"{path} is {state} already: it was not running all the time.")
    exports.http.post(f"{path}/cancel").raise_for_status()
    while exports.state(path) != "cancelled":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} does not end.")
        time.sleep(POLL_SECONDS)


def reads_per_second(stack: Stack, paths: Sequence[str], *, headers: Mapping[str, str], seconds: float) -> float:
    """Read with several clients, each on its own connection and with its own path in turn; return the rate."""
    started = time.monotonic()

    def client(path: str) -> int:
        connection = http.client.HTTPConnection(urlsplit(stack.url).netloc, timeout=60)
        done = 0
        while time.monotonic() - started < seconds:
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"{path} answers {answer.status}.")
            done += 1
        connection.close()
        return done

    with ThreadPoolExecutor(CLIENTS) as pool:
        done = sum(pool.map(client, [paths[number % len(paths)] for number in range(CLIENTS)]))
    return done / (time.monotonic() - started)
