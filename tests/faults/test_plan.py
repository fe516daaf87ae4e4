"""The plan is what its seed and numbers say, and knows enough kinds."""

from __future__ import annotations

from pathlib import Path

from tests.faults.kinds import KINDS
from tests.faults.plan import fault, first_of


def test_a_fault_is_the_same_whatever_was_planned_before() -> None:
    planned = [fault(7, number) for number in range(1, 61)]
    assert [fault(7, number) for number in range(60, 0, -1)] == planned[::-1]
    assert planned != [fault(8, number) for number in range(1, 61)]
    assert fault(7, 3).chance().random() == fault(7, 3).chance().random()


def test_every_kind_has_its_turn() -> None:
    assert len(KINDS) >= 12
    kinds = [fault(7, number).kind for number in range(1, 2 * len(KINDS) + 1)]
    assert all(kinds.count(kind) == 2 for kind in KINDS)
    assert all(first_of(7, kind).kind == kind for kind in KINDS)


def test_a_fault_that_aims_at_a_part_strikes_a_file_of_several() -> None:
    shapes = {
        fault(seed, number).shape
        for seed in range(5)
        for number in range(1, 65)
        if "upload" in fault(seed, number).kind
    }
    assert shapes
    assert shapes <= {"csv", "csv of floats", "json", "jsonl"}


def test_the_document_lists_the_kinds() -> None:
    document = (Path(__file__).parents[2] / "docs/faults.md").read_text(encoding="utf-8")
    lines = document.split("<!-- kinds")[1].split("\n\n")[1].splitlines()[2:]
    assert lines == [f"| {name} | {kind.says} |" for name, kind in KINDS.items()]
