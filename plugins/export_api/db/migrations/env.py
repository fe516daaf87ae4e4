"""How Alembic reaches the database: on a connection given to it, else on Airflow's engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context

from export_api.db.models import Base

if TYPE_CHECKING:
    from sqlalchemy import Connection

_OPTIONS = {
    "target_metadata": Base.metadata,
    "version_table": "alembic_version_waybill",
    "compare_type": True,
    "include_object": lambda _object, name, kind, *_: kind != "table" or name in Base.metadata.tables,
}


def _run_on(connection: Connection) -> None:
    context.configure(connection=connection, transaction_per_migration=True, **_OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def _run_offline() -> None:
    context.configure(url=context.config.get_main_option("sqlalchemy.url"), literal_binds=True, **_OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def _run_online() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        _run_on(given)
        return
    from airflow import settings

    with settings.engine.connect() as connection:
        _run_on(connection)


if context.is_offline_mode():
    _run_offline()
else:
    _run_online()
