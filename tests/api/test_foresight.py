"""A request is tried before it is started: what is told is true, nothing is started, no connection stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jsonschema  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa

from export_api import problems
from export_api.asking import AT_ONCE
from export_api.db.models import Audit, Export
from include.core.errors import Fatal, InvalidRequest, NotAllowed, Retriable
from include.core.identity import Trigger
from include.core.request import parse_request
from tests.api.foreseeing import ROWS
from tests.api.stand_in import ANNA, START, VERA, make_manifest
from tests.api.test_routes import resolve
from tests.stack.client import wait_for

if TYPE_CHECKING:
    from uuid import UUID

    from export_api.foresight import Foreseen
    from tests.api.foreseeing import Trial

APPLICATION = "waybill estimate"


def foresee(trial: Trial, **body: Any) -> Foreseen:
    return trial.foresight.foresee(ANNA, parse_request({"exporter": "numbers", **body}))


def count(trial: Trial, model: type[Any]) -> int:
    with trial.database.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(model)) or 0


@pytest.fixture(autouse=True)
def nothing_is_left(trial: Trial) -> Any:
    yield
    wait_for("the end of connections", lambda: True if not trial.connections(APPLICATION) else None, 10)
    assert trial.bench.airflow.triggered == []
    assert trial.bench.store.objects == {}
    assert count(trial, Audit) == 0


# Rows


def test_the_planner_s_rows_are_told_with_the_resolved_request(trial: Trial) -> None:
    found = foresee(trial, format="xlsx", filename="n-{date}", limit=10_000)
    assert found.request == {
        "exporter": "numbers",
        "params": {"least": 0},
        "format": "xlsx",
        "filename": "n-{date}",
        "limit": 10_000,
    }
    assert found.expected.files == ("n-2026-11-01.xlsx",)
    assert found.expected.readings == (ROWS,)
    assert found.expected.warnings == ()


@pytest.mark.parametrize("value", [1, 4_000])
def test_conditions_and_parameters_count(trial: Trial, value: int) -> None:
    wanted = ROWS - value
    for body in ({"params": {"least": value + 1}}, {"where": [{"column": "n", "op": ">", "value": value}]}):
        rows = foresee(trial, **body).expected.rows
        assert rows is not None
        assert 0.9 * wanted < rows < 1.1 * wanted


def test_a_limit_bounds_the_estimate_and_is_warned_of(trial: Trial) -> None:
    for limit in (1, 1_500):
        expected = foresee(trial, limit=limit).expected
        assert expected.rows == limit
        (warning,) = expected.warnings
        assert "Numbers" in warning
        assert f"{ROWS:,}" in warning
    assert foresee(trial, limit=ROWS).expected.warnings == ()


def test_several_are_summed(trial: Trial) -> None:
    sources = [{"exporter": "numbers"}, {"exporter": "anyhow", "limit": 7}]
    found = trial.foresight.foresee(ANNA, parse_request({"sources": sources, "format": "csv"}))
    assert (found.expected.readings, found.expected.rows) == ((ROWS, 7), ROWS + 7)
    assert found.expected.files == ("numbers-anyhow-2026-11-01-{time}.zip",)
    assert len(found.expected.warnings) == 2


# Bytes


def finished(trial: Trial, rows: int, size: int, **changes: Any) -> UUID:
    """Add a finished export of so many rows and bytes."""
    facts = {
        "exporter": "numbers",
        "format": "csv",
        "status": "succeeded",
        "request": {"exporter": "numbers"},
    } | changes
    number = count(trial, Export) + 1
    export = Export(
        id=uuid4(),
        dag_id="export",
        run_id=f"run {number}",
        task_id="export",
        map_index=-1,
        trigger=Trigger.API,
        requested_by="bert",
        created_at=START.replace(microsecond=number),
        settled_at=START,
        **facts,
    )
    manifest = make_manifest(export.id, b"").model_dump(mode="json")
    verification = {**manifest["verification"], "stored_bytes": size}
    if facts["status"] == "succeeded":
        export.manifest = {**manifest, "rows": rows, "verification": verification}
    with trial.bench.airflow.session() as session:
        session.add(export)
    return export.id


def test_bytes_are_unknown_before_there_was_an_export_of_the_kind(trial: Trial) -> None:
    assert foresee(trial).bytes is None
    finished(trial, 10, 1_000, exporter="anyhow")
    finished(trial, 10, 1_000, format="xlsx")
    finished(trial, 10, 1_000, request={"exporter": "numbers", "compression": "gzip"})
    finished(trial, 0, 5)
    finished(trial, 10, 1_000, status="failed")
    assert foresee(trial).bytes is None
    assert foresee(trial, format="xlsx").bytes == ROWS * 100
    assert foresee(trial, compression="gzip").bytes == ROWS * 100


def test_bytes_follow_what_rows_weighed_in_the_last_twenty(trial: Trial) -> None:
    finished(trial, 10**6, 10**12)
    for _ in range(10):
        finished(trial, 100, 1_000)
    for _ in range(10):
        finished(trial, 300, 5_000_000_000)
    assert foresee(trial, limit=400).bytes == 5_000_001_000


# Errors


def test_the_errors_are_those_of_a_real_request(trial: Trial) -> None:
    with pytest.raises(InvalidRequest) as caught:
        foresee(trial, format="docx", columns=["nothing"])
    assert [error.pointer for error in caught.value.errors] == ["/columns/0", "/format"]
    with pytest.raises(NotAllowed):
        trial.foresight.foresee(VERA, parse_request({"exporter": "numbers"}))
    trial.bench.airflow.refusal = Retriable("paused", code="dag_paused")
    with pytest.raises(Retriable, match="paused"):
        foresee(trial)


@pytest.mark.parametrize(
    ("exporter", "kind", "code"),
    [
        ("nowhere", Retriable, "source_unavailable"),
        ("unknown", Fatal, "source_unknown"),
        ("wrong", Fatal, "query_refused"),
    ],
)
def test_a_source_that_would_not_work_is_found_out(
    trial: Trial, exporter: str, kind: type[Exception], code: str
) -> None:
    with pytest.raises(kind) as caught:
        foresee(trial, exporter=exporter)
    assert caught.value.error_code == code  # type: ignore[attr-defined]


def test_a_source_that_takes_too_long_is_given_up(trial: Trial) -> None:
    trial.give(seconds=1)
    with trial.lock(), pytest.raises(Retriable):
        foresee(trial)
    assert foresee(trial).expected.rows == ROWS


def test_only_so_many_ask_at_once_and_the_others_are_told_to_come_again(trial: Trial) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        with trial.lock():
            asking = [threads.submit(foresee, trial) for _ in range(AT_ONCE)]
            wait_for("all turns", lambda: True if trial.connections(APPLICATION) == ["Lock"] * AT_ONCE else None, 8)
            with pytest.raises(Retriable) as caught:
                foresee(trial)
            assert caught.value.error_code == "busy"
            assert problems.headers_of(caught.value)["Retry-After"]
        assert [each.result().expected.rows for each in asking] == [ROWS] * AT_ONCE
    assert foresee(trial).expected.rows == ROWS


# Over HTTP


def test_the_answer_is_200_and_as_described(trial: Trial) -> None:
    client = trial.client()
    answer = client.post("/v1/exports?validate_only=true", json={"exporter": "numbers", "limit": 3})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["rows_estimated"], body["bytes_estimated"]) == (3, None)
    assert body["sources"] == [{"exporter": "numbers", "sheet": None, "rows_estimated": 3}]
    assert body["request"]["params"] == {"least": 0}
    description = client.get("/v1/openapi.json").json()
    described = description["paths"]["/v1/exports"]["post"]["responses"]["200"]["content"]["application/json"]
    jsonschema.validate(body, resolve(described["schema"], description), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("query", "body", "status", "pointer"),
    [
        ("validate_only=true", {"exporter": "numbers", "limit": 0}, 422, "/limit"),
        ("validate_only=true", {"exporter": "nobody"}, 422, "/exporter"),
        ("validate_only=true", {"exporter": "numbers", "format": "pdf", "verify": "full"}, 422, "/verify"),
        ("validate_only=true", {"exporter": "numbers", "verify": "twice"}, 422, "/verify"),
        ("validate_only=maybe", {"exporter": "numbers"}, 422, "/query/validate_only"),
        ("validate_only=true&validate_only=false", {"exporter": "numbers"}, 422, "/query/validate_only"),
        ("validate=true", {"exporter": "numbers"}, 422, "/query/validate"),
        ("validate_only=true", {"exporter": "nowhere"}, 503, None),
        ("validate_only=true", {"exporter": "wrong"}, 500, None),
    ],
)
def test_errors_are_problems(trial: Trial, query: str, body: dict[str, Any], status: int, pointer: str | None) -> None:
    answer = trial.client().post(f"/v1/exports?{query}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == ([pointer] if pointer else [])
    assert ("Retry-After" in answer.headers) is (status == 503)
