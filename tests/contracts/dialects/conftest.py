"""The real apps of a dialect beside the native one, mounted as the plugin mounts them, on real tables and the demo.

``wire("zentral", anna)`` is a client of them all; ``bench`` says what Airflow and the store answer. The tables are
those of all tests, for there are many; each test has an Anna and a Bert of its own, whom nobody else knows.
"""

from __future__ import annotations

import secrets
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from export_api import MOUNT, auth
from export_api.app import create_app
from export_api.caller import Caller
from export_api.db.models import Base
from export_api.dialects import DIALECTS
from include.core.source import SourceConnection
from tests.api.conftest import cluster
from tests.api.stand_in import OWN, Airflow, Bench

with warnings.catch_warnings():
    # Starlette asks for httpx2; what Airflow installs is httpx, which works.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["cluster"]

DEMO = Path(__file__).parents[3] / "deploy/demo"


class DemoAirflow(Airflow):
    """Airflow with the demo's connections."""

    def __init__(self, engine: sa.Engine, demo: sa.URL) -> None:
        super().__init__(engine)
        self.demo = demo

    def connection(self, conn_id: str) -> SourceConnection:
        if conn_id not in {"inventory", "shop"}:
            raise SourceConnection.missing(conn_id)
        return SourceConnection(
            conn_id=conn_id,
            conn_type="postgres",
            host=self.demo.host,
            port=self.demo.port,
            login=self.demo.username,
            password=self.demo.password,
            database=self.demo.database,
            engine=lambda: sa.create_engine(self.demo),
        )


def make_database(cluster: str, name: str) -> sa.URL:
    with psycopg.connect(f"{cluster}postgres", autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
    return sa.make_url(f"{cluster.replace('postgresql', 'postgresql+psycopg', 1)}{name}")


@pytest.fixture(scope="session")
def demo(cluster: str) -> sa.URL:
    """A database with the demo's data."""
    made = make_database(cluster, "demo")
    with psycopg.connect(f"{cluster}demo") as connection:
        for file in sorted(DEMO.glob("*.sql")):
            connection.execute(file.read_text(encoding="utf-8").encode())
            connection.commit()
    return made


@pytest.fixture(scope="session")
def tables(cluster: str) -> Iterator[sa.Engine]:
    """A database with our own tables."""
    engine = sa.create_engine(make_database(cluster, "ours"))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def bench(tables: sa.Engine, demo: sa.URL) -> Bench:
    """A service to which nothing has happened, with the demo as what exporters read."""
    return Bench(DemoAirflow(tables, demo))


def person(name: str) -> Caller:
    """Return somebody who has never been here."""
    return Caller(f"{name}-{secrets.token_hex(6)}", name.capitalize(), OWN)


@pytest.fixture
def anna() -> Caller:
    return person("anna")


@pytest.fixture
def bert() -> Caller:
    return person("bert")


@pytest.fixture
def wire(bench: Bench) -> Callable[[str, Caller | None], TestClient]:
    """Return a function that returns a client of a dialect and the native API; without a caller a stranger's."""

    def make(dialect: str, caller: Caller | None) -> TestClient:
        native, parent = create_app(bench.service), FastAPI()
        for prefix, app in {MOUNT: native, **DIALECTS.load(dialect)().apps(native)}.items():
            if caller is not None:
                app.dependency_overrides[auth.identify] = lambda: caller
            parent.mount(prefix, app)
        return TestClient(parent, raise_server_exceptions=False, follow_redirects=False)

    return make
