"""What catches the known bugs of preprocessing: the table, and what is trained."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.contract_bugs import Caught, caught, program_of, table
from tests.support.preprocessing_bugs import PAIRS

#: Bugs of serving alone: both programs train on the same arrays.
SAME = {
    *("bgr_at_serving", "dummies_of_request", "nan_at_serving"),
    *("rescale_training_only", "scaler_refit_on_request", "unseen_category"),
}


def found(name, *relations, end, good=()):
    return Caught(name=name, relations=relations, good=good, end=end)


def test_the_table_counts_what_is_caught_and_names_what_is_not():
    text = table(
        [
            found("c", "alone", "trained", end="same arrays"),
            found("b", end="fails by itself"),
            found("d", "kept", end="worse than its baseline", good=("types",)),
            found("a", end="passes"),
        ],
        "python -m evaluation.contract_bugs",
    )

    assert "**3 of 4 bugs are caught.**" in text
    assert "| a | - | - | - | - |\n| b | - | fails | not run | marker |" in text
    assert "| c | alone, trained | - | same arrays | contract |" in text
    assert "| d | kept | - | worse | contract, baseline |" in text
    assert "Caught by nothing: a." in text
    assert text.endswith("Good programs that break a relation: d (types).\n")


@pytest.mark.parametrize("pair", PAIRS, ids=lambda it: it.name)
def test_each_bug_has_rows_and_labels_to_train_on(pair):
    program = program_of(pair)

    assert (program is None) == (pair.name in SAME)
    for setup in () if program is None else (program.fixed(0), program.setup(0)):
        assert len(setup.x) == len(setup.y) > 100
        assert np.isfinite(setup.x).all()
        assert len(np.unique(setup.y)) > 1


@pytest.mark.slow
def test_what_no_relation_sees_a_training_does():
    assert caught("scaler_forgotten").by == ("marker",)
