"""How much is measured: all of it, or so much that it takes less than three minutes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Rows, rounds, times and seconds of one run."""

    engine_rows: int
    engine_rounds: int
    operator_rounds: int
    """SqlToS3Operator takes as long as all others together."""
    workbook_rows: int
    slow_workbook_rows: int
    """For the writers that take a hundred times as long."""
    memory_rows: tuple[int, ...]
    """The fewest first, the most last."""
    latency_times: int
    starts: int
    burst: int
    load_rounds: int
    read_seconds: float
    listed_exports: int
    slack: float
    """By which part of it a target may be missed."""


FULL = Scale(
    engine_rows=1_000_000,
    engine_rounds=5,
    operator_rounds=3,
    workbook_rows=300_000,
    slow_workbook_rows=20_000,
    memory_rows=(100_000, 1_000_000, 5_000_000),
    latency_times=21,
    starts=3,
    burst=100,
    load_rounds=5,
    read_seconds=10,
    listed_exports=1_000_000,
    slack=0,
)
QUICK = Scale(
    engine_rows=150_000,
    engine_rounds=3,
    operator_rounds=1,
    workbook_rows=100_000,
    slow_workbook_rows=5_000,
    memory_rows=(50_000, 500_000),
    latency_times=7,
    starts=1,
    burst=30,
    load_rounds=1,
    read_seconds=3,
    listed_exports=100_000,
    slack=0.3,
)
