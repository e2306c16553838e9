"""The page of two reports in a headless Chromium: it opens, sorts, filters, draws both
curves, and is used by the keyboard.
"""

from __future__ import annotations

import pytest

from pytest_lossguard.command_line import main
from pytest_lossguard.report.json_report import write_json
from tests.browser.conftest import DESKTOP, PHONE
from tests.support.accessibility import serious_violations
from tests.support.entries import contract, entry, found, run
from tests.support.pages import HOSTILE, SESSION

CAUSE = {
    "cause": "unscaled_inputs",
    "verified": True,
    "change": "inputs standardized",
    "remedy": "scale the inputs",
}


def passing(name, end=0.5, **rest):
    training = run((2.0, 1.0, end), probe={"before": 2.0, "after": end})
    return entry(name, training, **rest)


def failing(name, end=9.0, **rest):
    training = run(
        (2.0, end, "NaN"),
        findings=[found("worse_than_constant"), found("noisy_loss", "warning")],
        diagnosis={"causes": [CAUSE], "tried": 3},
        probe={"before": 2.0, "after": end},
        notes=["a note"],
    )
    return entry(name, training, **rest)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A comparison with a test of every state, hostile names among them."""
    folder = tmp_path_factory.mktemp("comparison")
    slow, wild = f"test_{'slow_' * 30}", f"test[{HOSTILE}]"
    base = [
        *(passing(it) for it in ("test_a", "test_b", "test_same", "test_gone")),
        *(failing("test_repaired"), passing(wild), contract()),
        passing(slow, duration=1.0),
    ]
    new = [
        *(failing("test_a", 3.0, duration=2.0), failing("test_b", duration=1.0)),
        *(passing("test_same"), passing("test_new"), passing(slow, duration=9.0)),
        *(passing("test_repaired"), failing(wild, error=HOSTILE)),
        contract(outcome="broken"),
    ]
    others = {f"t.py::test_{it}": it for it in ("left_out", "not_run")}
    paths = [str(folder / it) for it in ("base.json", "new.json", "page.html")]
    write_json(folder / "base.json", base, None, SESSION)
    write_json(folder / "new.json", new, others, SESSION)
    assert main(["compare", *paths[:2], "--html", paths[2]]) == 1
    return folder / "page.html"


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
def test_every_test_opens_with_both_curves_and_axe_finds_nothing(opened, size, scheme):
    page = opened(size, scheme)
    closed = serious_violations(page.page)
    assert page.is_as_wide_as_the_window

    page.open_everything()
    page.wait_for_figures()

    assert closed == []
    assert serious_violations(page.page) == []
    assert page.is_as_wide_as_the_window
    assert page.page.locator(".test[open]").count() == 11
    legends = page.page.locator(".test", has_text="test_b").locator(".legend")
    assert " ".join(legends.first.inner_text().split()) == (
        "base new a constant 1 × not finite"
    )


def names(page):
    return page.locator(".test:visible .name b").all_inner_texts()


def test_states_orders_and_words_choose_the_tests(opened):
    page, wild = opened().page, f"test[{HOSTILE}]"
    at_first = names(page)

    page.get_by_label("sort by").select_option("rise of the loss")
    risen = names(page)
    page.get_by_label("sort by").select_option("time")
    slowest = names(page)
    page.get_by_label("sort by").select_option("what got worse")
    page.get_by_role("searchbox").fill("unscaled_inputs test")
    by_cause = names(page)
    page.get_by_role("searchbox").fill("")
    for state in ("worse", "the_same", "changed", "better", "new", "gone"):
        page.locator(f"[type=checkbox][value={state}]").uncheck()

    assert at_first[:4] == [wild, "test_a", "test_a[alone]", "test_b"]
    assert risen[:3] == [wild, "test_b", "test_a"]
    assert slowest[0].startswith("test_slow_")
    assert by_cause == [wild, "test_a", "test_b", "test_repaired"]
    assert names(page) == ["test_not_run", "test_left_out"]


def test_it_is_used_by_the_keyboard_alone(opened):
    page = opened().page
    page.get_by_role("searchbox").focus()
    page.keyboard.type("test_b")
    while page.evaluate("document.activeElement.tagName") != "SUMMARY":
        page.keyboard.press("Tab")

    page.keyboard.press("Enter")

    page.wait_for_selector(".test[open] canvas")
    assert page.locator(".test[open] .name b").inner_text() == "test_b"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "what differs"
