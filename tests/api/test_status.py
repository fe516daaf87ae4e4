"""Every state that Airflow can report, and every stage, has a status."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from export_api.status import (
    GONE,
    RELEASE,
    Observation,
    Reason,
    Status,
    has_ended,
    may_still_run,
    reason_of,
    runs_again,
    status_of,
)
from include.core.progress import Stage

NOW = datetime(2026, 11, 1, tzinfo=UTC)
# As of Airflow 3.3; tests/stack compares them with the enums of the Airflow that is installed.
RUN_STATES = ("queued", "running", "success", "failed")
TASK_STATES = (
    None,
    "removed",
    "scheduled",
    "queued",
    "running",
    "success",
    "restarting",
    "failed",
    "up_for_retry",
    "up_for_reschedule",
    "upstream_failed",
    "skipped",
    "deferred",
    "awaiting_input",
)
LIVE = {
    None: Status.QUEUED,
    "scheduled": Status.QUEUED,
    "queued": Status.QUEUED,
    "restarting": Status.QUEUED,
    "up_for_retry": Status.QUEUED,
    "up_for_reschedule": Status.QUEUED,
    "running": Status.RUNNING,
    "deferred": Status.RUNNING,
    "awaiting_input": Status.RUNNING,
}


def seen(run: str | None, task: str | None, **told: object) -> Observation:
    return Observation(run_state=run, task_state=task, task_exists=True, told=told)


@pytest.mark.parametrize(("run", "task"), list(product(RUN_STATES, TASK_STATES)))
def test_every_state_means_one_status(run: str, task: str | None) -> None:
    observation = seen(run, task)
    ended = run in {"success", "failed"} or task not in LIVE
    assert has_ended(observation) is ended
    assert status_of(None, observation) is (Status.VERIFYING if ended else LIVE[task])


@pytest.mark.parametrize("settled", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED])
@pytest.mark.parametrize(("run", "task"), list(product((None, *RUN_STATES), TASK_STATES)))
def test_a_settled_status_stays_whatever_airflow_says(settled: Status, run: str | None, task: str | None) -> None:
    assert status_of(settled.value, seen(run, task)) is settled


@pytest.mark.parametrize(("run", "task"), list(product((None, *RUN_STATES), TASK_STATES)))
def test_a_cancelled_export_is_what_it_was_until_its_query_is_gone(run: str | None, task: str | None) -> None:
    waiting = Observation(run_state=run, task_state=task, task_exists=True)
    started = replace(waiting, started_at=NOW, told={"progress": {"stage": "verifying"}})
    assert status_of(None, waiting, cancelled=True) is Status.QUEUED
    assert status_of(None, started, cancelled=True) is Status.RUNNING
    assert status_of("cancelled", started, cancelled=True) is Status.CANCELLED
    assert status_of("succeeded", started, cancelled=True) is Status.SUCCEEDED


STOPPED = Observation(
    run_state="failed", task_state="failed", task_exists=True, attempt=2, started_at=NOW, ended_at=NOW
)
ERROR = {"code": "query_timeout", "detail": "The query ran too long.", "retryable": False}


@pytest.mark.parametrize(
    ("seen", "after", "expected"),
    [
        (STOPPED, timedelta(0), True),
        (STOPPED, RELEASE - timedelta(milliseconds=1), True),
        (STOPPED, RELEASE, False),
        (replace(STOPPED, told={"released": 2}), timedelta(0), False),
        (replace(STOPPED, told={"released": 1}), timedelta(0), True),
        (replace(STOPPED, told={"released": "2"}), timedelta(0), True),
        (replace(STOPPED, told={"error": ERROR}), timedelta(0), False),
        (replace(STOPPED, told={"error": "not ours"}), timedelta(0), True),
        (replace(STOPPED, task_state="success"), timedelta(0), True),
        (replace(STOPPED, started_at=None), timedelta(0), False),
        (replace(STOPPED, task_state="skipped", started_at=None, ended_at=None), timedelta(0), False),
        (GONE, timedelta(0), False),
    ],
)
def test_a_worker_may_hold_its_query_until_it_said_otherwise_or_is_lost(
    seen: Observation, after: timedelta, *, expected: bool
) -> None:
    assert may_still_run(seen, NOW + after) is expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (replace(STOPPED, run_state="running", task_state=None), True),
        (replace(STOPPED, run_state="running", task_state="running"), True),
        (STOPPED, False),
        (replace(STOPPED, started_at=NOW + timedelta(seconds=1)), True),
        (replace(STOPPED, started_at=None), False),
        (GONE, False),
    ],
)
def test_an_attempt_that_is_to_come_or_began_later_is_another_one(seen: Observation, *, expected: bool) -> None:
    assert runs_again(seen, NOW) is expected


@pytest.mark.parametrize("stage", Stage)
def test_the_stage_of_a_running_task_tells_verifying_from_running(stage: Stage) -> None:
    late = stage in {Stage.VERIFYING, Stage.PUBLISHING, Stage.DONE}
    assert status_of(None, seen("running", "running", progress={"stage": stage.value})) is (
        Status.VERIFYING if late else Status.RUNNING
    )


@pytest.mark.parametrize("progress", [None, "text", [], {}, {"stage": None}, {"stage": {"a": 1}}, {"stage": "new"}])
def test_a_stage_that_is_not_ours_means_running(progress: object) -> None:
    assert status_of(None, seen("running", "running", progress=progress)) is Status.RUNNING


def test_the_stage_of_an_attempt_that_is_over_does_not_count() -> None:
    assert status_of(None, seen("running", "up_for_retry", progress={"stage": "verifying"})) is Status.QUEUED


def test_a_deleted_run_has_ended() -> None:
    assert has_ended(GONE)
    assert reason_of(GONE).code == "run_deleted"


def test_a_state_that_a_later_airflow_adds_counts_as_running() -> None:
    assert status_of(None, seen("running", "pondering")) is Status.RUNNING


def test_the_task_s_own_words_are_the_reason() -> None:
    told = {"code": "source_refused", "detail": "The table is gone.", "retryable": False}
    assert reason_of(seen("failed", "failed", error=told)) == Reason(
        "source_refused", "The table is gone.", retryable=False
    )


@pytest.mark.parametrize("error", [None, "text", {}, {"code": "", "detail": ""}, {"code": "x", "detail": "It broke."}])
def test_selling_partner_398_a_failed_export_always_has_a_reason(error: object) -> None:
    """selling-partner-api-models#398: FATAL, and nobody knows why. Whatever Airflow and the task say, we say why."""
    for run, task, exists in product((None, *RUN_STATES), TASK_STATES, (True, False)):
        reason = reason_of(replace(seen(run, task, error=error), task_exists=exists))
        assert reason.code
        assert len(reason.detail.split()) >= 2


@pytest.mark.parametrize("error", [None, "text", {}, {"code": 1, "detail": "x"}, {"code": "x"}, ["code", "detail"]])
def test_without_words_of_its_own_the_worker_was_lost(error: object) -> None:
    reason = reason_of(seen("failed", "failed", error=error))
    assert reason.code == "stopped"
    assert "worker was lost" in reason.detail


@pytest.mark.parametrize(
    ("task", "code"),
    [
        ("success", "not_published"),
        ("skipped", "skipped"),
        ("upstream_failed", "upstream_failed"),
        ("removed", "removed"),
        ("running", "stopped"),
    ],
)
def test_each_way_to_end_without_a_file_has_a_reason(task: str, code: str) -> None:
    assert reason_of(seen("failed", task)).code == code
