"""Exporters on a real PostgreSQL, and a service that asks them before anything is started."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa

from export_api import auth
from export_api.app import create_app
from export_api.asking import Asking
from export_api.db.models import Base
from export_api.foresight import Foresight
from export_api.previews import Previews
from include.core.settings import Settings
from include.core.source import SourceConnection
from tests.api.stand_in import ANNA, START, Airflow, Bench

with warnings.catch_warnings():
    # Starlette asks for httpx2; what Airflow installs is httpx, which works.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

if TYPE_CHECKING:
    from pathlib import Path

EXPORTERS = {
    "numbers": """
        title: Numbers
        source: shop
        params:
          least: {type: integer, default: 0, description: the smallest}
        columns:
          n: {type: integer, label: "N°"}
          name: {type: string, label: Name}
          half: {type: decimal, label: Half}
        key: [n]
        sql: select n, name, half from numbers where n >= :least
    """,
    "book": """
        title: Book
        source: shop
        params:
          least: {type: integer, default: 0, description: the smallest}
        sheets:
          all:
            title: All numbers
            columns: {n: {type: integer}, third: {type: string}}
            key: [n]
            sql: select n, nullif('third ' || n % 3, 'third 0') as third from numbers where n >= :least
          thirds: {title: Thirds, counts: all, by: third}
          few:
            title: Few
            columns: {n: {type: integer}}
            key: [n]
            sql: select n from numbers where n <= 2 and n >= :least
    """,
    "picky": """
        title: Picky
        source: shop
        params:
          least: {type: integer, default: 0}
          numbers: {type: references, keys: integer, lookup: select n as key from numbers where n >= :least}
          name: {type: reference, lookup: select name as key from numbers, required: false}
        columns: {n: {type: integer}}
        key: [n]
        sql: select n from numbers where n = any(:numbers) and (:name::text is null or name = :name) and n >= :least
    """,
    "sluggish": """
        title: Sluggish
        source: shop
        params:
          name: {type: reference, lookup: "select name as key from numbers, pg_sleep(60)"}
        columns: {n: {type: integer}}
        key: [n]
        sql: select n from numbers where name = :name
    """,
    "anyhow": """
        title: Anyhow
        source: shop
        columns: {n: {type: integer}}
        sql: select n from numbers
    """,
    "asleep": """
        title: Asleep
        source: shop
        columns: {n: {type: integer}}
        key: [n]
        sql: select n from numbers, pg_sleep(60)
    """,
    "slow": """
        title: Slow
        source: shop
        columns: {n: {type: integer}}
        key: [n]
        sql: select 1 as n from pg_sleep(0.7)
    """,
    "wrong": """
        title: Wrong
        source: shop
        columns: {n: {type: integer}}
        key: [n]
        sql: select n from nothing
    """,
    "nowhere": """
        title: Nowhere
        source: nowhere
        columns: {n: {type: integer}}
        key: [n]
        sql: select n from numbers
    """,
    "unknown": """
        title: Unknown
        source: unknown
        columns: {n: {type: integer}}
        key: [n]
        sql: select n from numbers
    """,
}
ROWS = 5_000


class Shop(Airflow):
    """Airflow with two connections: one to a real database, one to nothing."""

    def __init__(self, engine: sa.Engine, folder: Path) -> None:
        super().__init__(engine)
        self.settings = Settings(link_seconds=60, exporters_folder=str(folder))

    def connection(self, conn_id: str) -> SourceConnection:
        url = self._engine.url
        ports = {"shop": url.port, "nowhere": 1}
        if conn_id not in ports:
            raise SourceConnection.missing(conn_id)
        return SourceConnection(
            conn_id=conn_id,
            conn_type="postgres",
            host=url.host,
            port=ports[conn_id],
            login=url.username,
            password=url.password,
            database=url.database,
            engine=lambda: self._engine,
        )


class Trial:
    """A service whose exporters read a real database, and Anna, who asks."""

    def __init__(self, database: sa.Engine, folder: Path) -> None:
        for name, text in EXPORTERS.items():
            (folder / f"{name}.yaml").write_text(text)
        Base.metadata.create_all(database)
        with database.begin() as connection:
            connection.execute(sa.text("create table numbers (n bigint primary key, name text, half numeric(12, 2))"))
            statement = "insert into numbers select n, nullif('N ' || n, 'N 3'), n / 2.0 from generate_series(1, :n) n"
            connection.execute(sa.text(statement), {"n": ROWS})
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("vacuum analyze numbers"))
        self.database = database
        self.bench = Bench(Shop(database, folder))
        self.caller = ANNA
        self.give(seconds=10)

    def give(self, *, seconds: int) -> None:
        """Give sources so long to answer."""
        service, asking = self.bench.service, Asking(self.bench.airflow)
        self.foresight = Foresight(service, asking, now=lambda: START, seconds=seconds)
        self.previews = Previews(service, asking, now=lambda: START, seconds=seconds)

    def client(self) -> TestClient:
        """The API as the caller sees it."""
        app = create_app(self.bench.service)
        app.state.foresight, app.state.previews = self.foresight, self.previews
        app.dependency_overrides[auth.identify] = lambda: self.caller
        return TestClient(app, raise_server_exceptions=False)

    def connections(self, application: str) -> list[Any]:
        """What the database says of an application's sessions: what each waits for."""
        question = "select wait_event_type from pg_stat_activity where application_name = :name"
        with self.database.connect() as connection:
            return [row[0] for row in connection.execute(sa.text(question), {"name": application})]

    def lock(self) -> psycopg.Connection[Any]:
        """Keep everybody from planning with the table until the connection is closed."""
        url = self.database.url.set(drivername="postgresql")
        connection = psycopg.connect(url.render_as_string(hide_password=False))
        connection.execute("lock table numbers in access exclusive mode")
        return connection
