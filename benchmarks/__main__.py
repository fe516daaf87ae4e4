"""Measure and compare: `python -m benchmarks [--quick] [--only PART …]`; returns 1 when a target is missed."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import engine, latency, lists, load, memory, reads, records, table, warm, workbooks
from benchmarks.bench import HERE, started
from benchmarks.scale import FULL, QUICK

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.bench import Bench
    from benchmarks.records import Record

_PARTS: dict[str, Callable[[Bench], list[Record]]] = {
    "engine": engine.run,
    "workbooks": workbooks.run,
    "latency": latency.run,
    "load": load.run,
    "reads": reads.run,
    "memory": memory.run,
    "warm": warm.run,
    "lists": lists.run,
}
"""In this order: what needs no Airflow comes first."""
_FULL_ONLY = frozenset({"warm"})


def main() -> int:
    """Run the parts, write what was found, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything; targets may be missed by 30 %%")
    parser.add_argument("--only", nargs="+", choices=_PARTS, metavar="PART", help=f"of {', '.join(_PARTS)}")
    parser.add_argument("--output", type=Path, help="the file of results, where those of other names are kept")
    chosen = parser.parse_args()
    scale = QUICK if chosen.quick else FULL
    output = chosen.output or HERE / ("results-quick.json" if chosen.quick else "results.json")
    parts = chosen.only or [name for name in _PARTS if not (chosen.quick and name in _FULL_ONLY)]
    found: list[Record] = []
    failed = []
    with started(scale) as bench:
        for name in parts:
            begun = time.monotonic()
            print(f"{name}:", flush=True)
            try:
                found += _PARTS[name](bench)
            except Exception:  # noqa: BLE001 - the other parts are worth having
                traceback.print_exc()
                failed.append(name)
            records.write(output, found)
            print(f"  {time.monotonic() - begun:.0f} s", flush=True)
    print("\n".join(["", *table.lines(found, slack=scale.slack)]))
    if not chosen.quick and not chosen.output:
        table.update(output)
    missed = [record.name for record in found if not table.met(record, slack=scale.slack)]
    for name in missed:
        print(f"FAILED: {name}")
    for name in failed:
        print(f"FAILED: the part {name} could not be measured; see above")
    return int(bool(missed or failed))


if __name__ == "__main__":
    sys.exit(main())
