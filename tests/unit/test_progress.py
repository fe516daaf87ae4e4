"""Progress: told when the stage changes and about once a second, and never promising the end too early."""

from __future__ import annotations

from typing import Any

import pytest

from include.core.progress import Progress, Stage
from tests.unit.stand_ins import COLUMNS, batches_of, some_rows


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def watched(clock: Clock, **given: Any) -> tuple[Progress, list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []
    return Progress(tell=told.append, clock=clock, **given), told


def test_batches_are_told_about_once_a_second() -> None:
    clock = Clock()
    progress, told = watched(clock)
    for _ in progress.over_batches(iter(batches_of(COLUMNS, some_rows(100)))):  # ten batches
        clock.now += 0.25
    assert [snapshot["rows"] for snapshot in told] == [10, 50, 90]


def test_bytes_are_counted_and_told_about_once_a_second() -> None:
    clock = Clock()
    progress, told = watched(clock)
    for _ in progress.over_chunks(iter([b"abc"] * 5)):
        clock.now += 0.6
    assert [snapshot["bytes"] for snapshot in told] == [3, 9, 15]
    assert progress.bytes_written == 15


def test_a_new_stage_is_told_at_once() -> None:
    progress, told = watched(Clock())
    for stage in (Stage.EXTRACTING, Stage.VERIFYING, Stage.PUBLISHING, Stage.DONE):
        progress.enter(stage)
    assert [snapshot["stage"] for snapshot in told] == ["extracting", "verifying", "publishing", "done"]


def test_batches_and_chunks_pass_unchanged() -> None:
    progress, _ = watched(Clock())
    batches = batches_of(COLUMNS, some_rows(30))
    assert [id(batch) for batch in progress.over_batches(iter(batches))] == [id(batch) for batch in batches]
    assert list(progress.over_chunks(iter([b"a", b""]))) == [b"a", b""]


def test_rows_that_are_read_back_are_counted_and_told_about_once_a_second() -> None:
    clock = Clock()
    progress, told = watched(clock)
    assert progress.snapshot()["rows_verified"] is None
    for _ in range(5):
        progress.verified(10)
        clock.now += 0.6
    assert [snapshot["rows_verified"] for snapshot in told] == [10, 30, 50]


@pytest.mark.parametrize(
    ("rows", "estimated", "percent"),
    [(0, 200, 0.0), (50, 200, 25.0), (1, 3, 33.3), (200, 200, 99.0), (900, 200, 99.0), (50, None, None), (50, 0, None)],
)
def test_percent_follows_the_estimate_but_never_promises_the_end(
    rows: int, estimated: int | None, percent: float | None
) -> None:
    progress, _ = watched(Clock(), rows=rows, rows_estimated=estimated, stage=Stage.EXTRACTING)
    assert progress.snapshot()["percent"] == percent


def test_the_end_is_a_hundred_percent_whatever_was_estimated() -> None:
    progress, _ = watched(Clock(), rows=3, rows_estimated=1000, stage=Stage.DONE)
    assert progress.snapshot()["percent"] == 100
