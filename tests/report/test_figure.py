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
    assert [it["name"] for it in figure["data"]] == [it["name"] for it in drawn["data"]]
    assert figure["layout"]["yaxis"]["type"] == drawn["layout"]["yaxis"]["type"]


def test_without_plotly_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)

    with pytest.raises(
        pytest_lossguard.UsageError, match=r"pip install 'pytest-lossguard\[html\]'$"
    ):
        TrainingRun(good()).plot()


def test_what_is_no_run_is_refused():
    with pytest.raises(
        pytest_lossguard.UsageError, match=r"plot\(.*\): it takes a TrainingRun"
    ):
        pytest_lossguard.plot([1.0, 0.5])
