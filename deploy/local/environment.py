"""Airflow's configuration for the local stack, as environment variables: the one place that says it."""

from __future__ import annotations

import json
import os
import sysconfig
from typing import TYPE_CHECKING

from deploy.local import databases, ports, seaweedfs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.local.state import State

# Airflow sections that are the same on every machine.
_FIXED = {
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__PARALLELISM": "8",
    # Fairness between users is the pools' matter: one DAG serves everybody, so its own limits must not bind.
    "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "1000",
    "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "1000",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "5",
    # The default resolves the machine's name, which takes seconds where there is no DNS.
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "AIRFLOW__API__HOST": ports.HOST,
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__API__EXPOSE_CONFIG": "False",
    "AIRFLOW__API__EXPOSE_STACKTRACE": "False",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
    "AIRFLOW__WAYBILL__DIALECTS": "*",
    "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": "export_api.db.manager.WaybillDBManager",
    "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
    "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    # A round that looks at twenty runs, the default, keeps a new one waiting, and that needs several rounds.
    "AIRFLOW__SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    # A task whose api-server restarts asks again within seconds, and long enough. By default the pauses grow to more
    # than a minute, in which no heartbeat is sent: the task is taken for lost although the api-server is back.
    "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "20",
    "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "2",
    # One thread in the processes from which tasks are forked.
    "OPENBLAS_NUM_THREADS": "1",
    # A large buffer is given back when it is freed (mallopt(3)): peak memory of a task stays that of its parts.
    "MALLOC_MMAP_THRESHOLD_": "1048576",
    "PYTHONUNBUFFERED": "1",
    # What is on the loopback interface is not asked for through a proxy.
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}

# What a program may take over from the shell that starts the stack: the machine's, and Waybill's own settings
# and connections. Any other AIRFLOW__ variable of that shell belongs to some other Airflow.
_PASSED = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LOGNAME",
    "TMPDIR",
    "USER",
    "SSL_CERT_FILE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
)
_PASSED_PREFIXES = ("AIRFLOW__WAYBILL__", "AIRFLOW_CONN_", "AIRFLOW_VAR_")


def _passed(shell: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in shell.items() if name in _PASSED or name.startswith(_PASSED_PREFIXES)}


def settings_only(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what makes a difference to the programs: not the terminal's own variables."""
    return {name: value for name, value in environment.items() if name not in (*_PASSED, "PATH")}


def connections(state: State) -> dict[str, str]:
    """Return Airflow's connections: the artifact store and the two demo sources."""
    store = seaweedfs.store(state)
    extra = {
        "endpoint_url": store.endpoint,
        "public_endpoint_url": store.endpoint,
        "region_name": store.region,
        "bucket": store.bucket,
        "config_kwargs": {"signature_version": "s3v4", "s3": {"addressing_style": "path"}},
        "service_config": {"s3": {"bucket_name": store.bucket}},
    }
    demo = {
        "conn_type": "postgres",
        "host": ports.HOST,
        "port": state.ports.postgres,
        "login": "demo",
        "password": state.secrets.demo_password,
        "schema": "demo",
    }
    aws = {"conn_type": "aws", "login": store.access_key, "password": store.secret_key, "extra": extra}
    return {
        "AIRFLOW_CONN_WAYBILL_STORE": json.dumps(aws),
        "AIRFLOW_CONN_INVENTORY": json.dumps(demo),
        "AIRFLOW_CONN_SHOP": json.dumps(demo),
    }


def airflow_environment(
    state: State,
    *,
    home: Path,
    repository: Path,
    extra: Mapping[str, str],
    shell: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Return the whole environment of a process that uses the stack's Airflow."""
    url = f"http://{ports.HOST}:{state.ports.api}"
    scripts = sysconfig.get_path("scripts")
    return {
        "LANG": "C.UTF-8",
        **_passed(shell),
        **_FIXED,
        **connections(state),
        "PATH": f"{scripts}:{shell.get('PATH', '/usr/bin:/bin')}",
        "PYTHONPATH": ":".join(str(repository / folder) for folder in ("", "plugins", "config")),
        "WAYBILL_HOME": str(home),
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(repository / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(repository / "plugins"),
        "AIRFLOW__CORE__FERNET_KEY": state.secrets.fernet_key,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": databases.dsn(state, "airflow"),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__PORT": str(state.ports.api),
        "AIRFLOW__API__SECRET_KEY": state.secrets.api_secret_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": state.secrets.jwt_secret,
        **extra,
    }
