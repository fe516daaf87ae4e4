"""The house: which folder may import what. The README shows the same table to people."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


class Rule(NamedTuple):
    """Files by pattern, and the modules that none of them may import."""

    pattern: str
    never: tuple[str, ...]
    but: tuple[str, ...] = ()
    """Files that the rule leaves out."""


AIRFLOW_IN_PLUGIN = ("plugin.py", "auth.py", "gateway/*.py", "db/*.py", "db/**/*.py", "cli.py")

RULES = [
    Rule("include/**/*.py", ("airflow", "fastapi", "operators", "export_api")),
    Rule(
        "include/core/*.py",
        ("boto3", "botocore", "psycopg", "polars", "openpyxl", "include.formats", "include.sources"),
    ),
    Rule("operators/**/*.py", ("airflow.models", "airflow.settings", "airflow.api_fastapi", "export_api", "fastapi")),
    Rule("dags/**/*.py", ("airflow.models", "airflow.settings", "airflow.api_fastapi", "export_api", "fastapi")),
    Rule("plugins/export_api/**/*.py", ("operators", "dags")),
    Rule("plugins/export_api/**/*.py", ("airflow",), but=AIRFLOW_IN_PLUGIN),
    Rule(
        "**/*.py",
        (
            "airflow.decorators",
            "airflow.operators",
            "airflow.models.dag",
            "airflow.models.param",
            "airflow.models.baseoperator",
            "airflow.utils.context",
            "airflow.security.permissions",
        ),
    ),
]


def python_files(pattern: str) -> list[Path]:
    folders = ("include", "operators", "dags", "plugins", "deploy", "tests")
    return sorted(path for path in ROOT.glob(pattern) if path.relative_to(ROOT).parts[0] in folders)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.pattern} never {rule.never[0]}")
def test_no_file_imports_what_its_folder_may_not(rule: Rule) -> None:
    files = [
        path
        for path in python_files(rule.pattern)
        if not any(path.match(f"plugins/export_api/{exception}") for exception in rule.but)
    ]
    assert files
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imports(path)
        if any(name == never or name.startswith(f"{never}.") for never in rule.never)
    ]
    assert not found


def test_what_reads_files_back_shares_nothing_with_what_writes_them() -> None:
    ours, options = "include.formats._read_", "include.formats.csv.CsvOptions"
    files = python_files("include/formats/_read_*.py")
    found = {name for path in files for name in imports(path) if name.startswith("include.formats")}
    assert len(files) >= 6
    assert not [name for name in found if not name.startswith(ours) and name != options]


def test_the_packages_that_python_finds_are_ours() -> None:
    import export_api
    import include
    import operators

    for package in (include, operators, export_api):
        assert Path(package.__path__[0]).is_relative_to(ROOT)
