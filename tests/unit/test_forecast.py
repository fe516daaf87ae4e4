"""What is told of an export before it is started, against what it then is."""

from __future__ import annotations

import itertools
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from include.compressions import COMPRESSIONS
from include.core.forecast import forecast
from include.core.query import Order
from include.core.request import parse_request
from include.core.source import Batches, Sources
from tests.unit.stand_ins import (
    COLUMNS,
    EXPORT_ID,
    NOW,
    ListSource,
    MemoryStore,
    RowsExporter,
    batches_of,
    export_run,
    resolved_export,
    some_rows,
)

if TYPE_CHECKING:
    from include.core.exporter import Params
    from include.core.forecast import Forecast
    from include.core.query import Query, Selection
    from include.core.resolve import ResolvedExport


class Planner(ListSource):
    """A source whose planner expects so many rows."""

    def __init__(self, expected: int | None) -> None:
        super().__init__(batches_of(COLUMNS, some_rows(25)))
        self.expected = expected
        self.planned: list[Query] = []

    def estimate(self, query: Query) -> int | None:
        self.planned.append(query)
        return self.expected


def resolved(**body: Any) -> ResolvedExport:
    made = resolved_export(body.get("format", "csv"), limit=body.get("limit"))
    request = parse_request({"exporter": "rows", **body})
    compression = COMPRESSIONS.load(request.compression)() if request.compression else None
    return replace(made, request=request, compression=compression)


def foreseen(made: ResolvedExport, *expected: int | None) -> Forecast:
    planners = [Planner(rows) for rows in expected]
    waiting = iter(planners)
    with closing(Sources(lambda _: ("list", next(waiting)))) as sources:
        found = forecast(made, sources, NOW)
    assert all(planner.queries == [] for planner in planners), "rows were read"
    assert all(planner.closed for planner in planners)
    return found


@pytest.mark.parametrize(
    ("format_name", "compression", "filename", "split"),
    [
        *itertools.product(
            ["csv", "xlsx"], [None, "gzip", "zip"], [None, "r", "r-{date}.csv", "{{time}}-{id}"], [None, 50]
        )
    ],
)
def test_the_names_are_those_of_the_files(
    format_name: str, compression: str | None, filename: str | None, split: int | None
) -> None:
    wanted = {"compression": compression, "filename": filename, "split": split and {"rows": split}}
    made = resolved(format=format_name, **{name: value for name, value in wanted.items() if value is not None})
    source = ListSource(batches_of(COLUMNS, some_rows(25)))
    manifest = export_run(made, source, MemoryStore()).execute()
    (name,) = foreseen(made, 25).files
    for field, value in (("-{time}", "-093015"), ("{id}", EXPORT_ID), ("{number}", "0001")):
        name = name.replace(field, value)
    assert [file.name for file in manifest.files] == [name]


def test_planners_are_asked_without_the_limit_and_their_rows_are_summed_up_to_it() -> None:
    made = resolved(limit=30)
    one = made.readings[0]
    several = replace(made, readings=(one, replace(one, selection=replace(one.selection, limit=None))))
    planner = Planner(100)
    with closing(Sources(lambda _: ("list", planner))) as sources:
        found = forecast(several, sources, NOW)
    assert [query.selection.limit for query in planner.planned] == [None, None]
    assert (found.readings, found.rows) == ((30, 100), 130)


def test_where_a_source_cannot_tell_nothing_is_made_up() -> None:
    found = foreseen(resolved(limit=5, format="pdf"), None)
    assert (found.readings, found.rows, found.warnings) == ((None,), None, ())


class OfItsOwn(RowsExporter):
    """What it gives is not the statement's rows."""

    def batches(self, params: Params, selection: Selection, sources: Sources) -> Batches:
        return super().batches(params, selection, sources)


def test_an_exporter_that_makes_its_rows_itself_is_not_asked_by_its_statement() -> None:
    assert foreseen(resolved_export(exporter=OfItsOwn())).readings == (None,)


def warnings_of(rows: int, **body: Any) -> tuple[str, ...]:
    return foreseen(resolved(**body), rows).warnings


def test_what_works_as_one_would_think_is_not_warned_of() -> None:
    for body in ({}, {"limit": 25}, {"format": "xlsx"}, {"format": "pdf"}, {"split": {"rows": 10}}):
        assert warnings_of(25, **body) == (), body


def test_a_limit_that_leaves_rows_out_is_warned_of() -> None:
    assert warnings_of(26, limit=25) == ("Rows: the limit of 25 leaves rows out, for there are about 26.",)


class Keyless(RowsExporter):
    """No column is unique."""

    key = ()


def test_a_limit_without_any_order_is_warned_of() -> None:
    made = resolved_export(exporter=Keyless(), limit=25)
    (warning,) = foreseen(made, 25).warnings
    assert "no key" in warning
    reading = made.readings[0]
    ordered = replace(reading, selection=replace(reading.selection, order_by=(Order(COLUMNS["name"]),)))
    assert foreseen(replace(made, readings=(ordered,)), 25).warnings == ()
    assert foreseen(resolved_export(exporter=Keyless()), 25).warnings == ()


LIMITS: list[tuple[dict[str, Any], int]] = [
    ({"format": "pdf"}, 10_000),
    ({"format": "xlsx"}, 1_048_575),
    ({"format": "csv", "split": {"rows": 3}}, 30_000),
]


@pytest.mark.parametrize(("body", "most"), LIMITS)
def test_a_format_s_limits_are_warned_of_where_they_are(body: dict[str, Any], most: int) -> None:
    assert warnings_of(most, **body) == ()
    (warning,) = warnings_of(most + 1, **body)
    assert f"{most + 1:,}" in warning


def test_each_file_of_a_split_export_has_the_formats_limits_to_itself() -> None:
    assert warnings_of(1_000_000, format="pdf", split={"rows": 10_000}) == ()
    assert len(warnings_of(1_000_000, format="pdf", split={"rows": 10_001})) == 1


def test_pages_hold_all_rows_of_a_pdf_and_worksheets_only_their_own() -> None:
    for format_name, rows, warnings in (("pdf", 6_000, 1), ("xlsx", 600_000, 0), ("xlsx", 1_100_000, 2)):
        made = resolved(format=format_name)
        found = foreseen(replace(made, readings=made.readings * 2), rows)
        assert (found.rows, len(found.warnings)) == (2 * rows, warnings)
