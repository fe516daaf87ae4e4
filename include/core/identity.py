"""How exports are named: known without a database, the same on worker and API."""

from __future__ import annotations

import re
from enum import StrEnum
from uuid import UUID, uuid5

DAG_ID = TASK_ID = "export"
"""The DAG that the API triggers, and its one task."""

_OWN_DAG = f"{DAG_ID}."

RUN_PREFIX = "export__"
"""Runs that the API starts have the run id ``export__<export id>``."""


class Trigger(StrEnum):
    """What started an export."""

    API = "api"
    AIRFLOW = "airflow"
    SCHEDULE = "schedule"

    @classmethod
    def of_run(cls, *, run_type: str, run_id: str) -> Trigger:
        """Tell it from a DAG run: Airflow's type of run, and the id that the API gives to its own."""
        if run_type in {"scheduled", "backfill", "asset_triggered"}:
            return cls.SCHEDULE
        return cls.API if run_id.startswith(RUN_PREFIX) else cls.AIRFLOW


_NAMESPACE = UUID("6f6d2c2e-6a57-4c1e-9d3b-5d0c7f5ad0aa")


def dag_id_of(exporter: str) -> str:
    """Return the id of the DAG that an exporter with a limit of its own has."""
    return _OWN_DAG + exporter


def is_of_the_api(dag_id: str) -> bool:
    """Return whether the API starts this DAG's runs, each of which is one export."""
    return dag_id == DAG_ID or dag_id.startswith(_OWN_DAG)


def run_id_of(export_id: str) -> str:
    """Return the DAG run id of an export that the API starts."""
    return RUN_PREFIX + export_id


def export_id_of(*, dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the id of the export that one task instance is.

    The API's own runs carry their id; any other task instance gets a UUIDv5 of its coordinates, so that worker and
    API agree on it without asking each other, and nobody can take an export's id by naming a run of another DAG.
    """
    if is_of_the_api(dag_id) and (task_id, map_index) == (TASK_ID, -1) and run_id.startswith(RUN_PREFIX):
        try:
            return str(UUID(run_id.removeprefix(RUN_PREFIX)))
        except ValueError:
            pass
    return str(uuid5(_NAMESPACE, f"{dag_id}/{run_id}/{task_id}/{map_index}"))


def manifest_key(export_id: str) -> str:
    """Return the manifest's key below the store's prefix."""
    return f"{export_id}/manifest.json"


def checkpoint_key(export_id: str) -> str:
    """Return the key of what a lost attempt noted."""
    return f"{export_id}/checkpoint.json"


_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY = re.compile(f"({_UUID})/(?:(?:manifest|checkpoint)\\.json|{_UUID}/[^/]+)")


def export_of_key(key: str) -> str | None:
    """Return whose key it is, by its shape: a manifest's, a checkpoint's or an artifact's. None for everything else."""
    found = _KEY.fullmatch(key)
    return found[1] if found else None


def artifact_key(export_id: str, attempt_id: str, filename: str) -> str:
    """Return an artifact's key below the store's prefix: each attempt writes in a folder of its own."""
    return f"{export_id}/{attempt_id}/{filename}"
