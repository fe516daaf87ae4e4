"""A request: what each mistake in it is answered with, and that all are told at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.compressions import COMPRESSIONS
from include.core.catalog import Catalog
from include.core.errors import InvalidRequest
from include.core.request import parse_request
from include.core.resolve import ResolvedExport, resolve
from include.core.table import SqlTable
from include.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

EXPORTER = """
title: Orders
source: shop
params:
  since: {type: date, default: "2026-01-01", description: first day}
  at: {type: datetime, required: false}
  status: {type: choice, choices: [paid, pending], required: false}
  count: {type: integer, required: false}
columns:
  code: {type: string}
  total: {type: decimal}
  created: {type: datetime}
  opened: {type: local_datetime}
  paid: {type: boolean}
  number: {type: integer}
  day: {type: date}
  id: {type: uuid}
  email: {type: string, sensitive: true}
  extra: {type: json}
key: [code]
sql: select * from orders
"""

BOOK = """
title: Fleet
source: shop
params:
  days: {type: date_frame, default: month_this}
  least: {type: integer, default: 1}
sheets:
  machines:
    title: Machines
    columns: {id: {type: integer}, platform: {type: string}}
    key: [id]
    sql: select id, platform from machines
  platforms: {title: Platforms, counts: machines, by: platform}
  sites:
    title: Sites
    columns: {name: {type: string}}
    sql: select name from sites
"""

PANDAS = '''
from include.core.exporter import PandasExporter, Params
from include.core.schema import Column, ColumnType, Schema


class Derived(PandasExporter[Params]):
    """One column is made by pandas."""

    title = "Derived"
    source = "shop"
    params_type = Params
    columns = Schema.of(Column.of("id", ColumnType.INTEGER), Column.of("made", ColumnType.STRING, derived=True))
    sql = "select id from orders"

    def transform(self, df, params):
        return df.assign(made="x")
'''


SOME = '''
from include.core.exporter import Book, Params
from include.core.schema import Column, ColumnType, Schema
from include.core.table import StatementTable


class SomeParams(Params):
    """How many of the tables."""

    most: int = 2


class Some(Book[SomeParams]):
    """Tables that depend on parameters."""

    title = "Some"
    params_type = SomeParams

    def declared(self):
        columns = Schema.of(Column.of("id", ColumnType.INTEGER))
        return {
            name: StatementTable(title=name.upper(), source="shop", sql="select 1 as id", columns=columns)
            for name in ("a", "b")
        }

    def tables(self, params):
        return dict(list(self.declared().items())[: params.most])
'''


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    (tmp_path / "orders.yaml").write_text(EXPORTER, encoding="utf-8")
    (tmp_path / "fleet.yaml").write_text(BOOK, encoding="utf-8")
    (tmp_path / "unit_test_derived.py").write_text(PANDAS, encoding="utf-8")
    (tmp_path / "unit_test_some.py").write_text(SOME, encoding="utf-8")
    return Catalog([tmp_path])


def resolved(catalog: Catalog, **body: Any) -> ResolvedExport:
    wanted = body if "sources" in body else {"exporter": "orders", **body}
    return resolve(parse_request(wanted), catalog, FORMATS, COMPRESSIONS)


def mistakes(catalog: Catalog, **body: Any) -> dict[str, str]:
    """Every pointer with its detail; the request must be refused."""
    with pytest.raises(InvalidRequest) as caught:
        resolved(catalog, **body)
    return {error.pointer: error.detail for error in caught.value.errors}


def test_the_plainest_request_asks_for_every_column_as_csv(catalog: Catalog) -> None:
    found = resolved(catalog)
    (table,) = catalog.load("orders").declared().values()
    assert found.request.format == "csv"
    assert found.readings[0].selection.schema.names == table.columns.names
    assert found.readings[0].selection.limit is None


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"exporter": "ordres"}, "/exporter", "orders"),
        ({"format": "docx"}, "/format", "parquet"),
        ({"nonsense": 1}, "/nonsense", "not permitted"),
        ({"params": {"until": "2026-01-01"}}, "/params/until", "not permitted"),
        ({"params": {"since": "2026-02-30"}}, "/params/since", "date"),
        ({"params": {"since": "last tuesday"}}, "/params/since", "date"),
        ({"params": {"since": True}}, "/params/since", "date"),
        ({"params": {"at": "2026-01-01T10:00:00"}}, "/params/at", "timezone"),
        ({"params": {"status": "lost"}}, "/params/status", "'paid'"),
        ({"params": {"count": "many"}}, "/params/count", "integer"),
        ({"params": {"count": 2**63}}, "/params/count", "less than"),
        ({"params": []}, "/params", "dictionary"),
        ({"columns": ["code", "totals"]}, "/columns/1", "totals"),
        ({"columns": ["code", "code"]}, "/columns/1", "twice"),
        ({"columns": [{"name": "code", "as": "x"}, {"name": "total", "as": "x"}]}, "/columns/1", "twice"),
        ({"columns": []}, "/columns", "at least 1"),
        ({"where": [{"column": "totals", "op": "=", "value": 1}]}, "/where/0/column", "totals"),
        ({"where": [{"column": "code", "op": "~", "value": "x"}]}, "/where/0/op", "starts_with"),
        ({"where": [{"column": "total", "op": "contains", "value": "1"}]}, "/where/0/op", "does not fit"),
        ({"where": [{"column": "extra", "op": "=", "value": "{}"}]}, "/where/0/op", "is_null"),
        ({"where": [{"column": "number", "op": "=", "value": "x"}]}, "/where/0/value", "integer"),
        ({"where": [{"column": "created", "op": ">", "value": "2026-13-01T00:00:00Z"}]}, "/where/0/value", "datetime"),
        ({"where": [{"column": "code", "op": "=", "value": "a", "not": True}]}, "/where/0/not", "not permitted"),
        ({"where": [{"column": "code"}]}, "/where/0/op", "required"),
        ({"order_by": ["-totals"]}, "/order_by/0", "totals"),
        ({"order_by": ["extra"]}, "/order_by/0", "json"),
        ({"order_by": ["code", "-code"]}, "/order_by/1", "twice"),
        ({"limit": 0}, "/limit", "greater than"),
        ({"limit": 1.5}, "/limit", "integer"),
        ({"limit": True}, "/limit", "integer"),
        ({"options": {"delimeter": ";"}}, "/options/delimeter", "not permitted"),
        ({"options": {"delimiter": "ab"}}, "/options/delimiter", "';'"),
        ({"filename": "../x"}, "/filename", "cannot"),
        ({"filename": "{when}"}, "/filename", "{date}"),
        ({"filename": ""}, "/filename", "at least 1"),
        ({"name": 5}, "/name", "string"),
    ],
)
def test_each_mistake_has_a_pointer_and_a_readable_detail(
    catalog: Catalog, body: dict[str, Any], pointer: str, says: str
) -> None:
    found = mistakes(catalog, **body)
    assert list(found) == [pointer]
    assert says in found[pointer]


@pytest.mark.parametrize("choice", [5, None, {"name": "code", "as": ""}, ["code"]])
def test_a_mistake_in_a_column_choice_points_into_the_body_and_not_into_our_types(
    catalog: Catalog, choice: object
) -> None:
    for pointer in mistakes(catalog, columns=["total", choice]):
        assert pointer.startswith("/columns/1")
        assert pointer.removeprefix("/columns/1") in {"", "/name", "/as"}


def test_a_column_cannot_be_renamed_to_what_no_database_could_carry(catalog: Catalog) -> None:
    found = mistakes(catalog, columns=[{"name": "code", "as": "a\0b"}])
    assert all(pointer.startswith("/columns/0") for pointer in found)


@pytest.mark.parametrize("value", [1_700_000_000, 0, "1700000000", 20261001, "20261001", 1.5])
def test_a_number_is_no_time(catalog: Catalog, value: object) -> None:
    assert "/params/at" in mistakes(catalog, params={"at": value})
    assert "/where/0/value" in mistakes(catalog, where=[{"column": "created", "op": ">=", "value": value}])


@pytest.mark.parametrize("value", [0, 86_400, "86400"])
def test_a_number_is_no_date(catalog: Catalog, value: object) -> None:
    assert "/params/since" in mistakes(catalog, params={"since": value})
    assert "/where/0/value" in mistakes(catalog, where=[{"column": "day", "op": ">=", "value": value}])


def test_true_is_no_integer(catalog: Catalog) -> None:
    assert "/params/count" in mistakes(catalog, params={"count": True})


@pytest.mark.parametrize("body", [None, 5, "orders", [], [{"exporter": "orders"}]])
def test_a_body_that_is_no_object_points_at_the_whole(body: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_request(body)
    assert [error.pointer for error in caught.value.errors] == [""]


def test_a_request_without_an_exporter_says_so(catalog: Catalog) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve(parse_request({}), catalog, FORMATS, COMPRESSIONS)
    assert [error.pointer for error in caught.value.errors] == ["/exporter"]


def test_all_mistakes_are_told_at_once(catalog: Catalog) -> None:
    found = mistakes(
        catalog,
        params={"since": "x", "until": 1},
        format="docx",
        columns=["nope"],
        where=[{"column": "total", "op": "contains", "value": "1"}, {"column": "no", "op": "=", "value": 1}],
        order_by=["nope"],
        filename="a/b",
    )
    assert set(found) == {
        "/params/since",
        "/params/until",
        "/format",
        "/columns/0",
        "/where/0/op",
        "/where/1/column",
        "/order_by/0",
        "/filename",
    }


def test_the_message_names_the_first_mistake_and_counts_the_others(catalog: Catalog) -> None:
    with pytest.raises(InvalidRequest, match=r"^/params/a: .* \(and 1 more\)$"):
        resolved(catalog, params={"a": 1, "b": 2})


def test_pointers_escape_what_rfc_6901_escapes(catalog: Catalog) -> None:
    assert set(mistakes(catalog, params={"a/b~c": 1})) == {"/params/a~1b~0c"}


@pytest.mark.parametrize(
    "body",
    [
        {"params": {"since": "hunter2"}},
        {"params": {"status": "hunter2"}},
        {"params": {"count": "hunter2"}},
        {"params": {"at": {"password": "hunter2"}}},
        {"where": [{"column": "number", "op": "=", "value": "hunter2"}]},
        {"where": [{"column": "number", "op": "in", "value": [1, "hunter2"]}]},
        {"where": [{"column": "id", "op": "=", "value": "hunter2"}]},
        {"where": [{"column": "code", "op": "is_null", "value": "hunter2"}]},
        {"where": [{"column": "code", "op": "hunter2"}]},
        {"options": {"delimiter": "hunter2"}},
        {"limit": "hunter2"},
        {"secret": "hunter2"},
    ],
)
def test_a_rejected_value_is_never_repeated(catalog: Catalog, body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolved(catalog, **body)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value.errors)
    assert "hunter2" not in repr(caught.value.__cause__)


def test_columns_come_in_the_order_and_under_the_names_that_were_asked_for(catalog: Catalog) -> None:
    found = resolved(catalog, columns=["total", {"name": "code", "as": "Order"}, "code"]).readings[0].selection
    assert [(column.name, column.origin, column.label) for column in found.columns] == [
        ("total", "total", "Total"),
        ("Order", "code", "Order"),
        ("code", "code", "Code"),
    ]


def test_a_column_on_request_orders_the_rows_and_is_in_the_file_only_where_it_is_named(tmp_path: Path) -> None:
    text = EXPORTER.replace("code: {type: string}", "code: {type: string, on_request: true}")
    (tmp_path / "orders.yaml").write_text(text, encoding="utf-8")
    catalog = Catalog([tmp_path])
    (reading,) = resolved(catalog).readings
    assert "code" not in reading.selection.schema.names
    assert len(reading.selection.schema) == len(reading.table.columns) - 1
    assert isinstance(reading.table, SqlTable)
    query = reading.table.query(reading.params, reading.selection)
    assert [order.column.name for order in query.full_order] == ["code"]
    (reading,) = resolved(catalog, columns=["total", "code"]).readings
    assert reading.selection.schema.names == ("total", "code")


def test_a_filter_and_an_order_may_use_a_column_that_is_not_chosen(catalog: Catalog) -> None:
    found = (
        resolved(catalog, columns=["code"], where=[{"column": "paid", "op": "=", "value": True}], order_by=["-total"])
        .readings[0]
        .selection
    )
    assert found.filters[0].column.name == "paid"
    assert found.order_by[0].column.name == "total"
    assert found.order_by[0].descending


def test_the_frozen_request_records_defaults_that_depend_on_the_day(catalog: Catalog) -> None:
    frozen = resolved(catalog, params={"status": "paid"}).frozen_request()
    assert frozen == {"exporter": "orders", "format": "csv", "params": {"since": "2026-01-01", "status": "paid"}}


def test_a_frozen_request_resolves_to_the_same_again(catalog: Catalog) -> None:
    first = resolved(catalog, columns=[{"name": "code", "as": "Order"}], where=[{"column": "code", "op": "not_null"}])
    again = resolve(parse_request(first.frozen_request()), catalog, FORMATS, COMPRESSIONS)
    assert again.frozen_request() == first.frozen_request()
    assert again.readings[0].selection == first.readings[0].selection


def test_unset_fields_are_left_out_of_the_conf() -> None:
    assert parse_request({"exporter": "orders", "columns": [{"name": "a", "as": "b"}]}).to_conf() == {
        "exporter": "orders",
        "columns": [{"name": "a", "as": "b"}],
    }


# Several tables


def sheets(found: ResolvedExport) -> list[str]:
    return [reading.sheet for reading in found.readings]


def test_all_tables_of_an_exporter_are_wanted_unless_some_are_named(catalog: Catalog) -> None:
    found = resolved(catalog, exporter="fleet", format="xlsx")
    assert sheets(found) == ["machines", "platforms", "sites"]
    assert [reading.title for reading in found.readings] == ["Machines", "Platforms", "Sites"]
    assert {(reading.name, reading.place, reading.alone) for reading in found.readings} == {("fleet", 0, False)}
    assert found.compression is None


def test_named_tables_come_in_the_order_of_their_names(catalog: Catalog) -> None:
    assert sheets(resolved(catalog, exporter="fleet", sheets=["sites", "machines"])) == ["sites", "machines"]
    assert sheets(resolved(catalog, exporter="fleet", sheets=["platforms"])) == ["platforms"]


def test_several_tables_in_a_format_without_sheets_go_into_a_zip(catalog: Catalog) -> None:
    found = resolved(catalog, exporter="fleet", format="csv")
    assert found.compression is not None
    assert found.compression.bundles
    assert [reading.stem for reading in found.readings] == ["machines", "platforms", "sites"]
    assert resolved(catalog, exporter="fleet", format="csv", sheets=["sites"]).compression is None
    assert list(mistakes(catalog, exporter="fleet", compression="gzip")) == ["/compression"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"exporter": "fleet", "sheets": ["machines", "apps"]}, {"/sheets/1": "machines, platforms, sites"}),
        ({"exporter": "fleet", "sheets": ["apps", "Sites", ""]}, {f"/sheets/{n}": "There is no" for n in range(3)}),
        ({"exporter": "fleet", "sheets": ["sites", "machines", "sites"]}, {"/sheets/2": "'sites' is there twice"}),
        ({"exporter": "fleet", "sheets": []}, {"/sheets": "at least 1"}),
        ({"exporter": "fleet", "sheets": "sites"}, {"/sheets": "list"}),
        ({"exporter": "fleet", "sheets": [1]}, {"/sheets/0": "string"}),
        ({"exporter": "fleet", "sheets": ["x" * 201]}, {"/sheets/0": "200"}),
        ({"exporter": "fleet", "sheets": [f"s{n}" for n in range(101)]}, {"/sheets": "100"}),
        ({"exporter": "orders", "sheets": ["orders"]}, {"/sheets/0": "one table only"}),
        ({"exporter": "orders", "sheets": [""]}, {"/sheets/0": "one table only"}),
        ({"exporter": "nobody", "sheets": ["x"]}, {"/exporter": "known are"}),
    ],
)
def test_sheets_that_are_not_there_are_pointed_at(catalog: Catalog, body: dict[str, Any], told: dict[str, str]) -> None:
    found = mistakes(catalog, **body)
    assert list(found) == list(told)
    for pointer, says in told.items():
        assert says in found[pointer]


def test_what_belongs_to_one_table_is_no_answer_to_several(catalog: Catalog) -> None:
    of_one = {"columns": ["id"], "where": [{"column": "id", "op": ">", "value": 1}], "order_by": ["id"], "limit": 3}
    for named in ({}, {"sheets": ["machines", "sites"]}):
        found = mistakes(catalog, exporter="fleet", **named, **of_one)
        assert set(found) == {"/columns", "/where", "/order_by", "/limit"}
        assert all("name one of them in sheets" in detail for detail in found.values())
    (reading,) = resolved(catalog, exporter="fleet", sheets=["machines"], **of_one).readings
    assert (reading.selection.limit, reading.selection.schema.names) == (3, ("id",))


def test_the_columns_of_the_named_table_count(catalog: Catalog) -> None:
    found = mistakes(catalog, exporter="fleet", sheets=["platforms"], columns=["value", "id"], order_by=["-platform"])
    assert set(found) == {"/columns/1", "/order_by/0"}
    assert "value, count, percent" in found["/columns/1"]
    selection = resolved(catalog, exporter="fleet", sheets=["platforms"], order_by=["-count"]).readings[0].selection
    assert selection.order_by[0].column.name == "count"


def test_mistakes_in_one_of_several_sources_have_its_pointer(catalog: Catalog) -> None:
    body = [
        {"exporter": "fleet", "sheets": ["sites", "apps"], "params": {"days": "soon"}},
        {"exporter": "fleet", "limit": 1},
        {"exporter": "orders", "sheets": ["x"]},
    ]
    found = mistakes(catalog, sources=body)
    assert set(found) == {"/sources/0/sheets/1", "/sources/0/params/days", "/sources/1/limit", "/sources/2/sheets/0"}


def test_tables_may_depend_on_parameters(catalog: Catalog) -> None:
    some = "unit_test_some"
    assert sheets(resolved(catalog, exporter=some)) == ["a", "b"]
    assert sheets(resolved(catalog, exporter=some, params={"most": 1})) == ["a"]
    assert list(mistakes(catalog, exporter=some, params={"most": 1}, sheets=["a", "b"])) == ["/sheets/1"]
    assert list(mistakes(catalog, exporter=some, params={"most": "x"}, sheets=["b", "c"])) == [
        *("/params/most", "/sheets/1")
    ]
    assert "no table" in mistakes(catalog, exporter=some, params={"most": 0})["/params"]


def test_sheets_belong_into_each_of_several_sources(catalog: Catalog) -> None:
    found = mistakes(catalog, sheets=["sites"], sources=[{"exporter": "fleet"}])
    assert "inside of each source" in found["/sheets"]


def test_sources_with_tables_keep_their_places(catalog: Catalog) -> None:
    sources = [
        {"exporter": "fleet", "sheets": ["sites", "machines"], "name": "North"},
        {"exporter": "orders", "name": "Sales"},
        {"exporter": "fleet", "sheets": ["sites"], "name": "South"},
        {"exporter": "fleet", "sheets": ["platforms", "sites"], "params": {"least": 9}},
    ]
    found = resolve(parse_request({"sources": sources, "format": "xlsx"}), catalog, FORMATS, COMPRESSIONS)
    assert [(each.name, each.sheet, each.place) for each in found.readings] == [
        ("fleet", "sites", 0),
        ("fleet", "machines", 0),
        ("orders", "", 1),
        ("fleet", "sites", 2),
        ("fleet", "platforms", 3),
        ("fleet", "sites", 3),
    ]
    assert [each.title for each in found.readings] == [
        *("North - Sites", "North - Machines", "Sales", "South", "Platforms", "Sites")
    ]
    assert [each.stem for each in found.readings] == [
        *("North-sites", "North-machines", "Sales", "South", "platforms", "sites")
    ]
    frozen = found.frozen_request()["sources"]
    assert [(source["params"].get("least"), source.get("sheets")) for source in frozen] == [
        (1, ["sites", "machines"]),
        (None, None),
        (1, ["sites"]),
        (9, ["platforms", "sites"]),
    ]


def test_a_frozen_request_of_a_book_is_of_whole_days_and_resolves_to_the_same_again(catalog: Catalog) -> None:
    first = resolved(catalog, exporter="fleet", sheets=["sites", "platforms"], params={"days": "days_today"})
    frozen = first.frozen_request()
    today = datetime.now(UTC).date()
    assert frozen["params"]["days"] in {f"{day}/{day}" for day in (today, today - timedelta(days=1))}
    assert frozen["sheets"] == ["sites", "platforms"]
    again = resolve(parse_request(frozen), catalog, FORMATS, COMPRESSIONS)
    assert again.frozen_request() == frozen
    assert [(each.sheet, each.params, each.selection) for each in again.readings] == [
        (each.sheet, each.params, each.selection) for each in first.readings
    ]


# A file for each value of a column


def order_of(found: ResolvedExport) -> list[tuple[str, bool]]:
    (reading,) = found.readings
    return [(order.column.name, order.descending) for order in reading.selection.order_by]


@pytest.mark.parametrize(
    ("body", "order"),
    [
        ({}, [("paid", False)]),
        ({"order_by": ["code", "-total"]}, [("paid", False), ("code", False), ("total", True)]),
        ({"order_by": ["-paid", "code"]}, [("paid", True), ("code", False)]),
        ({"order_by": ["code", "-paid"]}, [("paid", True), ("code", False)]),
        ({"order_by": ["-paid", "code"], "limit": 5}, [("paid", True), ("code", False)]),
        ({"limit": 5}, [("paid", False)]),
    ],
)
def test_rows_are_sorted_by_the_column_that_they_are_split_by(
    catalog: Catalog, body: dict[str, Any], order: list[tuple[str, bool]]
) -> None:
    assert order_of(resolved(catalog, split={"by": "paid"}, **body)) == order


def test_a_renamed_column_is_split_by_under_its_own_name(catalog: Catalog) -> None:
    columns = ["code", {"name": "paid", "as": "Settled"}]
    assert order_of(resolved(catalog, split={"by": "paid"}, columns=columns)) == [("paid", False)]
    found = mistakes(catalog, split={"by": "Settled"}, columns=columns)
    assert list(found) == ["/split/by"]


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"split": {"by": "nothing"}}, "/split/by", "no column 'nothing'"),
        ({"split": {"by": "extra"}}, "/split/by", "json"),
        ({"split": {"by": "email"}}, "/split/by", "sensitive"),
        ({"split": {"by": "paid"}, "columns": ["code", "total"]}, "/split/by", "a column of the file: code, total."),
        ({"split": {"by": "-paid"}}, "/split/by", "a column of the file"),
        ({"split": {"by": ""}}, "/split/by", "at least 1"),
        ({"split": {"by": ["paid"]}}, "/split/by", "string"),
        ({"split": {"by": None}}, "/split", "either"),
        ({"split": {"by": "paid", "rows": 5}}, "/split", "either"),
        ({"split": {}}, "/split", "either"),
        ({"split": {"by": "made"}, "exporter": "unit_test_derived"}, "/split/by", "computed after"),
        ({"split": {"by": "platform"}, "exporter": "fleet"}, "/split", "one table"),
        ({"split": {"by": "paid"}, "limit": 5, "order_by": ["-total"]}, "/split/by", "sort by 'paid' first"),
        ({"split": {"by": "paid"}, "limit": 5, "order_by": ["code", "paid"]}, "/split/by", "sort by 'paid' first"),
    ],
)
def test_what_cannot_be_split_by_is_pointed_at(catalog: Catalog, body: dict[str, Any], pointer: str, says: str) -> None:
    found = mistakes(catalog, **body)
    assert list(found) == [pointer]
    assert says in found[pointer]


def test_one_of_several_tables_can_be_split(catalog: Catalog) -> None:
    found = resolved(catalog, exporter="fleet", sheets=["machines"], split={"by": "platform"})
    assert order_of(found) == [("platform", False)]


def test_several_sources_cannot_be_split(catalog: Catalog) -> None:
    sources = [{"exporter": "orders"}, {"exporter": "fleet", "sheets": ["sites"]}]
    assert list(mistakes(catalog, sources=sources, split={"by": "code"})) == ["/split"]


def test_a_split_is_kept_in_the_frozen_request(catalog: Catalog) -> None:
    frozen = resolved(catalog, split={"by": "paid"}, order_by=["code"]).frozen_request()
    assert (frozen["split"], frozen["order_by"]) == ({"by": "paid"}, ["code"])
    again = resolve(parse_request(frozen), catalog, FORMATS, COMPRESSIONS)
    assert order_of(again) == [("paid", False), ("code", False)]
