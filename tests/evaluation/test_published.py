"""The published bugs, written anew, still train as badly as when they were measured."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from statistics import median

import numpy as np
import pytest

from evaluation.published import PUBLISHED
from pytest_lossguard.core.diagnosis import CAUSES
from pytest_lossguard.training import Trainer
from tests.support.findings import KINDS
from tests.support.fitting import train_once

pytestmark = pytest.mark.filterwarnings("ignore:You are using a softmax over axis")

#: What was measured: loss of the first and the last epoch and quality of three seeds;
#: null is a loss that is not finite, or a quality that has no meaning.
FIGURES = json.loads(files("evaluation.published").joinpath("figures.json").read_text())
SEEDS = range(3)
PROGRAMS = {it.name: it for it in PUBLISHED}

#: The median of our losses lies within the measured span, widened to so many times
#: its length on a logarithmic scale, and by a factor for another order of batches.
SPAN = 1.5
FACTOR = 1.4
#: The median of our qualities lies so near that of the measured ones. Below the floor
#: nothing is told apart: those figures were cut off at -10 and said as -99.
QUALITY = 0.1
FLOOR = -10.0

QUICK = {
    "AT-circle-exp10",
    "IPS-5",
    "SO-41596619",
    "SO-66407123",
    "baseCNN-low_lr",
    "regrNN-wrong_labels",
}


def case_of(program):
    return program.name.split("/")[1]


@pytest.fixture(scope="module")
def trainer():
    return Trainer()


def epoch_mean(losses, setup, epoch):
    """The mean over all rows, as Keras reports it; inf or NaN if a step's is."""
    rows, size = len(setup.x), setup.batch_size
    steps = -(-rows // size)
    # A training that goes wrong ends early: its last epoch is the one it got to.
    start = max(0, min(epoch, (len(losses) - 1) // steps)) * steps
    part = losses[start : start + steps]
    return np.average(
        part, weights=np.minimum(size, rows - size * np.arange(len(part)))
    )


def measure(trainer, setup, seed):
    """Loss of the first and the last epoch, and the quality on the training rows."""
    predicted = []
    trace = train_once(
        trainer,
        setup.build,
        setup.x,
        setup.y,
        seed=seed,
        finish=lambda model: predicted.append(model.predict(setup.x, verbose=0)),
        **setup.how(),
    )
    losses = trace.steps.loss
    first, last = (epoch_mean(losses, setup, it) for it in (0, setup.epochs - 1))
    return first, last, setup.quality(setup.y, predicted[0])


def assert_near(ours, measured):
    """Losses, of three seeds each; both may stop being finite on some seeds."""
    finite = [it for it in measured if it is not None]
    ours_finite = [it for it in ours if np.isfinite(it)]
    if len(finite) in (0, len(measured)):
        assert len(ours_finite) == len(finite), (ours, measured)
    if not finite or not ours_finite:
        return
    middle = median(ours_finite)
    assert np.sign(middle) == np.sign(finite[0])
    logs = np.log(np.abs(finite))
    slack = (SPAN - 1) / 2 * np.ptp(logs) + np.log(FACTOR)
    assert logs.min() - slack <= np.log(abs(middle)) <= logs.max() + slack, ours


def programs():
    for program in PUBLISHED:
        marks = [] if case_of(program) in QUICK else [pytest.mark.slow]
        yield pytest.param(program, id=program.name, marks=marks)


@pytest.mark.parametrize("program", list(programs()))
def test_it_trains_as_measured(trainer, program):
    figures = FIGURES[program.name.removeprefix("published/")]
    measured = [measure(trainer, program.setup(seed), seed) for seed in SEEDS]
    first, last, quality = zip(*measured, strict=True)
    assert_near(first, figures["loss_first"])
    assert_near(last, figures["loss_last"])
    if figures["quality"] is not None:
        ours, theirs = (max(FLOOR, median(it)) for it in (quality, figures["quality"]))
        assert ours == pytest.approx(theirs, abs=QUALITY)


@pytest.mark.parametrize("case", ["baseCNN-unbalanced", "regrNN-wrong_labels"])
def test_clean_rows_show_what_the_training_rows_hide(trainer, case):
    setup = PROGRAMS[f"published/{case}/broken"].setup(0)
    x, y = setup.test
    scores = []

    def score(model):
        for rows, labels in ((setup.x, setup.y), (x, y)):
            scores.append(setup.quality(labels, model.predict(rows, verbose=0)))

    train_once(trainer, setup.build, setup.x, setup.y, finish=score, **setup.how())
    flattering, true = scores
    assert true < flattering - 0.5


def test_every_case_is_there_once_with_its_figures():
    assert len(PROGRAMS) == len(PUBLISHED)
    assert len({case_of(it) for it in PUBLISHED}) == 49
    assert {f"published/{it}" for it in FIGURES} == set(PROGRAMS)


def test_broken_programs_say_what_is_true_of_them():
    for program in PUBLISHED:
        assert set(program.fits) <= set(KINDS)
        assert set(program.causes) <= set(CAUSES)
        if program.broken:
            assert program.fault
            assert program.fits
            assert program.causes


def test_the_fixed_program_is_the_fix():
    for program in PUBLISHED:
        if program.fixed is not None:
            other = PROGRAMS[program.name.replace("/broken", "/fixed")]
            assert other.setup == program.fixed
            assert other.family == program.family
            assert not other.broken


def test_data_are_the_same_for_every_seed():
    setup = PROGRAMS["published/IPS-5/broken"].setup
    np.testing.assert_array_equal(setup(0).x, setup(1).x)


def test_importing_the_table_is_cheap():
    code = "import sys, evaluation.published; print('keras' in sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout == "False\n"
