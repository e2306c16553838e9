"""The HTML report: what it shows, what it leaves out, that nothing breaks out of it.

All without TensorFlow; that a browser shows it is tested in tests/browser.
"""

from __future__ import annotations

import base64
import filecmp
import hashlib
import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest

from pytest_lossguard.core.addresses import BASE
from pytest_lossguard.core.verdict import Verdict
from pytest_lossguard.report.html import details_of, shown_first, write_html
from pytest_lossguard.report.html.context import page_context
from pytest_lossguard.report.html.details import MOST_RUNS, MOST_VARIABLES
from pytest_lossguard.report.html.figures import experiments_figure, training_figure
from pytest_lossguard.report.html.heat_map import gradients_figure
from pytest_lossguard.report.html.page import rendered
from pytest_lossguard.report.html.search_figure import search_figure
from pytest_lossguard.report.html.svg import HEIGHT, small_curve
from pytest_lossguard.report.html.thinning import (
    MOST_POINTS,
    columns_of,
    rounded,
    thinned,
)
from tests.support.findings import finding
from tests.support.page import Page
from tests.support.pages import (
    BASELINE,
    HOSTILE,
    SESSION,
    bad,
    entry,
    good,
    hostile_tests,
    search,
    some_tests,
)
from tests.support.traces import make_trace


def page_of(*tests, seed=0):
    return Page(
        rendered("page.html", page_context(list(tests), replace(SESSION, seed=seed)))
    )


def only_test(*given, **more):
    (test,) = page_context([entry("t.py::test_a", *given, **more)], SESSION)["tests"]
    return test


# What crosses from worker to controller


def leaves(value):
    if isinstance(value, dict):
        assert all(type(key) is str for key in value)
        value = list(value.values())
    if isinstance(value, list):
        for it in value:
            yield from leaves(it)
    else:
        yield value


@pytest.mark.parametrize("made", [good, bad])
def test_details_are_builtins(made):
    kinds = {type(it) for it in leaves(details_of(made()))}

    assert kinds <= {str, int, float, bool, type(None)}


def test_details_of_a_search_are_builtins():
    kinds = {type(it) for it in leaves(search().details())}

    assert kinds <= {str, int, float, bool, type(None)}


def test_details_stay_small_however_long_and_wide_the_training():
    names = tuple(f"net/dense_{it}/kernel" for it in range(500))
    generator = np.random.default_rng(0)
    trace = make_trace(
        generator.random(20_000),
        start=1.0,
        end=0.5,
        constant=1.0,
        variables=names,
        grad_norm=generator.random((20_000, 500)),
    )
    named = finding("vanishing_gradient", value=0.0, limit=1.0, where=names[3])

    details = details_of(Verdict(trace=trace, findings=(named,)))

    assert len(details["loss"]["x"]) <= MOST_POINTS
    assert len(details["grad_norm"]["x"]) <= MOST_POINTS
    assert len(details["variables"]["names"]) <= MOST_VARIABLES == 60
    assert {names[0], names[3], names[-1]} <= set(details["variables"]["names"])
    assert len(json.dumps(details)) < 150_000


def test_a_page_says_what_it_does_not_show():
    trace = make_trace(
        np.linspace(1, 0.1, 1000),
        start=1.0,
        end=0.1,
        constant=1.0,
        variables=tuple(f"v{it}" for it in range(100)),
    )

    text = page_of(entry("t.py::a", Verdict(trace=trace, findings=()))).text

    assert "Curves show at most 400 of their 1000 steps" in text
    assert "The map shows 60 of 100 variables" in text
    assert "Each column of the map is the largest norm of 9 steps." in text


def test_of_many_trainings_the_failed_ones_are_shown():
    verdicts = [good() for _ in range(30)] + [bad()]

    shown = shown_first(verdicts, [0.1] * 7 + [0.9] + [0.2] * 23)
    test = only_test(*shown, trainings=31)

    assert len(shown) == MOST_RUNS
    assert shown[:2] == [verdicts[30], verdicts[7]]
    assert test["left_out"] == 31 - MOST_RUNS


def test_thinning_keeps_ends_extremes_and_what_is_asked_for():
    curve = np.full(10_000, 0.5)
    curve[777], curve[4321], curve[9000] = 9.0, -3.0, np.nan

    kept = thinned(curve, most=100, always=[5000, 20_000])

    assert {0, 777, 4321, 5000, 9000, 9999} <= set(kept)
    assert len(kept) <= 101


def test_a_column_of_the_map_is_the_largest_of_its_stretch():
    table = np.arange(12, dtype=float).reshape(6, 2)

    x, columns = columns_of(table, 3)

    assert x == [1, 3, 5]
    assert columns.tolist() == [[2, 3], [6, 7], [10, 11]]


# Figures


def named(figure, name):
    drawn = [it for panel in figure["panels"] for it in panel["lines"]]
    levels = [it for panel in figure["panels"] for it in panel["levels"]]
    return next(it for it in [*drawn, *levels] if it["name"].startswith(name))


def test_the_loss_stands_between_its_reference_losses():
    figure = training_figure(details_of(good()))

    assert named(figure, "a constant")["value"] == 0.9
    assert named(figure, "before training")["text"] == "1"
    assert named(figure, "held-out loss")["x"] == [100, 200, 400]
    assert named(figure, "loss")["x"] == 400  # the steps from 1 to 400
    assert [it["y"] for it in figure["panels"]] == ["loss", "gradient norm"]
    assert figure["mark"] is None


def test_the_decisive_step_is_marked_and_what_is_not_finite():
    verdict = bad()
    figure = training_figure(details_of(verdict))

    steps = [it.step for it in verdict.errors if it.step is not None]
    assert figure["mark"] == steps[0]
    assert named(figure, "loss")["y"][20:] == [None] * 20
    assert figure["panels"][0]["broken"] == list(range(21, 41))
    assert figure["panels"][0]["log"]


def test_a_curve_below_zero_has_a_linear_scale():
    trace = make_trace([100.0, 1.0, -5.0], start=1.0, end=-5.0)

    figure = training_figure(details_of(Verdict(trace=trace, findings=())))

    assert not figure["panels"][0]["log"]


def test_the_map_of_gradients_has_powers_of_ten_and_gaps():
    norms = [[1e-3, -1.0], [10.0, 0.0], [np.inf, 1.0]]
    trace = make_trace([1.0, 1.0, 1.0], grad_norm=norms)

    figure = gradients_figure(details_of(Verdict(trace=trace, findings=())))

    assert figure["z"] == [[-3.0, 1.0, None], [None, -4.0, 0.0]]
    assert (figure["low"], figure["high"], figure["zero"]) == (-4, 1, -4)
    assert figure["broken"] == [[3, 0]]
    assert figure["names"] == ["dense/kernel", "dense_1/kernel"]


def test_without_variables_there_is_no_map():
    trace = make_trace([1.0, 1.0], variables=())

    assert gradients_figure(details_of(Verdict(trace=trace, findings=()))) is None


def test_experiments_lie_beside_the_loss_as_it_is():
    figure = experiments_figure(details_of(bad()))

    (panel,) = figure["panels"]
    assert [it["name"] for it in panel["lines"] if not it["quiet"]] == [
        "as it is",
        "learning rate 10 -> 0.01",
    ]
    assert len(panel["lines"]) == 5
    assert [it["text"] for it in panel["levels"]] == ["0.9"]


def test_without_a_diagnosis_there_are_no_experiments():
    assert experiments_figure(details_of(good())) is None


def test_a_search_shows_what_passed_and_what_failed_on_each_axis():
    figure = search_figure(search().details())

    scales, offsets = figure["panels"]
    alone = {it["failed"]: it for it in scales["points"] if it["alone"]}
    assert scales["ticks"] == ["0.001", "0.01", "0.1", "10", "100", "1000"]
    assert offsets["ticks"][:2] == ["-1000", "-100"]
    assert alone[True]["text"] == "Corruption(Scale(1000.0))"
    assert alone[True]["y"] == 1e3
    assert round(alone[True]["x"]) == scales["ticks"].index("1000")
    assert alone[False]["text"] == "Corruption(Scale(10.0, features=2))"
    for panel in figure["panels"]:
        (together,) = (it for it in panel["points"] if not it["alone"])
        assert together["failed"]


def test_a_search_that_knew_no_corruption_has_no_figure():
    assert search_figure({"axes": [], "cases": [], "left_out": 0}) is None


def test_a_large_search_is_reported_with_the_failures_first():
    details = search(many=600).details()

    assert (len(details["cases"]), details["left_out"]) == (400, 204)
    assert [it["failed"] for it in details["cases"][:3]] == [True, True, False]


# Small curves


def test_a_small_curve_shows_a_blow_up_of_one_step():
    curve = [1.0] * 500
    curve[250] = 10.0

    (line,) = small_curve(curve)["lines"]

    heights = [float(it.split(",")[1]) for it in line.split()]
    assert len(heights) <= 48
    assert min(heights) == 2
    assert sorted(heights)[1] == HEIGHT - 2


@pytest.mark.parametrize("steps", [1, 2, 47, 48, 49, 95, 1000])
def test_a_small_curve_has_the_largest_of_each_stretch(steps):
    curve = 1 + np.random.default_rng(steps).random(steps)

    (line,) = small_curve(curve)["lines"]

    tops = [it.max() for it in np.array_split(curve, min(48, steps))]
    drawn = [float(it.split(",")[1]) for it in line.split()]
    low, high = curve.min(), curve.max()
    wanted = [HEIGHT - 2 - 20 * (it - low) / ((high - low) or 1) for it in tops]
    assert np.allclose(drawn, wanted, atol=0.06)


def test_five_digits_of_a_number_are_shown_whatever_it_is():
    values = np.array([1 / 3, -123456.0, 1e300, np.nan, np.inf, -np.inf, 0.0])

    shown = rounded(values)

    assert shown[:3] == [0.33333, -123460.0, 1e300]
    assert np.isnan(shown[3])
    assert shown[4:] == [np.inf, -np.inf, 0.0]
    assert rounded(np.array([])) == []


def test_a_small_curve_breaks_where_it_is_not_finite():
    small = small_curve([3.0, 2.0, math.nan, 1.0], level=2.0)

    assert small == {
        "lines": ["0,2 33.3,12", "100,22"],
        "level": 12,
        "broken": True,
    }


@pytest.mark.parametrize("curve", [[], [math.nan], [math.inf, -math.inf]])
def test_a_small_curve_without_a_number_is_empty(curve):
    assert small_curve(curve, level=1.0)["lines"] == []


def test_a_small_curve_of_the_largest_floats_stays_in_its_box():
    (line,) = small_curve([1.7e308, -1.7e308])["lines"]

    assert line == "0,2 100,22"


# The page


def test_nothing_of_the_users_becomes_markup():
    tame, wild = page_of(*some_tests()), page_of(*hostile_tests())

    assert {tag for tag, _ in wild.tags} <= {tag for tag, _ in tame.tags}
    assert "img" not in {tag for tag, _ in wild.tags}
    assert wild.kinds == ["application/json", "application/json", None]
    assert not any(key.startswith("on") for _, attrs in wild.tags for key in attrs)
    assert wild.text.count("</script><img src=x onerror=alert(1)>") > 15
    assert "49" not in wild.text


def test_nothing_of_the_users_becomes_markup_in_a_figure():
    strings = [
        it for it in leaves(page_of(*hostile_tests()).figures) if type(it) is str
    ]

    text = rendered("page.html", page_context(hostile_tests(), SESSION))
    assert HOSTILE in strings  # and stands nowhere so in the page
    assert HOSTILE not in text
    assert "\\u003c/script\\u003e\\u003cimg" in text


def test_the_script_that_may_run_is_the_one_of_the_page():
    page = page_of(*some_tests())

    policy = next(
        attrs["content"] or ""
        for tag, attrs in page.tags
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )
    digests = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for attrs, text in page.scripts
        if attrs.get("type") != "application/json"
    ]
    assert len(digests) == 1
    assert all(f"'sha256-{it}'" in policy for it in digests)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy.partition("script-src")[2]


def test_the_page_asks_for_nothing_outside_of_it():
    page = page_of(*some_tests())

    assert [attrs for _, attrs in page.tags if "src" in attrs] == []
    links = {attrs["href"]: tag for tag, attrs in page.tags if "href" in attrs}
    assert links.pop("data:,") == "link"
    assert set(links.values()) == {"a"}  # only followed where somebody clicks
    assert all(it.startswith(f"{BASE}/f/") for it in links)


def test_every_figure_that_has_a_place_is_there_and_no_other():
    page = page_of(*some_tests())

    assert sorted(page.places) == sorted(page.figures)
    assert len(page.places) == len(set(page.places)) == 19


def test_the_same_tests_give_the_same_bytes_in_whatever_order(tmp_path):
    tests = some_tests()
    write_html(tmp_path / "1.html", tests, SESSION)
    random.Random(0).shuffle(tests)
    write_html(tmp_path / "2.html", tests, SESSION)

    assert filecmp.cmp(tmp_path / "1.html", tmp_path / "2.html", shallow=False)


def test_failed_tests_come_first_and_are_counted():
    context = page_context(some_tests(), SESSION)

    assert [it["status"] for it in context["tests"]] == [
        *["failed"] * 3,
        "xfailed",
        *["passed"] * 3,
    ]
    assert context["counts"]["failed"] == 3
    assert context["trainings"] == 7


def test_a_warning_is_no_failure():
    warned = finding("noisy_loss", value=0.9, limit=0.7)
    verdict = Verdict(trace=good().trace, findings=(warned,))

    test = only_test(verdict)

    assert (test["status"], test["text"]) == ("warned", "noisy_loss")


def test_a_test_in_which_nothing_trained_says_its_error():
    test = only_test(outcome="failed", error="NothingTrained: no update\nwas seen")

    assert test["text"] == "NothingTrained: no update"
    assert (
        "was seen"
        in page_of(entry("t.py::a", outcome="failed", error="no update\nwas seen")).text
    )


def test_the_cause_is_reported_with_its_proof():
    text = page_of(entry("t.py::a", bad())).text

    assert (
        "Cause learning_rate_too_high : with learning rate 10 -> 0.01 the loss ends at"
        " 0.05 , not NaN. Remedy lower the learning rate"
    ) in text
    assert "another loss not tried, no such layer" in text


def test_a_baseline_is_a_table_where_there_is_one():
    with_one = page_of(entry("t.py::a", good(), baseline=BASELINE)).text
    without = page_of(entry("t.py::a", good(), baseline=None)).text

    assert "1 of 2 metrics got worse __lossguard__/test_a.json" in with_one
    assert "keras 3.14, now 3.15" in with_one
    assert (
        "training 2: share of the constant's loss that is gone 90% 40% 80% worse"
        in (with_one)
    )
    assert "steps to half of it 12 12 20 holds" in with_one
    assert "Against the baseline" not in without


def test_a_hint_is_given_once():
    several = [finding("noisy_loss", value=it, limit=0.7) for it in (0.8, 0.9)]
    verdict = Verdict(trace=good().trace, findings=tuple(several))

    text = page_of(entry("t.py::a", verdict)).text

    assert text.count(several[0].hint) == 1
    assert "by 80% of its value" in text
    assert "by 90% of its value" in text


def test_the_command_runs_the_test_again_with_its_seed():
    test = only_test(good())

    assert test["again"] == "pytest t.py::test_a --lossguard-seed=0"


def test_tests_without_an_entry_are_named_counted_and_can_be_chosen():
    others = {
        "t.py::test_slow": "left_out",
        "t.py::test_late": "not_run",
        "t.py::test_broken": "failed",
        "t.py::test_other": "elsewhere",
    }

    context = page_context([entry("t.py::test_a", good())], SESSION, others)
    page = Page(rendered("page.html", context))

    assert [(it["status"], it["name"]) for it in context["tests"]] == [
        ("failed", "test_broken"),
        ("not_run", "test_late"),
        ("left_out", "test_slow"),
        ("passed", "test_a"),
        ("elsewhere", "test_other"),
    ]
    boxes = [a["value"] for _, a in page.tags if a.get("type") == "checkbox"]
    assert boxes == [it["status"] for it in context["tests"]]
    assert "1 failed, 1 not run, 1 left out, 0 warned, 1 passed" in page.text
    assert (
        "1 training judged in 1 test 1 marked test without a result, fail" in page.text
    )
    assert "1 marked test without a result, left out by --lossguard-time" in page.text
    assert "Left out by --lossguard-time." in page.text
    assert "left out" in context["index"][2][3]


def test_a_session_without_marked_tests_has_a_page_too(tmp_path):
    write_html(tmp_path / "a" / "r.html", [], SESSION)

    text = (tmp_path / "a" / "r.html").read_text()
    assert "No test was marked" in text


def test_a_page_of_two_trainings_is_small(tmp_path):
    path = tmp_path / "report.html"

    write_html(path, some_tests()[:2], SESSION)

    assert path.stat().st_size < 400_000  # the bar is 1.5 MB
