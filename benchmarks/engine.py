"""From a query to a verified object in the store, without Airflow: ours, psql into boto3, SqlToS3Operator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks import targets
from benchmarks.records import Record, alternate, machine
from benchmarks.rows import FLOATS, PLAIN

if TYPE_CHECKING:
    from benchmarks.bench import Bench

# Name: (contender, format, columns).
_CONTENDERS = {
    "psql": ("psql", "csv", PLAIN),
    "straight": ("straight", "csv", PLAIN),
    "general": ("general", "csv", PLAIN),
    "xlsx": ("ours", "xlsx", PLAIN),
    "parquet": ("ours", "parquet", PLAIN),
    "psql with floats": ("psql", "csv", FLOATS),
    "csv with floats": ("ours", "csv", FLOATS),
    "SqlToS3Operator csv": ("operator", "csv", PLAIN),
    "SqlToS3Operator parquet": ("operator", "parquet", PLAIN),
}
_RECORDS = {
    targets.STRAIGHT: ("straight", "psql"),
    targets.GENERAL: ("general", "psql"),
    targets.FLOATS: ("csv with floats", "psql with floats"),
    targets.STRAIGHT_OPERATOR: ("straight", "SqlToS3Operator csv"),
    targets.GENERAL_OPERATOR: ("general", "SqlToS3Operator csv"),
    targets.PARQUET_OPERATOR: ("parquet", "SqlToS3Operator parquet"),
    targets.XLSX_CSV: ("xlsx", "general"),
}


def run(bench: Bench) -> list[Record]:
    """Measure all contenders in turn, each export in a process of its own."""
    bench.stop_airflow()
    scale = bench.scale
    rounds = {name: scale.operator_rounds if of[0] == "operator" else scale.engine_rounds for name, of in _all()}
    rates = alternate({name: (rounds[name], partial(_rate, bench, *of)) for name, of in _all()})
    return [
        Record(name, rates[mine], rates[peer], "rows/s", scale.engine_rows, machine())
        for name, (mine, peer) in _RECORDS.items()
    ]


def _all() -> list[tuple[str, tuple[str, str, tuple[str, ...]]]]:
    return list(_CONTENDERS.items())


def _rate(bench: Bench, contender: str, file_format: str, columns: tuple[str, ...]) -> float:
    order = {"contender": contender, "format": file_format, "columns": columns, "rows": bench.scale.engine_rows}
    return float(bench.scale.engine_rows / bench.run_python("benchmarks.contender", order)["seconds"])
