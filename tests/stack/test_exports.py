"""What a client of the API gets: the complete file with its proof."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.stack.reading import assert_same

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from tests.stack.client import ExportsClient

MACHINES = """
    select m.id, m.serial_number, m.name, m.type, m.platform, m.hardware_model, os.name, os.version, os.build, bu.name,
           s.name, (select string_agg(t.name, '|' order by t.name, t.id) from inventory.machine_tags mt
                    join inventory.tags t on t.id = mt.tag_id where mt.machine_id = m.id),
           m.principal_name, m.principal_email, m.memory_bytes, m.battery_health, m.compliant, m.first_seen, m.last_seen
    from inventory.machines m
    left join inventory.os_versions os on os.id = m.os_version_id
    left join inventory.business_units bu on bu.id = m.business_unit_id
    left join inventory.sources s on s.id = m.source_id
    order by m.id
"""
APPS = """
    select i.machine_id, m.serial_number, i.app_id, a.name, a.bundle_id, a.version, a.version_str, i.path,
           i.installed_at, s.name
    from inventory.machines m, inventory.app_installs i, inventory.apps a, inventory.sources s
    where m.id = i.machine_id and a.id = i.app_id and s.id = m.source_id and a.kind = 'macos_app'
    order by i.machine_id, i.app_id
"""
ORDERS = """
    select o.id, o.code, g.slug, e.slug, o.status, o.email, o.locale, o.created_at, o.expires_at, e.currency, o.total,
           o.exchange_total, o.comment, o.testmode, o.external_id
    from shop.orders o, shop.events e, shop.organizers g
    where e.id = o.event_id and g.id = e.organizer_id
    order by o.id
"""
STATEMENTS = {"machines": MACHINES, "macos_apps": APPS, "orders": ORDERS}


def headings(exports: ExportsClient, exporter: str, file_format: str) -> list[str]:
    columns = exports.get(f"/exporters/{exporter}").json()["columns"]
    return [column["label" if file_format == "xlsx" else "name"] for column in columns]


FORMATS = ["csv", "jsonl", "parquet", "xlsx"]


@pytest.mark.parametrize(("exporter", "file_format"), [*itertools.product(STATEMENTS, FORMATS), ("orders", "json")])
def test_every_exporter_gives_the_databases_rows_in_every_format(
    exports: ExportsClient, demo: psycopg.Connection, exporter: str, file_format: str
) -> None:
    request: dict[str, Any] = {"exporter": exporter, "format": file_format}
    statement = STATEMENTS[exporter]
    if exporter == "macos_apps" and file_format == "xlsx":
        request |= {"params": {"bundle_id": "com.microsoft."}, "limit": 20_000}
        statement = statement.replace("order by", "and starts_with(a.bundle_id, 'com.microsoft.') order by")
        statement += " limit 20000"
    export = exports.run(**request)
    content = exports.download(export)
    rows = demo.execute(statement).fetchall()
    assert_same(content, file_format, headings(exports, exporter, file_format), rows)
    result = export["result"]
    assert result["rows"] == len(rows) > 0
    assert result["truncated"] is ("limit" in request)
    (file,) = result["files"]
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert file["bytes"] == len(content)
    assert result["verification"]["verdict"] == "verified"
    assert result["consistency"] == "snapshot"
    assert result["snapshot"]


def test_a_client_follows_an_export_from_202_to_a_link_that_needs_no_credentials(exports: ExportsClient) -> None:
    created = exports.post({"exporter": "orders", "format": "csv", "limit": 10})
    assert created.status_code == 202
    assert created.headers["Retry-After"] == "1"
    body = created.json()
    assert created.headers["Location"].endswith(f"/export-api/v1/exports/{body['id']}")
    assert (body["status"], body["unready"], body["download_url"]) == ("queued", True, None)
    done = exports.finish(body["id"])
    assert (done["status"], done["unready"], done["error"]) == ("succeeded", False, None)
    origin = str(exports.http.base_url).rstrip("/")
    assert done["download_url"] == f"{origin}/export-api/v1/exports/{body['id']}/download"
    link = exports.http.get(done["download_url"], params={"redirect": "false"}).json()
    assert httpx.get(link["url"]).content.count(b"\r\n") == 11
    assert link["expires_at"] > done["finished_at"]


def test_columns_conditions_order_and_limit_are_the_databases(exports: ExportsClient, demo: psycopg.Connection) -> None:
    export = exports.run(
        exporter="orders",
        format="jsonl",
        params={"status": "paid", "organizer": "bigevents"},
        columns=["code", {"name": "total", "as": 'Total "€"'}, "created_at"],
        where=[
            {"column": "total", "op": ">", "value": "100.10"},
            {"column": "created_at", "op": "<", "value": "2026-03-29T01:00:00Z"},
            {"column": "locale", "op": "in", "value": ["de", "en"]},
            {"column": "comment", "op": "is_null"},
        ],
        order_by=["-total"],
        limit=500,
        name="Big ones",
    )
    rows = demo.execute("""
        select o.code, o.total, o.created_at from shop.orders o join shop.events e on e.id = o.event_id
        join shop.organizers g on g.id = e.organizer_id
        where o.status = 'paid' and g.slug = 'bigevents' and o.total > 100.10
          and o.created_at < '2026-03-29T01:00:00Z' and o.locale in ('de', 'en') and o.comment is null
        order by o.total desc, o.id limit 500
    """).fetchall()
    assert_same(exports.download(export), "jsonl", ["code", 'Total "€"', "created_at"], rows)
    assert export["name"] == "Big ones"
    assert len(rows) == 500


@pytest.mark.parametrize(
    "hostile", ["'; drop table shop.orders; --", "%s %(x)s {}", ":name", "\\", '"', "\N{SNOWMAN}\n", "$$", "a" * 5000]
)
def test_a_hostile_value_is_only_ever_a_value(exports: ExportsClient, demo: psycopg.Connection, hostile: str) -> None:
    export = exports.run(
        exporter="orders", where=[{"column": "comment", "op": "contains", "value": hostile}], params={"event": hostile}
    )
    assert export["result"]["empty"] is True
    assert demo.execute("select count(*) from shop.orders").fetchone() == (50_000,)


def test_the_pandas_exporter_works_through_the_api(exports: ExportsClient, demo: psycopg.Connection) -> None:
    export = exports.run(exporter="order_taxes", format="csv", columns=["code", "position", "net"])
    rows = demo.execute("""
        select o.code, p.position, p.price - p.tax_value from shop.positions p join shop.orders o on o.id = p.order_id
        where o.status = 'paid' order by p.order_id, p.position
    """).fetchall()
    assert_same(exports.download(export), "csv", ["code", "position", "net"], rows)


def test_csv_for_excel_comes_with_its_formulas_escaped_and_its_negative_numbers_whole(
    exports: ExportsClient, workshop: Path
) -> None:
    (workshop / "exporters" / "sheet.yaml").write_text(
        "title: Sheet\nsource: shop\nkey: [id]\n"
        "columns:\n  id: {type: integer}\n  comment: {type: string}\n  amount: {type: decimal}\n"
        "sql: >-\n  select * from (values (1, '=1+1', -1.50), (2, null, null), (3, '', -2), (4, 'a;\"b\"', 0.1))"
        " as v (id, comment, amount)\n"
    )
    options = {"profile": "excel", "null": "NULL", "decimal_comma": True}
    export = exports.run(exporter="sheet", format="csv", options=options)
    content = exports.download(export)
    assert content.startswith(b"\xef\xbb\xbf")
    records = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";", strict=True))
    assert records == [
        ["id", "comment", "amount"],
        ["1", "'=1+1", "-1,50"],
        ["2", "NULL", "NULL"],
        ["3", "", "-2"],
        ["4", 'a;"b"', "0,1"],
    ]
    assert export["result"]["rows"] == 4
    assert any("apostrophe" in note for note in export["result"]["notes"])


def test_selling_partner_920_no_rows_is_a_success_and_says_so(exports: ExportsClient) -> None:
    """selling-partner-api-docs#920: "no data" is neither a failure nor a cancellation."""
    export = exports.run(exporter="orders", format="xlsx", params={"event": "never-sold"})
    assert export["result"]["rows"] == 0
    assert export["result"]["empty"] is True
    assert_same(exports.download(export), "xlsx", headings(exports, "orders", "xlsx"), [])


def test_the_same_request_gives_the_same_bytes(exports: ExportsClient) -> None:
    first, second = (exports.run(exporter="machines", format="parquet", filename="m") for _ in range(2))
    own = {"download_url": None}  # each export has addresses of its own
    assert [file | own for file in first["result"]["files"]] == [file | own for file in second["result"]["files"]]
    assert first["result"]["files"][0]["name"] == "m.parquet"


def test_content_streams_through_the_api_for_clients_that_cannot_reach_the_store(exports: ExportsClient) -> None:
    export = exports.run(exporter="orders", format="csv", limit=100, filename="Bestellungen für {date}")
    path = f"/exports/{export['id']}/content"
    whole = exports.get(path)
    assert whole.status_code == 200
    assert whole.content == exports.download(export)
    assert int(whole.headers["Content-Length"]) == len(whole.content)
    assert "filename*=UTF-8''Bestellungen%20f%C3%BCr%20" in whole.headers["Content-Disposition"]
    part = exports.request("GET", path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    beyond = exports.request("GET", path, headers={"Range": f"bytes={len(whole.content)}-"})
    assert beyond.status_code == 416


def test_the_manifest_is_the_waybill(exports: ExportsClient) -> None:
    export = exports.run(exporter="orders", format="csv", limit=5)
    manifest = exports.get(f"/exports/{export['id']}/manifest").json()
    assert manifest["id"] == export["id"]
    assert manifest["requested_by"] == export["requested_by"]
    assert [source["rows"] for source in manifest["sources"]] == [5]
    assert manifest["verification"] == export["result"]["verification"]


def test_a_workbook_opens_in_openpyxl(exports: ExportsClient) -> None:
    from openpyxl import load_workbook

    export = exports.run(exporter="machines", format="xlsx", limit=50)
    sheet = load_workbook(io.BytesIO(exports.download(export)))["Machines"]
    assert sheet.max_row == 51
    assert sheet.freeze_panes == "A2"
