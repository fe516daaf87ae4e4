"""What is told before an export is started, against SQL on the demo data and against the export itself."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from openpyxl import load_workbook

from tests.stack.client import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from deploy.local.stack import Stack
    from tests.stack.bucket import Bucket
    from tests.stack.client import AirflowClient, ExportsClient

NOWHERE = """
title: Unreachable
source: nowhere
columns: {id: {type: integer}}
sql: select 1 as id
"""
LITE = """
title: Lite
source: lite
columns: {id: {type: integer}}
key: [id]
sql: select 1 as id union select 2
"""
ASLEEP = """
title: Asleep
source: shop
columns: {id: {type: integer}}
key: [id]
timeout: 1
sql: select 1 as id from pg_sleep(60)
"""
NO_COLUMN = """
title: No column
source: shop
columns: {id: {type: integer}, nothing: {type: string}}
sql: select id, nothing from shop.orders
"""


@pytest.fixture(autouse=True)
def nothing_is_left(stack: Stack, airflow: AirflowClient, bucket: Bucket) -> Iterator[None]:
    """No run is started and no object stored; every connection to the sources is closed."""

    def runs() -> int:
        return int(airflow.get("/dags/export/dagRuns", limit=1)["total_entries"])

    def left() -> bool | None:
        with psycopg.connect(stack.superuser_dsn) as connection:
            statement = "select 1 from pg_stat_activity where application_name = any(%s)"
            found = connection.execute(statement, (["waybill estimate", "waybill preview"],)).fetchone()
        return True if found is None else None

    runs_before, objects_before = runs(), bucket.keys()
    yield
    wait_for("the end of connections to the sources", left, 10)
    assert (runs(), bucket.keys()) == (runs_before, objects_before)


def foresee(exports: ExportsClient, **body: Any) -> dict[str, Any]:
    answer = exports.request("POST", "/exports", params={"validate_only": "true"}, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


# Rows and bytes


COUNTS: list[tuple[dict[str, Any], str]] = [
    ({"exporter": "orders"}, "select count(*) from shop.orders"),
    (
        {"exporter": "orders", "where": [{"column": "created_at", "op": ">=", "value": "2026-06-01T00:00:00Z"}]},
        "select count(*) from shop.orders where created_at >= '2026-06-01T00:00Z'",
    ),
    ({"exporter": "machines"}, "select count(*) from inventory.machines"),
    (
        {"exporter": "macos_apps"},
        "select count(*) from inventory.app_installs i join inventory.apps a on a.id = i.app_id and kind = 'macos_app'",
    ),
    (
        {"exporter": "order_taxes"},
        "select count(*) from shop.positions p join shop.orders o on o.id = p.order_id and o.status = 'paid'",
    ),
]


@pytest.mark.parametrize(("body", "counted"), COUNTS, ids=lambda value: str(value)[:60])
def test_the_estimate_is_within_a_factor_of_two_of_the_truth(
    exports: ExportsClient, demo: psycopg.Connection, body: dict[str, Any], counted: str
) -> None:
    ((truth,),) = demo.execute(counted).fetchall()
    assert truth > 1_000
    assert truth / 2 < foresee(exports, **body)["rows_estimated"] < truth * 2


def test_posthog_9084_the_number_of_rows_is_known_before_the_export(
    exports: ExportsClient, demo: psycopg.Connection
) -> None:
    """posthog#9084, metabase#5657, lightdash#28297: and what it means for the format that was chosen."""
    ((orders,),) = demo.execute("select count(*) from shop.orders").fetchall()
    found = foresee(exports, exporter="orders", format="pdf")
    assert 0.9 * orders < found["rows_estimated"] < 1.1 * orders
    (warning,) = found["warnings"]
    assert "A PDF holds 10,000" in warning
    limited = foresee(exports, exporter="orders", format="pdf", limit=10_000)
    assert limited["rows_estimated"] == 10_000
    (warning,) = limited["warnings"]
    assert "the limit of 10,000 leaves rows out" in warning


def test_several_exporters_are_told_one_by_one_and_together(exports: ExportsClient, demo: psycopg.Connection) -> None:
    found = foresee(
        exports,
        sources=[{"exporter": "machines", "params": {"platform": "MACOS"}}, {"exporter": "orders", "limit": 100}],
        format="csv",
        filename="all-{date}",
    )
    rows = [source["rows_estimated"] for source in found["sources"]]
    ((macs,),) = demo.execute("select count(*) from inventory.machines where platform = 'MACOS'").fetchall()
    assert macs / 2 < rows[0] < macs * 2
    assert rows[1] == 100
    assert found["rows_estimated"] == sum(rows)
    (name,) = found["files"]
    assert name.startswith("all-20")
    assert name.endswith(".zip")


def test_bytes_are_known_from_earlier_exports(exports: ExportsClient, past: dict[str, Any]) -> None:
    found = foresee(exports, **past["request"])
    size = past["file"]["bytes"]
    assert 0.8 * size < found["bytes_estimated"] < 1.2 * size
    assert found["files"] == [past["file"]["name"]]
    assert foresee(exports, **past["request"] | {"format": "xml"})["bytes_estimated"] is None


@pytest.fixture(scope="module")
def past(exports: ExportsClient) -> dict[str, Any]:
    """An export that is there before the tests."""
    request = {"exporter": "order_taxes", "format": "jsonl", "filename": "taxes", "compression": "gzip"}
    return {"request": request, "file": exports.run(**request)["result"]["files"][0]}


def test_a_database_without_a_planner_to_ask_estimates_nothing(exports: ExportsClient, workshop: Path) -> None:
    (workshop / "exporters/lite_rows.yaml").write_text(LITE)
    found = foresee(exports, exporter="lite_rows", limit=1)
    assert (found["rows_estimated"], found["bytes_estimated"], found["warnings"]) == (None, None, [])


# The first rows


def preview(exports: ExportsClient, rows: int, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    answer = exports.request("POST", "/exports/preview", params={"rows": rows}, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def rows_of(file_format: str, content: bytes) -> list[Any]:
    """The rows as a reader finds them, the header among them."""
    match file_format:
        case "csv":
            return list(csv.reader(io.StringIO(content.decode(), newline="")))
        case "jsonl":
            return [json.loads(line) for line in content.decode().split("\n")[:-1]]
        case _:
            return list(load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True))


SEEN: list[dict[str, Any]] = [
    {
        "exporter": "orders",
        "columns": ["code", {"name": "total", "as": "sum"}, "created_at", "comment", "testmode", "external_id"],
        "where": [{"column": "status", "op": "=", "value": "paid"}, {"column": "total", "op": ">", "value": "50"}],
        "order_by": ["-created_at"],
        "limit": 3_000,
    },
    {"exporter": "order_taxes", "params": {"since": "2026-05-01T00:00:00Z"}, "limit": 3_000},
    {"exporter": "machines", "params": {"platform": "MACOS"}, "limit": 3_000},
]


@pytest.fixture(scope="module", params=[(body, name) for body in SEEN for name in ("csv", "jsonl", "xlsx")], ids=str)
def exported(request: pytest.FixtureRequest, exports: ExportsClient) -> tuple[dict[str, Any], list[Any]]:
    """A request, and the rows of its export."""
    body, file_format = request.param
    wanted = {**body, "format": file_format}
    return wanted, rows_of(file_format, exports.download(exports.run(**wanted)))


def test_datacleaner_1371_the_first_rows_are_those_of_the_export(
    exports: ExportsClient, exported: tuple[dict[str, Any], list[Any]]
) -> None:
    """DataCleaner#1371: a trial of the first rows has the conditions, columns, order and format of the export."""
    body, whole = exported
    header = 0 if body["format"] == "jsonl" else 1
    for rows in (1, 100):
        answer = preview(exports, rows, **body)
        assert rows_of(body["format"], answer.content) == whole[: rows + header]
        assert answer.headers["Waybill-Rows"] == str(rows)
    described = exports.get("/exporters").json()["items"][0]["formats"]
    (media_type,) = (each["media_type"] for each in described if each["name"] == body["format"])
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Content-Disposition"].startswith("inline; ")


def test_json_shows_the_rows_that_jsonl_has_with_the_warnings(exports: ExportsClient) -> None:
    body = {**SEEN[0], "split": {"rows": 100}, "compression": "zstd"}
    found = preview(exports, 50, {"Accept": "application/json"}, **body, format="pdf").json()
    (source,) = found["sources"]
    assert source["rows"] == rows_of("jsonl", preview(exports, 50, **body, format="jsonl").content)
    assert found["truncated"] is True
    assert [column["name"] for column in source["columns"]] == list(source["rows"][0])
    for word in ("split", "compressed"):
        assert any(word in warning for warning in found["warnings"]), found["warnings"]


@pytest.mark.parametrize("file_format", ["json", "parquet", "pdf", "xml"])
def test_every_other_format_shows_its_file_too(exports: ExportsClient, file_format: str) -> None:
    starts = {"json": b"[", "parquet": b"PAR1", "pdf": b"%PDF-", "xml": b"<?xml"}
    answer = preview(exports, 5, exporter="orders", columns=["id", "code"], format=file_format)
    assert answer.content.startswith(starts[file_format])
    assert answer.headers["Waybill-Rows"] == "5"


def test_a_database_read_by_a_cursor_shows_its_rows(exports: ExportsClient, workshop: Path) -> None:
    (workshop / "exporters/lite_rows.yaml").write_text(LITE)
    assert preview(exports, 1, exporter="lite_rows", format="csv").text == "id\r\n1\r\n"


def test_who_saw_what_is_audited(stack: Stack, exports: ExportsClient) -> None:
    preview(exports, 7, exporter="orders", columns=["code", "email"])
    with psycopg.connect(stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]) as connection:
        statement = "select action, export_id, detail from waybill_audit order by id desc limit 1"
        ((action, export_id, detail),) = connection.execute(statement).fetchall()
    assert (action, export_id, detail["rows"]) == ("preview", None, 7)
    assert detail["request"]["columns"] == ["code", "email"]


# Mistakes


def test_a_query_that_takes_too_long_is_ended_and_said_so(exports: ExportsClient, workshop: Path) -> None:
    (workshop / "exporters/asleep.yaml").write_text(ASLEEP)
    answer = exports.request("POST", "/exports/preview", json={"exporter": "asleep"})
    assert (answer.status_code, answer.json()["code"]) == (503, "source_slow")
    assert answer.headers["Retry-After"]


def test_sentry_22204_a_request_that_cannot_work_is_found_out_before_it_is_started(
    exports: ExportsClient, workshop: Path
) -> None:
    """sentry!22204: in the request, in its source, and in the exporter's statement."""
    (workshop / "exporters/unreachable_soon.yaml").write_text(NOWHERE)
    (workshop / "exporters/unknown_soon.yaml").write_text(NOWHERE.replace("nowhere", "not_configured"))
    (workshop / "exporters/no_column.yaml").write_text(NO_COLUMN)
    for body, status, code, said in (
        ({"exporter": "orders", "limit": 0}, 422, "invalid_request", "/limit"),
        ({"exporter": "orders", "where": [{"column": "x", "op": "is_null"}]}, 422, "invalid_request", "/where/0"),
        ({"exporter": "unreachable_soon"}, 503, "source_unavailable", "'nowhere'"),
        ({"exporter": "unknown_soon"}, 500, "source_unknown", "AIRFLOW_CONN_NOT_CONFIGURED"),
        ({"exporter": "no_column"}, 500, "query_refused", 'column "nothing" does not exist'),
    ):
        answer = exports.request("POST", "/exports", params={"validate_only": "true"}, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert said in answer.json()["detail"]
        assert "not-a-secret" not in answer.text
