"""A headless Chromium in front of the running stack."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

    from deploy.local.stack import Stack

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_MS = 60_000
"""How long a page may take to show what it must; far beyond what any takes."""

ARGUMENTS = [
    "--no-sandbox",  # Chromium refuses to sandbox for root
    "--disable-dev-shm-usage",  # a container's /dev/shm is small
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # Nothing beyond this machine can be reached, whether or not it has internet.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session", autouse=True)
def chromium() -> str:
    """The installed browser; looked for before the stack is started in vain."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        _miss("No Chromium is installed (Debian: apt-get install chromium), so no browser can look at the UI.")
    check = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=60, check=False)
    if check.returncode:
        _miss(f"{found} does not start ({check.stderr.strip()}), so no browser can look at the UI.")
    return found


def _miss(reason: str) -> NoReturn:
    """Skip; in continuous integration, where nobody reads reasons, fail."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


# One browser a module, not a session: playwright occupies the thread's event loop as long as it runs.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS, timeout=PATIENCE_MS)
        try:
            yield launched
        finally:
            launched.close()


def open_context(browser: Browser, stack: Stack, **options: Any) -> BrowserContext:
    """Return a browser without history, large enough to hold a page of Airflow's."""
    size: Any = {"width": 1280, "height": 1000}
    context = browser.new_context(base_url=stack.url, locale="en-US", timezone_id="UTC", viewport=size, **options)
    context.set_default_timeout(PATIENCE_MS)
    return context


def sign_in(page: Page, stack: Stack) -> None:
    page.goto("/auth/login/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(stack.admin_password)
    page.get_by_role("button", name="Sign In").click()
    page.wait_for_url(re.compile(rf"^{re.escape(stack.url)}/?$"))


@pytest.fixture(scope="module")
def session(browser: Browser, stack: Stack) -> Any:
    """What a browser keeps of a login."""
    context = open_context(browser, stack)
    try:
        sign_in(context.new_page(), stack)
        return context.storage_state()
    finally:
        context.close()


@pytest.fixture
def anonymous(browser: Browser, stack: Stack, tmp_path: Path) -> Iterator[Page]:
    """A page of somebody who has not logged in."""
    yield from _page(open_context(browser, stack), tmp_path / "anonymous.png")


@pytest.fixture
def page(browser: Browser, stack: Stack, session: Any, tmp_path: Path) -> Iterator[Page]:
    """A page of Airflow's admin; how the test left it is a picture in the test's folder."""
    yield from _page(open_context(browser, stack, storage_state=session), tmp_path / "page.png")


def _page(context: BrowserContext, picture: Path) -> Iterator[Page]:
    opened = context.new_page()
    try:
        yield opened
    finally:
        opened.screenshot(path=picture)
        context.close()
