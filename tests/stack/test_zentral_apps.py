"""Zentral's exports of apps on the real stack: files against the database's rows."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter, defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.stack.zentral import Install, Zentral, installs_of, rows_of, sheets_of, text

if TYPE_CHECKING:
    import psycopg

    from tests.stack.client import ExportsClient


class Kind(NamedTuple):
    """One kind of apps: its path, the database's word, the sheet, and columns of inventory.apps by their headings."""

    path: str
    kind: str
    title: str
    app: dict[str, str | None]
    version: dict[str, str]
    sought: str


KINDS = [
    Kind(
        "macos_apps",
        "macos_app",
        "macOS apps",
        {"Bundle": "name", "Bundle ID": "bundle_id"},
        {"Bundle version": "version", "Bundle version str": "version_str"},
        "bundle",
    ),
    Kind(
        "ios_apps",
        "ios_app",
        "iOS apps",
        {"Name": "name", "Identifier": "bundle_id"},
        {"Version": "version", "Short version": "version_str"},
        "name",
    ),
    Kind(
        "android_apps",
        "android_app",
        "Android apps",
        {"Name": "name"},
        {"Version name": "version", "Version code": "version_str"},
        "display_name",
    ),
    Kind("deb_packages", "deb_package", "Debian packages", {"Package": "name"}, {"Version": "version"}, "name"),
    Kind(
        "programs",
        "program",
        "Programs",
        {"Name": "name", "Identifying number": None},
        {"Version": "version"},
        "name",
    ),
]


@pytest.fixture(scope="module")
def zentral(exports: ExportsClient) -> Zentral:
    return Zentral(exports)


@pytest.fixture
def installs(demo: psycopg.Connection) -> dict[str, list[Install]]:
    return installs_of(demo)


def numbers(version: str) -> list[str]:
    """A version as people count."""
    return [part.zfill(12) if part.isdigit() else part for part in re.split(r"([0-9]+)", version)]


def expected(kind: Kind, rows: list[Install]) -> dict[tuple[str, ...], dict[tuple[str, ...], int]]:
    """Return apps with their versions by source, and how many machines have each."""
    found: dict[tuple[str, ...], Counter[tuple[str, ...]]] = defaultdict(Counter)
    for row in rows:
        app = tuple("" if column is None else text(getattr(row, column)) for column in kind.app.values())
        version = tuple(text(getattr(row, column)) for column in kind.version.values())
        # Two apps of the same looks are two: NULL is not the empty text.
        found[app][(*version, row.source, str(row.app_id))] += 1
    return {app: dict(versions) for app, versions in found.items()}


def check(kind: Kind, table: list[list[str]], wanted: dict[tuple[str, ...], dict[tuple[str, ...], int]]) -> None:
    """Check every row: a total for each app, then its versions, the highest first."""
    heading, *rows = table
    width = len(kind.app)
    assert heading == [*kind.app, *kind.version, "Source", "Machines"]
    apps: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    for row in rows:
        apps[tuple(row[:width])].append(row[width:])
    assert apps.keys() == wanted.keys()
    for app, lines in apps.items():
        totals = [line for line in lines if not line[-2]]
        versions = [line for line in lines if line[-2]]
        assert sum(int(line[-1]) for line in totals) == sum(wanted[app].values())
        assert lines[0] in totals
        assert Counter((*line[:-1], line[-1]) for line in versions) == Counter(
            (*version[:-1], str(count)) for version, count in wanted[app].items()
        )
        if len(totals) == 1:
            keys = [[numbers(part) for part in line[: len(kind.version)]] for line in versions]
            filled = [key for key, line in zip(keys, versions, strict=True) if all(line[: len(kind.version)])]
            assert filled == sorted(filled, reverse=True)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.path)
def test_apps_have_a_row_in_all_and_one_for_each_version_and_source(
    zentral: Zentral, installs: dict[str, list[Install]], kind: Kind
) -> None:
    url = zentral.start(f"{kind.path}/export/", {"export_format": "csv"})
    table = rows_of(zentral.fetch(url), ";")
    check(kind, table, expected(kind, installs[kind.kind]))
    names = [row[0] for row in table[1:]]
    assert names == sorted(names)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.path)
def test_apps_can_be_looked_for_by_text_source_and_age(
    zentral: Zentral, exports: ExportsClient, installs: dict[str, list[Install]], kind: Kind
) -> None:
    source = Counter(row.source_id for row in installs[kind.kind]).most_common(1)[0][0]
    body = {"export_format": "csv", kind.sought: "OpEn" if "deb" in kind.path else "micro", "source": source}
    body["last_seen"] = "90d"
    if kind.path == "android_apps":
        body[kind.sought] = "tEa"
    url = zentral.start(f"{kind.path}/export/", body)
    table = rows_of(zentral.fetch(url), ";")
    since = datetime.fromisoformat(exports.read(zentral.result(url)["id"])["params"]["seen_since"])
    part = str(body[kind.sought]).lower()
    rows = [
        row
        for row in installs[kind.kind]
        if row.source_id == source
        and row.last_seen >= since
        and (part in row.name.lower() or (kind.path == "macos_apps" and part in (row.bundle_id or "").lower()))
    ]
    assert rows
    check(kind, table, expected(kind, rows))


def test_both_spellings_of_the_bundle_are_taken(zentral: Zentral) -> None:
    texts = [
        zentral.fetch(zentral.start("macos_apps/export/", {"export_format": "csv", key: "com.microsoft.word"}))
        for key in ("bundle", "bundle_name")
    ]
    assert texts[0] == texts[1]
    assert {row[1] for row in rows_of(texts[0], ";")[1:]} == {"com.microsoft.Word"}


@pytest.mark.parametrize(("order", "descending"), [("mc-a", False), ("mc-d", True)])
def test_apps_can_be_ordered_by_machines(zentral: Zentral, order: str, *, descending: bool) -> None:
    table = rows_of(zentral.fetch(zentral.start("ios_apps/export/", {"export_format": "csv", "order": order})), ";")
    totals = [int(row[-1]) for row in table[1:] if not row[-2]]
    assert totals == sorted(totals, reverse=descending)
    assert len(set(totals)) > 1


def test_apps_can_be_ordered_backwards_by_name(zentral: Zentral) -> None:
    table = rows_of(zentral.fetch(zentral.start("programs/export/", {"export_format": "csv", "order": "n-d"})), ";")
    names = [row[0] for row in table[1:]]
    assert names == sorted(names, reverse=True)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.path)
def test_a_workbook_of_apps_has_zentrals_sheet_and_the_rows_of_the_csv(zentral: Zentral, kind: Kind) -> None:
    urls = [zentral.start(f"{kind.path}/export/", body) for body in ({}, {"export_format": "csv"})]
    data, plain = (zentral.fetch(url) for url in urls)
    ((title, rows),) = sheets_of(data).items()
    assert title == kind.title
    assert [[text(value) for value in row] for row in rows] == rows_of(plain, ";")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (sheet,) = (archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/"))
    assert b'<pane ySplit="1"' in sheet
