"""Brings our tables into the metadata database as part of `airflow db migrate`."""

from __future__ import annotations

from pathlib import Path

from airflow.utils.db_manager import BaseDBManager

from export_api.db.models import Base

_FOLDER = Path(__file__).parent


class WaybillDBManager(BaseDBManager):
    """Named in ``[database] external_db_managers``. A first install creates the tables, a later one migrates."""

    metadata = Base.metadata
    version_table_name = "alembic_version_waybill"
    migration_dir = str(_FOLDER / "migrations")
    alembic_file = str(_FOLDER / "alembic.ini")
    supports_table_dropping = True
