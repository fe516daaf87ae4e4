"""What every exporter in the catalog promises, and each of its tables; a new file is tested without being told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.dialects import sqlite

from include.core.date_frames import NAMES
from include.core.params import MOMENTS, binds_of
from include.core.query import Filter, Order, Selection, fitting_ops
from include.core.request import Op
from include.core.schema import ColumnType
from include.core.settings import Settings
from include.core.table import CountsTable, SqlTable, Table
from include.exporters import catalog_of
from include.sources._statement import build
from include.sources.postgres import compile_statement

if TYPE_CHECKING:
    from include.core.exporter import Exporter

CATALOG = catalog_of(Settings())

SAMPLES = {"string": "text", "integer": 7, "number": 1.5, "boolean": True}
FORMATTED = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T00:00:00Z",
    "time": "12:30:00",
    "date-frame": "2026-01-01/2026-01-31",
    "uuid": "8f14e45f-ceea-467f-a5a5-2f1b5bd7e0c1",
    "email": "anna@example.com",
    "uri": "https://example.com/path",
}
TABLES = [(name, sheet) for name in CATALOG.names for sheet in CATALOG.load(name).declared()]


@pytest.fixture(params=CATALOG.names)
def exporter(request: pytest.FixtureRequest) -> Exporter[Any]:
    return CATALOG.load(request.param)


@pytest.fixture(params=TABLES, ids=["/".join(filter(None, names)) for names in TABLES])
def owned(request: pytest.FixtureRequest) -> tuple[Exporter[Any], Table[Any]]:
    """A table, and the exporter whose it is."""
    name, sheet = request.param
    exporter = CATALOG.load(name)
    return exporter, exporter.declared()[sheet]


@pytest.fixture
def table(owned: tuple[Exporter[Any], Table[Any]]) -> Table[Any]:
    return owned[1]


def schema_of(exporter: Exporter[Any]) -> dict[str, Any]:
    return exporter.params_type.model_json_schema()


def sample(described: dict[str, Any]) -> object:
    """A value that a parameter's JSON schema allows."""
    for option in described.get("anyOf", []):
        if option.get("type") != "null":
            return sample(option)
    if "const" in described:
        return described["const"]
    if "enum" in described:
        return described["enum"][0]
    if described.get("type") == "array":
        return [sample(described["items"])]
    return FORMATTED.get(described.get("format", ""), SAMPLES.get(described["type"]))


def choices(described: dict[str, Any]) -> list[object]:
    found = [choice for option in described.get("anyOf", []) for choice in choices(option)]
    found += [[choice] for choice in (choices(described["items"]) if "items" in described else [])]
    return [*found, *described.get("enum", [])]


def all_params(exporter: Exporter[Any]) -> dict[str, Any]:
    return {name: sample(described) for name, described in schema_of(exporter)["properties"].items()}


def required_params(exporter: Exporter[Any]) -> dict[str, Any]:
    return {name: all_params(exporter)[name] for name in schema_of(exporter).get("required", [])}


def test_it_has_a_title_and_a_description_for_people(exporter: Exporter[Any]) -> None:
    assert exporter.title.strip()
    assert len(exporter.title) <= 31, "A longer title is cut in a worksheet's name."
    assert exporter.description.strip().endswith(".")


def test_its_parameters_have_a_valid_json_schema_that_refuses_unknown_ones(exporter: Exporter[Any]) -> None:
    schema = schema_of(exporter)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    with pytest.raises(ValidationError):
        exporter.params_type.model_validate({**required_params(exporter), "no_such_param": 1})


def test_every_parameter_is_described(exporter: Exporter[Any]) -> None:
    undescribed = [name for name, found in schema_of(exporter)["properties"].items() if not found.get("description")]
    assert undescribed == []


def test_every_choice_is_taken_and_any_other_refused(exporter: Exporter[Any]) -> None:
    for name, described in schema_of(exporter)["properties"].items():
        for choice in choices(described):
            exporter.params_type.model_validate({**required_params(exporter), name: choice})
        if choices(described):
            with pytest.raises(ValidationError):
                exporter.params_type.model_validate({**required_params(exporter), name: "no such choice"})


def test_its_columns_are_named_once_and_labelled_once(table: Table[Any]) -> None:
    names = [column.name for column in table.columns]
    labels = [column.label for column in table.columns]
    assert names
    assert len(set(names)) == len(names)
    assert len(set(labels)) == len(labels)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)
    assert all(label.strip() for label in labels)


def test_its_columns_come_from_themselves(table: Table[Any]) -> None:
    assert all(column.origin == column.name for column in table.columns)


def test_its_key_is_declared_sortable_and_read_from_the_source(table: Table[Any]) -> None:
    for name in table.key:
        column = table.columns[name]
        assert not column.derived
        assert column.type is not ColumnType.JSON


def test_it_has_a_key_so_that_equal_requests_give_equal_bytes(table: Table[Any]) -> None:
    assert table.key


def test_it_describes_itself_with_words_that_defaults_use(exporter: Exporter[Any]) -> None:
    for described in schema_of(exporter)["properties"].values():
        found = re.search(r"\(default: (\w+)\)", described.get("description", ""))
        assert found is None or found[1] in {*MOMENTS, *NAMES}


def test_its_tables_have_titles_that_differ(exporter: Exporter[Any]) -> None:
    titles = [table.title.casefold() for table in exporter.declared().values()]
    assert titles
    assert all(0 < len(title.strip()) <= 31 for title in titles)
    assert len(set(titles)) == len(titles)


def test_what_it_declares_is_what_it_has(exporter: Exporter[Any]) -> None:
    made = exporter.tables(exporter.params_type.model_validate(all_params(exporter)))
    assert made.keys() <= exporter.declared().keys()
    for sheet, table in made.items():
        assert table.title == exporter.declared()[sheet].title
        assert set(table.columns.names) <= set(exporter.declared()[sheet].columns.names)


def selections(table: Table[Any]) -> list[Selection]:
    """Everything; and every column with its comparisons, sorted, with a limit."""
    read = tuple(column for column in table.columns if not column.derived)
    filters = tuple(
        Filter(column, op) for column in read for op in (Op.IS_NULL, Op.NOT_NULL) if op in fitting_ops(column.type)
    )
    orders = tuple(Order(column, descending=True) for column in read if column.type is not ColumnType.JSON)
    return [Selection(read), Selection(read[:1], filters, orders, 10)]


@pytest.mark.parametrize("given", ["required", "all"])
def test_its_statement_compiles_with_every_argument_bound(exporter: Exporter[Any], given: str) -> None:
    params = required_params(exporter) if given == "required" else all_params(exporter)
    model = exporter.params_type.model_validate(params)
    for table in exporter.tables(model).values():
        if not isinstance(table, SqlTable):
            continue
        for selection in selections(table):
            query = table.query(model, selection)
            statement, arguments = compile_statement(query)
            bound = set(re.findall(r"(?<!%)%\((\w+)\)s", statement))
            assert bound == set(arguments or {})
            assert str(build(query).compile(dialect=sqlite.dialect()))


def test_every_parameter_is_used(exporter: Exporter[Any]) -> None:
    model = exporter.params_type.model_validate(all_params(exporter))
    tables = [table for table in exporter.tables(model).values() if isinstance(table, SqlTable)]
    used = {bind for table in tables for bind in sa.text(re.sub(r"(:\w+)::", r"(\1)::", table.sql))._bindparams}
    own_way = any(type(table).arguments not in {SqlTable.arguments, CountsTable.arguments} for table in tables)
    if tables and not own_way:
        assert binds_of(model).keys() <= used


def test_it_names_the_columns_that_it_reads(table: Table[Any]) -> None:
    if isinstance(table, SqlTable):
        assert table.source.strip()
        assert not re.search(r"\bselect\s+(\w+\.)?\*", table.sql, re.IGNORECASE)
        for column in table.columns:
            assert column.derived or re.search(rf"\b{column.name}\b", table.sql)


def test_its_statement_is_one_and_only_reads(table: Table[Any]) -> None:
    if isinstance(table, SqlTable):
        assert ";" not in table.sql
        assert re.match(r"(select|with)\b", table.sql.strip(), re.IGNORECASE)
