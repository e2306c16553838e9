"""The HTML report in a headless Chromium: at each width and color scheme every test
is opened, and nothing complains, scrolls sideways or asks the network.

Chromium is found on the PATH, or by the environment variable ``CHROMIUM``.
"""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.report.html import write_html
from pytest_lossguard.report.html.page import MOST_ROWS
from tests.browser.conftest import DESKTOP, PHONE
from tests.support.accessibility import serious_violations
from tests.support.entries import run
from tests.support.pages import SESSION, entry, hostile_tests, some_tests, verdict_of
from tests.support.traces import make_trace


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
    others = {f"tests/test_d.py::test_{it}": it for it in ("left_out", "not_run")}
    write_html(path, tests, SESSION, others)
    return path


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
def test_every_test_opens_with_its_figures(opened, size, scheme):
    report = opened(size, scheme)
    assert report.is_as_wide_as_the_window

    report.open_everything()
    report.wait_for_figures()

    assert report.page.locator(".test").count() == 14
    assert report.page.locator(".test[open]").count() == 14
    assert report.page.locator("[data-figure]").count() == 29
    assert report.is_as_wide_as_the_window


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(opened, scheme):
    report = opened(DESKTOP, scheme)
    closed = serious_violations(report.page)

    report.open_everything()
    report.wait_for_figures()

    assert closed == []
    assert serious_violations(report.page) == []


def test_nothing_is_drawn_before_a_test_is_opened(opened):
    report = opened()

    before = report.page.locator("canvas").count()
    report.page.locator(".test", has_text="test_fails").locator("summary").first.click()

    report.page.wait_for_selector("canvas")
    first, second = (
        report.page.locator(".test", has_text="test_fails").locator(".run").all()
    )
    assert before == 0
    assert first.locator("canvas").count() > 0
    assert second.locator("canvas").count() == 0  # it is still closed


def test_a_test_is_opened_by_the_keyboard(opened):
    page = opened().page
    page.locator(".test > summary").first.focus()

    page.keyboard.press("Enter")

    page.wait_for_selector("canvas")
    assert page.locator(".test[open]").count() == 1


#: Whether the first figure has pixels of the color that the page gives to losses.
BLUE = """() => {
  const canvas = document.querySelector('canvas');
  const shade = getComputedStyle(document.documentElement).getPropertyValue('--blue');
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(shade.trim().slice(at, at + 2), 16));
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext('2d', { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const all = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < all.data.length; at += 4) {
    if (all.data[at] === r && all.data[at + 1] === g && all.data[at + 2] === b) {
      return true;
    }
  }
  return false;
}"""


def test_the_figures_follow_the_color_scheme(opened):
    report = opened(scheme="light")
    report.page.locator(".test > summary", has_text="test_passes").click()
    report.page.wait_for_function(BLUE)

    report.page.emulate_media(color_scheme="dark")

    report.page.wait_for_function(BLUE)


def test_a_page_is_printed_in_dark_ink_on_white(opened):
    page = opened(scheme="dark").page
    page.locator(".test", has_text="test_passes").locator("summary").first.click()
    page.wait_for_selector("canvas")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")

    page.wait_for_function(BLUE)
    ink, paper = page.evaluate(
        "['color', 'backgroundColor'].map(it => getComputedStyle(document.body)[it])"
    )
    assert (ink, paper) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")
    assert not page.get_by_role("searchbox").is_visible()


@pytest.mark.parametrize("media", ["screen", "print"])
def test_names_have_room_at_every_width_on_paper_too(opened, media):
    page = opened().page
    page.emulate_media(media=media)
    room = "names => names.map(it => it.getBoundingClientRect().width)"

    for width in (390, 701, 718, 794, 961, 1280):  # 718 pixels are the width of A4
        page.set_viewport_size({"width": width, "height": 1000})
        widths = page.eval_on_selector_all(".test .name", room)
        assert len(widths) > 5
        assert min(widths) > 150, width


def test_a_figure_tells_the_values_under_the_pointer(opened):
    page = opened().page
    test = page.locator(".test", has_text="test_fails")
    test.locator("summary").first.click()
    experiments = test.locator("[data-figure$=experiments]")

    experiments.locator(".u-over").hover(position={"x": 1, "y": 10})

    assert experiments.locator(".readout").inner_text() == "step 1"
    legend = experiments.locator(".legend").inner_text()
    assert "as it is 1" in " ".join(legend.split())


def test_what_is_to_be_done_can_be_copied(opened, browser):
    page = opened().page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".test", has_text="test_fails").locator("summary").first.click()

    page.get_by_role("button", name="Copy the command").click()
    page.wait_for_function("() => document.getElementById('said').textContent")
    command = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Copy the remedy").first.click()
    page.get_by_text("The remedy is copied.").wait_for(state="attached")

    assert command == "pytest tests/test_a.py::test_fails --lossguard-seed=0"
    assert page.evaluate("navigator.clipboard.readText()") == "lower the learning rate"


def test_the_filter_leaves_what_was_asked_for(opened):
    page = opened().page

    page.get_by_role("searchbox").fill("TEST_B.py::")
    page.get_by_label("passed").uncheck()
    named = page.locator(".test:visible .name b").all_inner_texts()
    page.get_by_role("searchbox").fill("too_high test_fails")
    by_cause = page.locator(".test:visible .name b").all_inner_texts()
    page.get_by_role("searchbox").fill("no such test")

    assert named == ["test_nothing", "test_search_fails", "test_expected"]
    assert by_cause == ["test_fails"]
    assert page.locator(".test:visible").count() == 0
    assert page.get_by_text("No test matches.").is_visible()


@pytest.fixture(scope="module")
def long_report(tmp_path_factory):
    """More tests than a page has rows when it opens; the last is the slowest, and the
    one before it the nearest to failing.
    """
    path = tmp_path_factory.mktemp("long") / "report.html"
    one = entry("t.py::test_0000", verdict_of(make_trace([1.0, 0.5, 0.2], end=0.2)))
    count = MOST_ROWS + 50
    tests = [
        {
            **one,
            "nodeid": f"t.py::test_{index:04}",
            "duration": 9.0 if index == count - 1 else 0.1,
            "runs": [run(nearness=0.9 if index == count - 2 else 0.1)],
        }
        for index in range(count)
    ]
    write_html(path, tests, SESSION)
    return path


def test_rows_that_are_not_shown_are_made_when_they_are_asked_for(opened, long_report):
    page = opened(report=long_report).page
    names = page.locator(".test .name b")
    at_first = names.count()

    page.get_by_label("sort by").select_option("time")
    slowest = names.first.inner_text()
    page.get_by_label("sort by").select_option("nearness")
    nearest = names.first.inner_text()
    page.get_by_role("searchbox").fill("test_0249")
    page.locator(".test > summary").click()
    page.wait_for_selector("canvas")
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="Show more").click()

    assert at_first == MOST_ROWS
    assert (slowest, nearest) == ("test_0249", "test_0248")
    assert names.count() == MOST_ROWS + 50
    assert page.locator("#more").is_hidden()


def test_a_link_opens_a_test_that_was_not_shown(opened, long_report):
    page = opened(report=long_report).page

    page.goto(f"{long_report.as_uri()}#t249")

    page.wait_for_selector("#t249[open] canvas")


def test_a_link_opens_its_test(opened, report):
    page = opened().page

    page.goto(f"{report.as_uri()}#t3")

    page.wait_for_selector("#t3[open] canvas, #t3[open] pre")
    assert page.locator(".test[open]").count() == 1


def test_without_scripts_everything_but_the_figures_is_there(browser, report):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())

    test = page.locator(".test", has_text="test_search_fails")
    test.locator("summary").first.click()

    assert test.get_by_text("with learning rate 10 -> 0.01").first.is_visible()
    context.close()
