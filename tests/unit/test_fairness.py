"""In which DAG and pool an export runs, and for how long."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from include.core.fairness import dag_of, pool_of, time_limit_of
from include.core.identity import export_id_of, is_of_the_api, run_id_of

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def reading(name: str, *, most: int | None = None, seconds: float | None = None, place: int = 0) -> Any:
    exporter = SimpleNamespace(max_running=most, time_limit_seconds=seconds)
    return SimpleNamespace(name=name, exporter=exporter, place=place)


@pytest.mark.parametrize(
    ("caller", "pool"),
    [("jane", "waybill.jane"), ("jane@example.com", "waybill.jane@example.com"), ("Zoë", "waybill.Zo%C3%AB")],
)
def test_a_users_pool_has_the_users_name(caller: str, pool: str) -> None:
    assert pool_of(caller) == pool


def test_long_names_stay_apart_and_fit() -> None:
    first, second = pool_of("x" * 400 + "a"), pool_of("x" * 400 + "b")
    assert first != second
    assert max(len(first), len(second)) <= 256


def test_an_export_runs_in_the_dag_of_its_most_limited_exporter() -> None:
    assert dag_of([reading("orders")]) == "export"
    assert dag_of([reading("orders"), reading("big", most=3), reading("huge", most=1)]) == "export.huge"


def test_an_export_in_a_dag_of_its_exporter_has_the_id_that_the_api_gave_it() -> None:
    assert is_of_the_api("export.huge")
    assert not is_of_the_api("exports")
    of = {"run_id": run_id_of(ID), "task_id": "export", "map_index": -1}
    assert export_id_of(dag_id="export.huge", **of) == ID  # type: ignore[arg-type]
    assert export_id_of(dag_id="exports", **of) != ID  # type: ignore[arg-type]


def test_time_limits_add_up_within_the_installations() -> None:
    assert time_limit_of([reading("a", seconds=10), reading("b", seconds=20, place=1)], 3600) == 30
    assert time_limit_of([reading("a", seconds=10), reading("b", place=1)], 3600) == 3600
    assert time_limit_of([reading("a", seconds=7200)], 3600) == 3600


def test_the_tables_of_an_exporter_share_its_time_limit() -> None:
    book = [reading("book", seconds=10), reading("book", seconds=10)]
    assert time_limit_of(book, 3600) == 10
    assert time_limit_of([*book, reading("book", seconds=10, place=1)], 3600) == 20
