"""Every error has one shape, and nothing of the inside leaves."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from export_api import problems
from export_api.schemas.parts import Problem
from include.core import errors
from include.core.errors import FieldError, Gone, InvalidRequest, NotFound, Retriable, VerificationFailed, WaybillError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient
    from httpx import Response

CLASSES = [
    cls
    for module in (errors, problems)
    for _, cls in inspect.getmembers(module, inspect.isclass)
    if issubclass(cls, WaybillError) and cls.__module__ == module.__name__
]


def check(response: Response, status: int, code: str) -> Problem:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate(response.json())
    assert (problem.status, problem.code) == (status, code)
    return problem


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_of_the_domain_has_a_status_and_a_title(cls: type[WaybillError]) -> None:
    kind = problems.kind_of(cls)
    assert 400 <= kind.status < 600
    assert kind.title


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequest("no"), 422),
        (problems.Malformed("no"), 400),
        (problems.Unauthenticated("no"), 401),
        (errors.NotAllowed("no"), 403),
        (NotFound("no"), 404),
        (errors.Conflict("no"), 409),
        (Gone("no"), 410),
        (problems.TooLarge("no"), 413),
        (problems.UnsupportedMediaType("no"), 415),
        (problems.RangeNotSatisfiable("no", length=7), 416),
        (errors.Fatal("no"), 500),
        (VerificationFailed("no"), 500),
        (Retriable("no"), 503),
    ],
)
def test_each_kind_of_error_has_its_status(
    raising: Callable[[Exception], TestClient], error: WaybillError, status: int
) -> None:
    problem = check(raising(error).get("/v1/health"), status, error.error_code)
    assert problem.detail == "no"
    assert problem.retryable is error.retryable
    assert problem.type == f"urn:waybill:problem:{error.error_code}"
    assert problem.instance == "/v1/health"


def test_headers_that_belong_to_an_error_are_sent(raising: Callable[[Exception], TestClient]) -> None:
    assert raising(Retriable("no")).get("/v1/health").headers["retry-after"] == "5"
    assert raising(problems.Unauthenticated("no")).get("/v1/health").headers["www-authenticate"].startswith("Bearer")
    beyond = raising(problems.RangeNotSatisfiable("no", length=7)).get("/v1/health")
    assert beyond.headers["content-range"] == "bytes */7"


def test_all_mistakes_are_told_with_pointers(raising: Callable[[Exception], TestClient]) -> None:
    mistakes = (FieldError("/where/0/op", "It does not fit."), FieldError("/limit", "It is negative."))
    problem = check(raising(InvalidRequest("two", errors=mistakes)).get("/v1/health"), 422, "invalid_request")
    assert [(item.pointer, item.detail) for item in problem.errors] == [(e.pointer, e.detail) for e in mistakes]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ZeroDivisionError("secret"), 500, "internal"),
        (OperationalError("select secret", {}, Exception("secret")), 503, "database_unavailable"),
    ],
)
def test_what_nobody_expected_shows_nothing_of_the_inside(
    raising: Callable[[Exception], TestClient], error: Exception, status: int, code: str
) -> None:
    response = raising(error).get("/v1/health")
    check(response, status, code)
    assert "secret" not in response.text
    assert "Traceback" not in response.text


def test_unknown_routes_and_methods_have_the_same_shape(client: TestClient) -> None:
    check(client.get("/v1/nothing"), 404, "not_found")
    check(client.get("/v1/health/"), 404, "not_found")
    refused = client.put("/v1/health")
    check(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "GET"
    assert client.delete("/v1/exports").headers["allow"] == "GET, POST"
    assert client.post("/v1/exports/x/content").headers["allow"] == "GET, HEAD"
