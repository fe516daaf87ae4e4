"""Every process of one stack, so that stopping it can be proved.

supervisord leads a session of its own, in which its programs stay although Airflow puts each task into
a process group of its own. Programs that leave the session (a PostgreSQL backend, a shell of a BashOperator)
are found as descendants. A session's number is not given out again while one of its processes lives, so the
recorded one means ours or nobody.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_POLL = 0.05


@dataclass(frozen=True, slots=True)
class Process:
    """One process: the start time tells it from a later one with the same number."""

    pid: int
    parent: int
    session: int
    started: str
    zombie: bool = False


def _from_proc(pid: int) -> Process | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # proc(5): the command, in parentheses, may hold anything, so count from its end: state is field 3.
    fields = stat.rpartition(")")[2].split()
    return Process(pid, int(fields[1]), int(fields[3]), fields[19], zombie=fields[0] in "ZX")


def _from_ps() -> list[Process]:
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,lstart="], check=True, capture_output=True, text=True)
    rows = (line.split(None, 2) for line in listing.stdout.splitlines())
    return [Process(int(pid), int(parent), 0, started.strip()) for pid, parent, started in rows]


def _all() -> list[Process]:
    if not (_PROC / "self" / "stat").exists():
        return _from_ps()
    found = (_from_proc(int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit())
    return [process for process in found if process is not None and not process.zombie]


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def session_of(pid: int) -> dict[str, str]:
    """Describe the session that a process leads, to be recorded and given to `members`."""
    started = next((process.started for process in _all() if process.pid == pid), "")
    return {"leader": str(pid), "started": started, "boot": _boot()}


def members(session: dict[str, str]) -> list[Process]:
    """Return the living processes of a recorded session and their descendants."""
    if not session or session["boot"] != _boot():
        return []
    leader, everything = int(session["leader"]), _all()
    if any(process.pid == leader and process.started != session["started"] for process in everything):
        return []
    found = {process.pid: process for process in everything if leader in (process.pid, process.session)}
    found.pop(os.getpid(), None)
    while more := [p for p in everything if p.parent in found and p.pid not in found and p.pid != os.getpid()]:
        found.update({process.pid: process for process in more})
    return list(found.values())


def alive(processes: list[Process]) -> list[Process]:
    """Return those that still run."""
    now = {(process.pid, process.started) for process in _all()}
    return [process for process in processes if (process.pid, process.started) in now]


def terminate(processes: list[Process], *, grace: float) -> None:
    """Ask processes to go, and kill those that are still there after `grace` seconds."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
    end(processes, grace=grace)


def end(processes: list[Process], *, grace: float) -> list[Process]:
    """Wait `grace` seconds for processes to go, then kill the rest; return those that had to be killed."""
    deadline = time.monotonic() + grace
    while (left := alive(processes)) and time.monotonic() < deadline:
        time.sleep(_POLL)
    for process in left:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while alive(left) and time.monotonic() < deadline:
        time.sleep(_POLL)
    return left
