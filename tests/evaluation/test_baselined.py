"""What a baseline adds to the judge, measured on the corpus."""

from __future__ import annotations

import pytest

from evaluation.baselined import Outcome, held, table
from evaluation.corpus import programs


def outcome(name, end):
    return Outcome(name=name, source="mutant", part="report", end=end)


def test_the_table_counts_what_is_caught_and_names_what_passes():
    text = table(
        [
            outcome("mutant/a/x", "fails by itself"),
            outcome("mutant/a/y", "worse than its baseline"),
            outcome("mutant/b/x", "passes"),
            outcome("mutant/b/y", "no baseline"),
        ],
        "python -m evaluation.baselined",
    )
    assert "| report, mutant | 4 | 1 | 1 | 1 | 1 | 50.0% |" in text
    assert text.endswith("What passes: mutant/b/x, mutant/b/y.\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("mutant/linear/outlier-target", "fails by itself"),
        ("mutant/diabetes/labels-noisy", "worse than its baseline"),
        ("mutant/linear/epochs-tenth", "worse than its baseline"),
    ],
)
def test_what_a_short_training_does_not_show_its_baseline_does(name, end, tmp_path):
    from pytest_lossguard.training import Trainer

    (program,) = (it for it in programs() if it.name == name)
    (found,) = held([program], Trainer(), tmp_path)
    assert found.end == end
    files = [it.name for it in tmp_path.iterdir()]
    made = [] if end == "fails by itself" else [f"mutant-{name.split('/')[1]}.json"]
    assert files == made
