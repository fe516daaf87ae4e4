"""What is in the PostgreSQL cluster: roles, databases and the demo data."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from deploy.local import ports
from deploy.local.problems import StackError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deploy.local.state import State


def dsn(state: State, role: str) -> str:
    """Return the libpq URI of a role's database: `airflow`, `demo`, or `postgres` for the superuser."""
    password = {
        "airflow": state.secrets.airflow_password,
        "demo": state.secrets.demo_password,
        "postgres": state.secrets.postgres_password,
    }[role]
    return f"postgresql://{role}:{password}@{ports.HOST}:{state.ports.postgres}/{role}"


def missing(state: State) -> str:
    """Return "" when PostgreSQL answers, else why not."""
    import psycopg

    try:
        with psycopg.connect(dsn(state, "postgres"), connect_timeout=5):
            return ""
    except psycopg.OperationalError as error:
        return f"PostgreSQL: {error}".strip()


def create(state: State) -> None:
    """Create the roles and their databases where missing, with the recorded passwords; safe to repeat."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(dsn(state, "postgres"), autocommit=True) as connection:
        for role, password in (
            ("airflow", state.secrets.airflow_password),
            ("demo", state.secrets.demo_password),
        ):
            name = sql.Identifier(role)
            if not connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("create role {} login").format(name))
            connection.execute(sql.SQL("alter role {} password {}").format(name, sql.Literal(password)))
            if not connection.execute("select 1 from pg_database where datname = %s", [role]).fetchone():
                connection.execute(sql.SQL("create database {} owner {}").format(name, name))
            connection.execute(sql.SQL("revoke connect on database {} from public").format(name))
        # Losing the last half second of Airflow's bookkeeping in a power cut is fine for a local stack.
        connection.execute("alter database airflow set synchronous_commit = off")


def digest(files: Sequence[Path]) -> str:
    """Return a hash of the names and contents of files."""
    whole = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        whole.update(f"{file.name} {len(content)}\n".encode())
        whole.update(content)
    return whole.hexdigest()


def _demo_files(folder: Path) -> list[Path]:
    return [file for name in ("inventory.sql", "shop.sql") if (file := folder / name).exists()]


def demo_digest(folder: Path) -> str:
    """Return the hash of the demo data's statements."""
    return digest(_demo_files(folder))


def load_demo(state: State, folder: Path) -> None:
    """Fill the demo database by running `inventory.sql` and `shop.sql` as the role `demo`."""
    import psycopg

    for file in _demo_files(folder):
        try:
            # The whole file as one query without parameters: any number of statements, one transaction.
            with psycopg.connect(dsn(state, "demo")) as connection:
                connection.execute(file.read_bytes())
        except psycopg.Error as error:
            raise StackError(f"{file} failed: {error}") from error
