"""How faults strike. Each waits for its moment, makes sure that the export runs, strikes, and repairs what it broke."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from include.core.identity import run_id_of
from tests.faults import gate
from tests.faults.gate import Way
from tests.faults.rig import strike
from tests.faults.source import thaw
from tests.stack.client import FINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.gate import Request, Trap
    from tests.faults.plan import Fault
    from tests.faults.rig import Rig, Task

MOMENT_SECONDS = 120.0
"""How long a strike waits for its moment."""
_POLL = 0.05
_AWAY_SECONDS = 20.0
_LATE_SECONDS = 1.5
"""botocore sends a body when it has waited a second for `100 Continue`: by then the gate has all of a manifest."""


class Missed(Exception):  # noqa: N818 - a fault that struck nothing is no error
    """The export did not run any more, or not yet, when the fault struck."""


class Impossible(Exception):  # noqa: N818 - this machine cannot make that fault
    """This fault cannot be made here."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What the export did when the fault struck it."""

    stage: str
    rows: int
    bytes: int
    point: str = ""
    """The request to the store that was under way, where the fault aims at one."""


def _wait(what: str, look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + MOMENT_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise Missed(f"{what} did not come within {MOMENT_SECONDS:.0f} s")
        time.sleep(_POLL)
    return found


def _moment(rig: Rig, export_id: str, point: str = "") -> tuple[Struck, Task]:
    """Read what the export does; it must run."""
    export = rig.look(export_id) or {}
    task = rig.task(export_id)
    if task is None or task.state != "running" or export.get("status") in FINAL:
        raise Missed(f"the task is {task.state if task else 'not there'}, the export {export.get('status')}")
    progress = export.get("progress") or {}
    found = Struck(progress.get("stage", "?"), progress.get("rows", 0), progress.get("bytes", 0), point)
    return found, task


def _reading(rig: Rig, fault: Fault, export_id: str) -> tuple[Struck, Task]:
    """Wait until the planned share of rows is read."""
    wanted = rig.rows(fault) * fault.share

    def look() -> bool:
        export = rig.look(export_id) or {}
        progress = export.get("progress") or {}
        if export.get("status") in FINAL or progress.get("stage") not in {None, "connecting", "extracting"}:
            raise Missed(f"the export is {export.get('status')}, at {progress.get('stage')}")
        return bool(progress.get("rows", 0) >= wanted)

    _wait("the planned row", look)
    return _moment(rig, export_id)


@contextmanager
def _held(rig: Rig, export_id: str, matches: Callable[[Request], bool], *, answer: bool = False) -> Iterator[Trap]:
    """Wait until a request, or its answer, is held; it is dropped at the end unless it was let go."""
    trap = rig.gate.set(matches, answer=answer)

    def look() -> bool:
        if not trap.sprung.is_set() and (rig.look(export_id) or {}).get("status") in FINAL:
            raise Missed("the export ended before that request")
        return trap.sprung.is_set()

    try:
        _wait("the request", look)
        yield trap
    finally:
        rig.gate.clear()


def _killed_at(
    rig: Rig, export_id: str, matches: Callable[[Request], bool], point: str, *, answer: bool = False
) -> Struck:
    with _held(rig, export_id, matches, answer=answer):
        struck, task = _moment(rig, export_id, point)
        strike([task.pid], signal.SIGKILL)
    return struck


def _program_struck(
    rig: Rig, fault: Fault, export_id: str, name: str, how: signal.Signals, *, all_of_it: bool
) -> Struck:
    struck, _ = _reading(rig, fault, export_id)
    pid = rig.program(name)
    strike(rig.family(pid) if all_of_it else [pid], how)
    return struck


def task_killed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, task = _reading(rig, fault, export_id)
    strike([task.pid], signal.SIGKILL)
    return struck


def task_terminated(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, task = _reading(rig, fault, export_id)
    strike([task.pid], signal.SIGTERM)
    return struck


def supervisor_killed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, task = _reading(rig, fault, export_id)
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
    struck, _ = _reading(rig, fault, export_id)
    rig.stack.stop_program("api-server")
    time.sleep(fault.seconds)
    rig.stack.start_program("api-server")
    return struck


def metadata_restarted(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = _reading(rig, fault, export_id)
    rig.stack.restart("postgres")
    return struck


def clock_missed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    with _held(rig, export_id, gate.manifest(export_id)) as trap:
        struck, _ = _moment(rig, export_id, "manifest")
        rig.stack.stop_program("api-server")
        trap.let_go(Way.PASS)
        _wait("the manifest", lambda: any(key.endswith("/manifest.json") for key in rig.bucket.left_of(export_id)))
    time.sleep(fault.seconds)
    rig.stack.start_program("api-server")
    return struck


def connection_ended(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = _reading(rig, fault, export_id)
    if not rig.source.end_connections(export_id):
        raise Missed("the source has no connection of the export any more")
    return struck


def source_restarted(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = _reading(rig, fault, export_id)
    rig.source.stop()
    rig.source.start()
    return struck


def source_crashed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = _reading(rig, fault, export_id)
    rig.source.stop(signal.SIGKILL)
    rig.source.start()
    return struck


def source_stalled(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = _reading(rig, fault, export_id)
    frozen = rig.source.freeze()
    time.sleep(fault.seconds)
    thaw(frozen)
    return struck


def store_stalled(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = _reading(rig, fault, export_id)
    frozen = rig.family(rig.program("seaweedfs"))
    strike(frozen, signal.SIGSTOP)
    time.sleep(fault.seconds)
    thaw(frozen)
    return struck


def store_away(rig: Rig, fault: Fault, export_id: str) -> Struck:
    with _held(rig, export_id, gate.part(export_id, fault.part)):
        struck, _ = _moment(rig, export_id, f"part {fault.part}")
        rig.stack.stop_program("seaweedfs")
    time.sleep(_AWAY_SECONDS)
    rig.stack.start_program("seaweedfs")
    return struck


def disk_full(rig: Rig, fault: Fault, export_id: str) -> Struck:
    if rig.volume is None:
        raise Impossible("no small filesystem could be mounted for the store: that takes root")
    with _held(rig, export_id, gate.part(export_id, fault.part)) as trap:
        struck, _ = _moment(rig, export_id, f"part {fault.part}")
        ballast = rig.fill_volume()
        trap.let_go(Way.PASS)
        try:
            _wait("the first attempt's failure", lambda: _failing(rig, export_id))
        finally:
            ballast.unlink()
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

    _wait("the end", look)
    if not last.rows:
        raise Missed("it ended before it told of any row")
    return last


def _run(export_id: str) -> str:
    return f"/dags/export/dagRuns/{run_id_of(export_id)}"


def run_failed(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = _reading(rig, fault, export_id)
    rig.airflow.patch(_run(export_id), {"state": "failed"})
    return struck


def run_cleared(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = _reading(rig, fault, export_id)
    wanted = {"dag_run_id": run_id_of(export_id), "dry_run": False, "only_failed": False, "reset_dag_runs": True}
    rig.airflow.post("/dags/export/clearTaskInstances", wanted)
    return struck


def run_deleted(rig: Rig, fault: Fault, export_id: str) -> Struck:
    struck, _ = _reading(rig, fault, export_id)
    rig.airflow.patch(_run(export_id), {"state": "failed"})
    answer = rig.airflow.http.delete(f"/api/v2{_run(export_id)}")
    assert answer.status_code == httpx.codes.NO_CONTENT, answer.text
    return struck


def killed_uploading(rig: Rig, fault: Fault, export_id: str) -> Struck:
    return _killed_at(rig, export_id, gate.part(export_id, fault.part), f"part {fault.part}")


def killed_completing(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    return _killed_at(rig, export_id, gate.completion(export_id), "completion")


def killed_verifying(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    return _killed_at(rig, export_id, gate.completion(export_id), "completion's answer", answer=True)


def killed_publishing(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    return _killed_at(rig, export_id, gate.manifest(export_id), "manifest")


def killed_published(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    return _killed_at(rig, export_id, gate.manifest(export_id), "manifest's answer", answer=True)


def completion_lost(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    with _held(rig, export_id, gate.completion(export_id), answer=True):
        return _moment(rig, export_id, "completion's answer")[0]


def publication_lost(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    with _held(rig, export_id, gate.manifest(export_id), answer=True):
        return _moment(rig, export_id, "manifest's answer")[0]


def manifest_late(rig: Rig, fault: Fault, export_id: str) -> Struck:  # noqa: ARG001
    with _held(rig, export_id, gate.manifest(export_id)) as trap:
        struck, task = _moment(rig, export_id, "manifest")
        time.sleep(_LATE_SECONDS)
        strike([task.pid], signal.SIGKILL)

        def again() -> bool:
            now = rig.task(export_id)
            return now is not None and now.attempt > task.attempt and now.state == "running"

        _wait("the next attempt", again)
        trap.let_go(Way.PASS)
        _wait("the manifest", lambda: any(key.endswith("/manifest.json") for key in rig.bucket.left_of(export_id)))
    return struck


def cancel_raced(rig: Rig, fault: Fault, export_id: str) -> Struck:
    with _held(rig, export_id, gate.manifest(export_id)) as trap:
        struck, _ = _moment(rig, export_id, "manifest")
        answer = rig.exports.request("POST", f"/exports/{export_id}/cancel")
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        time.sleep(fault.share)  # with its next heartbeat, within a second, the worker hears of it
        trap.let_go(Way.PASS)
        _wait("its end", lambda: (rig.look(export_id) or {}).get("status") in FINAL)
    return struck
