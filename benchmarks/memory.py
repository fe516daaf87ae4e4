"""Peak memory of the task's process: little more than for no rows, and the same for few rows and many.

Every export is a real one: POST to the API, an Airflow task, SeaweedFS. The task itself logs the peak of its resident
memory (VmHWM of /proc/self/status), Airflow and all libraries included; an export without rows is the base.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchmarks import targets
from benchmarks.callers import Exports, Runs, finish
from benchmarks.records import Record, machine
from benchmarks.rows import FLOATS, PLAIN
from include.formats import FORMATS

if TYPE_CHECKING:
    from benchmarks.bench import Bench

_PAGES = frozenset({"pdf"})
"""Formats for people to read, which refuse many rows."""
_PEAK = re.compile(r"peak memory (\d+) MB")


def measured() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return format and columns by name; csv also as it is copied."""
    formats = {name: (name, FLOATS) for name in FORMATS.names if name not in _PAGES}
    return {**formats, "csv, straight path": ("csv", PLAIN)}


def run(bench: Bench) -> list[Record]:
    """Measure every format, with no rows, few and many."""
    bench.start_airflow()
    exports, runs, here = Exports(bench.stack), Runs(bench.stack), machine()
    records = []
    for name, (file_format, columns) in measured().items():
        sizes = (0, *bench.scale.memory_rows)
        peaks = {rows: peak_of(exports, runs, file_format, columns, rows) for rows in sizes}
        print(f"  {name}: {', '.join(f'{rows:,} rows {peak} MB' for rows, peak in peaks.items())}", flush=True)
        base, few, *_, many = (peaks[rows] for rows in sizes)
        most = bench.scale.memory_rows[-1]
        records.append(Record(targets.MEMORY.format(name), max(peaks.values()), base, "MB", most, here))
        records.append(Record(targets.GROWTH.format(name), many, few, "MB", most, here))
    return records


def peak_of(exports: Exports, runs: Runs, file_format: str, columns: tuple[str, ...], rows: int) -> int:
    """Run one export and return the peak memory of its task, in MiB."""
    body = {"exporter": "bench_rows", "format": file_format, "params": {"rows": rows}, "columns": columns}
    path = exports.request(body)
    finish(exports, path)
    export = exports.read(path)
    if export["result"]["rows"] != rows:
        raise RuntimeError(f"{path} has {export['result']['rows']} rows instead of {rows}.")
    found = _PEAK.search(runs.log(export["id"]))
    if found is None:
        raise RuntimeError(f"The log of export {export['id']} does not tell its peak memory.")
    return int(found[1])
