"""The kinds of faults: how each strikes, what it is good for, and how an export that it struck may end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults import strikes
from tests.faults.exporting import LARGE, SHAPES, SPOILT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.moments import Struck
    from tests.faults.plan import Fault
    from tests.faults.rig import Rig

_GOES_ON = frozenset({"succeeded"})
_ENDS = frozenset({"failed"})
_EITHER = frozenset({"succeeded", "failed"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    strike: Callable[[Rig, Fault, str], Struck]
    says: str
    ends: frozenset[str] = _GOES_ON
    """How the export should end; any other end is told apart, for the promise is kept then too."""
    shapes: tuple[str, ...] = SHAPES


KINDS: dict[str, Kind] = {
    "task killed": Kind(strikes.task_killed, "SIGKILL of the task's process while it reads"),
    "task terminated": Kind(strikes.task_terminated, "SIGTERM of the task's process while it reads", _EITHER),
    "supervisor killed": Kind(strikes.supervisor_killed, "SIGKILL of the process that watches the task"),
    "scheduler killed": Kind(strikes.scheduler_killed, "SIGKILL of the scheduler, whose workers live on"),
    "scheduler group killed": Kind(strikes.scheduler_group_killed, "SIGKILL of the scheduler, its workers and tasks"),
    "scheduler terminated": Kind(strikes.scheduler_terminated, "SIGTERM of the scheduler"),
    "api-server killed": Kind(strikes.api_server_killed, "SIGKILL of the api-server and its workers"),
    "api-server away": Kind(strikes.api_server_away, "the api-server stopped for some seconds"),
    "dag-processor killed": Kind(strikes.dag_processor_killed, "SIGKILL of the dag-processor"),
    "clock missed": Kind(strikes.clock_missed, "the api-server, and so the clock, away while the export publishes"),
    "source connection ended": Kind(strikes.connection_ended, "pg_terminate_backend on the export's connection"),
    "source restarted": Kind(strikes.source_restarted, "fast shutdown and start of the source"),
    "source crashed": Kind(strikes.source_crashed, "SIGKILL of the source, which recovers"),
    "source stalled": Kind(strikes.source_stalled, "SIGSTOP of the source for some seconds, then SIGCONT"),
    "metadata restarted": Kind(strikes.metadata_restarted, "Airflow's PostgreSQL stopped and started"),
    "store killed": Kind(strikes.store_killed, "SIGKILL of SeaweedFS, which is started again"),
    "store stalled": Kind(strikes.store_stalled, "SIGSTOP of SeaweedFS for some seconds, then SIGCONT"),
    "store away": Kind(strikes.store_away, "SeaweedFS stopped for 20 s in the middle of an upload", shapes=LARGE),
    "disk full": Kind(strikes.disk_full, "no space left where the store keeps its data", _EITHER, shapes=LARGE),
    "row unencodable": Kind(strikes.row_unencodable, "a late row that the format cannot hold", _ENDS, shapes=SPOILT),
    "run failed": Kind(strikes.run_failed, "the run marked as failed in Airflow", _ENDS),
    "run cleared": Kind(strikes.run_cleared, "the run cleared in Airflow while it runs"),
    "run deleted": Kind(strikes.run_deleted, "the run marked as failed and deleted in Airflow", _ENDS),
    "killed uploading": Kind(strikes.killed_uploading, "SIGKILL while a part is on its way", shapes=LARGE),
    "killed completing": Kind(strikes.killed_completing, "SIGKILL before the upload is completed", shapes=LARGE),
    "killed verifying": Kind(strikes.killed_verifying, "SIGKILL when the upload is complete", shapes=LARGE),
    "killed publishing": Kind(strikes.killed_publishing, "SIGKILL before the manifest is written"),
    "killed published": Kind(strikes.killed_published, "SIGKILL after the manifest is written, before the task ends"),
    "completion lost": Kind(strikes.completion_lost, "the answer to the completed upload is lost", shapes=LARGE),
    "publication lost": Kind(strikes.publication_lost, "the answer to the written manifest is lost"),
    "manifest late": Kind(strikes.manifest_late, "a killed attempt's manifest arrives during the next attempt"),
    "cancel raced": Kind(strikes.cancel_raced, "cancelled while the manifest is on its way", _GOES_ON | {"cancelled"}),
}
