"""A training as a figure, for a notebook."""

from __future__ import annotations

import sys

import pytest

import pytest_lossguard
from pytest_lossguard.report.html import details_of
from pytest_lossguard.report.html.figures import training_figure
from pytest_lossguard.session.runs import TrainingRun
from tests.support.pages import bad, good


@pytest.mark.parametrize("made", [good, bad])
def test_a_notebook_gets_the_figure_of_the_page(made):
    verdict = made()

    figure = pytest_lossguard.plot(TrainingRun(verdict)).to_dict()

    drawn = training_figure(details_of(verdict))
    names = [it["name"] for it in figure["data"]]
    for panel in drawn["panels"]:
        assert {it["name"] for it in panel["lines"]} <= set(names)
        assert {f"{it['name']}: {it['text']}" for it in panel["levels"]} <= set(names)
    assert ("not finite" in names) == bool(drawn["panels"][0]["broken"])
    assert (figure["layout"]["yaxis"]["type"] == "log") == drawn["panels"][0]["log"]
    assert ("shapes" in figure["layout"]) == (drawn["mark"] is not None)


def test_without_plotly_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)

    with pytest.raises(
        pytest_lossguard.UsageError, match=r"pip install 'pytest-lossguard\[plot\]'$"
    ):
        TrainingRun(good()).plot()


def test_what_is_no_run_is_refused():
    with pytest.raises(
        pytest_lossguard.UsageError, match=r"plot\(.*\): it takes a TrainingRun"
    ):
        pytest_lossguard.plot([1.0, 0.5])
