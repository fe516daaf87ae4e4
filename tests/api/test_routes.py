"""Every route is closed but those in auth.OPEN, and described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from fastapi.routing import APIRoute

from export_api import auth
from export_api.app import create_app
from include.compressions import COMPRESSIONS
from include.core.request import parse_request
from include.core.resolve import resolve as core_resolve
from include.core.settings import Settings
from include.exporters import catalog_of
from include.formats import FORMATS

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

ROUTES = sorted(
    (method, route.path) for route in create_app().routes if isinstance(route, APIRoute) for method in route.methods
)
CLOSED = [route for route in ROUTES if route not in auth.OPEN]
BAD_HEADERS = ["Basic dXNlcjpwYXNz", "Bearer", "Token ", "wb_abc", "Digest x"]


def path_of(route: str) -> str:
    return (
        route.replace("{export_id}", "0d4f7f0e-5b1c-4a39-9d0e-6c1f3f0c2b7a")
        .replace("{name}", "machines")
        .replace("{webhook_id}", "x")
    )


def test_the_app_has_no_other_routes() -> None:
    assert all(isinstance(route, APIRoute) for route in create_app().routes)
    assert len(ROUTES) >= 12


def test_what_is_open_exists_and_is_health_and_public_keys_only() -> None:
    assert set(ROUTES) >= auth.OPEN
    assert {path for _, path in auth.OPEN} == {"/v1/health", "/v1/.well-known/jwks.json"}


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_a_closed_route_answers_401_without_credentials(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, path_of(path))
    assert response.status_code == 401
    assert response.headers["www-authenticate"]
    if method != "HEAD":
        assert response.json()["code"] == "unauthenticated"


@pytest.mark.parametrize("header", BAD_HEADERS)
@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_a_header_of_another_kind_is_no_credential(client: TestClient, method: str, path: str, header: str) -> None:
    assert client.request(method, path_of(path), headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"exporter": 1}', b" " * 2_000_000])
def test_a_stranger_learns_nothing_from_bodies_or_queries(client: TestClient, body: bytes) -> None:
    assert client.post("/v1/exports", content=body).status_code == 401
    assert client.get("/v1/exports?limit=x&nothing=1").status_code == 401
    assert client.get("/v1/exports/no-uuid").status_code == 401


def test_no_route_is_the_mount_itself() -> None:
    assert all(path.startswith("/v1/") for _, path in ROUTES)


@pytest.mark.parametrize(("method", "path"), [r for r in ROUTES if not r[1].startswith(("/v1/docs", "/v1/openapi"))])
def test_every_operation_is_described_with_an_example(app: FastAPI, method: str, path: str) -> None:
    operation = app.openapi()["paths"][path][method.lower()]
    assert operation["summary"]
    assert operation["description"]
    good = [answer for status, answer in operation["responses"].items() if status < "300"]
    described = [media for answer in good for media in answer.get("content", {}).values()]
    without_body = path.endswith("/content") or set(operation["responses"]) & {"204"}
    assert without_body or any("example" in media for media in described)
    if (method, path) not in auth.OPEN:
        refused = operation["responses"]["401"]["content"]["application/problem+json"]
        assert refused["example"]["status"] == 401


def resolve(node: Any, description: dict[str, Any]) -> Any:
    """Replace references, for a validator that does not know the document."""
    if isinstance(node, dict):
        if "$ref" in node:
            target: Any = description
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            return resolve(target, description)
        return {key: resolve(value, description) for key, value in node.items()}
    return [resolve(item, description) for item in node] if isinstance(node, list) else node


def test_every_example_fits_its_schema(app: FastAPI) -> None:
    description = app.openapi()
    checked = 0
    for operations in description["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                for media_type, media in answer.get("content", {}).items():
                    assert "application/json" not in media_type or status < "400" or status == "503", (status, answer)
                    if "example" in media and "schema" in media:
                        schema = resolve(media["schema"], description)
                        jsonschema.validate(media["example"], schema, jsonschema.Draft202012Validator)
                        checked += 1
    assert checked > 30
    request = description["components"]["schemas"]["ExportRequest"]
    for example in request["examples"]:
        jsonschema.validate(example, resolve(request, description), jsonschema.Draft202012Validator)


def test_every_example_of_a_request_fits_its_schema_and_the_catalog(app: FastAPI) -> None:
    description = app.openapi()
    media = description["paths"]["/v1/exports"]["post"]["requestBody"]["content"]["application/json"]
    schema = resolve(media["schema"], description)
    told = set()
    for example in media["examples"].values():
        assert example["summary"]
        jsonschema.validate(example["value"], schema, jsonschema.Draft202012Validator)
        request = parse_request(example["value"])
        assert core_resolve(request, catalog_of(Settings()), FORMATS, COMPRESSIONS).readings
        told |= request.model_fields_set
    assert {"sources", "compression", "split", "verify", "notify", "sheets"} <= told


def test_the_request_body_is_described_and_nothing_that_does_not_exist_yet(app: FastAPI) -> None:
    description = app.openapi()
    body = description["paths"]["/v1/exports"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    request = resolve(body, description)
    assert set(request["properties"]) == {
        *("exporter", "sources", "params", "sheets", "columns", "where", "order_by", "limit"),
        *("format", "options", "filename", "compression", "split", "verify", "name", "expires_in", "notify"),
    }
    assert request["additionalProperties"] is False
    assert not any("validation" in name.lower() for name in description["components"]["schemas"])


def test_headers_are_described_on_both_ways(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    create, read = paths["/v1/exports"]["post"], paths["/v1/exports/{export_id}"]["get"]
    watch = paths["/v1/exports/{export_id}/events"]["get"]

    def sent(operation: dict[str, Any]) -> set[str]:
        return {item["name"] for item in operation["parameters"] if item["in"] == "header"}

    assert sent(create) == {"Idempotency-Key", "Prefer"}
    assert sent(read) == {"If-None-Match", "Prefer"}
    assert sent(watch) == {"Last-Event-ID"}
    answered = {"Location", "Idempotent-Replayed", "Preference-Applied"}
    assert set(create["responses"]["202"]["headers"]) == answered | {"Retry-After"}
    assert set(create["responses"]["200"]["headers"]) == answered
    assert set(create["responses"]["409"]["headers"]) == {"Retry-After"}
    for status in ("200", "304"):
        assert set(read["responses"][status]["headers"]) == {"ETag", "Retry-After", "Preference-Applied"}
    assert set(watch["responses"]) >= {"200", "204", "401", "403", "404"}
