"""The documents say what is: tables equal the code, links lead somewhere, and every recipe works as it is printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

import include.sources
from export_api.problems import problem_of
from include.compressions import COMPRESSIONS
from include.core.catalog import Catalog
from include.core.date_frames import NAMES as FRAMES
from include.core.errors import InvalidRequest, VerificationFailed
from include.core.manifest import Consistency
from include.core.params import ParamType
from include.core.query import Query, Selection
from include.core.registry import Registry
from include.core.request import parse_request
from include.core.resolve import resolve
from include.core.schema import Column, ColumnType, Schema
from include.core.settings import Settings
from include.core.source import Source, SourceConnection, Sources
from include.exporters import catalog_of
from include.formats import FORMATS
from include.sources.postgres import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README, CONTRIBUTING, FIDELITY = ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs/fidelity.md"
DOCUMENTS = sorted([*ROOT.glob("[A-Z]*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])
TOP_FOLDERS = ("benchmarks", "config", "dags", "deploy", "docs", "include", "operators", "plugins", "tests")


class Block(NamedTuple):
    """A fenced block: its language, the path that the fence names (or nothing), its text."""

    language: str
    path: str
    text: str


def blocks(document: Path) -> list[Block]:
    found = re.findall(
        r"^```(\w+)(?: (\S+))?\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return [Block(*each) for each in found]


def files_of(document: Path) -> dict[str, str]:
    return {block.path: block.text for block in blocks(document) if block.path}


def prose(document: Path) -> str:
    return re.sub(r"(?ms)^```.*?^```$", "", document.read_text(encoding="utf-8"))


def table(document: Path, first_heading: str) -> list[list[str]]:
    """The rows of the table whose first column has this heading, without the heading."""
    text = document.read_text(encoding="utf-8")
    start = text.index(f"| {first_heading} |")
    lines = text[start : text.index("\n\n", start) if "\n\n" in text[start:] else len(text)].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def each(documents: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("document", documents, ids=lambda path: path.relative_to(ROOT).as_posix())


# Tables


def test_the_settings_table_is_the_settings() -> None:
    wanted = [
        [f"`{name}`", "none" if field.default is None else f"`{field.default}`", field.description]
        for name, field in Settings.model_fields.items()
    ]
    assert table(README, "option") == wanted


def test_the_folder_table_names_every_folder_that_exists() -> None:
    named = [row[0].strip("`") for row in table(README, "folder")]
    assert [name for name in named if not (ROOT / name).is_dir()] == []
    packages = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("include/*/__init__.py")}
    there = {name for name in TOP_FOLDERS if (ROOT / name).is_dir()} - {"include", "plugins"}
    assert {*packages, *there, "plugins/export_api"} == set(named)


def test_the_fidelity_table_has_every_type_and_every_format() -> None:
    assert [row[0].strip("`") for row in table(FIDELITY, "type")] == ["NULL", *ColumnType]
    heading = re.search(r"^\| type \|(.*)\|$", FIDELITY.read_text(encoding="utf-8"), re.MULTILINE)
    assert heading is not None
    assert [cell.strip() for cell in heading[1].split("|")] == list(FORMATS.names)
    assert all(all(row) for row in table(FIDELITY, "type"))


def test_the_options_table_is_the_formats_options() -> None:
    wanted = [
        [name, f"`{option}`", f"`{json.dumps(field.default).strip(chr(34)) or chr(34) * 2}`", field.description]
        for name in FORMATS.names
        for option, field in FORMATS.load(name).options_type.model_fields.items()
    ]
    assert table(FIDELITY, "format") == wanted


def test_the_table_of_postgresqls_types_is_what_the_source_accepts() -> None:
    names = {
        "smallint": "int2",
        "integer": "int4",
        "bigint": "int8",
        "real": "float4",
        "double precision": "float8",
        "boolean": "bool",
        "timestamp with time zone": "timestamptz",
        "timestamp without time zone": "timestamp",
        "time without time zone": "time",
    }
    rows = {row[0].strip("`"): row[1] for row in table(FIDELITY, "declared")}
    assert set(rows) == set(ColumnType)
    for kind, accepted in ACCEPTED.items():
        assert {names.get(name, name) for name in rows[kind].split(", ")} == accepted


def test_the_table_of_parameters_has_every_type() -> None:
    assert [row[0].strip("`") for row in table(README, "type of a parameter")] == list(get_args(ParamType))


def test_every_name_of_a_date_frame_is_told() -> None:
    told = re.search(
        r"^The names of date frames are (.*?)\. A reference",
        README.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    assert told is not None
    words = re.findall(r"`(\w+)`", told[1])
    units, others = [word for word in words if word.endswith("_")], [word for word in words if not word.endswith("_")]
    relatives = others[-4:]
    assert {*others[:-4], *(unit + relative for unit in units for relative in relatives)} == set(FRAMES)


def test_the_index_lists_every_decision() -> None:
    pages = sorted(path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md"))
    linked = re.findall(r"\((\d{4}[^)]*\.md)\)", (ROOT / "docs/adr/README.md").read_text(encoding="utf-8"))
    assert linked == pages
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))
    for name in pages:
        text = (ROOT / "docs/adr" / name).read_text(encoding="utf-8")
        assert text.startswith(f"# {int(name[:4])}. ")
        assert re.search(r"^Status: (accepted|replaced by \[\d+\])", text, re.MULTILINE)
        assert all(f"\n## {part}\n" in text for part in ("Context", "Decision", "Consequences"))


# Names, links, JSON


def anchors(document: Path) -> set[str]:
    """Headings as the anchors that a forge makes of them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each(DOCUMENTS)
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(document)):
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@each(DOCUMENTS)
def test_every_target_of_make_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = document.read_text(encoding="utf-8")
    shell = [line for block in blocks(document) if block.language in {"sh", "bash"} for line in block.text.splitlines()]
    named = re.findall(r"`make ([a-z]+)", text) + [line.split()[1] for line in shell if line.startswith("make ")]
    assert set(named) <= targets


@each([*(path for path in DOCUMENTS if path.name != "CHANGELOG.md")])
def test_every_file_that_is_named_exists(document: Path) -> None:
    recipes = {*files_of(README), *files_of(CONTRIBUTING)}
    folders = "|".join(TOP_FOLDERS)
    for name in re.findall(rf"`((?:{folders})/[\w./-]*)`", prose(document)):
        assert name in recipes or (ROOT / name).exists() or name == "include/exporters/sql/x.sql", name


@each(DOCUMENTS)
def test_every_json_block_parses(document: Path) -> None:
    for block in blocks(document):
        if block.language == "json":
            json.loads(block.text)


@each(DOCUMENTS)
def test_nothing_of_this_machine_is_told(document: Path) -> None:
    assert not re.search(
        r"/work/|/home/|/tmp/|/root\b|pypi|\bshared/", document.read_text(encoding="utf-8"), re.IGNORECASE
    )


def json_blocks() -> tuple[dict[str, Any], dict[str, Any]]:
    request, error = (json.loads(block.text) for block in blocks(README) if block.language == "json")
    return request, error


def test_the_readmes_request_is_accepted() -> None:
    resolved = resolve(parse_request(json_blocks()[0]), catalog_of(Settings()), FORMATS, COMPRESSIONS)
    assert resolved.readings[0].selection.schema.names == ("serial_number", "version", "last_seen")


def test_the_readmes_error_is_what_the_api_answers() -> None:
    request = {"exporter": "machines", "where": [{"column": "last_seen", "op": "contains", "value": "2026"}]}
    with pytest.raises(InvalidRequest) as caught:
        resolve(parse_request(request), catalog_of(Settings()), FORMATS, COMPRESSIONS)
    problem = json_blocks()[1]
    assert problem == {**problem_of(caught.value), "instance": "/export-api/v1/exports"}


# Recipes


RECIPES = {**files_of(README), **files_of(CONTRIBUTING)}
READERS, UNPACKERS = "tests/properties/readers.py", "tests/properties/unpackers.py"
ADDED_TO = {READERS, UNPACKERS}
NAMES = ("invoices", "net_invoices", "receivables", "app_versions", "sales", "refunds", "tsv", "sqlite", "bzip2")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the contracts need, with every recipe in its place; dialects need the plugin."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for folder in ("include", "operators", "plugins", "tests/contracts", "tests/properties", "tests/unit"):
        # The wire tests of dialects need a database, which no recipe is about.
        ignored = shutil.ignore_patterns("__pycache__", *(["dialects"] if folder == "tests/contracts" else []))
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    for path, text in RECIPES.items():
        file = copy / path
        file.parent.mkdir(parents=True, exist_ok=True)
        earlier = file.read_text(encoding="utf-8") + "\n\n" if path in ADDED_TO else ""
        assert path in ADDED_TO or not file.exists(), f"{path} exists: the recipe needs another example."
        file.write_text(earlier + text, encoding="utf-8")
    return copy


def run(*command: str, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_there_is_a_recipe_for_each_kind_of_extension() -> None:
    folders = {path.rpartition("/")[0] for path in files_of(CONTRIBUTING)} - {"tests/properties"}
    kinds = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("include/*/__init__.py")}
    assert folders == kinds - {"include/core", "include/artifacts"} | {"plugins/export_api/dialects"}
    assert {Path(path).suffix for path in files_of(CONTRIBUTING) if "exporters" in path} == {".yaml", ".py"}


def test_the_recipes_keep_every_contract(house: Path) -> None:
    said = run(
        *("pytest", "tests/contracts", "tests/properties", "-p", "no:cacheprovider", "-rA", "-q"),
        *("-k", " or ".join(f"[{name}]" for name in NAMES) + " or tsv or sqlite or bzip2"),
        cwd=house,
    )
    passed = [line for line in said.splitlines() if line.startswith("PASSED")]
    for name in NAMES:
        assert any(re.search(rf"[\[-]{name}[\]-]", line) for line in passed), f"no contract was tested for {name}"


def test_the_recipes_are_clean(house: Path) -> None:
    files = [path for path in RECIPES if path.endswith(".py") and path not in ADDED_TO]
    run("ruff", "check", "--no-cache", *files, cwd=house)
    run("ruff", "format", "--no-cache", "--check", *files, cwd=house)


def test_parameters_that_depend_on_each_other_are_refused_together(house: Path) -> None:
    catalog = Catalog([house / "include/exporters"])
    request = {"exporter": "refunds", "params": {"since": "2026-02-01", "until": "2026-01-31"}}
    with pytest.raises(InvalidRequest) as caught:
        resolve(parse_request(request), catalog, FORMATS, COMPRESSIONS)
    assert [(error.pointer, error.detail) for error in caught.value.errors] == [("/params", "until lies before since.")]


def test_the_readmes_exporter_has_the_defaults_that_it_names(house: Path) -> None:
    exporter = Catalog([house / "include/exporters"]).load("invoices")
    params = exporter.params_type().model_dump()
    assert params["since"].day == 1
    assert (params["until"], params["status"]) == (None, None)


DAG = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("report", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
task = module.dag.get_task("export")
print(json.dumps([module.dag.dag_id, type(task).__name__, task.exporter, task.arguments, task.filename, task.owner]))
"""


def test_the_report_dag_loads(house: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "AIRFLOW_HOME": str(tmp_path)}
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DAG, "dags/reports/monthly_invoices.py"],
        cwd=house,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    first = "{{ data_interval_start.in_timezone('Europe/Berlin') | ds }}"
    assert json.loads(answer.stdout.splitlines()[-1]) == [
        "monthly_invoices",
        "ExportOperator",
        "invoices",
        {"since": first, "until": first.replace("start", "end")},
        f"invoices-{first}",
        "admin",
    ]


@pytest.fixture
def sqlite_source(house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """The recipe's source, found by the registry as any other, on a database with three rows."""
    monkeypatch.setattr(include.sources, "__path__", [*include.sources.__path__, str(house / "include/sources")])
    with sqlite3.connect(tmp_path / "things.db") as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table things (id integer, day text, amount text)")
        rows = [(1, "2026-03-29", "0.10"), (2, None, None), (2**62, "1999-12-31", "123456789012345678901234567890.5")]
        connection.executemany("insert into things values (?, ?, ?)", rows)
    connection.close()
    registry: Registry[Source] = Registry("include.sources", Source)  # type: ignore[type-abstract]
    assert "sqlite" in registry
    facts = SourceConnection(
        conn_id="things",
        conn_type="sqlite",
        engine=lambda: sa.create_engine(f"sqlite:///{tmp_path}/things.db", poolclass=NullPool),
    )
    source = registry.load("sqlite")(facts, application="test", timeout_seconds=60)
    yield source
    source.close()
    sys.modules.pop("include.sources.sqlite")


THINGS = Schema.of(
    Column.of("id", ColumnType.INTEGER), Column.of("day", ColumnType.DATE), Column.of("amount", ColumnType.DECIMAL)
)


def test_the_recipes_source_reads_one_moment_exactly(sqlite_source: Source, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "things.db") as connection:
        connection.execute("insert into things values (3, null, null)")
    connection.close()
    sources = Sources(lambda _: ("sqlite", sqlite_source))
    query = Query("select * from things", {}, Selection(tuple(THINGS)), key=(THINGS["id"],))
    batches = sources.read("things", query)
    assert [row for batch in batches.stream for row in zip(*batch.to_pydict().values(), strict=True)] == [
        (1, date(2026, 3, 29), "0.10"),
        (2, None, None),
        (2**62, date(1999, 12, 31), "123456789012345678901234567890.5"),
    ]
    assert [(record.rows, record.consistency) for record in sources.records] == [(3, Consistency.SNAPSHOT)]


def test_the_recipes_source_counts_by_itself(sqlite_source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    query = Query("select * from things", {}, Selection((THINGS["id"],), limit=10))
    reading = sqlite_source.read(query)
    monkeypatch.setattr(type(reading), "batches", lambda _: iter(()))  # every row is lost
    sources = Sources(lambda _: ("sqlite", sqlite_source))
    with pytest.raises(VerificationFailed, match="sent 3 rows, but 0 arrived"):
        list(sources.read("things", query).stream)
