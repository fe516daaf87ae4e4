"""Warm workers: the process that forks tasks imports once what each of them needs.

Airflow imports this file in all its processes. Where the environment says WAYBILL_WARM=1 (LocalExecutor's scheduler, a
Celery worker), the modules below are in memory before the first fork, and tasks share them. Anywhere else nothing
happens: they would only cost memory.
"""

from __future__ import annotations

import logging
import os
from importlib import import_module

# Airflow takes over what is named here as settings of its own.
__all__: list[str] = []

# A module's `preload`, if it has one, does what a task would do once it is imported.
# Of a process with threads, fork copies only one, with the locks that the others hold: whatever starts a thread when
# it is imported is not here. That is polars; it takes a task less than 0.1 s.
_MODULES = (
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.providers.amazon.aws.utils.connection_wrapper",
    "psycopg",
    "yaml",
    "pyarrow.csv",
    "pyarrow.parquet",
    "pandas",
    "openpyxl",
    "include.artifacts.client",
    "include.core.export",
    "operators.connections",
    "operators.export",
    "operators.sessions",
    "operators.settings",
    "include.sources.postgres",
    "include.formats.csv",
)
# Arrow's allocator has a thread that gives memory back; in a forked process it is off whatever this says.
_SINGLE_THREADED = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "OPENBLAS_NUM_THREADS": "1"}


def _warm() -> None:
    for name, value in _SINGLE_THREADED.items():
        os.environ.setdefault(name, value)
    for name in _MODULES:
        try:
            module = import_module(name)
            if preload := getattr(module, "preload", None):
                preload()
        except Exception as error:  # noqa: BLE001 - whatever it is: tasks import for themselves, and tell then
            logging.getLogger(__name__).warning("Not imported ahead of tasks: %s (%s)", name, error)


if os.environ.get("WAYBILL_WARM") == "1":
    _warm()
