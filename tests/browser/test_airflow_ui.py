"""What a data engineer does and sees in Airflow's UI."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from include.formats import FORMATS
from tests.browser.conftest import open_context, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from deploy.local.stack import Stack
    from tests.stack.client import ExportsClient

LIMIT = 77


class FormRun(NamedTuple):
    """A run that was started from the form."""

    run_id: str
    path: str
    filename: str


def open_form(page: Page) -> Locator:
    page.goto("/dags/export")
    page.get_by_role("button", name="Trigger Dag").click()
    form = page.get_by_role("dialog")
    # Airflow ties no label to the fields of a form; their ids are what stays.
    expect(form.locator("#element_exporter")).to_have_value("machines")
    return form


def choose(page: Page, form: Locator, field: str, option: str) -> None:
    form.locator(f"#element_{field}").click()
    page.get_by_role("option", name=option, exact=True).click()


def submit(page: Page, form: Locator) -> str:
    """Press the form's button and return the path of the run's page, where it leads."""
    form.get_by_role("button", name="Trigger", exact=True).click()
    page.wait_for_url(re.compile(r"/dags/export/runs/[^/]+$"))
    return urlsplit(page.url).path


@pytest.fixture(scope="module")
def form_run(browser: Browser, stack: Stack, session: Any, tmp_path_factory: pytest.TempPathFactory) -> FormRun:
    """A run as a data engineer starts it, and as its page tells of its success."""
    pictures = tmp_path_factory.mktemp("form_run")
    filename = f"taxes-{uuid4()}"
    context = open_context(browser, stack, storage_state=session)
    page = context.new_page()
    try:
        form = open_form(page)
        form.locator("#element_exporter").fill("order_taxes")
        choose(page, form, "format", "jsonl")
        form.locator("[id='number-input:element_limit'] input").fill(str(LIMIT))
        form.locator("#element_filename").fill(filename)
        page.screenshot(path=pictures / "form.png")
        path = submit(page, form)
        expect(page.get_by_role("row").filter(has_text="ExportOperator")).to_contain_text("Success")
        return FormRun(unquote(path.rpartition("/")[2]), path, filename)
    finally:
        page.screenshot(path=pictures / "run.png")
        context.close()


def test_a_person_logs_in(anonymous: Page, stack: Stack) -> None:
    sign_in(anonymous, stack)
    expect(anonymous.get_by_role("link", name="Dags", exact=True)).to_be_visible()
    anonymous.goto("/dags")
    expect(anonymous.get_by_role("link", name="export", exact=True)).to_be_visible()


def test_the_form_offers_the_exporters_and_the_formats(page: Page) -> None:
    form = open_form(page)
    offered = form.locator("#list_exporter option").evaluate_all("options => options.map(option => option.value)")
    assert {"machines", "macos_apps", "orders", "order_taxes"} <= set(offered)
    form.locator("#element_format").click()
    expect(page.get_by_role("option")).to_have_text(list(FORMATS.names))


def test_the_run_is_in_the_list_and_succeeded(page: Page, form_run: FormRun) -> None:
    page.goto("/dags/export/runs")
    row = page.get_by_role("row").filter(has_text=form_run.run_id)
    expect(row).to_contain_text("Success")
    expect(row).to_contain_text("admin")


def test_the_runs_page_shows_its_conf(page: Page, form_run: FormRun) -> None:
    page.goto(form_run.path)
    page.get_by_role("link", name="Details", exact=True).click()
    conf = page.get_by_role("row").filter(has=page.get_by_role("cell", name="Conf", exact=True))
    conf.scroll_into_view_if_needed()
    for field in ('"exporter": "order_taxes"', '"format": "jsonl"', f'"limit": {LIMIT}', form_run.filename):
        expect(conf).to_contain_text(field)


def test_the_log_shows_the_stages_and_the_verdict(page: Page, form_run: FormRun) -> None:
    page.goto(form_run.path)
    page.get_by_role("table").get_by_role("link", name="export", exact=True).click()
    expect(page.get_by_role("link", name="Logs", exact=True)).to_be_visible()
    for stage in ("extracting", "verifying", "publishing", "done"):
        expect(page.get_by_text(re.compile(rf"stage={stage} rows=\d+ rows/s=\d+ bytes=\d+"))).to_be_visible()
    expect(page.get_by_text(f"Published: {LIMIT} rows, verdict verified")).to_be_visible()


def open_links(page: Page, form_run: FormRun) -> tuple[Locator, Locator]:
    """Go to the task's details, where Airflow has the buttons of a task."""
    page.goto(f"{form_run.path}/tasks/export")
    page.get_by_role("link", name="Details", exact=True).click()
    return page.get_by_role("link", name="Export", exact=True), page.get_by_role("link", name="File", exact=True)


def test_a_button_of_the_task_leads_to_the_export(page: Page, form_run: FormRun) -> None:
    to_export, _ = open_links(page, form_run)
    with page.expect_response(re.compile("/export-api/v1/exports/[^/]+$")) as answered:
        to_export.click()
    export = answered.value.json()
    assert (export["status"], export["requested_by"], export["trigger"]) == ("succeeded", "admin", "airflow")
    assert export["result"]["files"][0]["name"] == f"{form_run.filename}.jsonl"


def test_a_button_of_the_task_downloads_the_file(
    page: Page, form_run: FormRun, stack: Stack, admin_exports: ExportsClient
) -> None:
    to_export, to_file = open_links(page, form_run)
    with page.expect_download() as downloading:
        to_file.click()
    download = downloading.value
    assert download.suggested_filename == f"{form_run.filename}.jsonl"
    assert download.url.startswith(stack.store.endpoint)
    content = Path(download.path()).read_bytes()
    assert content.count(b"\n") == LIMIT
    export = admin_exports.read((to_export.get_attribute("href") or "").rpartition("/")[2])
    assert hashlib.sha256(content).hexdigest() == export["result"]["files"][0]["sha256"]
    # What the browser followed is a redirect for its cookie alone.
    link = to_file.get_attribute("href") or ""
    answer = page.request.get(link, max_redirects=0)
    assert answer.status == 302
    assert answer.headers["location"].startswith(stack.store.endpoint)


def test_a_run_that_fails_says_in_its_log_what_to_change(page: Page) -> None:
    form = open_form(page)
    wrong = f"no-{uuid4()}"
    form.locator("#element_exporter").fill(wrong)
    path = submit(page, form)
    expect(page.get_by_role("row").filter(has_text="ExportOperator")).to_contain_text("Failed")
    page.goto(f"{path}/tasks/export")
    expect(page.get_by_text(f"There is no exporter '{wrong}'; known are:").first).to_be_visible()
