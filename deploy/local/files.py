"""The files of a home: folders, the programs' scripts, the environment, what scripts are handed, old logs."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import time
from typing import TYPE_CHECKING

from deploy.local.state import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from deploy.local.postgres import Postgres
    from deploy.local.supervise import Program

_CODE = (
    "config",
    "deploy/local",
    "include",
    "operators",
    "plugins",
)  # what a running program may have loaded
_SUFFIXES = {".py", ".yaml", ".sql", ".html", ".js", ".css"}
_LOG_DAYS = 14


def make_folders(home: Path) -> None:
    """Make the folders of a home, closed to others; root's lets its PostgreSQL user pass, not look."""
    home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for name in ("airflow", "logs", "seaweedfs"):
        (home / name).mkdir(mode=0o700, exist_ok=True)
    (home / "airflow/logs").mkdir(mode=0o700, exist_ok=True)


def shell_file(environment: Mapping[str, str]) -> str:
    """Return variables as a file that a POSIX shell can source."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(environment.items()))


def write_programs(postgres: Postgres, programs: Sequence[Program], environment: Mapping[str, str]) -> None:
    """Write each program's start script, and the environment that Airflow's scripts source."""
    home = postgres.home
    write_private(home / "airflow.env", shell_file(environment))
    for program in programs:
        if program.name == postgres.NAME:
            postgres.write_script(program.script)
        else:
            write_private(home / program.directory / f"{program.name}.sh", program.script)


def fingerprint(repository: Path, environment: Mapping[str, str]) -> str:
    """Return a hash of the code and the settings that running programs were started with."""
    whole = hashlib.sha256()
    for name, value in sorted(environment.items()):
        whole.update(f"{name}={value}\n".encode())
    for folder in _CODE:
        for file in sorted((repository / folder).rglob("*")):
            if file.suffix in _SUFFIXES and file.is_file():
                whole.update(f"{file.relative_to(repository)}\n".encode())
                whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def remove_old_logs(home: Path, *, now: float | None = None) -> None:
    """Remove Airflow's log files of more than two weeks (supervisord rotates those of the programs)."""
    oldest = (time.time() if now is None else now) - _LOG_DAYS * 86400
    for file in (home / "airflow/logs").rglob("*.log"):
        if file.is_file() and not file.is_symlink() and file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)


def remove_home(home: Path) -> None:
    """Remove a home, the lock that is held in it included."""
    shutil.rmtree(home, ignore_errors=True)
    if home.exists():
        shutil.rmtree(home)  # once more, now saying what is in the way
