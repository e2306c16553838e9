"""A small part of the corpus, its rates asserted; `python -m evaluation` runs all."""

from __future__ import annotations

import pytest

from evaluation.corpus import programs
from evaluation.measure import rows_of
from evaluation.results import rates

#: Every so many programs of the part that set no threshold, and the shares of the
#: broken among them that must be flagged and fail: what the whole part reaches, less
#: what so small a sample may be off by.
QUICK, SLOW = (25, 0.5, 0.3), (6, 0.7, 0.5)


def chosen(every):
    names = sorted(it.name for it in programs() if it.part == "report")
    return names[::every]


def share(counts):
    count, of = counts
    return count / of


@pytest.mark.parametrize(
    ("every", "flagged", "failed"), [QUICK, pytest.param(*SLOW, marks=pytest.mark.slow)]
)
def test_broken_programs_are_flagged_and_healthy_ones_pass(every, flagged, failed):
    rows = rows_of(chosen(every), seeds=(0,), diagnose=False)
    found = rates(rows)
    assert not [it.crash for it in rows if it.crash]
    assert found["healthy failed"][0] == 0, [
        it.name for it in rows if it.failed and not it.broken
    ]
    assert share(found["broken flagged"]) >= flagged
    assert share(found["broken failed"]) >= failed


def test_causes_are_held_against_what_was_done_to_a_program():
    broken = next(it for it in programs() if it.causes == ("unscaled_inputs",))
    (row,) = rows_of([broken.name], seeds=(0,), diagnose=True)
    assert row.failed
    assert row.true_of[0]
    assert row.held == [True]
