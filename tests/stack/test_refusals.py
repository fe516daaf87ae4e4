"""Bad input, and exports that end without a file: a clear reason, and nothing left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.stack.client import ExportsClient

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"exporter": "nothing"}, "/exporter"),
    ({"exporter": "orders", "format": "docx"}, "/format"),
    ({"exporter": "orders", "surprise": 1}, "/surprise"),
    ({"exporter": "orders", "params": {"nothing": 1}}, "/params/nothing"),
    ({"exporter": "orders", "params": {"status": "lost"}}, "/params/status"),
    ({"exporter": "orders", "params": {"since": "2026-02-30T00:00:00Z"}}, "/params/since"),
    ({"exporter": "orders", "columns": ["code", "nothing"]}, "/columns/1"),
    ({"exporter": "orders", "columns": "code"}, "/columns"),
    ({"exporter": "orders", "where": [{"column": "nothing", "op": "=", "value": 1}]}, "/where/0/column"),
    ({"exporter": "orders", "where": [{"column": "total", "op": "contains", "value": "1"}]}, "/where/0/op"),
    ({"exporter": "orders", "where": [{"column": "total", "op": "~", "value": "1"}]}, "/where/0/op"),
    ({"exporter": "orders", "where": [{"column": "total", "op": ">", "value": "much"}]}, "/where/0/value"),
    ({"exporter": "orders", "where": [{"column": "created_at", "op": ">", "value": "1.2.2026"}]}, "/where/0/value"),
    ({"exporter": "orders", "order_by": ["-nothing"]}, "/order_by/0"),
    ({"exporter": "orders", "limit": 0}, "/limit"),
    ({"exporter": "orders", "limit": "many"}, "/limit"),
    ({"exporter": "orders", "options": {"colour": "red"}}, "/options/colour"),
    ({"exporter": "orders", "filename": "../{date}"}, "/filename"),
    ({"exporter": "orders", "filename": "{secret}"}, "/filename"),
    ({"format": "csv"}, "/exporter"),
]


@pytest.mark.parametrize(("body", "pointer"), REFUSED, ids=lambda value: str(value)[:60])
def test_a_wrong_request_is_refused_with_a_pointer(exports: ExportsClient, body: dict[str, Any], pointer: str) -> None:
    answer = exports.post(body)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["code"] == "invalid_request"
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert all(error["detail"] for error in problem["errors"])


def test_every_mistake_is_told_at_once(exports: ExportsClient) -> None:
    body = {"exporter": "orders", "format": "docx", "columns": ["nothing"], "order_by": ["void"], "params": {"x": 1}}
    pointers = {error["pointer"] for error in exports.post(body).json()["errors"]}
    assert pointers == {"/format", "/columns/0", "/order_by/0", "/params/x"}


@pytest.mark.parametrize("suffix", ["", "/download", "/content", "/manifest"])
@pytest.mark.parametrize("export_id", ["0e1b8a52-6d61-4a2b-9c1f-7d2f3b4c5d6e", "not-a-uuid"])
def test_an_unknown_export_is_404(exports: ExportsClient, export_id: str, suffix: str) -> None:
    answer = exports.get(f"/exports/{export_id}{suffix}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_routes_and_methods_that_do_not_exist_answer_in_the_same_shape(exports: ExportsClient) -> None:
    for answer, status in (
        (exports.get("/nothing"), 404),
        (exports.request("PUT", "/exports"), 405),
        (exports.request("POST", "/exports", content=b"{", headers={"Content-Type": "application/json"}), 400),
        (exports.get("/exports", colour="red"), 422),
    ):
        assert answer.status_code == status
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert {"type", "title", "status", "detail", "code", "retryable"} <= answer.json().keys()
