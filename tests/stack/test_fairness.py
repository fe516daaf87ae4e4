"""Who waits for whom: users for themselves, exports for their exporter's limit, and nobody for a stranger's queue."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from deploy.local import databases
from tests.stack.client import ExportsClient, wait_for
from tests.stack.endless import ENDLESS, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from deploy.local.stack import Stack
    from tests.stack.client import AirflowClient

USERS = ("anna", "bert", "carla", "dora", "emil")
SMALL = {"exporter": "orders", "params": {"status": "paid"}, "format": "csv", "limit": 5}
LONG_ENOUGH = 600.0

ONE_AT_A_TIME = ENDLESS.replace("title: Endless", "title: One at a time\nmax_running: 1")
TOO_LONG = ENDLESS.replace("title: Endless", "title: Too long\ntime_limit: 2")


@pytest.fixture(scope="module")
def users(stack: Stack, workshop: Path) -> Iterator[dict[str, ExportsClient]]:
    """Five service accounts."""
    with ExitStack() as opened:
        clients = {}
        for name in USERS:
            file = workshop / f"{name}.token"
            command = [sys.executable, "-m", "export_api.cli", "service-account", "create", name]
            done = [*command, "--token-file", str(file)]
            subprocess.run(done, env=stack.environment, capture_output=True, timeout=120, check=True)
            client = ExportsClient(stack.url, f"Token {file.read_text().strip()}")
            clients[name] = opened.enter_context(client)
        yield clients


def waited(export: dict[str, Any]) -> float:
    """Return the seconds between the request and the start."""
    started, created = (datetime.fromisoformat(export[name]) for name in ("started_at", "created_at"))
    return (started - created).total_seconds()


def usually_waited(client: ExportsClient) -> float:
    """Return the median of three exports, one after the other."""
    return statistics.median(waited(client.run(**SMALL)) for _ in range(3))


def post(client: ExportsClient, count: int) -> list[str]:
    with ThreadPoolExecutor(4) as pool:
        return [export["id"] for export in pool.map(lambda _: client.submit(**SMALL), range(count))]


def test_users_wait_for_themselves_and_not_for_each_other(users: dict[str, ExportsClient]) -> None:
    """Two hundred exports of five users, the first with a hundred before the others come."""
    first, second = users["anna"], users["bert"]
    second.run(**SMALL)  # the first one makes the pool
    idle = usually_waited(second)
    posted = {"anna": post(first, 100)}
    busy = usually_waited(second)
    left = Counter(first.read(export_id)["status"] for export_id in posted["anna"])
    assert left["queued"] > 20, left
    assert busy <= idle + 2, (idle, busy)

    posted |= {name: post(users[name], 25) for name in USERS[1:]}
    for name, ids in posted.items():
        for export_id in ids:
            export = users[name].finish(export_id, LONG_ENOUGH)
            assert export["status"] == "succeeded", export
            assert export["result"]["verification"]["verdict"] == "verified"
            assert export["result"]["rows"] == 5


def test_the_third_export_of_a_user_waits_and_starts_when_one_ends(
    stack: Stack, users: dict[str, ExportsClient], exporter: Callable[[str, str], str]
) -> None:
    client = users["carla"]
    request = {"exporter": exporter("endless", ENDLESS), "format": "csv"}
    ids = [client.submit(**request)["id"] for _ in range(3)]
    try:
        going = wait_for("two that run", lambda: two if len(two := of_status(client, ids, "running")) == 2 else None)
        (third,) = set(ids) - set(going)
        other = users["dora"].run(**SMALL)
        assert waited(other) < 10
        assert client.read(third)["status"] == "queued"
        assert slots(stack, "waybill.carla") == 2
        assert client.request("POST", f"/exports/{going[0]}/cancel").status_code == 202
        running(client, third)
    finally:
        for export_id in ids:
            client.request("POST", f"/exports/{export_id}/cancel")
    assert {client.finish(export_id)["status"] for export_id in ids} == {"cancelled"}


def test_an_exporters_own_limit_holds_over_all_users(
    users: dict[str, ExportsClient], airflow: AirflowClient, exporter: Callable[[str, str], str]
) -> None:
    name = exporter("one_at_a_time", ONE_AT_A_TIME)
    wait_for("its DAG", lambda: None if users["anna"].post({"exporter": name}).status_code == 503 else True)
    first = wait_for("the first", lambda: next(iter(exports_of(users["anna"], name)), None))
    running(users["anna"], first)  # of two that wait, Airflow may start either
    second = users["bert"].submit(exporter=name)["id"]
    users["bert"].run(**SMALL)
    assert users["bert"].read(second)["status"] == "queued"
    seen = airflow.get(f"/dags/export.{name}/dagRuns/export__{second}/taskInstances/export")
    assert (seen["pool"], seen["priority_weight"]) == ("waybill.bert", 10)
    users["anna"].request("POST", f"/exports/{first}/cancel")
    running(users["bert"], second)
    users["bert"].request("POST", f"/exports/{second}/cancel")
    assert users["bert"].finish(second)["status"] == "cancelled"


def test_an_export_that_takes_too_long_is_ended_and_not_tried_again(
    exports: ExportsClient, exporter: Callable[[str, str], str]
) -> None:
    ended = exports.finish(exports.submit(exporter=exporter("too_long", TOO_LONG))["id"])
    assert (ended["status"], ended["attempt"], ended["error"]["code"]) == ("failed", 1, "time_limit")
    assert "longer than its 2 s" in ended["error"]["detail"]


def of_status(client: ExportsClient, ids: list[str], status: str) -> list[str]:
    return [export_id for export_id in ids if client.read(export_id)["status"] == status]


def exports_of(client: ExportsClient, exporter: str) -> list[str]:
    return [item["id"] for item in client.get("/exports", exporter=exporter).json()["items"]]


def slots(stack: Stack, pool: str) -> int:
    with psycopg.connect(databases.dsn(stack.state, "airflow")) as connection:
        row = connection.execute("select slots from slot_pool where pool = %s", (pool,)).fetchone()
    assert row is not None
    return int(row[0])
