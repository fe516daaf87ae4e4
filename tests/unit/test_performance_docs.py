"""docs/performance.md shows the committed results, and the results answer every claim."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from benchmarks import records, table, targets
from benchmarks.records import Record
from benchmarks.table import DOCUMENT, RESULTS

MEASURED = ("csv", "csv, straight path", "json", "jsonl", "parquet", "xlsx")
"""A further format need not be measured before it is merged."""


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def test_every_record_has_every_field_and_a_ratio_of_its_figures() -> None:
    for row in rows():
        assert list(row) == ["name", "ours", "peer", "ratio", "unit", "rows", "machine"]
        assert set(row) - {"ratio"} == {field.name for field in fields(Record)}
        assert row["ours"] > 0
        assert row["peer"] > 0
        assert abs(row["ratio"] - row["ours"] / row["peer"]) < 0.01 * row["ratio"] + 0.002
        assert row["machine"]


def test_every_target_was_measured_once() -> None:
    found = [row["name"] for row in rows()]
    assert len(found) == len(set(found))
    assert not set(targets.names(MEASURED)) - set(found)


def test_the_document_shows_the_results() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert table.section(records.read(RESULTS)) in text, "run python -m benchmarks.table"


def test_a_target_can_be_missed() -> None:
    good = Record(targets.GENERAL_OPERATOR, ours=400, peer=100, unit="rows/s", rows=1, machine="")
    bad = Record(targets.GENERAL_OPERATOR, ours=300, peer=100, unit="rows/s", rows=1, machine="")
    assert table.met(good)
    assert not table.met(bad)
    assert table.met(bad, slack=0.3)
    assert not table.met(Record(targets.GROWTH.format("csv"), ours=112, peer=100, unit="MB", rows=1, machine=""))
    assert not table.met(Record(targets.MEMORY.format("csv"), ours=551, peer=300, unit="MB", rows=1, machine=""))
