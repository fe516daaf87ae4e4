"""Complaints about other products' exports, as docs/complaints.md lists them, each in a test named after it."""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.artifacts._multipart import cut
from include.core.errors import Retriable, VerificationFailed
from include.core.query import Selection
from include.core.request import Split, parse_request
from include.core.schema import Column, ColumnType, Schema
from include.formats import FORMATS
from tests.properties.readers import read_back
from tests.unit.stand_ins import (
    COLUMNS,
    ListSource,
    MemoryStore,
    batch_of,
    batches_of,
    encoded,
    export_run,
    resolved_export,
    some_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.core.manifest import Manifest

ROOT = Path(__file__).parents[2]
COMPLAINTS = ROOT / "docs/complaints.md"
MIB, GIB = 2**20, 2**30

every_format = pytest.mark.parametrize("format_name", FORMATS.names)


def found_rows(format_name: str, schema: Schema, rows: list[tuple[Any, ...]], **options: Any) -> list[Any]:
    return read_back(format_name, encoded(format_name, schema, rows, **options), schema)[1]


def written(store: MemoryStore, manifest: Manifest) -> bytes:
    """The one file of an export."""
    [file] = manifest.files
    [data] = [data for key, data in store.objects.items() if key.endswith(f"/{file.name}")]
    return data


# Complete or absent


def test_metabase_73054_nothing_is_cut_without_a_limit() -> None:
    """metabase#73054, superset!40331: more rows than any cap that products put on a csv file."""
    batch, times = batch_of(COLUMNS, some_rows(10_000)), 106
    store = MemoryStore()
    manifest = export_run(resolved_export("csv"), ListSource([batch] * times), store).execute()
    assert (manifest.rows, manifest.truncated) == (1_060_000, False)
    assert written(store, manifest).count(b"\n") == 1_060_001


def test_directus_15377_there_is_no_limit_by_default() -> None:
    """directus#15377, lightdash#4636, grafana#93068: a limit that is left out, or null, is none."""
    for body in ({"exporter": "rows"}, {"exporter": "rows", "limit": None}):
        assert parse_request(body).limit is None
    assert Selection(tuple(COLUMNS)).limit is None


@every_format
@pytest.mark.parametrize("rows", [0, 35])
def test_superset_40583_an_error_is_never_inside_a_file(format_name: str, rows: int) -> None:
    """superset#40583, metabase#29839, metabase#12745: when reading fails there is no file."""
    error = Retriable("The server closed the connection.", code="source_lost")
    source = ListSource(batches_of(COLUMNS, some_rows(rows)), arrow=COLUMNS.arrow(), error=error)
    store = MemoryStore()
    with pytest.raises(Retriable, match="closed the connection"):
        export_run(resolved_export(format_name), source, store).execute()
    assert store.objects == {}


@every_format
@pytest.mark.parametrize("size", [1, 7, 250, 1_000])
def test_directus_13658_every_row_is_there_once_in_its_order(format_name: str, size: int) -> None:
    """directus#13658, metabase#6960: none is doubled or missing where one batch ends and the next begins."""
    rows = some_rows(500)
    assert [row[0] for row in found_rows(format_name, COLUMNS, rows, size=size)] == [row[0] for row in rows]


@every_format
def test_sling_588_the_rows_reported_are_those_in_the_file(format_name: str) -> None:
    """sling#588: the manifest's rows are those that a reader finds; a source that counts otherwise ends the export."""
    batches, store = batches_of(COLUMNS, some_rows(69)), MemoryStore()
    manifest = export_run(resolved_export(format_name), ListSource(batches), store).execute()
    found = read_back(format_name, written(store, manifest), COLUMNS)[1]
    assert len(found) == manifest.rows == manifest.files[0].rows == 69
    with pytest.raises(VerificationFailed, match="sent 69 rows, but 29 arrived"):
        export_run(resolved_export(format_name), ListSource(batches[:2] + batches[-1:], sent=69), store).execute()


# Types


@every_format
def test_airflow_26567_null_is_not_a_text(format_name: str) -> None:
    """airflow#26567: NULL of every type is NULL, while the texts that look like one stay texts."""
    schema = Schema.of(Column.of("id", ColumnType.INTEGER), *(Column.of(f"a_{kind}", kind) for kind in ColumnType))
    texts = ["None", "null", "NULL", "nan", "", "0"]
    rows: list[tuple[Any, ...]] = [(0, *[None] * len(ColumnType))]
    rows += [(n, text, *[None] * (len(ColumnType) - 1)) for n, text in enumerate(texts, start=1)]
    assert schema.columns[1].type is ColumnType.STRING
    assert found_rows(format_name, schema, rows) == rows


@every_format
def test_pipelinewise_404_integers_beside_a_null_stay_integers(format_name: str) -> None:
    """pipelinewise-target-snowflake#404."""
    schema = Schema.of(Column.of("id", ColumnType.INTEGER), Column.of("v", ColumnType.INTEGER))
    rows = list(enumerate([1, None, 2**53 + 1, -(2**63), 2**63 - 1, None]))
    found = found_rows(format_name, schema, rows)
    assert found == rows
    assert all(type(value) is int for _, value in found if value is not None)


@every_format
def test_connector_x_866_a_timestamp_keeps_its_time(format_name: str) -> None:
    """connector-x#866: midnight and any other time are both date and time."""
    schema = Schema.of(Column.of("a", ColumnType.DATETIME), Column.of("b", ColumnType.LOCAL_DATETIME))
    moments = [datetime(2026, 3, 29, 1, 59, 59, 999_000, UTC), datetime(2026, 3, 29, tzinfo=UTC)]
    rows = [(moment, moment.replace(tzinfo=None)) for moment in moments]
    found = found_rows(format_name, schema, rows)
    assert found == rows
    assert all(type(value) is datetime for row in found for value in row)


@pytest.mark.parametrize("digits", ["1234567890123456", "9007199254740993", "-9223372036854775808"])
def test_dbeaver_36423_long_numbers_keep_every_digit_in_a_workbook(digits: str) -> None:
    """dbeaver#36423, pandas#24122: as two readers find them."""
    from openpyxl import load_workbook
    from python_calamine import CalamineWorkbook

    schema = Schema.of(Column.of("a", ColumnType.INTEGER), Column.of("b", ColumnType.DECIMAL, precision=38, scale=0))
    data = encoded("xlsx", schema, [(int(digits), Decimal(digits))], header="none")
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    assert [cell.value for cell in sheet[1]] == [digits, digits]
    assert CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python() == [[digits, digits]]


# Files


def test_posthog_27557_a_manifest_says_that_it_is_finished_and_what_each_file_is() -> None:
    """posthog#27557: it is there once everything else is, and names every file with rows, bytes and checksums."""
    store = MemoryStore()
    plain = resolved_export("csv")
    resolved = replace(plain, request=plain.request.model_copy(update={"split": Split(rows=20)}))
    manifest = export_run(resolved, ListSource(batches_of(COLUMNS, some_rows(69))), store).execute()
    files = {key: data for key, data in store.objects.items() if not key.endswith("/manifest.json")}
    assert {file.key for file in manifest.files} == files.keys()
    assert [file.rows for file in manifest.files] == [20, 20, 20, 9]
    for file in manifest.files:
        data = files[file.key]
        assert file.bytes == len(data)
        assert file.sha256 == hashlib.sha256(data).hexdigest()
        assert file.crc32 == f"{zlib.crc32(data):08x}"
    assert list(store.objects)[-1].endswith("/manifest.json"), "the last thing that is written"


def test_langfuse_17282_parts_grow_before_there_are_too_many() -> None:
    """langfuse#17282: with S3's smallest part of 5 MiB, its 10,000 parts hold nearly 5 TiB, a hundred times as much."""
    unit = 5 * MIB  # one byte stands for it
    sizes = [len(part) for part in cut(iter([bytes(1_024_000)]), 1)]
    assert sum(sizes) == 1_024_000
    assert sum(sizes) * unit > 100 * 48.8 * GIB
    assert len(sizes) <= 10_000
    assert max(sizes) * unit <= 5 * GIB


STARTS = {
    "csv": b"id,",
    "json": b"[",
    "jsonl": b"{",
    "parquet": b"PAR1",
    "pdf": b"%PDF-",
    "xlsx": b"PK",
    "xml": b"<?xml",
}


@every_format
@pytest.mark.parametrize("template", [None, "orders", "orders.csv", "orders.zip"])
def test_superset_32886_a_file_is_what_its_name_says(format_name: str, template: str | None) -> None:
    """superset#32886: whatever name is asked for, the suffix is the content's."""
    store = MemoryStore()
    resolved = resolved_export(format_name, filename=template)
    manifest = export_run(resolved, ListSource(batches_of(COLUMNS, some_rows(3))), store).execute()
    name = manifest.files[0].name
    suffixes = [FORMATS.load(other).suffix for other in FORMATS.names]
    assert [suffix for suffix in suffixes if name.endswith(suffix)] == [FORMATS.load(format_name).suffix]
    assert written(store, manifest).startswith(STARTS.get(format_name, b""))


@every_format
def test_superset_36439_a_file_without_rows_says_that_it_is_empty(format_name: str) -> None:
    """superset#36439: headers only is what no rows look like, and nothing else does."""
    for rows in (0, 1):
        source = ListSource(batches_of(COLUMNS, some_rows(rows)), arrow=COLUMNS.arrow())
        store = MemoryStore()
        manifest = export_run(resolved_export(format_name), source, store).execute()
        assert (manifest.rows, manifest.empty) == (rows, rows == 0)
        assert len(read_back(format_name, written(store, manifest), COLUMNS)[1]) == rows


@every_format
def test_superset_21568_the_columns_are_those_declared_and_no_more(format_name: str) -> None:
    """superset#21568."""
    options: dict[str, Any] = (
        {"header": "name"} if "header" in FORMATS.load(format_name).options_type.model_fields else {}
    )
    header, rows = read_back(format_name, encoded(format_name, COLUMNS, some_rows(2), **options), COLUMNS)
    assert header == ["id", "name", "total"]
    assert [len(row) for row in rows] == [3, 3]


# The list


def listed() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The complaints of a row, and its tests with their files."""
    for line in COMPLAINTS.read_text(encoding="utf-8").splitlines():
        if re.match(r"\| [a-z0-9-]+[#!]\d", line):
            complaints, _, tests = (cell.strip() for cell in line.strip("|").split("|"))
            named: list[tuple[str, str]] = []
            for names, file in re.findall(r"((?:`test_\w+`(?: and )?)+) in `(tests/[\w/]+\.py)`", tests):
                named += [(name, file) for name in re.findall(r"test_\w+", names)]
            yield complaints, named


def names_in(file: Path) -> set[str]:
    return set(re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_complaint_on_the_list_has_its_tests() -> None:
    rows = list(listed())
    assert len(rows) >= 20
    for complaints, tests in rows:
        assert tests, complaints
        assert all(re.fullmatch(r"[a-z0-9-]+[#!]\d+", complaint) for complaint in complaints.split(", ")), complaints
        for name, file in tests:
            assert name in names_in(ROOT / file), f"{complaints}: {name} is not in {file}"


def test_every_test_named_after_a_complaint_is_on_the_list() -> None:
    on_the_list = {name for _, tests in listed() for name, _ in tests}
    for file in ROOT.glob("tests/*/test_*.py"):
        named = {name for name in names_in(file) if re.match(r"test_[a-z0-9]+(_[a-z]+)?_\d{3,}_", name)}
        assert named <= on_the_list, file.name
