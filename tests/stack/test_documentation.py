"""The README's own words against the real stack: its commands, its requests, its exporters, nothing added."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from openpyxl import load_workbook

from tests.stack.client import ExportsClient, wait_for
from tests.stack.events import events_of
from tests.unit.test_documentation import CONTRIBUTING, README, blocks, files_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.local.stack import Stack
    from tests.stack.client import AirflowClient

ROOT = Path(__file__).parents[2]
needs_curl = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs bash and curl")


def commands(naming: str) -> str:
    """The README's shell block that names something."""
    (found,) = (block.text for block in blocks(README) if block.language == "bash" and naming in block.text)
    return found


def bash(script: str, cwd: Path) -> str:
    answer = subprocess.run(["bash", "-eu", "-c", script], cwd=cwd, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@needs_curl
def test_the_api_clients_commands_work_as_they_are_printed(
    stack: Stack, demo: psycopg.Connection, tmp_path: Path
) -> None:
    script = commands(".waybill/demo.env").replace(".waybill/demo.env", str(stack.home / "demo.env"))
    export = json.loads(bash(script, tmp_path))
    assert (export["status"], export["error"]) == ("succeeded", None)
    content = (tmp_path / "machines.xlsx").read_bytes()
    manifest = json.loads((tmp_path / "machines.manifest.json").read_text(encoding="utf-8"))
    assert manifest["verification"]["verdict"] == "verified"
    assert manifest["files"][0]["sha256"] == hashlib.sha256(content).hexdigest()
    rows = sum(1 for _ in load_workbook(io.BytesIO(content), read_only=True).worksheets[0].iter_rows(min_row=2))
    assert [(rows,)] == demo.execute("select count(*) from inventory.machines").fetchall()


@needs_curl
def test_the_commands_for_several_exporters_compression_and_files_work_as_they_are_printed(
    stack: Stack, demo: psycopg.Connection, tmp_path: Path
) -> None:
    start, _, _ = commands(".waybill/demo.env").partition("\n\n")
    start = start.replace(".waybill/demo.env", str(stack.home / "demo.env"))
    bash(f"{start}\n{commands('fetch()')}", tmp_path)
    book = load_workbook(tmp_path / "inventory.xlsx", read_only=True)
    assert book.sheetnames == ["Macs", "PCs", "macOS apps"]
    assert [sum(1 for _ in sheet.iter_rows(min_row=2)) for sheet in book.worksheets] == [
        *(count for (count,) in demo.execute(COUNTS).fetchall()),
        1000,
    ]
    whole = list(csv.reader(io.StringIO(gzip.decompress((tmp_path / "orders.csv.gz").read_bytes()).decode())))
    assert [(len(whole) - 1,)] == demo.execute("select count(*) from shop.orders").fetchall()
    with zipfile.ZipFile(tmp_path / "orders.zip") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert list(parts) == [f"orders-000{number}.csv" for number in (1, 2, 3)]
    assert (tmp_path / "orders-0002.csv").read_bytes() == parts["orders-0002.csv"]
    read = [list(csv.reader(io.StringIO(part.decode()))) for part in parts.values()]
    assert [whole[0], *(row for part in read for row in part[1:])] == whole
    fleet = load_workbook(tmp_path / "fleet.xlsx", read_only=True)
    assert fleet.sheetnames == ["Platforms", "Machines"]
    wanted = demo.execute(PLATFORMS).fetchall()
    assert [row[:2] for row in fleet["Platforms"].iter_rows(min_row=2, values_only=True)] == wanted
    assert sum(1 for _ in fleet["Machines"].iter_rows(min_row=2)) == sum(count for _, count in wanted)
    with zipfile.ZipFile(tmp_path / "sources.zip") as archive:
        files = [csv.reader(io.StringIO(archive.read(name).decode(), newline="")) for name in archive.namelist()]
    rows = [len(list(file)) - 1 for file in files]
    assert (len(rows), sum(rows)) == demo.execute(SOURCES).fetchone()


@needs_curl
def test_what_is_asked_before_an_export_is_answered_as_it_is_printed(stack: Stack, tmp_path: Path) -> None:
    start, _, _ = commands(".waybill/demo.env").partition("\n\n")
    start = start.replace(".waybill/demo.env", str(stack.home / "demo.env"))
    answer = json.loads(bash(f"{start}\n{commands('validate_only')}", tmp_path))
    assert answer["rows_estimated"] > 10_000
    assert answer["files"][0].startswith("orders-20")
    assert len(answer["warnings"]) == 1
    rows = list(csv.reader(io.StringIO(bash(f"{start}\n{commands('/preview')}", tmp_path))))
    assert len(rows) == 6
    assert rows[0][:2] == ["id", "code"]


@needs_curl
def test_the_commands_for_waiting_and_watching_work_as_they_are_printed(stack: Stack, tmp_path: Path) -> None:
    start, _, _ = commands(".waybill/demo.env").partition("\n\n")
    start = start.replace(".waybill/demo.env", str(stack.home / "demo.env"))
    replayed, code = bash(f"{start}\n{commands('Idempotency-Key')}", tmp_path).splitlines()
    assert (replayed.lower().strip(), code) == ("idempotent-replayed: true", "304")
    *_, last = events_of([(tmp_path / "events.txt").read_bytes()])
    export = json.loads((tmp_path / "export.json").read_text(encoding="utf-8"))
    assert export["status"] == "succeeded"
    assert (last.kind, json.loads(last.data)) == ("export", export)


PLATFORMS = """
    select platform, count(*) from inventory.machines where platform in ('MACOS', 'IOS') group by 1 order by 2 desc
"""
SOURCES = """
    select count(distinct s.name), count(*) from inventory.machines m join inventory.sources s on s.id = m.source_id
"""
COUNTS = """
    select count(*) from inventory.machines where platform in ('MACOS', 'WINDOWS') group by platform order by platform
"""


def test_the_readmes_request_and_error_are_the_apis(exports: ExportsClient) -> None:
    request, error = (json.loads(block.text) for block in blocks(README) if block.language == "json")
    export = exports.run(**request)
    rows = list(csv.reader(io.StringIO(exports.download(export).decode("utf-8-sig")), delimiter=";"))
    assert rows[0] == ["serial_number", "version", "last_seen"]
    assert len(rows) == 1 + request["limit"]
    assert export["result"]["truncated"] is True
    assert export["result"]["files"][0]["name"].startswith("macs-")
    refused = exports.post({**request, "where": [{"column": "last_seen", "op": "contains", "value": "2026"}]})
    assert (refused.status_code, refused.json()) == (422, error)


@needs_curl
def test_the_operators_commands_make_a_token_that_works_until_it_is_revoked(stack: Stack) -> None:
    script = commands(".waybill/airflow.env").replace(".waybill/airflow.env", str(stack.home / "airflow.env"))
    script = script.replace(".venv/bin/python", sys.executable)
    token, *listed = bash(script, ROOT).splitlines()
    assert any(line.startswith(f"{token[:11]}  reports") and " good " in line for line in listed)
    with ExportsClient(stack.url, f"Token {token}") as client:
        assert client.get("/exports").json() == {"items": [], "next_page_token": None}
        bash(f"{script}\nwaybill token revoke {token[:11]}", ROOT)
        assert client.get("/exports").status_code == 401


INVOICES = """
    drop table if exists invoices;
    create table invoices (
        number text primary key, customer text, status text not null, issued_on date not null, paid_at timestamptz,
        total numeric(12, 2) not null, tax numeric(12, 2) not null);
    insert into invoices
    select 'R-' || i, nullif('Firma "' || i || '"; Söhne', 'Firma "3"; Söhne'),
           case when i % 2 = 0 then 'paid' else 'open' end, current_date - i * 10,
           case when i % 2 = 0 then timestamptz '2026-03-29 02:59:59.999+02' + i * interval '1 day' end,
           i * 119.00 / 7, i * 19.00 / 7
    from generate_series(1, 40) as i
"""


@pytest.fixture
def warehouse(stack: Stack, airflow: AirflowClient, workshop: Path) -> Iterator[psycopg.Connection]:
    """The README's steps: a table, a connection as the UI adds it, and the printed files."""
    facts = psycopg.conninfo.conninfo_to_dict(stack.demo_dsn)
    body = {
        "connection_id": "warehouse",
        "conn_type": "postgres",
        "host": facts["host"],
        "port": int(str(facts["port"])),
        "login": facts["user"],
        "password": facts["password"],
        "schema": facts["dbname"],
    }
    airflow.post("/connections", body)
    written = [write(workshop, path, text) for path, text in files_of(README).items() if "exporters" in path]
    with psycopg.connect(stack.demo_dsn, autocommit=True) as connection:
        connection.execute(INVOICES)
        yield connection
        connection.execute("drop table invoices")
    for file in written:
        file.unlink()
    airflow.http.delete("/api/v2/connections/warehouse")


def write(workshop: Path, path: str, text: str) -> Path:
    file = workshop / "exporters" / Path(path).name
    file.write_text(text, encoding="utf-8")
    return file


def rows_of(exports: ExportsClient, **request: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    export = exports.run(format="jsonl", **request)
    content = exports.download(export).decode()
    return export, [json.loads(line) for line in content.splitlines()]


def test_a_table_of_ones_own_is_a_connection_and_one_yaml_file(
    warehouse: psycopg.Connection, exports: ExportsClient, airflow: AirflowClient
) -> None:
    described = exports.get("/exporters/invoices").json()
    assert set(described["params"]["properties"]) == {"since", "until", "status"}
    # Its max_running makes it a DAG of its own, which the dag-processor has to find.
    wait_for("its DAG", lambda: airflow.http.get("/api/v2/dags/export.invoices").is_success or None)
    export, rows = rows_of(exports, exporter="invoices", params={"since": "2000-01-01", "status": "paid"})
    statement = "select number, customer, issued_on, total from invoices where status = 'paid' order by number"
    wanted = warehouse.execute(statement).fetchall()
    assert [(row["number"], row["customer"], row["issued_on"], Decimal(row["total"])) for row in rows] == [
        (number, customer, day.isoformat(), total) for number, customer, day, total in wanted
    ]
    assert (export["result"]["order"], export["result"]["consistency"]) == ("key", "snapshot")

    _, rows = rows_of(exports, exporter="invoices")
    statement = "select count(*) from invoices where issued_on >= date_trunc('month', now() at time zone 'UTC')"
    assert [(len(rows),)] == warehouse.execute(statement).fetchall()


def test_a_connection_of_ones_own_is_known_before_an_export_too(
    warehouse: psycopg.Connection, exports: ExportsClient
) -> None:
    request = {"exporter": "net_invoices", "format": "csv"}
    foreseen = exports.request("POST", "/exports", params={"validate_only": "true"}, json=request)
    assert foreseen.status_code == 200, foreseen.text
    assert foreseen.json()["rows_estimated"] > 0
    seen = exports.request("POST", "/exports/preview", params={"rows": 3}, json=request)
    assert seen.status_code == 200, seen.text
    wanted = warehouse.execute("select number, total - tax from invoices order by number limit 3").fetchall()
    rows = [(row["number"], Decimal(row["net"])) for row in csv.DictReader(io.StringIO(seen.text))]
    assert rows == wanted


def test_the_pandas_example_computes_exactly(warehouse: psycopg.Connection, exports: ExportsClient) -> None:
    _, rows = rows_of(exports, exporter="net_invoices")
    wanted = warehouse.execute("select number, total - tax from invoices order by number").fetchall()
    assert [(row["number"], Decimal(row["net"])) for row in rows] == wanted


def test_the_sheets_of_the_readme_are_counted_together(warehouse: psycopg.Connection, exports: ExportsClient) -> None:
    params = {"days": "2000-01-01/", "customers": ['Firma "1"; Söhne', 'Firma "2"; Söhne', 'Firma "4"; Söhne']}
    _, rows = rows_of(exports, exporter="receivables", sheets=["states"], params=params)
    statement = "select status, count(*) from invoices where customer = any(%s) group by 1 order by 2 desc, 1"
    wanted = warehouse.execute(statement, (params["customers"],)).fetchall()
    assert [(row["value"], row["count"]) for row in rows] == wanted
    refused = exports.post({"exporter": "receivables", "params": {"customers": ["nobody"]}})
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/params/customers/0"]


def test_the_recipes_exporters_give_the_databases_rows(
    exports: ExportsClient, demo: psycopg.Connection, workshop: Path
) -> None:
    recipes = {path: text for path, text in files_of(CONTRIBUTING).items() if "exporters" in path}
    written = [write(workshop, path, text) for path, text in recipes.items()]
    try:
        (bundle_id,) = demo.execute(
            "select bundle_id from inventory.apps where bundle_id <> '' group by 1 order by count(*) desc, 1"
        ).fetchone() or ("",)
        _, rows = rows_of(exports, exporter="app_versions", params={"bundle_id": bundle_id})
        statement = """
            select count(distinct (name, version)),
                   (select count(*) from inventory.app_installs i join inventory.apps a on a.id = i.app_id
                    where bundle_id = %(id)s)
            from inventory.apps where bundle_id = %(id)s
        """
        found = demo.execute(statement, {"id": bundle_id}).fetchall()
        assert [(len(rows), sum(row["machines"] for row in rows))] == found

        _, rows = rows_of(exports, exporter="refunds", params={"since": "2026-03-01", "until": "2026-03-31"})
        statement = """
            select r.order_id, r.local_id, r.amount from shop.refunds r join shop.orders o on o.id = r.order_id
            where o.created_at >= '2026-03-01T00:00Z' and o.created_at < '2026-04-01T00:00Z' order by 1, 2
        """
        wanted = demo.execute(statement).fetchall()
        assert [(row["order_id"], row["local_id"], Decimal(row["amount"])) for row in rows] == wanted
        assert wanted

        params = {"organizer": "bigevents", "events": ["sampleconf"], "days": "2026-03-01/2026-03-31"}
        _, rows = rows_of(exports, exporter="sales", sheets=["states"], params=params)
        statement = """
            select o.status, count(*) from shop.orders o
            join shop.events e on e.id = o.event_id join shop.organizers org on org.id = e.organizer_id
            where org.slug = 'bigevents' and e.slug = 'sampleconf'
              and o.created_at >= '2026-03-01T00:00Z' and o.created_at < '2026-04-01T00:00Z'
            group by 1 order by 2 desc, 1
        """
        wanted = demo.execute(statement).fetchall()
        assert [(row["value"], row["count"]) for row in rows] == wanted
        assert wanted
        stranger = exports.post({"exporter": "sales", "params": {**params, "organizer": "nobody"}})
        pointers = [error["pointer"] for error in stranger.json()["errors"]]
        assert pointers == ["/params/organizer", "/params/events/0"]
    finally:
        for file in written:
            file.unlink()
