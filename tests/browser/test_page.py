"""The HTML report in a headless Chromium: at each width and color scheme every test
is opened, and nothing complains, scrolls sideways or asks the network.

Chromium is found on the PATH, or by the environment variable ``CHROMIUM``.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field

import numpy as np
import pytest
from playwright.sync_api import Page, sync_playwright

from pytest_lossguard.report.html import write_html
from tests.support.pages import entry, hostile_tests, some_tests, verdict_of
from tests.support.traces import make_trace

PHONE, DESKTOP = (390, 844), (1280, 900)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


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


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A page with every sort of test, hostile ones and the largest floats."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    extreme = verdict_of(make_trace([1.7e308, -1.7e308, 0.0], start=1.0, end=0.0))
    single = verdict_of(make_trace([1.0], start=1.0, end=1.0, constant=1.0))
    wide = tuple(f"backbone/block_{it}/{'very_' * 9}long_name" for it in range(60))
    deep = make_trace(np.geomspace(1, 1e-9, 300), start=1.0, end=1e-9, variables=wide)
    tests = [
        *some_tests(),
        *hostile_tests(),
        entry("tests/test_c.py::test_extreme", extreme),
        entry("tests/test_c.py::test_single", single),
        entry(f"tests/test_c.py::test_{'deep_' * 30}", verdict_of(deep)),
    ]
    write_html(path, tests, 0)
    return path


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
            ".every(it => it.querySelector('.main-svg'))"
        )

    @property
    def is_as_wide_as_the_window(self) -> bool:
        found = self.page.evaluate(
            "document.scrollingElement.scrollWidth <= innerWidth"
        )
        return bool(found)


@pytest.fixture
def opened(browser, report):
    """Open the report; what it complains of fails the test at its end."""
    contexts = []
    pages = []

    def open_(size=DESKTOP, scheme="light"):
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


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
def test_every_test_opens_with_its_figures(opened, size, scheme):
    report = opened(size, scheme)
    assert report.is_as_wide_as_the_window

    report.open_everything()
    report.wait_for_figures()

    assert report.page.locator(".test").count() == 12
    assert report.page.locator(".test[open]").count() == 12
    assert report.page.locator("[data-figure]").count() == 29
    assert report.is_as_wide_as_the_window


def test_nothing_is_drawn_before_a_test_is_opened(opened):
    report = opened()

    before = report.page.locator(".main-svg").count()
    report.page.locator(".test", has_text="test_fails").locator("summary").first.click()

    report.page.wait_for_selector(".main-svg")
    first, second = (
        report.page.locator(".test", has_text="test_fails").locator(".run").all()
    )
    assert before == 0
    assert first.locator(".main-svg").count() > 0
    assert second.locator(".main-svg").count() == 0  # it is still closed


def test_no_button_of_a_figure_sends_it_away(opened):
    page = opened().page
    page.locator(".test > summary").first.click()
    page.wait_for_selector(".modebar-btn", state="attached")

    titles = page.eval_on_selector_all(
        ".modebar-btn", "all => [...new Set(all.map(it => it.dataset.title))]"
    )

    assert titles == ["Download plot as a PNG", "Zoom", "Pan", "Reset axes"]


def test_a_test_is_opened_by_the_keyboard(opened):
    page = opened().page
    page.locator(".test > summary").first.focus()

    page.keyboard.press("Enter")

    page.wait_for_selector(".main-svg")
    assert page.locator(".test[open]").count() == 1


def test_the_figures_follow_the_color_scheme(opened):
    report = opened(scheme="light")
    report.page.locator(".test > summary").first.click()
    report.page.wait_for_selector(".xtick text")
    color = (
        "() => document.querySelector('.xtick text').style.fill"
        " === getComputedStyle(document.body).color"
    )
    report.page.wait_for_function(color)
    light = report.page.evaluate("getComputedStyle(document.body).color")

    report.page.emulate_media(color_scheme="dark")

    report.page.wait_for_function(color)
    assert report.page.evaluate("getComputedStyle(document.body).color") != light


def test_the_filter_leaves_what_was_asked_for(opened):
    page = opened().page

    page.get_by_role("searchbox").fill("TEST_B.py::")
    page.get_by_label("passed").uncheck()
    named = page.locator(".test:visible .name b").all_inner_texts()
    page.get_by_role("searchbox").fill("no such test")

    assert named == ["test_nothing", "test_search_fails", "test_expected"]
    assert page.locator(".test:visible").count() == 0
    assert page.get_by_text("No test matches.").is_visible()


def test_a_link_opens_its_test(opened, report):
    page = opened().page

    page.goto(f"{report.as_uri()}#t3")

    page.wait_for_selector("#t3[open] .main-svg, #t3[open] pre")
    assert page.locator(".test[open]").count() == 1


def test_without_scripts_everything_but_the_figures_is_there(browser, report):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())

    test = page.locator(".test", has_text="test_search_fails")
    test.locator("summary").first.click()

    assert test.get_by_text("with learning rate 10 -> 0.01").first.is_visible()
    context.close()
