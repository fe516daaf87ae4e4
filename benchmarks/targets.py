"""What the figures must be: one target for each name that has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.records import Record

STRAIGHT = "csv, straight path: psql \\copy to boto3"
GENERAL = "csv, general path: psql \\copy to boto3"
FLOATS = "csv with a float column: psql \\copy to boto3"
STRAIGHT_OPERATOR = "csv, straight path: SqlToS3Operator"
GENERAL_OPERATOR = "csv, general path: SqlToS3Operator"
PARQUET_OPERATOR = "parquet: SqlToS3Operator"
XLSX_CSV = "xlsx: csv, general path"
OPENPYXL = "xlsx encoding: openpyxl write-only"
XLSXWRITER = "xlsx encoding: XlsxWriter constant_memory"
RUSTPY = "xlsx encoding: rustpy-xlsxwriter"
RUSTPY_SIZE = "xlsx size: rustpy-xlsxwriter"
MEMORY = "memory of {}: without rows"
GROWTH = "memory of {}, most rows: fewest rows"
LATENCY = "one row, POST to succeeded: an empty DAG"
FIRST = "first export after a start: later ones"
BURST = "exports posted at once: an empty DAG"
READS = "status reads: Airflow's GET of the run"
BUSY_READS = "status reads of a running export: Airflow's GET of the run"
LIST_FIRST = "lists of many exports, slowest first page: of few"
LIST_LATER = "lists of many exports, slowest 1,000th page: of few"
TICK = "a tick of the clock, many exports: few"
WARM = "warm workers: cold ones"
"""Names: what is ours, a colon, the peer."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound, in words and as a check of a record and the slack that is allowed."""

    text: str
    met: Callable[[Record, float], bool]


def at_least(ratio: float) -> Target:
    """Return a bound for what should be much."""
    return Target(f"≥ {ratio:g}", lambda record, slack: record.ratio >= ratio * (1 - slack))


def at_most(ratio: float) -> Target:
    """Return a bound for what should be little."""
    return Target(f"≤ {ratio:g}", lambda record, slack: record.ratio <= ratio * (1 + slack))


def no_more_than(much: float, unit: str) -> Target:
    """Return a bound of our figure, whatever the peer's is."""
    return Target(f"{much:g} {unit} at most", lambda record, slack: record.ours <= much * (1 + slack))


def within(part: float) -> Target:
    """Return a bound for what should be the same."""
    return Target(f"1 ± {part:g}", lambda record, slack: abs(record.ratio - 1) <= part * (1 + slack))


def more_at_most(much: float, unit: str) -> Target:
    """Return a bound of the difference."""
    return Target(f"≤ {much:g} {unit} more", lambda record, slack: record.ours - record.peer <= much * (1 + slack))


_TARGETS = {
    STRAIGHT: at_least(0.8),
    GENERAL: at_least(0.6),
    STRAIGHT_OPERATOR: at_least(6),
    GENERAL_OPERATOR: at_least(4),
    XLSX_CSV: at_least(1),
    OPENPYXL: at_least(30),
    RUSTPY: at_least(3),
    RUSTPY_SIZE: at_most(1.1),
    LATENCY: at_most(1.5),
    FIRST: more_at_most(3, "s"),
    BURST: at_least(0.7),
    READS: at_least(4),
    BUSY_READS: at_least(4),
    LIST_FIRST: no_more_than(50, "ms"),
    LIST_LATER: no_more_than(50, "ms"),
    TICK: no_more_than(100, "ms"),
    WARM: at_most(1),
}
_FOR_EACH = {MEMORY: more_at_most(250, "MB"), GROWTH: within(0.1)}


def target_of(name: str) -> Target | None:
    """Return the target of a record, or None where it is only told."""
    for pattern, target in _FOR_EACH.items():
        start, end = pattern.split("{}")
        if name.startswith(start) and name.endswith(end):
            return target
    return _TARGETS.get(name)


def names(formats: tuple[str, ...]) -> list[str]:
    """Return every name that has a target, with those of some formats."""
    return [*_TARGETS, *(pattern.format(name) for pattern in _FOR_EACH for name in formats)]
