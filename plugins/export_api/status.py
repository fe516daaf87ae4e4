"""What an export's status is, from what Airflow says of its task instance. Pure: no database, no Airflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from include.core.progress import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Status(StrEnum):
    """The statuses that a client can see."""

    QUEUED = "queued"
    RUNNING = "running"
    VERIFYING = "verifying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether it never changes again."""
        return self in FINAL


FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What Airflow knows of one export's task instance; states are Airflow's words, None where there is no row.

    ``told`` is what the task itself wrote down: ``progress``, ``error``, ``request``, and ``released``, the attempt
    that was stopped and has let go of its query and its upload.
    """

    run_state: str | None = None
    task_state: str | None = None
    task_exists: bool = False
    attempt: int = 1
    started_at: datetime | None = None
    ended_at: datetime | None = None
    told: Mapping[str, Any] = field(default_factory=dict)

    def said(self, key: str) -> dict[str, Any] | None:
        """Return an object that the task wrote down, or None when it wrote none."""
        value = self.told.get(key)
        return value if isinstance(value, dict) else None


GONE = Observation()
"""The run is no longer in Airflow's tables."""

_RUN_ENDED = frozenset({"success", "failed"})

_TASK: Mapping[str | None, Status | None] = {
    None: Status.QUEUED,
    "scheduled": Status.QUEUED,
    "queued": Status.QUEUED,
    "up_for_retry": Status.QUEUED,
    "up_for_reschedule": Status.QUEUED,
    "restarting": Status.QUEUED,
    "running": Status.RUNNING,
    "deferred": Status.RUNNING,
    "awaiting_input": Status.RUNNING,
    # Ended: what became of it is decided by the manifest.
    "success": None,
    "failed": None,
    "upstream_failed": None,
    "skipped": None,
    "removed": None,
}
"""The status that each state of a task instance means; None where it has ended."""

ENDED = frozenset(state for state, status in _TASK.items() if status is None)
"""States of a task instance of which nothing more will come."""

_STAGE: Mapping[str, Status] = {
    Stage.VERIFYING: Status.VERIFYING,
    Stage.PUBLISHING: Status.VERIFYING,
    Stage.DONE: Status.VERIFYING,
}
"""Stages of a running task that show as a status of their own."""


def has_ended(seen: Observation) -> bool:
    """Return whether nothing more will come of it, so that it is time to settle.

    A task instance ends before its run does where other tasks follow; a run that ended takes its tasks along. A
    task with retries left has not ended.
    """
    if seen.run_state is None or not seen.task_exists:
        return True
    return seen.run_state in _RUN_ENDED or _TASK.get(seen.task_state, Status.RUNNING) is None


def runs_again(seen: Observation, settled_at: datetime | None) -> bool:
    """Return whether an export that was settled has a further attempt: one to come, or one that began after that."""
    if not has_ended(seen):
        return True
    return seen.started_at is not None and settled_at is not None and seen.started_at > settled_at


RELEASE = timedelta(seconds=20)
"""By then a worker whose task was stopped has heard of it and ended, or is lost."""


def may_still_run(seen: Observation, now: datetime) -> bool:
    """Return whether a worker may still hold the query of a task that Airflow shows as ended.

    Whoever stops a run changes Airflow's tables; the worker hears of it with its next heartbeat. A task that ended by
    itself has written down its error, or left a manifest.
    """
    if not seen.task_exists or seen.started_at is None or seen.ended_at is None:
        return False
    if Reason.told(seen.told.get("error")) or seen.told.get("released") == seen.attempt:
        return False
    return now - seen.ended_at < RELEASE


def status_of(settled: str | None, seen: Observation, *, cancelled: bool = False) -> Status:
    """Return the status: the settled one, else what Airflow says.

    An export that has ended but is not settled yet shows as ``verifying``: whether its proof is there is exactly
    what is being found out. One that somebody ``cancelled`` is what it was until its query is gone.
    """
    if settled is not None:
        return Status(settled)
    if cancelled:
        return Status.QUEUED if seen.started_at is None else Status.RUNNING
    if has_ended(seen):
        return Status.VERIFYING
    status = _TASK.get(seen.task_state, Status.RUNNING)
    if status is Status.RUNNING:
        stage = (seen.said("progress") or {}).get("stage")
        return _STAGE.get(str(stage), Status.RUNNING)
    return status or Status.VERIFYING


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an export failed: what the operator writes down, or what we conclude."""

    code: str
    detail: str
    retryable: bool

    @classmethod
    def told(cls, error: object) -> Reason | None:
        """Read what a task wrote down as its error; None when it is not of that shape."""
        match error:
            case {"code": str(code), "detail": str(detail), **rest} if code and detail:
                return cls(code, detail, retryable=rest.get("retryable") is True)
            case _:
                return None

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {"code": self.code, "detail": self.detail, "retryable": self.retryable}


_STOPPED = Reason("stopped", "The run was stopped or its worker was lost. Request the export again.", retryable=True)
_CONCLUDED: Mapping[str | None, Reason] = {
    "success": Reason(
        "not_published",
        "Airflow shows the task as successful, but it never published a verified file: somebody marked it so. "
        "Request the export again.",
        retryable=True,
    ),
    "skipped": Reason("skipped", "Airflow skipped the task before it ran.", retryable=True),
    "upstream_failed": Reason("upstream_failed", "A task that had to run before the export failed.", retryable=True),
    "removed": Reason("removed", "The task was removed from its DAG before it ran.", retryable=False),
}
_DELETED = Reason(
    "run_deleted",
    "The run was deleted in Airflow before it had published a file. Request the export again.",
    retryable=True,
)


def reason_of(seen: Observation) -> Reason:
    """Return why an export without a manifest failed: the task's own words first."""
    if not seen.task_exists:
        return _DELETED
    return Reason.told(seen.told.get("error")) or _CONCLUDED.get(seen.task_state, _STOPPED)
