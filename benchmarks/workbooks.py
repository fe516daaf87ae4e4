"""Encoding xlsx alone, from the same Arrow batches: ours, openpyxl, XlsxWriter, rustpy-xlsxwriter."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks import targets
from benchmarks.records import Record, alternate, machine
from benchmarks.rows import FLOATS

if TYPE_CHECKING:
    from benchmarks.bench import Bench

_PEERS = {targets.OPENPYXL: "openpyxl", targets.XLSXWRITER: "xlsxwriter", targets.RUSTPY: "rustpy"}
_SLOW = frozenset({"openpyxl", "xlsxwriter"})


def run(bench: Bench) -> list[Record]:
    """Measure all writers in turn, each workbook in a process of its own."""
    bench.stop_airflow()
    scale = bench.scale
    sizes: dict[str, float] = {}
    contenders = {
        name: (scale.engine_rounds, partial(_rate, bench, name, sizes)) for name in ("ours", *_PEERS.values())
    }
    rates = alternate(contenders)
    many, here = scale.workbook_rows, machine()
    return [
        *(Record(name, rates["ours"], rates[peer], "rows/s", many, here) for name, peer in _PEERS.items()),
        Record(targets.RUSTPY_SIZE, sizes["ours"] / 1e6, sizes["rustpy"] / 1e6, "MB", many, here),
    ]


def _rate(bench: Bench, writer: str, sizes: dict[str, float]) -> float:
    rows = bench.scale.slow_workbook_rows if writer in _SLOW else bench.scale.workbook_rows
    answer = bench.run_python("benchmarks.workbook", {"writer": writer, "columns": FLOATS, "rows": rows})
    sizes[writer] = answer["bytes"]
    return float(rows / answer["seconds"])
