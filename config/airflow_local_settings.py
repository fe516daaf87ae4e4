"""What Airflow's processes take over from us: pools of users, and warm workers.

An export waits in the pool of the user who asked for it (docs/adr/0009-fairness-is-airflows-pools.md).

The process that forks tasks imports once what each of them needs.

Airflow imports this file in all its processes. Where the environment says WAYBILL_WARM=1 (LocalExecutor's scheduler, a
Celery worker), the modules below are in memory before the first fork, and tasks share them. Anywhere else nothing
happens: they would only cost memory.
"""

from __future__ import annotations

import logging
import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.models import DagRun, TaskInstance

# Airflow takes over what is named here as settings of its own.
__all__ = ["task_instance_mutation_hook"]

# A module's `preload`, if it has one, does what a task would do once it is imported.
# Of a process with threads, fork copies only one, with the locks that the others hold: whatever starts a thread when
# it is imported is not here. That is polars; it takes a task less than 0.1 s.
_MODULES = (
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.providers.amazon.aws.utils.connection_wrapper",
    "psycopg",
    "jinja2.ext",
    "jinja2.nativetypes",
    "yaml",
    "pyarrow.csv",
    "pyarrow.parquet",
    "pandas",
    "openpyxl",
    "include.artifacts.client",
    "include.core.export",
    "operators.connections",
    "operators.export",
    "operators.settings",
    "operators.stores",
    "include.sources.postgres",
    "include.formats.csv",
)
# Arrow's allocator has a thread that gives memory back; in a forked process it is off whatever this says.
_SINGLE_THREADED = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "OPENBLAS_NUM_THREADS": "1"}


def task_instance_mutation_hook(task_instance: TaskInstance, dag_run: DagRun | None = None) -> None:
    """Put an export into the pool of the user who started it, once there is one.

    A pool that is not there would never let it run; Airflow calls without the run, too, and once more with it.
    """
    if dag_run is None or not dag_run.triggering_user_name:
        return
    from airflow.models import Pool
    from sqlalchemy import select
    from sqlalchemy.orm import object_session

    from include.core.fairness import pool_of
    from include.core.identity import is_of_the_api

    session, pool = object_session(dag_run), pool_of(dag_run.triggering_user_name)
    if session is None or not is_of_the_api(dag_run.dag_id):
        return
    if session.scalar(select(Pool.id).where(Pool.pool == pool)) is not None:
        task_instance.pool = pool


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
