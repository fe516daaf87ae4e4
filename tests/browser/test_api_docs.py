"""The API's documentation page, as a browser behind Airflow's login shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from deploy.local.stack import Stack
    from tests.stack.client import ExportsClient

DOCS = "/export-api/v1/docs"


def test_the_page_is_behind_the_login(anonymous: Page) -> None:
    answer = anonymous.goto(DOCS)
    assert answer is not None
    assert answer.status == 401


def test_the_page_renders_and_asks_nobody_else(page: Page, stack: Stack, exports: ExportsClient) -> None:
    asked: list[str] = []
    failures: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda response: failures.append(response.url) if response.status >= 400 else None)
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(DOCS)
    expect(page.get_by_role("heading", name="Waybill")).to_be_visible()
    described = exports.get("/openapi.json").json()["paths"]
    expect(page.locator(".opblock")).to_have_count(sum(map(len, described.values())))
    origins = {url.scheme + "://" + url.netloc for url in map(urlsplit, asked) if url.scheme not in {"data", "blob"}}
    assert origins == {stack.url}
    assert failures == []


def test_a_request_can_be_tried_out(page: Page) -> None:
    page.goto(f"{DOCS}#/Exporters")
    operation = page.locator(".opblock").filter(has=page.locator("[data-path='/v1/exporters']"))
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response").first
    expect(answer.locator(".response-col_status")).to_contain_text("200")
    expect(answer).to_contain_text('"machines"')
