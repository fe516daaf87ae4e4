"""The first rows are shown: those of the export, to whom it may concern, and never for long."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from export_api.db.models import Audit, Export
from include.core.errors import NotAllowed
from include.core.request import parse_request
from tests.api.stand_in import VERA
from tests.api.test_routes import resolve
from tests.stack.client import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.api.foreseeing import Trial

PATH = "/v1/exports/preview"
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def nothing_is_left(trial: Trial) -> Iterator[None]:
    yield
    wait_for("the end of connections", lambda: True if not trial.connections("waybill preview") else None, 10)
    assert trial.bench.airflow.triggered == []
    assert trial.bench.store.objects == {}
    assert rows_of(trial, Export) == []


def rows_of(trial: Trial, model: type[Any]) -> list[Any]:
    with trial.bench.airflow.session() as session:
        return list(session.scalars(sa.select(model)))


def ask(trial: Trial, query: str = "", headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    wanted = {name: value for name, value in ({"exporter": "numbers"} | body).items() if value is not None}
    answer: httpx.Response = trial.client().post(f"{PATH}{query}", json=wanted, headers=headers)
    return answer


def test_the_answer_is_the_file_of_the_first_rows(trial: Trial) -> None:
    answer = ask(trial, "?rows=3", format="csv", filename="n-{id}", order_by=["-n"])
    assert answer.status_code == 200, answer.text
    assert answer.text == "n,name,half\r\n5000,N 5000,2500.00\r\n4999,N 4999,2499.50\r\n4998,N 4998,2499.00\r\n"
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Waybill-Rows"] == "3"
    assert answer.headers["Content-Disposition"].startswith('inline; filename="n-preview.csv"')
    assert answer.headers["Cache-Control"] == "no-store"


def test_twenty_rows_are_shown_unless_another_number_is_asked_for(trial: Trial) -> None:
    for query, rows in (("", 20), ("?rows=1", 1), ("?rows=100", 100)):
        answer = ask(trial, query, format="jsonl")
        assert [json.loads(line)["n"] for line in answer.text.splitlines()] == list(range(1, rows + 1))
        assert answer.headers["Waybill-Rows"] == str(rows)
    assert ask(trial, "?rows=100", format="jsonl", limit=7).headers["Waybill-Rows"] == "7"


def test_a_workbook_is_a_workbook(trial: Trial) -> None:
    sheet = load_workbook(io.BytesIO(ask(trial, "?rows=2", format="xlsx").content)).worksheets[0]
    assert sheet.title == "Numbers"
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["N°", "Name", "Half"],
        [1, "N 1", 0.5],
        [2, "N 2", 1],
    ]


@pytest.mark.parametrize(
    "accept", ["application/json", "Application/JSON; charset=utf-8", "text/csv, application/json"]
)
def test_json_has_the_rows_as_jsonl_writes_them_and_the_warnings(trial: Trial, accept: str) -> None:
    body = {
        "format": "pdf",
        "limit": 4_500,
        "columns": ["n", {"name": "half", "as": "h"}, "name"],
        "compression": "gzip",
    }
    answer = ask(trial, "?rows=3", {"Accept": accept}, **body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    found = answer.json()
    assert found["truncated"] is True
    (source,) = found["sources"]
    assert (source["exporter"], source["title"]) == ("numbers", "Numbers")
    assert [column["name"] for column in source["columns"]] == ["n", "h", "name"]
    assert source["rows"] == [
        {"n": 1, "h": "0.50", "name": "N 1"},
        {"n": 2, "h": "1.00", "name": "N 2"},
        {"n": 3, "h": "1.50", "name": None},
    ]
    limited, compressed = found["warnings"]
    assert "4,500" in limited
    assert "not compressed" in compressed


def test_json_is_as_described(trial: Trial) -> None:
    client = trial.client()
    body = {"sources": [{"exporter": "numbers"}, {"exporter": "anyhow", "name": "Any", "limit": 2}], "format": "csv"}
    found = client.post(PATH, json=body, headers=JSON).json()
    description = client.get("/v1/openapi.json").json()
    media = description["paths"][PATH]["post"]["responses"]["200"]["content"]["application/json"]
    jsonschema.validate(found, resolve(media["schema"], description), jsonschema.Draft202012Validator)
    assert [(source["title"], len(source["rows"])) for source in found["sources"]] == [("Numbers", 20), ("Any", 2)]


def test_no_rows_are_no_rows(trial: Trial) -> None:
    nothing = {"least": 10_000}
    assert ask(trial, params=nothing, format="csv").text == "n,name,half\r\n"
    found = ask(trial, "", JSON, params=nothing).json()
    assert (found["truncated"], found["sources"][0]["rows"]) == (False, [])


def test_it_is_audited_with_what_was_seen(trial: Trial) -> None:
    ask(trial, "?rows=3", where=[{"column": "n", "op": ">", "value": 7}])
    ask(trial, "?rows=2", JSON)
    first, second = rows_of(trial, Audit)
    assert (first.caller, first.action, first.export_id) == ("anna", "preview", None)
    assert first.detail["rows"] == 3
    assert first.detail["request"]["where"] == [{"column": "n", "op": ">", "value": 7}]
    assert second.detail["rows"] == 2


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
@pytest.mark.parametrize(
    ("query", "body", "status", "pointer"),
    [
        ("?rows=0", {}, 422, "/query/rows"),
        ("?rows=101", {}, 422, "/query/rows"),
        ("?rows=many", {}, 422, "/query/rows"),
        ("?lines=3", {}, 422, "/query/lines"),
        ("", {"format": "docx"}, 422, "/format"),
        ("", {"exporter": "nobody"}, 422, "/exporter"),
        ("", {"surprise": 1}, 422, "/surprise"),
        ("", {"exporter": "nowhere"}, 503, None),
        ("", {"exporter": "unknown"}, 500, None),
        ("", {"exporter": "wrong"}, 500, None),
    ],
)
def test_errors_are_problems_and_nothing_was_seen(
    trial: Trial, accept: str, query: str, body: dict[str, Any], status: int, pointer: str | None
) -> None:
    answer = ask(trial, query, {"Accept": accept}, **body)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == ([pointer] if pointer else [])
    assert rows_of(trial, Audit) == []


def test_whoever_may_not_create_sees_nothing(trial: Trial) -> None:
    trial.caller = VERA
    assert ask(trial).status_code == 403
    with pytest.raises(NotAllowed):
        trial.previews.tables(VERA, parse_request({"exporter": "numbers"}), 3)


@pytest.mark.parametrize("headers", [{}, JSON])
def test_a_source_that_takes_too_long_is_given_up(trial: Trial, headers: dict[str, str]) -> None:
    trial.give(seconds=1)
    answer = ask(trial, "", headers, exporter="asleep")
    assert (answer.status_code, answer.json()["code"]) == (503, "source_slow")
    assert "it has 1 s" in answer.json()["detail"]
    assert answer.headers["Retry-After"]
    assert rows_of(trial, Audit) == []


def test_several_sources_together_have_no_more_time_than_one(trial: Trial) -> None:
    trial.give(seconds=1)
    assert ask(trial, exporter="slow").status_code == 200
    answer = ask(trial, exporter=None, sources=[{"exporter": "slow"}] * 3, format="xlsx")
    assert (answer.status_code, answer.json()["code"]) == (503, "source_slow")
