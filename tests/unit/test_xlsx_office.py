"""LibreOffice reads our workbooks without complaint and finds the values that were written."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from include.core.format import Encoding, Sheet
from include.core.schema import Column, ColumnType, Schema
from include.formats import FORMATS, _sheet
from tests.unit.stand_ins import COLUMNS, batches_of, some_rows

if TYPE_CHECKING:
    from pathlib import Path

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
pytestmark = pytest.mark.skipif(OFFICE is None, reason="LibreOffice (Debian's libreoffice-calc-nogui) is not installed")

EVERY_SHEET_AS_SHOWN = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
"""Comma, double quote, UTF-8, from row 1, values as cells show them, each sheet into a file of its own."""

TYPES = Schema.of(
    *(Column.of(f"{kind}_value", kind) for kind in ColumnType),
    Column.of("page", ColumnType.STRING),
)
VALUES: dict[str, Any] = {
    "string": " =1+1 ",
    "integer": 123_456_789_012_345,
    "decimal": "-1234.5",
    "float": 0.125,
    "boolean": True,
    "date": date(2026, 3, 29),
    "datetime": datetime(2026, 3, 29, 1, 30, 15, tzinfo=UTC),
    "local_datetime": datetime(1999, 12, 31, 23, 59, 59),  # noqa: DTZ001 - a local time
    "time": time(13, 45, 30),
    "uuid": "0b0e7a3c-55a5-4be3-8b5c-0f7d6f2f9b11",
    "json": '{"a": "<&>\\n"}',
}
AWKWARD: dict[str, Any] = {
    "string": "=HYPERLINK(1)\nä📦 <b>&amp;</b>",
    "integer": 9_007_199_254_740_993,
    "decimal": "123456789012345678.000000001",
    "float": float("nan"),
    "boolean": False,
    "date": date(1900, 1, 1),
    "datetime": datetime(1900, 2, 28, tzinfo=UTC),
    "local_datetime": None,
    "time": time(0),
    "uuid": None,
    "json": "007",
}
ROWS = [
    (*(VALUES[kind] for kind in ColumnType), "https://example.com/a?b=1&c=%20"),
    (*(AWKWARD[kind] for kind in ColumnType), "no address"),
    (None,) * len(TYPES),
    (*(VALUES[kind] for kind in ColumnType), "mailto:anna@example.com"),
]
SHOWN = [
    *(" =1+1 ", "-1234.5", "0.125", "TRUE", "2026-03-29", "2026-03-29 01:30:15", "1999-12-31 23:59:59"),
    *(VALUES["uuid"], VALUES["json"], "https://example.com/a?b=1&c=%20"),
]
AWKWARD_SHOWN = [
    *(AWKWARD["string"], str(AWKWARD["integer"]), AWKWARD["decimal"], "NaN", "FALSE", "1900-01-01"),
    *("1900-02-28T00:00:00", "", "", "007", "no address"),
]


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"-env:UserInstallation={tmp_path_factory.mktemp('office').as_uri()}"


@pytest.fixture
def workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All types, several sheets with continuations, a template, filters, links."""
    monkeypatch.setattr(_sheet, "MAX_ROWS", 50)
    made = FORMATS.load("xlsx")()
    mixed = Sheet("Mixed", TYPES, TYPES.arrow(), iter(batches_of(TYPES, ROWS)))
    pages = Schema.of(*COLUMNS, Column.of("page", ColumnType.STRING))
    many = [(*row, f"https://example.com/{row[0]}") for row in some_rows(60)]
    long = Sheet("Long", pages, pages.arrow(), iter(batches_of(pages, many)))
    options = made.options_type.model_validate({"template": "cover", "hyperlinks": ["page"], "header": "name"})
    path = tmp_path / "book.xlsx"
    path.write_bytes(b"".join(made.encode([mixed, long], options, Encoding())))
    return path


def convert(profile: str, workbook: Path, to: str) -> Path:
    """The folder of what LibreOffice made of a workbook."""
    folder = workbook.parent / "converted"
    command = [OFFICE or "", profile, "--headless", "--norestore", "--convert-to", to, "--outdir", str(folder)]
    answer = subprocess.run([*command, str(workbook)], capture_output=True, text=True, check=False, timeout=120)
    said = [line for line in answer.stderr.splitlines() if "javaldx" not in line]  # it looks for a Java, in vain
    assert (answer.returncode, said) == (0, [])
    assert not re.search(r"error|warn|fail", answer.stdout, re.IGNORECASE)
    return folder


def records(folder: Path, sheet: str) -> list[list[str]]:
    with (folder / f"book-{sheet}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_its_csv_has_every_value_of_every_sheet(profile: str, workbook: Path) -> None:
    folder = convert(profile, workbook, EVERY_SHEET_AS_SHOWN)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("book-Cover.csv", "book-Data.csv", "book-Long (2).csv", "book-Long.csv"),
    ]
    cover = [row[1] for row in records(folder, "Cover")]
    assert cover[-3:] == ["Mixed", "64 rows, complete: see the sheets behind this one.", "Columns: 12"]
    header, first, awkward, empty, last = records(folder, "Data")
    assert header == list(TYPES.names)
    width = {"integer_value": "123456789012345", "time_value": "01:45:30 PM"}  # shown as its language does
    wanted = {name: text for name, text in zip(header, first, strict=True) if name not in width}
    assert list(wanted.values()) == SHOWN
    assert {name: first[header.index(name)] for name in width} == width
    assert [text for name, text in zip(header, awkward, strict=True) if name != "time_value"] == AWKWARD_SHOWN
    assert set(empty) == {""}
    assert (last[:-1], last[-1]) == (first[:-1], "mailto:anna@example.com")
    rows = records(folder, "Long")[1:] + records(folder, "Long (2)")[1:]
    assert [(int(row[0]), row[1], Decimal(row[2])) for row in rows] == some_rows(60)


def test_its_own_workbook_has_the_same_types_filters_links_and_logo(profile: str, workbook: Path) -> None:
    ours, theirs = (load_workbook(path) for path in (workbook, convert(profile, workbook, "xlsx") / "book.xlsx"))
    assert theirs.sheetnames == ours.sheetnames == ["Cover", "Data", "Long", "Long (2)"]
    assert [sheet.auto_filter.ref for sheet in theirs] == [None, "A1:L5", "A1:D50", "A1:D12"]
    for sheet in ours.sheetnames[1:]:
        for our_row, their_row in zip(ours[sheet].iter_rows(), theirs[sheet].iter_rows(), strict=True):
            for mine, their in zip(our_row, their_row, strict=True):
                assert their.value == (f"={str(mine.value).upper()}()" if mine.data_type == "b" else mine.value)
                assert (mine.data_type == "s") == (their.data_type == "s")
                assert (mine.hyperlink and mine.hyperlink.target) == (their.hyperlink and their.hyperlink.target)
    assert theirs["Cover"]["B7"].value == '="Columns: "&COUNTA(Data!1:1)'
    assert theirs["Data"]["L2"].font.u == "single"


def test_its_pdf_has_the_pages(profile: str, workbook: Path) -> None:
    data = (convert(profile, workbook, "pdf") / "book.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) >= 4
