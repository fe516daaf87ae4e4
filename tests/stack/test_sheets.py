"""Exporters of several tables, references and a file for each value, on the real stack and against SQL."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from include.core.filename import slug
from tests.stack.client import FINAL, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psycopg

    from tests.stack.client import AirflowClient, ExportsClient

BOOK = """
title: Census
description: The demo's machines, counted.
source: inventory
params:
  sources:
    type: references
    lookup: select name as key from inventory.sources
    required: false
  seen: {type: date_frame, required: false}
sheets:
  machines:
    title: Machines
    columns:
      id: {type: integer}
      serial_number: {type: string}
      platform: {type: string}
      unit: {type: string, label: Business unit}
    key: [id]
    sql: |
      select m.id, m.serial_number, m.platform, bu.name as unit
      from inventory.machines m
      join inventory.sources s on s.id = m.source_id
      left join inventory.business_units bu on bu.id = m.business_unit_id
      where (:sources::text[] is null or s.name = any(:sources::text[]))
        and (:seen_first::date is null or m.last_seen >= :seen_first::date at time zone 'UTC')
        and (:seen_last::date is null or m.last_seen < (:seen_last::date + 1) at time zone 'UTC')
  platforms: {title: Platforms, counts: machines, by: platform}
  units: {title: Units, counts: machines, by: unit}
"""
SHEETS = ["machines", "platforms", "units"]
COUNTED = """
    select {what}, count(*), round(100.0 * count(*) / (select count(*) from inventory.machines), 2)
    from inventory.machines m left join inventory.business_units bu on bu.id = m.business_unit_id
    group by 1 order by 2 desc, 1
"""


@pytest.fixture
def census(exporter: Callable[[str, str], str]) -> str:
    return exporter("census", BOOK)


def counted(demo: psycopg.Connection, what: str) -> list[tuple[Any, ...]]:
    return demo.execute(COUNTED.format(what=what)).fetchall()


def machines(demo: psycopg.Connection) -> list[tuple[Any, ...]]:
    statement = """
        select m.id, m.serial_number, m.platform, bu.name from inventory.machines m
        left join inventory.business_units bu on bu.id = m.business_unit_id order by m.id
    """
    return demo.execute(statement).fetchall()


def unzipped(content: bytes) -> dict[str, list[list[str]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {
            name: list(csv.reader(io.StringIO(archive.read(name).decode(), newline=""))) for name in archive.namelist()
        }


def manifest_of(exports: ExportsClient, export: dict[str, Any]) -> dict[str, Any]:
    manifest: dict[str, Any] = exports.get(f"/exports/{export['id']}/manifest").json()
    return manifest


# Several tables


def test_a_workbook_has_every_table_and_the_counts_are_right(
    census: str, exports: ExportsClient, demo: psycopg.Connection
) -> None:
    export = exports.run(exporter=census, format="xlsx")
    book = load_workbook(io.BytesIO(exports.download(export)), read_only=True)
    assert book.sheetnames == ["Machines", "Platforms", "Units"]
    rows = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    assert rows["Machines"][0] == ("Id", "Serial number", "Platform", "Business unit")
    wanted = machines(demo)
    assert [row[1:] for row in rows["Machines"][1:]] == [row[1:] for row in wanted]
    for title, what in (("Platforms", "m.platform"), ("Units", "bu.name")):
        head, *found = rows[title]
        assert head == ("Value", "Count", "%")
        counts = counted(demo, what)
        assert [(value, count, Decimal(str(part))) for value, count, part in found] == counts
        assert sum(count for _, count, _ in found) == len(wanted)
    assert None in [value for value, *_ in rows["Units"][1:]]


def test_all_tables_are_of_one_snapshot_and_the_manifest_names_each(census: str, exports: ExportsClient) -> None:
    export = exports.run(exporter=census, format="xlsx")
    manifest = manifest_of(exports, export)
    records = manifest["sources"]
    assert [(each["exporter"], each["place"], each["sheet"]) for each in records] == [
        (census, 0, sheet) for sheet in SHEETS
    ]
    assert (manifest["consistency"], manifest["order"]) == ("snapshot", "key")
    assert {each["snapshot"] for each in records} == {manifest["snapshot"]}
    assert manifest["snapshot"]
    assert len({each["query_sha256"] for each in records}) == 3
    assert sum(each["rows"] for each in records) == manifest["rows"] == export["result"]["rows"]
    assert [source["exporter"] for source in export["sources"]] == [census]
    assert export["sources"][0]["rows"] == manifest["rows"]


def test_in_csv_the_tables_are_the_files_of_a_zip(
    census: str, exports: ExportsClient, demo: psycopg.Connection
) -> None:
    export = exports.run(exporter=census, format="csv", filename="census", sheets=["units", "machines"])
    [file] = export["result"]["files"]
    assert file["name"] == "census.zip"
    files = unzipped(exports.download(export))
    assert list(files) == ["units.csv", "machines.csv"]
    assert [(each["name"], each["rows"]) for each in file["contents"]] == [
        (name, len(rows) - 1) for name, rows in files.items()
    ]
    counts = counted(demo, "bu.name")
    assert files["units.csv"][1:] == [[value or "", str(count), str(part)] for value, count, part in counts]
    assert [row[0] for row in files["machines.csv"][1:]] == [str(row[0]) for row in machines(demo)]


def test_one_table_is_a_file_with_columns_conditions_and_order(
    census: str, exports: ExportsClient, demo: psycopg.Connection
) -> None:
    export = exports.run(
        exporter=census,
        format="csv",
        sheets=["platforms"],
        columns=["count", {"name": "value", "as": "system"}],
        where=[{"column": "count", "op": ">", "value": 10}],
        order_by=["value"],
    )
    rows = list(csv.reader(io.StringIO(exports.download(export).decode())))
    wanted = sorted((value, count) for value, count, _ in counted(demo, "m.platform") if count > 10)
    assert rows == [["count", "system"], *([str(count), value] for value, count in wanted)]
    assert export["result"]["files"][0]["contents"] is None


def test_several_books_in_one_workbook_are_told_apart(census: str, exports: ExportsClient) -> None:
    sources = [
        {"exporter": census, "sheets": ["platforms", "units"], "name": "Jamf", "params": {"sources": ["jamf"]}},
        {"exporter": census, "sheets": ["platforms"]},
        {"exporter": "orders", "limit": 3},
    ]
    export = exports.run(sources=sources, format="xlsx")
    book = load_workbook(io.BytesIO(exports.download(export)), read_only=True)
    assert book.sheetnames == ["Jamf - Platforms", "Jamf - Units", "Platforms", "Orders"]
    sizes = [sum(1 for _ in sheet.iter_rows(min_row=2)) for sheet in book.worksheets]
    assert [source["rows"] for source in export["sources"]] == [sizes[0] + sizes[1], sizes[2], sizes[3]]


def test_a_date_frame_is_of_whole_days_and_kept_as_such(
    census: str, exports: ExportsClient, demo: psycopg.Connection
) -> None:
    (first, last) = demo.execute(
        "select date_trunc('month', max(last_seen) at time zone 'UTC')::date, (max(last_seen) at time zone 'UTC')::date"
        " from inventory.machines"
    ).fetchone() or (None, None)
    export = exports.run(exporter=census, sheets=["machines"], params={"seen": f"{first}/{last}"})
    statement = "select count(*) from inventory.machines where (last_seen at time zone 'UTC')::date between %s and %s"
    assert [(export["result"]["rows"],)] == demo.execute(statement, (first, last)).fetchall()
    named = exports.submit(exporter=census, sheets=["machines"], params={"seen": "year_previous"})
    year = int(named["created_at"][:4]) - 1
    assert named["params"]["seen"] == f"{year}-01-01/{year}-12-31"
    assert exports.finish(named["id"])["status"] == "succeeded"


def test_airflows_form_has_sheets(census: str, airflow: AirflowClient, admin_exports: ExportsClient) -> None:
    fields = airflow.get("/dags/export/details")["params"]
    assert "several tables" in fields["sheets"]["description"]
    conf = {name: field["value"] for name, field in fields.items()}
    conf |= {"exporter": census, "sheets": ["units", ""], "format": "csv", "filename": "form"}
    airflow.post("/dags/export/dagRuns", {"logical_date": None, "conf": conf})

    def look() -> dict[str, Any] | None:
        items = admin_exports.get("/exports", exporter=census).json()["items"]
        return next((item for item in items if item["trigger"] == "airflow" and item["status"] in FINAL), None)

    found = wait_for("the form's run in the list of exports", look)
    assert (found["status"], found["error"]) == ("succeeded", None)
    export = admin_exports.read(found["id"])
    assert [(file["name"], file["contents"]) for file in export["result"]["files"]] == [("form.csv", None)]
    assert manifest_of(admin_exports, export)["sources"][0]["sheet"] == "units"


FLEET = """
from airflow.sdk import DAG

from operators.export import ExportOperator

with DAG("fleet", schedule=None, is_paused_upon_creation=False, params={"sheet": "platforms"}):
    ExportOperator(
        task_id="export",
        owner="admin",
        exporter="fleet",
        arguments={"platforms": ["MACOS", "IOS"]},
        sheets=["{{ params.sheet }}"],
        split={"by": "value"},
        format="jsonl",
        filename="fleet",
    )
"""


def test_a_dag_of_ones_own_names_sheets(
    workshop: Path, airflow: AirflowClient, admin_exports: ExportsClient, demo: psycopg.Connection
) -> None:
    (workshop / "dags" / "fleet.py").write_text(FLEET)
    wait_for("the DAG", lambda: airflow.http.get("/api/v2/dags/fleet").is_success or None)
    airflow.post("/dags/fleet/dagRuns", {"logical_date": None})

    def look() -> dict[str, Any] | None:
        items = admin_exports.get("/exports", exporter="fleet").json()["items"]
        return next((item for item in items if "/dags/fleet/" in item["links"]["log"] and not item["unready"]), None)

    export = admin_exports.read(wait_for("the DAG's export", look)["id"])
    assert (export["status"], export["error"]) == ("succeeded", None)
    assert [file["name"] for file in export["result"]["files"]] == ["fleet-ios.jsonl", "fleet-macos.jsonl"]
    counts = [json.loads(admin_exports.download(file))["count"] for file in export["result"]["files"]]
    statement = (
        "select count(*) from inventory.machines where platform in ('IOS', 'MACOS') group by platform order by platform"
    )
    assert [(count,) for count in counts] == demo.execute(statement).fetchall()


# References


def test_keys_that_the_source_has_not_are_refused(census: str, exports: ExportsClient) -> None:
    params = {"sources": ["jamf", "no such source", "munki"]}
    before = exports.get("/exports", exporter=census, count="true").json()["total"]
    for body in ({"exporter": census, "params": params}, {"sources": [{"exporter": census, "params": params}]}):
        answer = exports.post(body)
        assert answer.status_code == 422, answer.text
        prefix = "/sources/0" if "sources" in body else ""
        pointers = [error["pointer"] for error in answer.json()["errors"]]
        assert f"{prefix}/params/sources/1" in pointers
        assert "no such source" not in answer.text
    assert exports.get("/exports", exporter=census, count="true").json()["total"] == before


def test_keys_that_are_gone_are_found_by_the_task_too(
    census: str, airflow: AirflowClient, admin_exports: ExportsClient
) -> None:
    conf = {"exporter": census, "params": {"sources": ["no such source"]}, "format": "csv", "name": "gone"}
    airflow.post("/dags/export/dagRuns", {"logical_date": None, "conf": conf})

    def look() -> dict[str, Any] | None:
        items = admin_exports.get("/exports", exporter=census, name="gone").json()["items"]
        return next((item for item in items if item["status"] in FINAL), None)

    export = wait_for("the end of the run", look)
    assert (export["status"], export["result"]) == ("failed", None)
    assert export["error"]["code"] == "invalid_request"
    assert export["error"]["detail"].startswith("/params/sources/0: ")
    assert export["attempt"] == 1


# A file for each value


def test_every_machine_is_in_the_one_file_of_its_source(exports: ExportsClient, demo: psycopg.Connection) -> None:
    statement = """
        select s.name, array_agg(m.id order by m.id) from inventory.machines m
        join inventory.sources s on s.id = m.source_id group by s.name order by s.name
    """
    wanted = demo.execute(statement).fetchall()
    assert {"jamf", "Jamf"} <= {name for name, _ in wanted}

    export = exports.run(
        exporter="machines", format="csv", split={"by": "source"}, compression="zip", filename="by-source"
    )
    files = unzipped(exports.download(export))
    names: Counter[str] = Counter()
    expected = {}
    for name, ids in wanted:
        names[slug(name)] += 1
        number = names[slug(name)]
        expected[f"{slug(name)}{'' if number == 1 else f'-{number}'}.csv"] = (name, ids)
    assert list(files) == list(expected)
    for file, (name, ids) in expected.items():
        head, *rows = files[file]
        assert [int(row[head.index("id")]) for row in rows] == ids
        assert {row[head.index("source")] for row in rows} == {name}

    [stored] = export["result"]["files"]
    assert stored["name"] == "by-source.zip"
    assert [(each["name"], each["rows"]) for each in stored["contents"]] == [
        (file, len(ids)) for file, (_, ids) in expected.items()
    ]
    total = demo.execute("select count(*) from inventory.machines").fetchall()
    assert [(export["result"]["rows"],)] == total


def test_unzipped_each_file_has_its_name_and_address(exports: ExportsClient, demo: psycopg.Connection) -> None:
    export = exports.run(exporter="machines", format="jsonl", split={"by": "compliant"}, columns=["id", "compliant"])
    stem = export["result"]["files"][0]["name"].removesuffix("-false.jsonl")
    assert [file["name"] for file in export["result"]["files"]] == [
        f"{stem}-{value}.jsonl" for value in ("false", "true", "null")
    ]
    statement = "select count(*) from inventory.machines group by compliant order by compliant"
    counts = [(file["rows"],) for file in export["result"]["files"]]
    assert counts == demo.execute(statement).fetchall()
    for file, (rows,) in zip(export["result"]["files"], counts, strict=True):
        assert exports.download(file).count(b"\n") == rows
