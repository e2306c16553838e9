"""The healthy programs that nobody tunes on: well formed, measured and reported."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from evaluation.diverse import Case, cases
from evaluation.diverse.case import net
from evaluation.diverse.data import columns, generated
from evaluation.diverse.measure import Judged, Row, measured
from evaluation.diverse.scores import r_squared
from evaluation.diverse.table import table
from evaluation.keras_parts import Optimizer

LEARNABLE = columns(generated("regression", n_samples=120, n_features=3))
LINEAR = net(["1 linear"], Optimizer.Adam(2.0), "mse")


def case(**changes):
    parts = {
        "name": "linear",
        "data": LEARNABLE,
        "model": LINEAR,
        "fit": {"epochs": 30, "batch_size": 28},
        "score": r_squared,
        "floor": 0.5,
    }
    return Case(**{**parts, **changes})


def row(name, *judged, score=0.9):
    return Row(
        name=name,
        half="tune",
        seed=0,
        floor=0.5,
        score=score,
        seconds=1.0,
        judged=list(judged),
    )


def said(way="watch", *, failed=False, errors=(), warnings=(), score=0.9):
    return Judged(
        way=way,
        failed=failed,
        errors=list(errors),
        warnings=list(warnings),
        told=[f"{it}: because" for it in (*errors, *warnings)],
        score=score,
    )


def test_there_are_enough_and_each_has_a_name_of_its_own():
    names = [it.name for it in cases()]
    assert len(names) >= 70
    assert len(set(names)) == len(names)


def test_both_halves_and_both_ways_have_many():
    halves = [it.half for it in cases()]
    assert min(halves.count("tune"), halves.count("report")) >= 30
    assert sum(it.fits for it in cases()) >= 60


def test_a_program_with_a_loop_or_callbacks_of_its_own_is_only_watched():
    assert case().fits
    assert not case(train=lambda *_: None).fits
    assert not case(fit=lambda _: {"epochs": 3}).fits
    assert not case(fit={"epochs": 3, "validation_split": 0.2}).fits


def test_a_healthy_run_is_judged_both_ways_and_scores_as_in_plain_keras():
    (found,) = measured(case(), [1])
    assert found.healthy
    assert [it.way for it in found.judged] == ["watch", "fit"]
    assert not any(it.failed for it in found.judged)
    assert found.by("watch").score == found.score
    assert Row.from_json(json.loads(json.dumps(asdict(found)))) == found


def test_a_run_under_its_floor_or_with_an_exception_is_not_judged():
    (low,) = measured(case(fit={"epochs": 1}, floor=1.1), [0])
    assert (low.healthy, low.judged) == (False, [])

    def refuses(model, split):
        raise ValueError("no such column")

    (raised,) = measured(case(train=refuses), [0])
    assert (raised.healthy, raised.judged) == (False, [])
    assert raised.crash == "ValueError: no such column"
    (known,) = measured(case(train=refuses), [0], [], {0: 0.9})
    assert (known.score, known.crash) == (0.9, None)


def test_a_program_that_trains_nothing_counts_as_failed():
    nothing = case(train=lambda *_: None, floor=-100.0)
    (found,) = measured(nothing, [0], ["watch"])
    assert found.judged[0].failed
    assert found.judged[0].errors == ["NothingTrained"]


def test_the_table_counts_runs_failures_and_warnings_by_half_and_way():
    text = table(
        [
            row("a", said(failed=True, errors=["plateau"]), said("fit")),
            row("b", said(warnings=["overfitting"]), score=0.8),
            row("c", score=0.1),
        ],
        "python -m evaluation.diverse",
    )
    assert "| tune, watch | 2 | 2 | 1 (50.0%) | 1 (50.0%) |" in text
    assert "| tune, fit | 1 | 1 | 0 (0.0%) | 0 (0.0%) |" in text
    assert "| report, watch | 0 | 0 | 0 | 0 |" in text
    assert "| `plateau` | 1 |  |  |  |" in text
    assert "- `a`, seed 0, watch, score 0.900: plateau: because" in text
    assert "| b | tune | 0.5 | 0.80 | 1 of 1 |  | 1 | - | - | overfitting 1 |" in text
    assert "- `c`, seed 0: score 0.100, floor 0.5" in text
    assert "Under watch 1 of the runs ended at another score" in text


@pytest.mark.nightly
@pytest.mark.parametrize("of", cases(), ids=lambda it: it.name)
def test_a_case_is_healthy_on_some_seed(of):
    assert any(it.healthy for it in measured(of, range(3), []))
