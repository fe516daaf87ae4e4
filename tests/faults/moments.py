"""When faults strike: at a row, or at an exact request to the store; and what the export does at that moment."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.rig import strike
from tests.stack.client import FINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.gate import Request, Trap
    from tests.faults.plan import Fault
    from tests.faults.rig import Rig, Task

MOMENT_SECONDS = 120.0
"""How long a strike waits for its moment."""
_POLL = 0.05


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


def wait(what: str, look: Callable[[], Any]) -> Any:
    """Look until there is something true, and return it."""
    deadline = time.monotonic() + MOMENT_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise Missed(f"{what} did not come within {MOMENT_SECONDS:.0f} s")
        time.sleep(_POLL)
    return found


def moment(rig: Rig, export_id: str, point: str = "") -> tuple[Struck, Task]:
    """Read what the export does; it must run."""
    export = rig.look(export_id) or {}
    task = rig.task(export_id)
    if task is None or task.state != "running" or export.get("status") in FINAL:
        raise Missed(f"the task is {task.state if task else 'not there'}, the export {export.get('status')}")
    progress = export.get("progress") or {}
    found = Struck(progress.get("stage", "?"), progress.get("rows", 0), progress.get("bytes", 0), point)
    return found, task


def reading(rig: Rig, fault: Fault, export_id: str) -> tuple[Struck, Task]:
    """Wait until the planned share of rows is read."""
    wanted = rig.rows(fault) * fault.share

    def look() -> bool:
        export = rig.look(export_id) or {}
        progress = export.get("progress") or {}
        if export.get("status") in FINAL or progress.get("stage") not in {None, "connecting", "extracting"}:
            raise Missed(f"the export is {export.get('status')}, at {progress.get('stage')}")
        return bool(progress.get("rows", 0) >= wanted)

    wait("the planned row", look)
    return moment(rig, export_id)


@contextmanager
def held(rig: Rig, export_id: str, matches: Callable[[Request], bool], *, answer: bool = False) -> Iterator[Trap]:
    """Wait until a request, or its answer, is held; it is dropped at the end unless it was let go."""
    trap = rig.gate.set(matches, answer=answer)

    def look() -> bool:
        if not trap.sprung.is_set() and (rig.look(export_id) or {}).get("status") in FINAL:
            raise Missed("the export ended before that request")
        return trap.sprung.is_set()

    try:
        wait("the request", look)
        yield trap
    finally:
        rig.gate.clear()


def killed_at(
    rig: Rig, export_id: str, matches: Callable[[Request], bool], point: str, *, answer: bool = False
) -> Struck:
    """Kill the task while a request, or its answer, is held."""
    with held(rig, export_id, matches, answer=answer):
        struck, task = moment(rig, export_id, point)
        strike([task.pid], signal.SIGKILL)
    return struck
