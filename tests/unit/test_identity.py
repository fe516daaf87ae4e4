"""How exports are named: the same on worker and API, without asking each other."""

from __future__ import annotations

import itertools
from uuid import UUID

import pytest

from include.core.identity import artifact_key, export_id_of, manifest_key, run_id_of

ID = "0b0e7a3c-55a5-4be3-8b5c-0f7d6f2f9b11"


def of(**changed: str | int) -> str:
    coordinates: dict[str, str | int] = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1}
    coordinates |= changed
    return export_id_of(**coordinates)  # type: ignore[arg-type]


def test_the_apis_own_run_carries_its_export() -> None:
    assert of(run_id=run_id_of(ID), dag_id="export", task_id="export") == ID


@pytest.mark.parametrize("other", [{"dag_id": "mine"}, {"task_id": "mine"}, {"map_index": 0}])
def test_no_other_task_can_take_an_exports_name(other: dict[str, str | int]) -> None:
    coordinates: dict[str, str | int] = {"dag_id": "export", "task_id": "export", **other}
    assert of(run_id=run_id_of(ID), **coordinates) != ID


def test_any_other_task_instance_has_a_name_that_never_changes() -> None:
    found = of(dag_id="weekly_orders", run_id="scheduled__2026-01-05T00:00:00+00:00", task_id="export")
    assert found == "11e0b53c-9a24-5a2c-a79f-a7d983d902c2"  # stored in artifact keys and tables since 0.1


def test_every_coordinate_counts() -> None:
    names = [of(), of(dag_id="d2"), of(run_id="r2"), of(task_id="t2"), of(map_index=0), of(map_index=1)]
    assert all(first != second for first, second in itertools.combinations(names, 2))


@pytest.mark.parametrize("run_id", ["export__", "export__today", "export__../x", f"x{run_id_of(ID)}"])
def test_a_run_that_only_looks_like_the_apis_is_named_as_any_other(run_id: str) -> None:
    assert UUID(of(run_id=run_id, dag_id="export", task_id="export")).version == 5


def test_keys_lie_below_the_export_and_files_below_the_attempt() -> None:
    assert manifest_key(ID) == f"{ID}/manifest.json"
    assert artifact_key(ID, "a1", "orders.csv") == f"{ID}/a1/orders.csv"
