"""A request: what each mistake in it is answered with, and that all are told at once."""

from __future__ import annotations

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
  extra: {type: json}
key: [code]
sql: select * from orders
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    (tmp_path / "orders.yaml").write_text(EXPORTER, encoding="utf-8")
    return Catalog([tmp_path])


def resolved(catalog: Catalog, **body: Any) -> ResolvedExport:
    return resolve(parse_request({"exporter": "orders", **body}), catalog, FORMATS, COMPRESSIONS)


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
