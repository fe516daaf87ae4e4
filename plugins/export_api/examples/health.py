"""Health."""

from __future__ import annotations

from typing import Any

HEALTH: dict[str, Any] = {
    "status": "ok",
    "checks": {
        "database": {"status": "ok", "message": None},
        "scheduler": {"status": "ok", "message": None},
        "dag": {"status": "ok", "message": None},
        "store": {"status": "ok", "message": None},
        "lifecycle": {"status": "ok", "message": None},
        "signing": {"status": "ok", "message": None},
        "dialects": {"status": "ok", "message": None},
        "exporters": {"status": "ok", "message": None},
    },
}

HEALTH_UNAVAILABLE: dict[str, Any] = {
    "status": "unavailable",
    "checks": {
        **HEALTH["checks"],
        "dag": {"status": "failed", "message": "The DAG 'export' is paused: unpause it in Airflow."},
    },
}
