"""A search of 100 corruptions compared with the same test written by hand."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import pytest

HERE = Path(__file__).parent
BODY = """
import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from subjects import {name} as build_model, {data} as load

from pytest_lossguard import strategies

STEPS, BATCH_SIZE = 80, 32
X, Y = load()
ROWS = np.resize(np.arange(len(X)), STEPS * BATCH_SIZE)


def sample():
    return X, Y


def scale(x):
    return (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)


@pytest.mark.converges(steps=STEPS, batch_size=BATCH_SIZE, max_examples=100)
@pytest.mark.corruptions(outliers=False)
def test_search(lossguard, corruption):
    x, y = corruption(*sample())
    lossguard.fit(build_model, scale(x).astype("float32"), y)


@pytest.mark.converges(steps=STEPS, batch_size=BATCH_SIZE, max_examples=100)
@pytest.mark.corruptions(outliers=False)
def test_search_that_builds(lossguard, corruption):
    x, y = corruption(*sample())
    lossguard.fit(build_model(), scale(x).astype("float32"), y)


@settings(max_examples=100, deadline=None, database=None,
          suppress_health_check=list(HealthCheck))
@given(corruption=strategies.corruptions(outliers=False))
def test_by_hand(corruption):
    x, y = corruption(*sample())
    model = build_model()
    losses = model.fit(
        scale(x).astype("float32")[ROWS], y[ROWS], batch_size=BATCH_SIZE, verbose=0
    ).history["loss"]
    assert np.isfinite(losses).all()


@pytest.mark.converges(steps=STEPS, batch_size=BATCH_SIZE, max_examples=100)
@pytest.mark.corruptions(outliers=False)
def test_failing_search(lossguard, corruption):
    x, y = corruption(*sample())
    lossguard.fit(build_model, x.astype("float32"), y)
"""


class Clock:
    """Plugin that records the duration of each test's body and its trainings."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.ran: dict[str, int] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        """Record the duration of the test's body and the number of trainings."""
        from pytest_lossguard.plugin.state import TEST

        if call.when == "call":
            self.seconds[item.name] = call.duration
            search = item.stash[TEST].search
            self.ran[item.name] = 0 if search is None else search.ran
        return (yield)


def run(name: str, data: str, *options: str) -> Clock:
    """Run the tests of one model once, in this process."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"test_{name}.py")
        path.write_text(BODY.format(name=name, data=data))
        quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "--tb=no", "-rN")
        with open(os.devnull, "w") as nowhere:
            kept, sys.stdout = sys.stdout, nowhere
            try:
                pytest.main([str(path), *quiet, *options], plugins=[clock])
            finally:
                sys.stdout = kept
        sys.modules.pop(f"test_{name}", None)
    return clock


def compare(name: str, data: str, bar: float, built_bar: float | None) -> None:
    clock = run(name, data, "--hypothesis-seed=0", "-k", "not failing")
    theirs = clock.seconds["test_by_hand"]
    for test, wanted in (("test_search", bar), ("test_search_that_builds", built_bar)):
        ours = clock.seconds[test]
        shown_bar = "no bar" if wanted is None else f"bar {wanted:.0f}"
        print(
            f"{name} {test}: {theirs / ours:.1f} x faster than by hand ({shown_bar}),"
            f" {ours:.2f} s against {theirs:.1f} s, {clock.ran[test]} trainings for 100"
            " examples",
            flush=True,
        )


def failing(name: str, data: str, seeds: int) -> None:
    clocks = [
        run(name, data, f"--hypothesis-seed={seed}", "-k", "failing")
        for seed in range(seeds)
    ]
    ran = [clock.ran["test_failing_search"] for clock in clocks]
    seconds = [clock.seconds["test_failing_search"] for clock in clocks]
    print(
        f"{name} failing search: {median(ran):.0f} trainings, at most {max(ran)} (bar"
        f" 60); {median(seconds):.1f} s, at most {max(seconds):.1f} s (bar 10), {seeds}"
        " Hypothesis seeds",
        flush=True,
    )


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    failing("mlp", "numbers", seeds=20)
    compare("mlp", "numbers", bar=40, built_bar=20)
    compare("cnn", "images", bar=8, built_bar=None)
