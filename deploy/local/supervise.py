"""supervisord: its configuration, starting it, and talking to it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xmlrpc.client
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from supervisor.xmlrpc import Faults

from deploy.local import ports
from deploy.local.problems import StackError, program_failed, tail
from deploy.local.state import write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from http.client import HTTPConnection
    from pathlib import Path

_POLL = 0.1
_RPC_TIMEOUT = 90.0
_STOPPING = {"RUNNING", "STARTING", "BACKOFF", "STOPPING"}
_NOT_COMING_UP = {"FATAL", "UNKNOWN", "STOPPED"}
_STARTS = 2  # a program that ends and is started once more may come up; one that does so again will not


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised program; paths relative to the home, as supervisord's format cannot quote every path."""

    name: str
    script: str
    """Body of the shell script that becomes the program by `exec`."""
    directory: str = "."
    user: str = ""
    """Run as this user (root only)."""
    stop_signal: str = "TERM"
    stop_seconds: int = 8
    """Seconds from the stop signal to SIGKILL for the whole process group."""
    priority: int = 20
    """Lower starts earlier and stops later."""


def configuration(programs: Sequence[Program], *, port: int, password: str) -> str:
    """Return supervisord's configuration; every program waits to be started."""
    sections = {
        "supervisord": {
            "logfile": "logs/supervisord.log",
            "logfile_maxbytes": "5MB",
            "logfile_backups": "1",
            "pidfile": "supervisord.pid",
            "childlogdir": "logs",
            "umask": "077",
            # Said on purpose, or supervisord warns about root at each start.
            "user": "root" if os.geteuid() == 0 else "",
        },
        "inet_http_server": {"port": f"{ports.HOST}:{port}", "username": "waybill", "password": password},
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface",
        },
    }
    sections |= {f"program:{program.name}": _section(program) for program in programs}
    return "\n".join(
        "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in section.items() if value), ""])
        for name, section in sections.items()
    )


def _section(program: Program) -> dict[str, str]:
    return {
        "command": f"/bin/sh {program.name}.sh",
        "directory": program.directory,
        "user": program.user,
        "priority": str(program.priority),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "2",
        "startretries": "2",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"logs/{program.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "1",
    }


class _Transport(xmlrpc.client.Transport):
    def make_connection(self, host: tuple[str, dict[str, str]] | str) -> HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = _RPC_TIMEOUT
        return connection


class Supervisor:
    """The supervisord of one home."""

    def __init__(self, home: Path, *, port: int, password: str) -> None:
        self._home = home
        self._port = port
        self._password = password

    def log(self, name: str) -> Path:
        """Return the path of a program's log."""
        return self._home / "logs" / f"{name}.log"

    def _call(self, method: str, *arguments: Any) -> Any:
        address = f"http://waybill:{self._password}@{ports.HOST}:{self._port}/RPC2"
        with xmlrpc.client.ServerProxy(address, transport=_Transport(), allow_none=True) as server:
            return getattr(server.supervisor, method)(*arguments)

    def running(self) -> bool:
        """Tell whether this home's supervisord answers; another one does not know the password."""
        if not self._port:
            return False
        try:
            return cast("bool", self._call("getState")["statename"] == "RUNNING")
        except (OSError, xmlrpc.client.Error):
            return False

    def pid(self) -> int:
        """Return supervisord's process id."""
        return int(self._call("getPID"))

    def launch(self, text: str) -> None:
        """Write the configuration and start supervisord as a daemon."""
        write_private(self._home / "supervisord.conf", text)
        passed = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        result = subprocess.run(
            [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", "supervisord.conf"],
            cwd=self._home,
            env={"LANG": "C.UTF-8", **passed},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if result.returncode:
            raise StackError(f"supervisord does not start: {result.stdout}{result.stderr}".rstrip())
        deadline = time.monotonic() + 15
        while not self.running():
            if time.monotonic() > deadline:
                raise program_failed("supervisord", "does not answer", self.log("supervisord"))
            time.sleep(_POLL)

    def states(self) -> dict[str, str]:
        """Return each program's state in supervisord's words (RUNNING, BACKOFF, FATAL, …)."""
        return {info["name"]: info["statename"] for info in self._call("getAllProcessInfo")}

    def start(self, *names: str) -> None:
        """Start programs that do not run; returns before they are ready."""
        states = self.states()
        for name in names:
            if states.get(name) not in {"RUNNING", "STARTING"}:
                try:
                    self._call("startProcess", name, False)  # noqa: FBT003  # XML-RPC has no keyword arguments
                except xmlrpc.client.Fault as fault:
                    if fault.faultCode != Faults.ALREADY_STARTED:  # supervisord did so itself in this moment
                        raise

    def stop(self, *names: str) -> None:
        """Stop programs, all at the same time, and wait until they are gone."""
        states = self.states()
        for name in names:
            if states.get(name) in {"RUNNING", "STARTING", "BACKOFF"}:
                with suppress(xmlrpc.client.Fault):  # it ended by itself in this moment
                    self._call("stopProcess", name, False)  # noqa: FBT003  # XML-RPC has no keyword arguments
        # No deadline of our own: supervisord kills each after its own number of seconds.
        while any(self.states().get(name) in _STOPPING for name in names):
            time.sleep(_POLL)

    def shutdown(self) -> None:
        """Tell supervisord to end, and what still runs with it; returns at once."""
        self._call("shutdown")

    def wait(self, names: Sequence[str], ready: Callable[[], str], *, seconds: float) -> None:
        """Wait until `ready` returns "" while these programs run; it returns what is missing otherwise."""
        deadline = time.monotonic() + seconds
        starts: dict[str, set[int]] = {name: set() for name in names}
        while missing := ready():
            for info in self._call("getAllProcessInfo"):
                name, state = info["name"], info["statename"]
                if name not in starts:
                    continue
                starts[name].add(info["start"])
                if state in _NOT_COMING_UP or len(starts[name]) > _STARTS:
                    raise program_failed(name, f"does not come up ({state.lower()})", self.log(name))
            if time.monotonic() > deadline:
                logs = "\n".join(f"{self.log(name)}:\n{tail(self.log(name))}" for name in names)
                raise StackError(f"Not ready after {seconds:.0f} s: {missing}. The last lines of the logs:\n{logs}")
            time.sleep(_POLL)
