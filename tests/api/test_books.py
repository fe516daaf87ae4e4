"""Exporters of several tables and references, through the API, on a real PostgreSQL."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from contextlib import closing
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from export_api import asking
from export_api.db.models import Audit, Export
from include.core import references
from include.core.errors import InvalidRequest
from include.core.manifest import Consistency
from include.core.query import Order, Selection
from include.core.request import parse_request
from include.core.source import Sources
from include.core.table import CountsTable
from include.sources import open_source
from tests.api.foreseeing import ROWS
from tests.api.stand_in import ANNA, make_manifest
from tests.api.test_routes import resolve
from tests.stack.client import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    import httpx

    from tests.api.foreseeing import Trial

EXPORTS = "/v1/exports"
VALIDATE = f"{EXPORTS}?validate_only=true"
PREVIEW = f"{EXPORTS}/preview"
THIRDS = [("third 2", 1667, Decimal("33.34")), ("third 1", 1667, Decimal("33.34")), (None, 1666, Decimal("33.32"))]


def silent(trial: Trial, application: str) -> bool | None:
    return None if trial.connections(application) else True


@pytest.fixture(autouse=True)
def no_connection_stays(trial: Trial) -> Iterator[None]:
    yield
    for application in ("waybill look-up", "waybill estimate", "waybill preview"):
        wait_for("the end of connections", partial(silent, trial, application), 10)


def ask(trial: Trial, path: str, accept: str = "*/*", **body: Any) -> httpx.Response:
    answer: httpx.Response = trial.client().post(path, json=body, headers={"Accept": accept})
    return answer


def rows_of(trial: Trial, model: type[Any]) -> list[Any]:
    with trial.bench.airflow.session() as session:
        return list(session.scalars(sa.select(model)))


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


def fits(trial: Trial, body: Any, path: str, method: str, status: str) -> None:
    description = trial.client().get("/v1/openapi.json").json()
    media = description["paths"][path][method]["responses"][status]["content"]["application/json"]
    jsonschema.validate(body, resolve(media["schema"], description), jsonschema.Draft202012Validator)


# The catalog


def test_the_catalog_describes_each_sheet(trial: Trial) -> None:
    client = trial.client()
    described = client.get("/v1/exporters/book").json()
    fits(trial, described, "/v1/exporters/{name}", "get", "200")
    assert (described["columns"], described["key"]) == ([], [])
    assert [(sheet["name"], sheet["title"], sheet["key"]) for sheet in described["sheets"]] == [
        ("all", "All numbers", ["n"]),
        ("thirds", "Thirds", ["value"]),
        ("few", "Few", ["n"]),
    ]
    counts = described["sheets"][1]["columns"]
    assert [(column["name"], column["type"]) for column in counts] == [
        ("value", "string"),
        ("count", "integer"),
        ("percent", "decimal"),
    ]
    assert "contains" in counts[0]["ops"]
    listed = {item["name"]: item for item in client.get("/v1/exporters").json()["items"]}
    assert listed["book"] == described
    assert listed["numbers"]["sheets"] == []
    assert [column["name"] for column in listed["numbers"]["columns"]] == ["n", "name", "half"]


def test_the_catalog_keeps_look_ups_to_itself(trial: Trial) -> None:
    described = trial.client().get("/v1/exporters/picky")
    assert described.json()["params"]["properties"]["numbers"]["type"] == "array"
    assert "select" not in described.text


# Counts, as PostgreSQL counts


def test_counts_are_what_the_database_counts(trial: Trial) -> None:
    book = trial.bench.service.catalog.load("book")
    counts = book.declared()["thirds"]
    assert isinstance(counts, CountsTable)

    def opened(conn_id: str) -> Any:
        return open_source(trial.bench.airflow.connection(conn_id), application="test", timeout_seconds=60)

    def read(least: int, **selected: Any) -> list[tuple[Any, ...]]:
        with closing(Sources(opened)) as sources:
            params = book.params_type.model_validate({"least": least})
            batches = counts.batches(params, Selection(tuple(counts.columns), **selected), sources)
            found = [tuple(row.values()) for batch in batches.stream for row in batch.to_pylist()]
            assert sources.consistency is Consistency.SNAPSHOT
            assert [record.rows for record in sources.records] == [len(found)]
            return found

    assert read(0) == sorted(THIRDS, key=lambda row: (-row[1], row[0] or "~"))
    assert read(0, order_by=(Order(counts.columns["value"], descending=True),))[0][0] is None
    assert read(ROWS) == [("third 2", 1, Decimal("100.00"))]
    assert read(ROWS + 1) == []


# Submitting


def test_a_book_is_submitted_with_what_was_asked_for(trial: Trial) -> None:
    answer = ask(trial, EXPORTS, exporter="book", sheets=["thirds", "all"], format="xlsx")
    assert answer.status_code == 202, answer.text
    (run,) = trial.bench.airflow.triggered
    assert run["conf"] == {
        "exporter": "book",
        "sheets": ["thirds", "all"],
        "format": "xlsx",
        "params": {"least": 0},
    }
    assert (answer.json()["exporter"], len(answer.json()["sources"])) == ("book", 1)


@pytest.mark.parametrize("path", [EXPORTS, VALIDATE, PREVIEW])
@pytest.mark.parametrize(
    ("body", "pointed"),
    [
        ({"exporter": "book", "sheets": ["all", "nothing"]}, ["/sheets/1"]),
        ({"exporter": "book", "limit": 3}, ["/limit"]),
        ({"exporter": "numbers", "sheets": ["all"]}, ["/sheets/0"]),
        ({"sources": [{"exporter": "numbers"}, {"exporter": "book", "sheets": ["x"]}]}, ["/sources/1/sheets/0"]),
        ({"exporter": "book", "split": {"by": "n"}}, ["/split"]),
        ({"exporter": "book", "sheets": ["all"], "split": {"by": "half"}}, ["/split/by"]),
        ({"exporter": "picky", "params": {"numbers": [1, ROWS + 1, 2]}}, ["/params/numbers/1"]),
        ({"exporter": "picky", "params": {"numbers": [-1, 1, 0]}}, ["/params/numbers/0", "/params/numbers/2"]),
        ({"exporter": "picky", "params": {"numbers": [1, 2], "least": 2}}, ["/params/numbers/0"]),
        ({"exporter": "picky", "params": {"numbers": [1], "name": "N 3"}}, ["/params/name"]),
        (
            {"sources": [{"exporter": "numbers"}, {"exporter": "picky", "params": {"numbers": [0]}}]},
            ["/sources/1/params/numbers/0"],
        ),
    ],
)
def test_a_mistake_is_pointed_at_and_nothing_is_started(
    trial: Trial, path: str, body: dict[str, Any], pointed: list[str]
) -> None:
    assert pointers(ask(trial, path, **body)) == pointed
    assert trial.bench.airflow.triggered == []
    assert rows_of(trial, Export) == []
    assert rows_of(trial, Audit) == []


def test_keys_that_are_there_are_submitted(trial: Trial) -> None:
    answer = ask(trial, EXPORTS, exporter="picky", params={"numbers": [1, ROWS], "name": "N 1"})
    assert answer.status_code == 202, answer.text
    (run,) = trial.bench.airflow.triggered
    assert run["conf"]["params"] == {"least": 0, "numbers": [1, ROWS], "name": "N 1"}


@pytest.mark.parametrize("path", [EXPORTS, VALIDATE, PREVIEW])
def test_a_slow_look_up_is_given_up_and_says_so(trial: Trial, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "LOOKUP_SECONDS", 1)
    monkeypatch.setattr(asking, "LOOKUP_SECONDS", 1)
    answer = ask(trial, path, exporter="sluggish", params={"name": "N 1"})
    assert answer.status_code == 503, answer.text
    body = answer.json()
    assert (body["code"], body["retryable"]) == ("source_slow", True)
    assert body["detail"].startswith("/params/name: source 'shop'")
    assert "Start the export" not in body["detail"]
    assert answer.headers["Retry-After"]
    assert trial.bench.airflow.triggered == []


def forget(trial: Trial, number: int) -> None:
    with trial.database.begin() as connection:
        connection.execute(sa.text("delete from numbers where n = :n"), {"n": number})


def test_a_rerun_looks_its_keys_up_again(trial: Trial) -> None:
    service = trial.bench.service
    request = parse_request({"exporter": "picky", "params": {"numbers": [1, 2]}, "format": "csv"})
    first = service.submit(ANNA, request).export
    service.rerun(ANNA, str(first.id))
    forget(trial, 2)
    with pytest.raises(InvalidRequest) as caught:
        service.rerun(ANNA, str(first.id))
    assert [error.pointer for error in caught.value.errors] == ["/params/numbers/1"]
    assert len(trial.bench.airflow.triggered) == 2


def test_a_request_that_is_sent_again_leads_to_its_export_whatever_became_of_its_keys(trial: Trial) -> None:
    client, headers = trial.client(), {"Idempotency-Key": "k"}
    body = {"exporter": "picky", "params": {"numbers": [1]}}
    first = client.post(EXPORTS, json=body, headers=headers)
    forget(trial, 1)
    again = client.post(EXPORTS, json=body, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert again.json()["id"] == first.json()["id"]


# What is told before


def test_what_is_expected_is_told_of_each_sheet(trial: Trial) -> None:
    answer = ask(trial, VALIDATE, exporter="book", sheets=["few", "all"], format="csv", filename="b")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    fits(trial, body, EXPORTS, "post", "200")
    assert body["files"] == ["b.zip"]
    assert [(source["exporter"], source["sheet"]) for source in body["sources"]] == [("book", "few"), ("book", "all")]
    rows = [source["rows_estimated"] for source in body["sources"]]
    assert rows[1] == ROWS
    assert 0 < rows[0] < 10
    assert body["rows_estimated"] == sum(rows)


def test_a_split_by_a_column_has_a_name_that_stands_for_all(trial: Trial) -> None:
    body: dict[str, Any] = {"exporter": "book", "sheets": ["all"], "split": {"by": "third"}, "filename": "b"}
    assert ask(trial, VALIDATE, **body).json()["files"] == ["b-{value}.csv"]
    assert ask(trial, VALIDATE, **body, compression="gzip").json()["files"] == ["b-{value}.csv.gz"]
    assert ask(trial, VALIDATE, **body, compression="zip").json()["files"] == ["b.zip"]


# The first rows


def test_the_first_rows_of_each_sheet_are_shown(trial: Trial) -> None:
    answer = ask(trial, f"{PREVIEW}?rows=2", "application/json", exporter="book", format="xlsx")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    fits(trial, body, PREVIEW, "post", "200")
    assert [(source["exporter"], source["sheet"], source["title"]) for source in body["sources"]] == [
        ("book", "all", "All numbers"),
        ("book", "thirds", "Thirds"),
        ("book", "few", "Few"),
    ]
    numbers, thirds, few = (source["rows"] for source in body["sources"])
    assert numbers == [{"n": 1, "third": "third 1"}, {"n": 2, "third": "third 2"}]
    assert thirds[0] == {"value": "third 1", "count": 1667, "percent": "33.34"}
    assert few == [{"n": 1}, {"n": 2}]
    assert body["truncated"] is True


def test_the_preview_is_the_workbook_or_the_zip(trial: Trial) -> None:
    book = load_workbook(io.BytesIO(ask(trial, f"{PREVIEW}?rows=3", exporter="book", format="xlsx").content))
    assert book.sheetnames == ["All numbers", "Thirds", "Few"]
    assert [[cell.value for cell in row] for row in book["Thirds"].iter_rows()] == [
        ["Value", "Count", "%"],
        ["third 1", 1667, 33.34],
        ["third 2", 1667, 33.34],
        [None, 1666, 33.32],
    ]
    content = ask(trial, PREVIEW, exporter="book", format="csv", sheets=["thirds", "few"]).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["thirds.csv", "few.csv"]
        rows = list(csv.reader(io.StringIO(archive.read("thirds.csv").decode())))
    assert rows[1:] == [["third 1", "1667", "33.34"], ["third 2", "1667", "33.34"], ["", "1666", "33.32"]]


def test_a_preview_of_a_split_begins_with_the_rows_of_the_first_file(trial: Trial) -> None:
    body: dict[str, Any] = {
        "exporter": "book",
        "sheets": ["all"],
        "split": {"by": "third"},
        "order_by": ["-third", "n"],
    }
    answer = ask(trial, f"{PREVIEW}?rows=2", **body, format="jsonl")
    assert [json.loads(line) for line in answer.text.splitlines()] == [{"n": 3, "third": None}, {"n": 6, "third": None}]
    told = ask(trial, PREVIEW, "application/json", **body).json()
    assert "The preview is one file: split is left out." in told["warnings"]


def test_a_preview_of_references_shows_their_rows(trial: Trial) -> None:
    answer = ask(trial, PREVIEW, exporter="picky", params={"numbers": [7, 5]}, format="csv")
    assert answer.text == "n\r\n5\r\n7\r\n"


# What became of it


def settled(trial: Trial, request: dict[str, Any], records: list[dict[str, Any]]) -> UUID:
    """An export that has ended with what a manifest says of its sources."""
    export_id: UUID = trial.bench.service.submit(ANNA, parse_request(request)).export.id
    manifest = make_manifest(export_id, b"content").model_dump(mode="json")
    common = {
        "connection": "shop",
        "kind": "postgres",
        "consistency": "snapshot",
        "snapshot": "1:1:",
        "query_sha256": "",
    }
    manifest["request"] = request
    manifest["sources"] = [{**common, **record} for record in records]
    trial.bench.store.objects[f"{export_id}/manifest.json"] = json.dumps(manifest).encode()
    return export_id


def test_the_rows_of_a_book_among_several_sources_are_those_of_its_sheets_together(trial: Trial) -> None:
    request = {"sources": [{"exporter": "book"}, {"exporter": "numbers"}, {"exporter": "book", "sheets": ["few"]}]}
    export_id = settled(
        trial,
        {**request, "format": "xlsx"},
        [
            {"exporter": "book", "place": 0, "sheet": "all", "rows": 5000},
            {"exporter": "book", "place": 0, "sheet": "thirds", "rows": 3},
            {"exporter": "book", "place": 0, "sheet": "few", "rows": 2},
            {"exporter": "numbers", "place": 1, "sheet": None, "rows": 70},
            {"exporter": "book", "place": 2, "sheet": "few", "rows": 2},
        ],
    )
    shown = trial.client().get(f"{EXPORTS}/{export_id}").json()
    assert shown["status"] == "succeeded"
    assert [(source["exporter"], source["rows"]) for source in shown["sources"]] == [
        ("book", 5005),
        ("numbers", 70),
        ("book", 2),
    ]
