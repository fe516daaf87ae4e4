"""Airflow's four programs, and the process that sets Airflow up."""

from __future__ import annotations

import http.client
import json
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.local import databases, ports
from deploy.local.problems import program_failed
from deploy.local.supervise import Program

if TYPE_CHECKING:
    from collections.abc import Mapping

# The log servers of scheduler and triggerer listen on every interface; logs are read from the common
# folder instead.
_COMMANDS = {
    "api-server": "api-server",
    "scheduler": "scheduler --skip-serve-logs",
    "dag-processor": "dag-processor",
    "triggerer": "triggerer --skip-serve-logs",
}
NAMES = tuple(_COMMANDS)
# Warm workers (config/airflow_local_settings.py) are for the process that forks tasks only.
_WARM = {"scheduler": "export WAYBILL_WARM=1\n"}
# An open event stream must not hold up stopping. The triggerer waits for a child that it never tells to
# end; what a trigger waits for, the next triggerer takes over.
_STOP_SECONDS = {"api-server": 5, "triggerer": 2}
_SETUP_SECONDS = 300
_SETUP = Path(__file__).with_name("airflow_setup.py")


def programs() -> list[Program]:
    """Return the supervised programs; each reads the environment from the file in the home."""
    python = shlex.quote(sys.executable)
    return [
        Program(
            name=name,
            script=f"set -a\n. ../airflow.env\n{_WARM.get(name, '')}exec {python} -P -m airflow {command}\n",
            directory="airflow",
            stop_seconds=_STOP_SECONDS.get(name, 8),
        )
        for name, command in _COMMANDS.items()
    ]


def setup_digest(repository: Path) -> str:
    """Return a hash of what the set-up depends on: versions, our tables and account command line."""
    plugin = repository / "plugins/export_api"
    files = [*plugin.glob("*.py"), *plugin.glob("db/**/*.py"), _SETUP]
    versions = [version(name) for name in ("apache-airflow-core", "apache-airflow-providers-fab")]
    return " ".join([*versions, databases.digest(sorted(files))])


def set_up(*, home: Path, environment: Mapping[str, str], password: str) -> None:
    """Migrate the metadata database, and make the admin and the demo service account with its token."""
    log = home / "logs/setup.log"
    with log.open("w", encoding="utf-8") as output:
        result = subprocess.run(
            [sys.executable, "-P", str(_SETUP), str(home / "demo.token")],
            cwd=home / "airflow",
            env={**environment, "WAYBILL_ADMIN_PASSWORD": password},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=_SETUP_SECONDS,
            check=False,
        )
    if result.returncode:
        raise program_failed("Airflow's set-up", f"failed with exit code {result.returncode}", log)


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """Return status and JSON body of a GET on the loopback interface; status 0 when nobody answers."""
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=10)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        status, body = response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()
    try:
        return status, json.loads(body)
    except ValueError:
        return status, body.decode(errors="replace")[:500]


def missing(port: int) -> str:
    """Return "" when Airflow says that its parts are healthy, else which are not."""
    status, body = get(port, "/api/v2/monitor/health")
    if status != http.client.OK or not isinstance(body, dict):
        return f"Airflow's api-server: {status or 'no answer'} {body}"
    parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
    ill = [part for part in parts if (body.get(part) or {}).get("status") != "healthy"]
    return f"Airflow reports as not healthy: {', '.join(ill)}" if ill else ""


def plugin_missing(port: int, token: str) -> str:
    """Return "" when Waybill's own health route is content, else its answer."""
    status, body = get(port, "/export-api/v1/health", {"Authorization": f"Token {token}"})
    return "" if status == http.client.OK else f"/export-api/v1/health: {status or 'no answer'} {body}"
