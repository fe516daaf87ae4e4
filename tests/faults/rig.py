"""What faults strike: a stack of its own, with a PostgreSQL for the source and a gate before the store."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg

from deploy.local import airflow, databases, processes, seaweedfs
from deploy.local.environment import connections
from deploy.local.stack import Stack
from deploy.local.state import State
from include.core.identity import run_id_of
from tests.faults.exporting import EXPORTERS, request_of, sources_of
from tests.faults.gate import Gate
from tests.faults.source import SourceServer
from tests.stack.bucket import Bucket
from tests.stack.client import AirflowClient, ExportsClient

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator, Sequence

    from tests.faults.exporting import Size
    from tests.faults.plan import Fault

_VOLUME = "1200m"
_FILL = 1 << 20
PROGRAMS = ("postgres", "seaweedfs", *airflow.NAMES)


@dataclass(frozen=True, slots=True)
class Task:
    """A task instance as Airflow's own table has it."""

    pid: int
    state: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Rig:
    """Everything that a strike needs."""

    stack: Stack
    source: SourceServer
    gate: Gate
    exports: ExportsClient
    airflow: AirflowClient
    admin: ExportsClient
    """Sees the exports of all users."""
    bucket: Bucket
    size: Size
    volume: Path | None
    """The small filesystem on which the store's data lies; None where none could be mounted."""

    def look(self, export_id: str) -> dict[str, Any] | None:
        """Return an export as the API shows it, or None when the API does not answer at the moment."""
        try:
            answer = self.exports.get(f"/exports/{export_id}")
        except httpx.TransportError:
            return None
        if answer.status_code >= 500:
            return None
        assert answer.status_code == 200, answer.text
        export: dict[str, Any] = answer.json()
        return export

    def rows(self, fault: Fault) -> int:
        """Return how many rows a fault's export has."""
        return sum(rows for _, rows in sources_of(request_of(fault.shape, self.size, fault.chance())))

    def task(self, export_id: str) -> Task | None:
        """Return the task instance of an export, asked past the API; None as long as it has no process."""
        statement = "select pid, state, try_number from task_instance where run_id = %s"
        with psycopg.connect(databases.dsn(self.stack.state, "airflow"), autocommit=True) as connection:
            row = connection.execute(statement, (run_id_of(export_id),)).fetchone()
        return Task(row[0], row[1] or "", row[2]) if row and row[0] else None

    def program(self, name: str) -> int:
        """Return the process id of a supervised program."""
        return int(self.stack.supervisor._call("getProcessInfo", name)["pid"])

    def family(self, pid: int) -> list[int]:
        """Return a process and its descendants."""
        everything = processes.members(self.stack.state.session)
        found = [pid]
        for parent in found:
            found += [each.pid for each in everything if each.parent == parent]
        return found

    def parent(self, pid: int) -> int:
        """Return the parent of one of the stack's processes."""
        return next(each.parent for each in processes.members(self.stack.state.session) if each.pid == pid)

    def heal(self) -> None:
        """Return when everything runs again."""
        self.gate.clear()
        self.stack.supervisor.start(*PROGRAMS)
        self.stack.wait_ready()

    def fill_volume(self) -> Path:
        """Leave no space to the store; return the file to delete."""
        assert self.volume is not None
        ballast = self.volume / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(_FILL))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        return ballast


def strike(pids: Sequence[int], how: signal.Signals) -> None:
    """Send a signal to processes, those that are gone excepted."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, how)


def _environment(folder: Path, state: State, source: SourceServer, gate: Gate) -> dict[str, str]:
    store = json.loads(connections(state)["AIRFLOW_CONN_WAYBILL_STORE"])
    endpoint = f"http://127.0.0.1:{gate.port}"
    store["extra"] |= {"endpoint_url": endpoint, "public_endpoint_url": endpoint}
    return {
        "AIRFLOW__WAYBILL__EXPORTERS_FOLDER": str(folder / "exporters"),
        "AIRFLOW__WAYBILL__CLOCK_SECONDS": "1",
        "AIRFLOW_CONN_WAYBILL_STORE": json.dumps(store),
        "AIRFLOW_CONN_FAULTS": source.connection,
        # Lost workers are noticed sooner, to save time.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    }


@contextmanager
def _volume(path: Path) -> Iterator[Path | None]:
    """Mount a small filesystem in memory, where we may."""
    path.mkdir(parents=True, mode=0o700)
    mounted = (
        bool(shutil.which("mount"))
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={_VOLUME},mode=700", "waybill-faults", str(path)],
            check=False,
            capture_output=True,
        ).returncode
    )
    try:
        yield path if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", str(path)], check=True)


def _folder(whole: ExitStack) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="waybill-faults-"))
    whole.callback(shutil.rmtree, folder)
    folder.chmod(0o755)
    (folder / "exporters").mkdir()
    for name, text in EXPORTERS.items():
        (folder / "exporters" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


@contextmanager
def started(size: Size) -> Iterator[Rig]:
    """Start everything; stop and remove everything at the end."""
    with ExitStack() as whole:
        folder = _folder(whole)
        home, state = folder / "home", State()
        volume = whole.enter_context(_volume(home / "seaweedfs"))
        state.ports.choose(seaweedfs.OFFSETS)
        state.save(home)
        source = SourceServer(folder / "source")
        whole.callback(source.remove)
        source.start()
        source.fill(size.rows)
        gate = whole.enter_context(Gate())
        stack = Stack(home, extra_environment=_environment(folder, state, source, gate))
        whole.callback(stack.stop)
        gate.upstream = int(stack.store.endpoint.rpartition(":")[2])
        stack.start()
        assert gate.upstream == int(stack.store.endpoint.rpartition(":")[2]), "the store's port was taken meanwhile"
        exports = whole.enter_context(ExportsClient(stack.url, f"Token {stack.token}"))
        admin = whole.enter_context(AirflowClient(stack.url, "admin", stack.admin_password))
        every = whole.enter_context(ExportsClient(stack.url, f"Bearer {admin.token}"))
        yield Rig(stack, source, gate, exports, admin, every, Bucket(stack.store), size, volume)
