"""Who may see what: every door closed but those that are listed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from fastapi.routing import APIRoute

from export_api import auth
from tests.stack.client import ExportsClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.local.stack import Stack
    from tests.stack.client import AirflowClient


def cli(stack: Stack, *arguments: str) -> str:
    command = [sys.executable, "-m", "export_api.cli", *arguments]
    done = subprocess.run(command, env=stack.environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def stranger(stack: Stack, workshop: Path) -> Iterator[ExportsClient]:
    """Another service account."""
    file = workshop / "stranger.token"
    assert cli(stack, "service-account", "create", "stranger", "--token-file", str(file)) == ""
    assert file.stat().st_mode & 0o777 == 0o600
    with ExportsClient(stack.url, f"Token {file.read_text().strip()}") as client:
        yield client


def test_every_mounted_route_answers_401_without_credentials_but_the_open_ones(
    stack: Stack, exports: ExportsClient
) -> None:
    described = exports.get("/openapi.json").json()["paths"]
    operations = {(method.upper(), path) for path, methods in described.items() for method in methods}
    assert len(operations) >= 10
    with ExportsClient(stack.url, None) as nobody:
        for method, path in operations | {("GET", "/v1/docs"), ("GET", "/v1/openapi.json"), ("GET", "/v1/nothing")}:
            answer = nobody.http.request(
                method, f"/export-api{path}".format(export_id="x", name="x", webhook_id="x", event_id="x")
            )
            if (method, path) in auth.OPEN:
                assert answer.status_code == 200
            else:
                expected = {401} if path != "/v1/nothing" else {401, 404}
                assert answer.status_code in expected, (method, path)


def test_the_table_of_routes_holds_nothing_that_the_description_does_not(exports: ExportsClient) -> None:
    from export_api.app import create_app

    described = exports.get("/openapi.json").json()["paths"]
    documentation = {"/v1/docs", "/v1/docs/{name}", "/v1/openapi.json"}
    routes = {
        (method, route.path) for route in create_app().routes if isinstance(route, APIRoute) for method in route.methods
    }
    assert routes - {(method.upper(), path) for path, methods in described.items() for method in methods} <= {
        ("GET", path) for path in documentation
    }


def test_strangers_learn_only_whether_it_works(stack: Stack) -> None:
    with ExportsClient(stack.url, None) as nobody:
        assert nobody.get("/health").json() == {"status": "ok"}


def test_somebody_elses_export_is_404(
    exports: ExportsClient, stranger: ExportsClient, admin_exports: ExportsClient
) -> None:
    export = exports.run(exporter="orders", limit=1)
    for suffix in ("", "/download", "/content", "/manifest"):
        answer = stranger.get(f"/exports/{export['id']}{suffix}")
        assert answer.status_code == 404
        unknown = stranger.get(f"/exports/00000000-0000-4000-8000-000000000000{suffix}").json()
        assert {k: v for k, v in answer.json().items() if k not in {"instance", "detail"}} == {
            k: v for k, v in unknown.items() if k not in {"instance", "detail"}
        }
    for suffix in ("/download", "/content"):
        for name in (export["result"]["files"][0]["name"], "nothing.csv"):
            answer = stranger.get(f"/exports/{export['id']}{suffix}", file=name)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert export["id"] not in [item["id"] for item in stranger.get("/exports", limit=1000).json()["items"]]
    assert admin_exports.read(export["id"])["id"] == export["id"]
    assert export["id"] in [item["id"] for item in admin_exports.get("/exports", limit=1000).json()["items"]]


def test_a_revoked_token_is_refused_and_tokens_work_under_our_prefix_only(stack: Stack) -> None:
    token = cli(stack, "service-account", "create", "passing").strip()
    with ExportsClient(stack.url, f"Bearer {token}") as client:
        assert client.get("/exports").status_code == 200
        assert client.http.get("/api/v2/dags").status_code in {401, 403}
        prefix = next(line.split()[0] for line in cli(stack, "token", "list").splitlines() if " passing " in line)
        assert token.startswith(prefix)
        cli(stack, "token", "revoke", prefix)
        refused = client.get("/exports")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"]


def test_the_database_holds_hashes_of_tokens_only(stack: Stack) -> None:
    dsn = stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("select row_to_json(t)::text from waybill_token t").fetchall()
    assert rows
    assert all(stack.token not in row[0] for row in rows)


def test_downloads_are_audited_and_the_audit_cannot_be_changed(stack: Stack, exports: ExportsClient) -> None:
    export = exports.run(exporter="orders", limit=1)
    exports.download(export)
    exports.get(f"/exports/{export['id']}/content")
    with psycopg.connect(stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]) as connection:
        statement = "select action, caller from waybill_audit where export_id = %s order by id"
        entries = connection.execute(statement, (export["id"],)).fetchall()
        assert entries == [(action, export["requested_by"]) for action in ("create", "download", "download")]
        for change in ("delete from waybill_audit", "update waybill_audit set caller = 'nobody'"):
            with pytest.raises(psycopg.Error, match="append-only"), connection.transaction():
                connection.execute(change)


def test_airflows_cookie_works_in_the_browser_and_not_from_other_sites(stack: Stack, airflow: AirflowClient) -> None:
    with httpx.Client(base_url=stack.url, cookies={"_token": airflow.token}) as browser:
        assert browser.get("/export-api/v1/exports").status_code == 200
        body = {"exporter": "orders", "limit": 1}
        foreign = browser.post("/export-api/v1/exports", json=body, headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        assert browser.post("/export-api/v1/exports", json=body).status_code == 403
        ours = browser.post("/export-api/v1/exports", json=body, headers={"Origin": stack.url})
        assert ours.status_code == 202


def test_the_list_pages_and_filters(exports: ExportsClient) -> None:
    made = [exports.run(exporter="orders", limit=1, name=f"page {n}")["id"] for n in range(3)]
    first = exports.get("/exports", limit=2, order_by="-created_at")
    assert [item["id"] for item in first.json()["items"]] == made[:0:-1]
    assert 'rel="next"' in first.headers["Link"]
    second = exports.get("/exports", limit=2, page_token=first.json()["next_page_token"]).json()
    assert second["items"][0]["id"] == made[0]
    named = exports.get("/exports", name="page 1", status="succeeded", exporter="orders", count="true").json()
    assert named["total"] >= 1
    assert {item["name"] for item in named["items"]} == {"page 1"}
