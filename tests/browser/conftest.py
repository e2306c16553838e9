"""A headless Chromium, from the PATH or the environment variable ``CHROMIUM``."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, sync_playwright

PHONE, DESKTOP = (390, 844), (1280, 900)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass
class Opened:
    """A page, and what it complained of or asked for since it was opened."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open_everything(self) -> None:
        """Click every summary that is closed, those inside of others too."""
        closed = self.page.locator("details:not([open]) > summary:visible")
        while closed.count():
            closed.first.click()

    def wait_for_figures(self) -> None:
        self.page.wait_for_function(
            "() => [...document.querySelectorAll('[data-figure]')]"
            ".every(it => it.querySelector('canvas'))"
        )

    @property
    def is_as_wide_as_the_window(self) -> bool:
        found = self.page.evaluate(
            "document.scrollingElement.scrollWidth <= innerWidth"
        )
        return bool(found)


@pytest.fixture(scope="module")
def browser():
    path = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, _NAMES)), None
    )
    if path is None:
        sentence = (
            "no Chromium on the PATH to open the HTML report in: apt-get install"
            " chromium, or set CHROMIUM to its path"
        )
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    # Chromium's sandbox refuses to run as root.
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=alone)
        yield launched
        launched.close()


@pytest.fixture
def opened(browser, report):
    """Open the report; what it complains of fails the test at its end."""
    contexts = []
    pages = []

    def open_(size=DESKTOP, scheme="light", report=report):
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        contexts.append(context)
        found = Opened(context.new_page())
        pages.append(found)
        address = report.as_uri()

        def asked(request):
            if not request.url.startswith((address, "data:", "blob:")):
                found.requests.append(request.url)

        def said(message):
            if message.type in ("error", "warning"):
                found.complaints.append(message.text)

        found.page.on("console", said)
        found.page.on("pageerror", lambda it: found.complaints.append(str(it)))
        found.page.on("dialog", lambda it: found.complaints.append(it.message))
        found.page.on("request", asked)
        found.page.goto(address)
        return found

    yield open_
    for context in contexts:
        context.close()
    assert [it.complaints for it in pages] == [[]] * len(pages)
    assert [it.requests for it in pages] == [[]] * len(pages)
