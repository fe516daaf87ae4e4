"""The catalog and the registries: one file is one name, read when asked for, and a broken file says where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from include.core.catalog import Catalog
from include.core.errors import Fatal, NotFound
from include.core.exporter import Book, SqlExporter
from include.core.registry import Registry
from include.core.schema import ColumnType
from include.core.settings import Settings
from include.core.table import CountsTable, StatementTable
from include.exporters import catalog_of
from include.formats import FORMATS

ROOT = Path(__file__).parents[2]

YAML = """
title: Orders
source: shop
columns:
  code: {type: string, label: Order code}
  total: {type: decimal}
key: [code]
timeout: 30
sql: |
  select code, total from orders;
"""

PYTHON = '''
from include.core.exporter import Params, SqlExporter
from include.core.schema import Column, ColumnType, Schema


class Machines(SqlExporter[Params]):
    """Machines."""

    title = "Machines"
    source = "inventory"
    params_type = Params
    columns = Schema.of(Column.of("id", ColumnType.INTEGER))
    sql = "select id from machines"
'''


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, name: str) -> SqlExporter[Any]:
    found = Catalog([folder]).load(name)
    assert isinstance(found, SqlExporter)
    return found


def test_a_yaml_file_is_an_exporter(tmp_path: Path) -> None:
    write(tmp_path, "orders.yaml", YAML)
    found = loaded(tmp_path, "orders")
    assert found.title == "Orders"
    assert found.columns.names == ("code", "total")
    assert [column.label for column in found.columns] == ["Order code", "Total"]
    assert found.key == ("code",)
    assert found.timeout_seconds == 30
    assert found.sql == "select code, total from orders"


def test_a_python_file_is_an_exporter(tmp_path: Path) -> None:
    write(tmp_path, "unit_test_machines.py", PYTHON)
    assert loaded(tmp_path, "unit_test_machines").title == "Machines"


def test_a_statement_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "orders.yaml", "title: O\nsource: shop\ncolumns: {code: {type: string}}\nsql_file: orders.sql\n")
    write(tmp_path, "sql/orders.sql", "select code from orders\n;\n")
    assert loaded(tmp_path, "orders").sql.strip() == "select code from orders"


def test_a_new_file_shows_without_a_restart(tmp_path: Path) -> None:
    catalog = Catalog([tmp_path])
    assert list(catalog) == []
    write(tmp_path, "orders.yaml", YAML)
    assert catalog.names == ("orders",)
    assert "orders" in catalog
    assert catalog.load("orders").title == "Orders"


def edit(path: Path, text: str) -> None:
    before = path.stat().st_mtime_ns
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def test_a_changed_file_shows_without_a_restart(tmp_path: Path) -> None:
    path = write(tmp_path, "orders.yaml", YAML)
    catalog = Catalog([tmp_path])
    first = catalog.load("orders")
    assert catalog.load("orders") is first
    edit(path, YAML.replace("title: Orders", "title: All orders"))
    assert catalog.load("orders").title == "All orders"


def test_a_changed_statement_file_shows_without_a_restart(tmp_path: Path) -> None:
    write(tmp_path, "orders.yaml", "title: O\nsource: shop\ncolumns: {code: {type: string}}\nsql_file: orders.sql\n")
    statement = write(tmp_path, "sql/orders.sql", "select code from orders")
    assert loaded(tmp_path, "orders").sql == "select code from orders"
    edit(statement, "select code from orders where not testmode")
    assert loaded(tmp_path, "orders").sql == "select code from orders where not testmode"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (YAML.replace("title: Orders\n", ""), "title"),
        (YAML.replace("type: decimal", "type: money"), r"columns\.total\.type"),
        (YAML.replace("title:", "titel:"), "titel|title"),
        (YAML.replace("key: [code]", "key: [kode]"), "kode"),
        (YAML.replace("timeout: 30", "timeout: 0"), "timeout"),
        (YAML + "sql_file: x.sql\n", "either sql or sql_file"),
        (YAML.partition("sql:")[0], "either sql or sql_file"),
        (YAML.partition("sql:")[0] + "sql_file: missing.sql\n", r"missing\.sql"),
        (YAML.replace("columns:", "columns: {}\nspare:"), "columns|spare"),
        (YAML + "params: {status: {type: choice}}\n", "status"),
        (YAML + "params: {status: {type: text}}\n", r"params\.status\.type"),
        ("title: [", "line"),
        ("", "valid"),
        ("- a\n- b\n", "valid"),
    ],
)
def test_a_broken_yaml_file_is_named_with_the_field(tmp_path: Path, text: str, says: str) -> None:
    write(tmp_path, "orders.yaml", text)
    with pytest.raises(Fatal, match=rf"(?s)orders\.yaml.*({says})") as caught:
        Catalog([tmp_path]).load("orders")
    assert caught.value.error_code == "exporter_broken"


@pytest.mark.parametrize(
    "text",
    [
        "class Broken(\n",
        "import a_module_that_is_not_there\n",
        "VALUE = 1\n",
        PYTHON + "\n\nclass Second(Machines):\n    title = 'Second'\n",
    ],
    ids=["syntax", "import", "no exporter", "two exporters"],
)
def test_a_broken_python_file_is_named(tmp_path: Path, text: str) -> None:
    write(tmp_path, "unit_test_broken.py", text)
    with pytest.raises(Fatal, match=r"unit_test_broken") as caught:
        Catalog([tmp_path]).load("unit_test_broken")
    assert caught.value.error_code == "exporter_broken"


def test_one_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    write(tmp_path, "broken.yaml", "title: [")
    write(tmp_path, "orders.yaml", YAML)
    catalog = Catalog([tmp_path])
    assert catalog.names == ("broken", "orders")
    assert catalog.load("orders").title == "Orders"


def test_two_files_of_one_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    write(tmp_path / "a", "orders.yaml", YAML)
    write(tmp_path / "b", "orders.py", PYTHON)
    with pytest.raises(Fatal, match=r"orders\.yaml.*orders\.py"):
        Catalog([tmp_path / "a", tmp_path / "b"]).load("orders")


def test_files_whose_names_are_no_exporter_names_are_left_alone(tmp_path: Path) -> None:
    for name in ("__init__.py", "_shared.py", "Orders.yaml", "or-ders.yaml", "notes.txt", "orders.yaml~"):
        write(tmp_path, name, "")
    assert Catalog([tmp_path]).names == ()


@pytest.mark.parametrize("name", ["nope", "../orders", "", "ORDERS", "sql/orders"])
def test_an_unknown_name_is_not_found_and_the_known_ones_are_told(tmp_path: Path, name: str) -> None:
    write(tmp_path, "orders.yaml", YAML)
    with pytest.raises(NotFound, match="known are: orders"):
        Catalog([tmp_path]).load(name)


def test_a_further_folder_adds_exporters(tmp_path: Path) -> None:
    write(tmp_path, "unit_test_more.yaml", YAML)
    catalog = catalog_of(Settings(exporters_folder=str(tmp_path)))
    assert {"machines", "unit_test_more"} <= set(catalog.names)


def test_a_further_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    catalog = catalog_of(Settings(exporters_folder=str(tmp_path / "missing")))
    with pytest.raises(Fatal, match="missing"):
        catalog.load("machines")


def test_listing_imports_no_entry() -> None:
    code = (
        "import sys\n"
        "from include.formats import FORMATS\n"
        "from include.sources import SOURCES\n"
        "from include.core.settings import Settings\n"
        "from include.exporters import catalog_of\n"
        "assert FORMATS.names and SOURCES.names and catalog_of(Settings()).names\n"
        "print([name for name in sys.modules if name.rpartition('.')[0] in"
        " {'include.formats', 'include.sources', 'include.exporters'}])\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_an_entry_that_is_not_there_is_not_found_and_the_known_ones_are_told() -> None:
    for name in ("docx", "_text", "", "csv.csv"):
        with pytest.raises(NotFound, match="csv, json, jsonl"):
            FORMATS.load(name)


def test_shared_parts_are_no_entries() -> None:
    assert not [name for name in FORMATS if name.startswith("_")]


@pytest.mark.parametrize(("body", "found"), [("", 0), ("class A(Base): ...\nclass B(Base): ...\n", 2)])
def test_a_file_must_define_exactly_one_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, found: int
) -> None:
    package = f"registry_of_{found}"
    write(tmp_path / package, "__init__.py", "class Base: ...\n")
    write(tmp_path / package, "entry.py", f"from {package} import Base\n{body}")
    monkeypatch.syspath_prepend(tmp_path)
    import importlib

    registry: Registry[Any] = Registry(package, importlib.import_module(package).Base)
    assert registry.names == ("entry",)
    with pytest.raises(TypeError, match=f"exactly one Base, found {found}"):
        registry.load("entry")


# Several tables

SHEETS = """
title: Fleet
source: inventory
timeout: 40
params:
  platform: {type: choices, choices: [MACOS, LINUX], required: false}
sheets:
  machines:
    title: Machines
    columns: {id: {type: integer, label: ID}, platform: {type: string}, facts: {type: json}}
    key: [id]
    sql: |
      select id, platform, facts from machines;
  by-platform_2:
    title: By platform
    counts: machines
    by: platform
  sites:
    title: Sites
    columns: {name: {type: string}}
    sql_file: sites.sql
"""


def book(folder: Path, text: str = SHEETS) -> Book[Any]:
    write(folder, "fleet.yaml", text)
    write(folder, "sql/sites.sql", "select name from sites\n;\n")
    found = Catalog([folder]).load("fleet")
    assert isinstance(found, Book)
    return found


def test_sheets_are_tables_in_their_order(tmp_path: Path) -> None:
    found = book(tmp_path)
    assert (found.title, found.description) == ("Fleet", "")
    assert [(name, table.title) for name, table in found.declared().items()] == [
        ("machines", "Machines"),
        ("by-platform_2", "By platform"),
        ("sites", "Sites"),
    ]
    machines, counts, sites = found.declared().values()
    assert found.tables(found.params_type()) == found.declared()
    assert isinstance(machines, StatementTable)
    assert isinstance(counts, CountsTable)
    assert isinstance(sites, StatementTable)
    assert (machines.columns.names, machines.key) == (("id", "platform", "facts"), ("id",))
    assert (machines.sql, sites.sql.strip()) == ("select id, platform, facts from machines", "select name from sites")
    assert (counts.columns.names, counts.key) == (("value", "count", "percent"), ("value",))
    assert counts.columns["value"].type is ColumnType.STRING
    assert {table.source for table in (machines, counts, sites)} == {"inventory"}
    assert {table.timeout_seconds for table in (machines, counts, sites)} == {40}


def test_all_sheets_have_the_exporters_limits_and_parameters(tmp_path: Path) -> None:
    found = book(tmp_path, SHEETS + "max_running: 2\ntime_limit: 60\nmax_expires_days: 3\n")
    assert (found.max_running, found.time_limit_seconds, found.max_expires_days) == (2, 60, 3)
    for table in found.declared().values():
        assert isinstance(table, StatementTable | CountsTable)
        assert table.arguments(found.params_type.model_validate({"platform": ["MACOS"]})) == {"platform": ["MACOS"]}


def test_a_changed_statement_file_of_a_sheet_shows_without_a_restart(tmp_path: Path) -> None:
    catalog, first = Catalog([tmp_path]), book(tmp_path)
    assert catalog.load("fleet") is first
    edit(tmp_path / "sql/sites.sql", "select name from sites where open")
    sites = catalog.load("fleet").declared()["sites"]
    assert isinstance(sites, StatementTable)
    assert sites.sql == "select name from sites where open"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("counts: machines", "counts: sites", r"by-platform_2.*'platform'.*'sites'"),
        ("counts: machines", "counts: nothing", r"by-platform_2.*'nothing'"),
        ("counts: machines", "counts: by-platform_2", r"by-platform_2.*before it"),
        ("by: platform", "by: nothing", r"by-platform_2.*'nothing'"),
        ("by: platform", "by: facts", r"by-platform_2.*json"),
        ("    by: platform\n", "", r"by-platform_2.*belong together"),
        ("    counts: machines\n", "", r"by-platform_2.*belong together"),
        ("by: platform", "by: platform\n    key: [value]", r"by-platform_2.*of its own"),
        ("by: platform", "by: platform\n    sql: select 1", r"by-platform_2.*of its own"),
        ("by: platform", "by: platform\n    columns: {}", r"by-platform_2.*of its own"),
        ("title: By platform", "name: By platform", r"by-platform_2\.(title|name)"),
        ("by-platform_2:", "By platform:", r"sheets.*match"),
        ("by-platform_2:", "2nd:", r"sheets.*match"),
        ("by-platform_2:", "'':", r"sheets.*match"),
        ("key: [id]", "key: [nope]", r"sheets\.machines.*nope"),
        ("sql_file: sites.sql", "", r"sheets\.sites.*either sql or sql_file"),
        ("sql_file: sites.sql", "sql_file: missing.sql", r"missing\.sql"),
        ("columns: {name: {type: string}}", "columns: {}", r"sheets\.sites.*columns"),
        ("source: inventory", "source: inventory\nsql: select 1", r"each sheet has its own"),
        ("source: inventory", "source: inventory\nkey: [id]", r"each sheet has its own"),
        ("source: inventory", "source: inventory\ncolumns: {id: {type: integer}}", r"each sheet has its own"),
        (SHEETS[SHEETS.index("sheets:") :], "sheets: {}\n", r"sheets.*at least 1"),
    ],
)
def test_contradictions_in_sheets_are_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert SHEETS.count(old) == 1
    with pytest.raises(Fatal, match=rf"(?s)fleet\.yaml.*{says}") as caught:
        book(tmp_path, SHEETS.replace(old, new))
    assert caught.value.error_code == "exporter_broken"


def test_counts_of_counts_are_refused(tmp_path: Path) -> None:
    more = "  again:\n    title: Again\n    counts: by-platform_2\n    by: value\n"
    with pytest.raises(Fatal, match=r"sheets\.again.*counts already"):
        book(tmp_path, SHEETS + more)


@pytest.mark.parametrize("name", ["_x", "1x", "a b", "a-b", "", 'x"y'])
def test_a_parameter_that_no_statement_could_bind_is_refused(tmp_path: Path, name: str) -> None:
    import json

    write(tmp_path, "orders.yaml", YAML + f"params: {{{json.dumps(name)}: {{type: string}}}}\n")
    with pytest.raises(Fatal, match=r"orders\.yaml: params.*match"):
        Catalog([tmp_path]).load("orders")


PYTHON_BOOK = '''
from collections.abc import Mapping

from include.core.exporter import Book, Params
from include.core.schema import Column, ColumnType, Schema
from include.core.table import CountsTable, StatementTable, Table


class Fleet(Book[Params]):
    """A book of Python's."""

    title = "Fleet"
    params_type = Params

    def declared(self) -> Mapping[str, Table[Params]]:
        columns = Schema.of(Column.of("id", ColumnType.INTEGER))
        machines = StatementTable[Params](title="Machines", source="x", sql="select 1 as id", columns=columns)
        return {"machines": machines, "counts": CountsTable(machines, "id", title="Counts")}
'''


def test_a_book_may_be_written_in_python(tmp_path: Path) -> None:
    write(tmp_path, "unit_test_fleet.py", PYTHON_BOOK)
    found = Catalog([tmp_path]).load("unit_test_fleet")
    assert isinstance(found, Book)
    assert list(found.tables(found.params_type())) == ["machines", "counts"]
