"""A real PostgreSQL for our tables, and the app without an Airflow process behind it."""

from __future__ import annotations

import pwd
import secrets
import signal
import subprocess
import time
import warnings
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from deploy.local import databases, ports
from deploy.local.postgres import Postgres
from deploy.local.state import State
from export_api.app import create_app

with warnings.catch_warnings():
    # Starlette asks for httpx2; what Airflow installs is httpx, which works.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the local stack's PostgreSQL alone, and yield the superuser's URI."""
    home, state = tmp_path_factory.mktemp("postgres"), State()
    state.ports.postgres = ports.choose()
    postgres = Postgres(home, state)
    postgres.prepare()
    program = postgres.program()
    account = pwd.getpwnam(program.user) if program.user else None
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            ["/bin/sh", "-c", program.script],
            cwd="/",
            stdout=log,
            stderr=log,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        try:
            _wait(state)
            yield databases.dsn(state, "postgres").removesuffix("postgres")
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
            postgres.remove()


def _wait(state: State) -> None:
    deadline = time.monotonic() + 30
    while missing := databases.missing(state):
        assert time.monotonic() < deadline, missing
        time.sleep(0.05)


@pytest.fixture
def database(cluster: str) -> Iterator[sa.Engine]:
    """Yield an empty database."""
    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(f"{cluster}postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    engine = sa.create_engine(f"{cluster.replace('postgresql', 'postgresql+psycopg', 1)}{name}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def app() -> FastAPI:
    return create_app()


@pytest.fixture(scope="session")
def client(app: FastAPI) -> TestClient:
    """A client without credentials; the lifespan, which needs Airflow, is not entered."""
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture
def raising(app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], TestClient]:
    """Return a function that returns a client whose every request to /health ends in an error."""

    def make(error: Exception) -> TestClient:
        def fail() -> None:
            raise error

        monkeypatch.setattr(app.state.health, "checks", fail)
        return client

    return make
