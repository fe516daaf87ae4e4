"""How faults strike. Each waits for its moment, makes sure that the export runs, strikes, and repairs what it broke."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import httpx

from include.core.identity import run_id_of
from tests.faults import gate
from tests.faults.gate import Way
from tests.faults.moments import Impossible, Missed, Struck, held, killed_at, moment, reading, wait
from tests.faults.rig import strike
from tests.faults.source import thaw
from tests.stack.client import FINAL

if TYPE_CHECKING:
    from tests.faults.plan import Fault
    from tests.faults.rig import Rig

_AWAY_SECONDS = 20.0
_LATE_SECONDS = 1.5
"""botocore sends a body when it has waited a second for `100 Continue`: by then the gate has all of a manifest."""


def _program_struck(
    rig: Rig, fault: Fault, export_id: str, name: str, how: signal.Signals, *, all_of_it: bool
) -> Struck:
    struck, _ = reading(rig, fault, export_id)
    pid = rig.program(name)
    strike(rig.family(pid) if all_of_it else [pid], how)
    return struck


def task_killed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, task = reading(rig, fault, export_id)
    strike([task.pid], signal.SIGKILL)
    return struck


def task_terminated(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, task = reading(rig, fault, export_id)
    strike([task.pid], signal.SIGTERM)
    return struck


def supervisor_killed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, task = reading(rig, fault, export_id)
    strike([rig.parent(task.pid)], signal.SIGKILL)
    return struck


def scheduler_killed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    return _program_struck(rig, fault, export_id, "scheduler", signal.SIGKILL, all_of_it=False)


def scheduler_group_killed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    return _program_struck(rig, fault, export_id, "scheduler", signal.SIGKILL, all_of_it=True)


def scheduler_terminated(rig: Rig, fault: Fault, export_id: str) -> Struck:
    return _program_struck(rig, fault, export_id, "scheduler", signal.SIGTERM, all_of_it=False)


def api_server_killed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    return _program_struck(rig, fault, export_id, "api-server", signal.SIGKILL, all_of_it=True)


def dag_processor_killed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    return _program_struck(rig, fault, export_id, "dag-processor", signal.SIGKILL, all_of_it=True)


def store_killed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    return _program_struck(rig, fault, export_id, "seaweedfs", signal.SIGKILL, all_of_it=True)


def api_server_away(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = reading(rig, fault, export_id)
    rig.stack.stop_program("api-server")
    time.sleep(fault.seconds)
    rig.stack.start_program("api-server")
    return struck


def metadata_restarted(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = reading(rig, fault, export_id)
    rig.stack.restart("postgres")
    return struck


def clock_missed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    with held(rig, export_id, gate.manifest(export_id)) as trap:
        struck, _ = moment(rig, export_id, "manifest")
        rig.stack.stop_program("api-server")
        trap.let_go(Way.PASS)
        wait("the manifest", lambda: any(key.endswith("/manifest.json") for key in rig.bucket.left_of(export_id)))
    time.sleep(fault.seconds)
    rig.stack.start_program("api-server")
    return struck


def connection_ended(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = reading(rig, fault, export_id)
    if not rig.source.end_connections(export_id):
        raise Missed("the source has no connection of the export any more")
    return struck


def source_restarted(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = reading(rig, fault, export_id)
    rig.source.stop()
    rig.source.start()
    return struck


def source_crashed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = reading(rig, fault, export_id)
    rig.source.stop(signal.SIGKILL)
    rig.source.start()
    return struck


def source_stalled(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = reading(rig, fault, export_id)
    frozen = rig.source.freeze()
    time.sleep(fault.seconds)
    thaw(frozen)
    return struck


def store_stalled(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = reading(rig, fault, export_id)
    frozen = rig.family(rig.program("seaweedfs"))
    strike(frozen, signal.SIGSTOP)
    time.sleep(fault.seconds)
    thaw(frozen)
    return struck


def store_away(rig: Rig, fault: Fault, export_id: str) -> Struck:
    with held(rig, export_id, gate.part(export_id, fault.part)):
        struck, _ = moment(rig, export_id, f"part {fault.part}")
        rig.stack.stop_program("seaweedfs")
    time.sleep(_AWAY_SECONDS)
    rig.stack.start_program("seaweedfs")
    return struck


def disk_full(rig: Rig, fault: Fault, export_id: str) -> Struck:
    if rig.volume is None:
        raise Impossible("no small filesystem could be mounted for the store: that takes root")
    with held(rig, export_id, gate.part(export_id, fault.part)) as trap:
        struck, _ = moment(rig, export_id, f"part {fault.part}")
        ballast = rig.fill_volume()
        trap.let_go(Way.PASS)
        try:
            wait("the first attempt's failure", lambda: _failing(rig, export_id))
        finally:
            ballast.unlink()
            rig.stack.restart("seaweedfs")  # once its index could not be written, it writes none until it is restarted
    return struck


def _failing(rig: Rig, export_id: str) -> bool:
    export = rig.look(export_id) or {}
    return bool(export.get("warnings")) or export.get("status") in FINAL


def row_unencodable(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    """The fault is in the table; it strikes by itself, and what was told last says when."""
    last = Struck("?", 0, 0)

    def look() -> bool:
        nonlocal last
        export = rig.look(export_id) or {}
        if progress := export.get("progress"):
            last = Struck(progress["stage"], progress["rows"], progress["bytes"])
        return export.get("status") in FINAL

    wait("the end", look)
    if not last.rows:
        raise Missed("it ended before it told of any row")
    return last


def _run(export_id: str) -> str:
    return f"/dags/export/dagRuns/{run_id_of(export_id)}"


def run_failed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = reading(rig, fault, export_id)
    rig.airflow.patch(_run(export_id), {"state": "failed"})
    return struck


def run_cleared(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = reading(rig, fault, export_id)
    wanted = {"dag_run_id": run_id_of(export_id), "dry_run": False, "only_failed": False, "reset_dag_runs": True}
    rig.airflow.post("/dags/export/clearTaskInstances", wanted)
    return struck


def run_deleted(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = reading(rig, fault, export_id)
    rig.airflow.patch(_run(export_id), {"state": "failed"})
    answer = rig.airflow.http.delete(f"/api/v2{_run(export_id)}")
    assert answer.status_code == httpx.codes.NO_CONTENT, answer.text
    return struck


def killed_uploading(rig: Rig, fault: Fault, export_id: str) -> Struck:
    return killed_at(rig, export_id, gate.part(export_id, fault.part), f"part {fault.part}")


def killed_completing(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    return killed_at(rig, export_id, gate.completion(export_id), "completion")


def killed_verifying(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    return killed_at(rig, export_id, gate.completion(export_id), "completion's answer", answer=True)


def killed_publishing(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    return killed_at(rig, export_id, gate.manifest(export_id), "manifest")


def killed_published(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    return killed_at(rig, export_id, gate.manifest(export_id), "manifest's answer", answer=True)


def completion_lost(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    with held(rig, export_id, gate.completion(export_id), answer=True):
        return moment(rig, export_id, "completion's answer")[0]


def publication_lost(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    with held(rig, export_id, gate.manifest(export_id), answer=True):
        return moment(rig, export_id, "manifest's answer")[0]


def manifest_late(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    with held(rig, export_id, gate.manifest(export_id)) as trap:
        struck, task = moment(rig, export_id, "manifest")
        time.sleep(_LATE_SECONDS)
        strike([task.pid], signal.SIGKILL)

        def again() -> bool:
            now = rig.task(export_id)
            return now is not None and now.attempt > task.attempt and now.state == "running"

        wait("the next attempt", again)
        trap.let_go(Way.PASS)
        wait("the manifest", lambda: any(key.endswith("/manifest.json") for key in rig.bucket.left_of(export_id)))
    return struck


def cancel_raced(rig: Rig, fault: Fault, export_id: str) -> Struck:
    with held(rig, export_id, gate.manifest(export_id)) as trap:
        struck, _ = moment(rig, export_id, "manifest")
        answer = rig.exports.request("POST", f"/exports/{export_id}/cancel")
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        time.sleep(fault.share)  # with its next heartbeat, within a second, the worker hears of it
        trap.let_go(Way.PASS)
        wait("its end", lambda: (rig.look(export_id) or {}).get("status") in FINAL)
    return struck
