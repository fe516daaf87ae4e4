"""The first rows, made as an export makes them and stored nowhere."""

from __future__ import annotations

import io
import zipfile
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from include.compressions import COMPRESSIONS
from include.core import preview as preview_module
from include.core.errors import InvalidRequest, Retriable, VerificationFailed
from include.core.preview import beginning, departures, preview
from include.core.request import parse_request
from include.core.source import Sources
from include.formats import FORMATS
from tests.properties.readers import read_back
from tests.unit.stand_ins import (
    COLUMNS,
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
    from include.core.preview import Preview
    from include.core.resolve import ResolvedExport


def resolved(format_name: str = "csv", **body: Any) -> ResolvedExport:
    request = parse_request({"exporter": "rows", "format": format_name, **body})
    compression = COMPRESSIONS.load(request.compression)() if request.compression else None
    return replace(resolved_export(format_name, limit=request.limit), request=request, compression=compression)


def twice(made: ResolvedExport) -> ResolvedExport:
    return replace(made, readings=(*made.readings, replace(made.readings[0], given="More")))


def seen(made: ResolvedExport, rows: int, source: ListSource | None = None) -> Preview:
    """What is shown of 35 rows; a source may send one more than the limit, as databases do."""
    asked = source or ListSource(batches_of(COLUMNS, some_rows(35)[: rows + 1]), arrow=COLUMNS.arrow())
    with closing(Sources(lambda _: ("list", asked))) as sources:
        found = preview(beginning(made, rows), sources, moment=NOW, tell=lambda _: None)
    assert asked.closed
    return found


@pytest.mark.parametrize("rows", [1, 20, 35, 36])
@pytest.mark.parametrize("format_name", FORMATS.names)
def test_it_is_the_file_of_an_export_with_that_limit(format_name: str, rows: int) -> None:
    store, source = MemoryStore(), ListSource(batches_of(COLUMNS, some_rows(35)[: rows + 1]))
    manifest = export_run(resolved(format_name, limit=rows), source, store).execute()
    (file,) = manifest.files
    found = seen(resolved(format_name), rows)
    assert found.content == store.objects[file.key]
    assert (found.name, found.media_type, found.rows) == (file.name, file.media_type, file.rows)
    assert found.truncated is manifest.truncated is (rows < 35)
    assert read_back(format_name, found.content, COLUMNS)[1] == some_rows(35)[:rows]


def test_the_requests_own_limit_is_kept_where_it_is_smaller() -> None:
    assert [each.selection.limit for each in beginning(resolved(limit=3), 20).readings] == [3]
    assert [each.selection.limit for each in beginning(resolved(limit=30), 20).readings] == [20]


@pytest.mark.parametrize(
    ("body", "warned"),
    [
        ({}, []),
        ({"compression": "gzip"}, ["The preview is not compressed."]),
        ({"compression": "zip"}, ["The preview is not compressed."]),
        ({"split": {"rows": 3}}, ["The preview is one file: split is left out."]),
    ],
)
def test_one_exporter_is_one_plain_file_and_it_is_said_where_the_export_is_not(
    body: dict[str, Any], warned: list[str]
) -> None:
    made = resolved(filename="r", **body)
    found = seen(made, 10)
    assert (found.name, found.rows) == ("r.csv", 10)
    assert found.content.count(b"\n") == 11
    assert departures(made) == warned


def test_several_are_sheets_of_one_file_or_files_of_one_zip_as_in_the_export() -> None:
    book = twice(resolved("xlsx", filename="r"))
    assert (seen(book, 4).name, seen(book, 4).rows) == ("r.xlsx", 8)
    bundle = replace(twice(resolved(filename="r")), compression=COMPRESSIONS.load("zip")())
    found = seen(bundle, 4)
    assert (found.name, found.media_type, found.rows) == ("r.zip", "application/zip", 8)
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        assert archive.namelist() == ["rows.csv", "More.csv"]
    assert departures(bundle) == []


class Keyless(RowsExporter):
    """No column is unique."""

    key = ()


def test_without_an_order_it_is_said_that_other_rows_may_come_first() -> None:
    (warning,) = departures(resolved_export(exporter=Keyless()))
    assert "other rows" in warning


def test_rows_that_get_lost_are_noticed() -> None:
    source = ListSource(batches_of(COLUMNS, some_rows(9)), sent=10)
    with pytest.raises(VerificationFailed):
        seen(resolved(), 20, source)


def test_what_is_too_large_for_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_module, "MAX_BYTES", 100)
    assert seen(resolved(), 3).rows == 3
    with pytest.raises(InvalidRequest) as caught:
        seen(resolved(), 20)
    assert [error.pointer for error in caught.value.errors] == ["/query/rows"]


def test_whoever_is_told_of_the_progress_may_end_it() -> None:
    def tell(_: object) -> None:
        raise Retriable("It takes too long.")

    source = ListSource(batches_of(COLUMNS, some_rows(9)))
    with closing(Sources(lambda _: ("list", source))) as sources, pytest.raises(Retriable):
        preview(beginning(resolved(), 3), sources, moment=NOW, tell=tell)
    assert source.closed
