"""pretix's dialect on the real app, our own tables and the demo shop in a real PostgreSQL; Airflow stands still."""

from __future__ import annotations

import secrets
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Request
from psycopg import sql

from export_api import MOUNT, auth, dialects
from export_api.app import create_app
from export_api.caller import Caller
from export_api.db.models import Base
from include.core.settings import Settings
from include.core.source import SourceConnection
from tests.api.conftest import cluster
from tests.api.stand_in import ADMIN, OWN, RUNNING, SUCCEEDED, VERA, Airflow, Bench

with warnings.catch_warnings():
    # Starlette asks for httpx2; what Airflow installs is httpx, which works.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from export_api.status import Observation

__all__ = ["RUNNING", "SUCCEEDED", "Wire", "cluster", "make_shop", "make_wire"]

ROOT = Path(__file__).parents[3]
HOST = "https://airflow.example"
API = "/api/v1/organizers"
ORGANIZER = f"{API}/bigevents"
EVENT = f"{ORGANIZER}/events/sampleconf"
QUEUE_LIMIT = 4

EVERY_TYPE = """
    title: Every type
    source: shop
    params:
      organizer: {type: reference, lookup: select slug as key from shop.organizers, description: whose}
      events:
        type: references
        required: false
        lookup: >-
          select e.slug as key from shop.events e join shop.organizers o on o.id = e.organizer_id
          where o.slug = :organizer
      a_text: {type: string, required: false}
      a_whole: {type: integer, required: false}
      a_decimal: {type: decimal, required: false}
      a_float: {type: float, required: false}
      a_flag: {type: boolean, default: false}
      a_day: {type: date, required: false}
      a_moment: {type: datetime, required: false}
      a_time: {type: time, required: false}
      a_uuid: {type: uuid, required: false}
      a_mail: {type: email, required: false}
      a_url: {type: url, required: false}
      a_choice: {type: choice, choices: [x, "y z"], required: false}
      some_choices: {type: choices, choices: [a, b, c], required: false}
      a_range: {type: date_frame, required: false}
      a_list: {type: reference, keys: integer, lookup: select id as key from shop.checkin_lists, required: false}
      a_slug: {type: reference, lookup: select slug as key from shop.events, required: false}
      some_products: {type: references, keys: integer, lookup: select id as key from shop.products, required: false}
    columns: {n: {type: integer}}
    key: [n]
    sql: select 1 as n where :organizer <> ''
"""
DEMANDING = """
    title: Demanding
    source: shop
    params:
      organizer: {type: reference, lookup: select slug as key from shop.organizers, description: whose}
      events: {type: references, required: false, lookup: select slug as key from shop.events}
      text: {type: string}
      flag: {type: boolean}
      frame: {type: date_frame}
      choice: {type: choice, choices: [x]}
      choices: {type: choices, choices: [a, b]}
      key: {type: reference, keys: integer, lookup: select id as key from shop.products}
      keys: {type: references, keys: integer, lookup: select id as key from shop.products}
    max_expires_days: 0.5
    columns: {n: {type: integer}}
    key: [n]
    sql: select 1 as n where :organizer <> ''
"""
# An organizer that is a text is no organizer to look up; events that are a text are none either.
NOT_OFFERED = """
    title: Not offered
    source: shop
    params:
      organizer: {type: string}
      events: {type: string, required: false}
    columns: {n: {type: integer}}
    key: [n]
    sql: select 1 as n where :organizer <> ''
"""


class Shop(Airflow):
    """Airflow with one connection, to the demo shop."""

    def __init__(self, engine: sa.Engine, folder: Path) -> None:
        super().__init__(engine)
        self.settings = Settings(exporters_folder=str(folder), queue_limit=QUEUE_LIMIT, dialects="pretix")
        self.lost = False

    def connection(self, conn_id: str) -> SourceConnection:
        url = self._engine.url
        if conn_id != "shop":
            raise SourceConnection.missing(conn_id)
        return SourceConnection(
            conn_id=conn_id,
            conn_type="postgres",
            host=url.host,
            port=1 if self.lost else url.port,
            login=url.username,
            password=url.password,
            database=url.database,
            engine=lambda: self._engine,
        )


class Wire:
    """The dialect as its clients reach it, each under a name of his own."""

    def __init__(self, engine: sa.Engine, folder: Path, exporters: dict[str, str]) -> None:
        for name, text in exporters.items():
            (folder / f"{name}.yaml").write_text(text)
        self.airflow = Shop(engine, folder)
        self.bench = Bench(self.airflow)
        self._callers: dict[str, Caller] = {}
        self._known = self._mounted(known=True)
        self._strangers = self._mounted(known=False)

    def _mounted(self, *, known: bool) -> FastAPI:
        """Mount every app as the plugin does."""

        def who(request: Request) -> Caller:
            return self._callers[request.headers["x-caller"]]

        native = create_app(self.bench.service)
        server = FastAPI(openapi_url=None)
        apps = {MOUNT: native, **dialects.apps(native, self.airflow.settings)}
        for prefix, app in apps.items():
            if known:
                app.dependency_overrides[auth.identify] = who
            server.mount(prefix, app)
        return server

    def client(self, caller: Caller | None = None) -> TestClient:
        """A client of somebody new, unless it is said who."""
        caller = caller or Caller(f"caller-{secrets.token_hex(6)}", "Somebody", OWN)
        self._callers[caller.name] = caller
        return TestClient(
            self._known,
            headers={"x-caller": caller.name},
            raise_server_exceptions=False,
            follow_redirects=False,
        )

    def reader(self) -> TestClient:
        """A client who may read only."""
        return self.client(VERA)

    def admin(self) -> TestClient:
        """A client who sees everything."""
        return self.client(ADMIN)

    def stranger(self) -> TestClient:
        """A client whose credentials are looked at."""
        return TestClient(self._strangers, raise_server_exceptions=False, follow_redirects=False)

    def started(self, answer: httpx.Response) -> tuple[str, UUID]:
        """The path of a run's download, and the export behind it."""
        assert answer.status_code == 202, answer.text
        (address,) = answer.json().values()
        assert address.startswith(f"{HOST}/")
        return address.removeprefix(HOST), UUID(address.split("/")[-3])

    def request_of(self, export_id: UUID) -> dict[str, Any]:
        """What the run was given."""
        run_id = f"export__{export_id}"
        (conf,) = (each["conf"] for each in self.airflow.triggered if each["run_id"] == run_id)
        found: dict[str, Any] = conf
        return found

    def show(self, export_id: UUID, seen: Observation) -> None:
        """Say what Airflow says of an export."""
        self.airflow.seen[export_id] = seen

    def publish(self, export_id: UUID, content: bytes) -> None:
        """Let an export succeed with a file."""
        self.bench.publish(export_id, content)
        self.show(export_id, SUCCEEDED)


@pytest.fixture(name="shop", scope="session")
def make_shop(cluster: str) -> Iterator[sa.Engine]:
    """A database with the demo shop and our tables."""
    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(f"{cluster}postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    with psycopg.connect(f"{cluster}{name}") as connection:
        connection.execute((ROOT / "deploy/demo/shop.sql").read_bytes())
    engine = sa.create_engine(f"{cluster.replace('postgresql', 'postgresql+psycopg', 1)}{name}")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(name="wire", scope="session")
def make_wire(shop: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> Wire:
    """The dialect with the catalog of this repository, and three exporters more."""
    more = {"every_type": EVERY_TYPE, "demanding": DEMANDING, "not_offered": NOT_OFFERED, "broken": "title: Broken"}
    return Wire(shop, tmp_path_factory.mktemp("exporters"), more)
