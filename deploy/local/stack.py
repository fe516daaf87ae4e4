"""One local stack: everything below one home, started and stopped together."""

from __future__ import annotations

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local import airflow, databases, files, ports, processes, seaweedfs
from deploy.local.environment import airflow_environment, settings_only
from deploy.local.postgres import Postgres
from deploy.local.problems import StackError
from deploy.local.state import State, write_private
from deploy.local.supervise import Supervisor, configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
_SERVERS = ("postgres", "seaweedfs")
_READY_SECONDS = 120.0
_STOP_SECONDS = 45.0


class Stack:
    """PostgreSQL, SeaweedFS and Airflow of one home. Without a port, a free one is chosen and recorded."""

    def __init__(
        self,
        home: Path,
        port: int | None = None,
        repository: Path = REPOSITORY,
        extra_environment: Mapping[str, str] | None = None,
        *,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.home = Path(os.path.abspath(home))  # noqa: PTH100  # links stay as given: their target may be unreachable
        self.repository = repository
        self.state = State.load(self.home)
        self._port = port
        self._extra = dict(extra_environment or {})
        self._say = say

    @property
    def url(self) -> str:
        """The origin of the API and the UI."""
        return f"http://{ports.HOST}:{self.state.ports.api}"

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment for a process that uses this stack's Airflow."""
        return airflow_environment(self.state, home=self.home, repository=self.repository, extra=self._extra)

    @property
    def token(self) -> str:
        """The API token of the demo service account; empty until the plugin's command line has made one."""
        try:
            return (self.home / "demo.token").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""

    @property
    def demo_dsn(self) -> str:
        """The libpq URI of the demo database."""
        return databases.dsn(self.state, "demo")

    @property
    def superuser_dsn(self) -> str:
        """The libpq URI of PostgreSQL's superuser."""
        return databases.dsn(self.state, "postgres")

    @property
    def admin_password(self) -> str:
        """The password of the UI's user `admin`."""
        return self.state.secrets.admin_password

    @property
    def store(self) -> seaweedfs.Store:
        """Address and keys of the S3 server."""
        return seaweedfs.store(self.state)

    @property
    def supervisor(self) -> Supervisor:
        """The supervisord of this home."""
        password = self.state.secrets.supervisor_password
        return Supervisor(self.home, port=self.state.ports.supervisor, password=password)

    def start(self) -> None:
        """Start what does not run, set up what is missing, and return when everything answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        with self._lock():
            running = self.supervisor.running()
            self._choose_api_port(ours=self.state.ports.api if running else 0)
            if running and self.state.fingerprint == self._fingerprint():
                self.supervisor.start(*_SERVERS, *airflow.NAMES)
            else:
                if running:
                    self._say("Code or settings have changed: starting the programs again")
                self._stop()
                self._launch()
            self.wait_ready()
            self._hand_over()

    def wait_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Wait until Airflow says that its parts are healthy, and then Waybill's own health route."""
        port = self.state.ports.api
        self.supervisor.wait(airflow.NAMES, partial(airflow.missing, port), seconds=seconds)
        ready = partial(airflow.plugin_missing, port, self.token)
        self.supervisor.wait(airflow.NAMES, ready, seconds=seconds)

    def stop(self) -> None:
        """Stop every program and return when none of their processes is left; safe to repeat."""
        if self.home.exists():
            with self._lock():
                self._stop()

    def clean(self) -> None:
        """Stop, and remove the home and what belongs to it elsewhere."""
        if not self.home.exists():
            return
        if any(self.home.iterdir()) and not (self.home / "state.json").exists():
            raise StackError(f"{self.home} is no WAYBILL_HOME (it holds no state.json): nothing was removed.")
        with self._lock():
            self._stop()
            Postgres(self.home, self.state).remove()
            files.remove_home(self.home)
        self.state = State()

    def start_program(self, name: str) -> None:
        """Start one program: postgres, seaweedfs, api-server, scheduler, dag-processor or triggerer."""
        self.supervisor.start(name)

    def stop_program(self, name: str) -> None:
        """Stop one program and wait until it is gone; its tasks, if it has any, may live on."""
        self.supervisor.stop(name)

    def restart(self, name: str) -> None:
        """Stop and start one program."""
        self.stop_program(name)
        self.start_program(name)

    def _choose_api_port(self, *, ours: int) -> None:
        recorded = self.state.ports.api
        if self._port is None:
            usable = recorded and (recorded == ours or ports.is_free(recorded))
            self.state.ports.api = recorded if usable else ports.choose()
        elif self._port == ours or ports.is_free(self._port):
            self.state.ports.api = self._port
        else:
            raise StackError(
                f"Port {self._port} is in use by another program: end that one, or choose another port with "
                f"WAYBILL_PORT, for example: make demo WAYBILL_PORT={self._port + 1}"
            )

    def _fingerprint(self) -> str:
        return files.fingerprint(self.repository, settings_only(self.environment))

    def _launch(self) -> None:
        self.state.ports.choose(seaweedfs.OFFSETS)
        files.make_folders(self.home)
        files.remove_old_logs(self.home)
        self.state.save(self.home)
        postgres = Postgres(self.home, self.state)
        postgres.prepare()
        programs = [postgres.program(), seaweedfs.program(self.home, self.state), *airflow.programs()]
        files.write_programs(postgres, programs, self.environment)
        supervisor = self.supervisor
        password = self.state.secrets.supervisor_password
        supervisor.launch(configuration(programs, port=self.state.ports.supervisor, password=password))
        self.state.session = processes.session_of(supervisor.pid())
        self.state.fingerprint = self._fingerprint()
        self.state.save(self.home)
        self._say("Starting PostgreSQL and SeaweedFS")
        supervisor.start(*_SERVERS)
        supervisor.wait(["postgres"], partial(databases.missing, self.state), seconds=60)
        supervisor.wait(["seaweedfs"], partial(seaweedfs.missing, self.state), seconds=60)
        self._set_up()
        self._say("Starting Airflow")
        supervisor.start(*airflow.NAMES)

    def _set_up(self) -> None:
        """Fill what is not filled yet: the bucket, then demo data and Airflow's tables at the same time."""
        demo = self.repository / "deploy/demo"
        wanted = {"airflow": airflow.setup_digest(self.repository), "demo": databases.demo_digest(demo)}
        missing = {name for name, digest in wanted.items() if self.state.done.get(name) != digest}
        if not missing:
            return
        self._say(f"Setting up: {', '.join(sorted(missing))}")
        databases.create(self.state)
        seaweedfs.create_bucket(self.state)
        steps: dict[str, Callable[[], None]] = {
            "airflow": partial(
                airflow.set_up, home=self.home, environment=self.environment, password=self.admin_password
            ),
            "demo": partial(databases.load_demo, self.state, demo),
        }
        with ThreadPoolExecutor(len(steps)) as pool:
            running = {name: pool.submit(steps[name]) for name in sorted(missing)}
        for name, step in running.items():
            step.result()
            self.state.done[name] = wanted[name]
            self.state.save(self.home)

    def _stop(self) -> None:
        living = processes.members(self.state.session)
        if self.supervisor.running():
            self.supervisor.stop(*airflow.NAMES)
            self.supervisor.stop(*_SERVERS)
            self.supervisor.shutdown()
            processes.end(living, grace=_STOP_SECONDS)
        # What was started in between, or what a supervisord that was killed has left behind.
        processes.terminate(processes.members(self.state.session), grace=5)
        seaweedfs.remove_sockets(self.state)

    def _hand_over(self) -> None:
        """Write what scripts need: the origin, the token and the demo database."""
        values = {"WAYBILL_URL": self.url, "WAYBILL_TOKEN": self.token, "WAYBILL_DEMO_DSN": self.demo_dsn}
        write_private(self.home / "demo.env", files.shell_file(values))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Let one command at a time work on a home."""
        with (self.home / "lock").open("w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._say("Waiting for another command that works on the same WAYBILL_HOME")
                fcntl.flock(file, fcntl.LOCK_EX)
            self.state = State.load(self.home) if (self.home / "state.json").exists() else self.state
            yield
