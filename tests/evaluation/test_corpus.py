"""The corpus: its names, and that its bases are as healthy as they say."""

import numpy as np
import pytest

from evaluation.bases import BASES
from evaluation.healthy import HEALTHY
from evaluation.mutant_labels import effect, label
from evaluation.mutants import CANDIDATES, MUTANTS, OPERATORS
from pytest_lossguard.core.diagnosis import CAUSES
from pytest_lossguard.training import Trainer
from tests.support.findings import KINDS
from tests.support.fitting import train_once

#: Bases whose training is traced and run within a second.
QUICK = {"linear", "tumour-probability", "iris-sparse", "diabetes", "moons"}


def repeated(names):
    names = list(names)
    return {name for name in names if names.count(name) > 1}


def test_there_are_enough_of_each():
    assert len(BASES) >= 14
    assert len(HEALTHY) >= 60
    assert len(OPERATORS) >= 40


def test_names_are_unique():
    assert not repeated(it.name for it in BASES)
    assert not repeated(it.name for it in (*HEALTHY, *MUTANTS))
    assert not repeated(it.name for it in CANDIDATES)


def test_both_parts_have_bases():
    assert {it.part for it in BASES} == {"tune", "report"}


def test_no_healthy_program_is_broken():
    assert not any(it.broken for it in HEALTHY)


def test_mutants_are_labeled():
    assert 250 <= len(MUTANTS) <= 450
    assert all(it.fault for it in MUTANTS)
    broken = [it for it in MUTANTS if it.broken]
    assert len(broken) >= 150
    assert all(it.fits and it.causes and it.fixed for it in broken)


def test_operators_speak_the_words_of_the_contract():
    for operator in OPERATORS:
        assert set(operator.fits) <= set(KINDS)
        assert set(operator.causes) <= set(CAUSES)


def test_every_operator_is_used():
    assert {it.operator for it in CANDIDATES} == set(OPERATORS)


def test_a_mutant_is_worse_only_by_enough():
    base = [0.9, 0.91, 0.92, 0.93, 0.94]
    worse = label([it - 0.5 for it in base], base, 0.5)
    assert worse["broken"]
    assert not worse["healthy"]
    same = label(base, base, 0.5)
    assert same["healthy"]
    assert not same["broken"]


def test_an_effect_without_spread_is_large():
    assert effect([0.5, 0.5], [1.0, 1.0]) == 99
    assert effect([1.0, 1.0], [1.0, 1.0]) == 0


def trained(program, seed=0):
    setup = program.setup(seed)
    predictions = []
    trace = train_once(
        Trainer(),
        *(setup.build, setup.x, setup.y),
        seed=seed,
        finish=lambda model: predictions.append(model(setup.test[0], training=False)),
        **setup.how(),
    )
    return trace, setup.quality(setup.test[1], predictions[0])


def marked(base):
    marks = () if base.name in QUICK else pytest.mark.slow
    return pytest.param(base, id=base.name, marks=marks)


@pytest.mark.parametrize("base", [marked(it) for it in BASES])
def test_a_base_learns(base):
    _, quality = trained(base.program())
    assert quality > base.floor


@pytest.mark.slow
@pytest.mark.parametrize("program", HEALTHY, ids=lambda it: it.name)
def test_a_healthy_program_trains(program):
    trace, quality = trained(program)
    assert np.isfinite(trace.steps.loss).all()
    assert np.isfinite(quality)
