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

from deploy.local import databases, ports, seaweedfs
from deploy.local.postgres import Postgres
from deploy.local.state import State
from export_api import auth
from export_api.app import create_app
from export_api.db.models import Base
from tests.api.foreseeing import Trial
from tests.api.outboxes import Post
from tests.api.receiver import Receiver
from tests.api.stand_in import Airflow, Bench

with warnings.catch_warnings():
    # Starlette asks for httpx2; what Airflow installs is httpx, which works.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from export_api.caller import Caller


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
            server.send_signal(signal.SIGQUIT)  # without a checkpoint of what is thrown away
            server.wait(30)
            postgres.remove()


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[seaweedfs.Store]:
    """Start the local stack's S3 server alone."""
    home, state = tmp_path_factory.mktemp("store"), State()
    (home / "seaweedfs").mkdir()
    state.ports.choose(seaweedfs.OFFSETS)
    program = seaweedfs.program(home, state)
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(["/bin/sh", "-c", program.script], cwd=home, stdout=log, stderr=log)
        try:
            _wait(state, seaweedfs.missing)
            seaweedfs.create_bucket(state)
            yield seaweedfs.store(state)
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(program.stop_seconds)
            except subprocess.TimeoutExpired:  # as the supervisor does it
                server.kill()
                server.wait()
            seaweedfs.remove_sockets(state)


def _wait(state: State, look: Callable[[State], str] = databases.missing) -> None:
    deadline = time.monotonic() + 30
    while missing := look(state):
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


@pytest.fixture
def trial(database: sa.Engine, tmp_path: Path) -> Trial:
    """A service whose exporters read the same real database."""
    return Trial(database, tmp_path)


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


@pytest.fixture
def bench(database: sa.Engine) -> Bench:
    """A service on tables of its own."""
    Base.metadata.create_all(database)
    return Bench(Airflow(database))


@pytest.fixture
def as_caller(bench: Bench) -> Callable[[Caller], TestClient]:
    """Return a function that returns a client of the bench's service with a caller's credentials."""

    def make(caller: Caller) -> TestClient:
        async def recheck() -> Caller:
            return caller

        app = create_app(bench.service)
        app.dependency_overrides |= {auth.identify: lambda: caller, auth._recheck: lambda: recheck}
        return TestClient(app, raise_server_exceptions=False)

    return make


@pytest.fixture
def post(bench: Bench) -> Post:
    """The bench with webhooks, which may lead to this machine."""
    return Post(bench)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started
