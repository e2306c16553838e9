"""A small part of the corpus, with its rates asserted; `python -m quality` runs all."""

from __future__ import annotations

import pytest

from quality.corpus import programs
from quality.measure import rows_of
from quality.results import rates

#: Every so many programs of the part that set no threshold.
_QUICK, _SLOW = 40, 6


def share(counts):
    count, of = counts
    return count / of


def chosen(every):
    names = sorted(it.name for it in programs() if it.part == "report")
    return names[::every]


@pytest.mark.parametrize("every", [_QUICK, pytest.param(_SLOW, marks=pytest.mark.slow)])
def test_broken_programs_are_flagged_and_healthy_ones_pass(every):
    rows = rows_of(chosen(every), seeds=(0,), diagnose=False)
    found = rates(rows)
    assert not [it.crash for it in rows if it.crash]
    assert found["healthy failed"][0] == 0, [
        it.name for it in rows if it.failed and not it.broken
    ]
    assert share(found["broken flagged"]) >= FLAGGED
    assert share(found["broken failed"]) >= FAILED


#: What the whole report part reaches, less what so small a sample may be off by.
FLAGGED, FAILED = 0.7, 0.5
