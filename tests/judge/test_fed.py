"""How the rows came: the same ones at each step, or not all of them."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.data_facts import (
    CachedDraws,
    DataFacts,
    RepeatedBatch,
    UnseenRows,
)
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace


@pytest.mark.parametrize(
    ("facts", "severity", "numbers", "text"),
    [
        (
            DataFacts(repeated=RepeatedBatch(rows=16, of=96, by="iterator")),
            "error",
            (16, 96),
            "the same 16 rows of 96: a new iterator is made for each step",
        ),
        (
            DataFacts(repeated=RepeatedBatch(rows=16, of=96, by="feed")),
            "error",
            (16, 96),
            "yield the same batch each time",
        ),
        (
            DataFacts(repeated=RepeatedBatch(rows=16, of=0, by="feed")),
            "warning",
            (16, None),
            "the same 16 rows: the data given to fit yield the same batch each time",
        ),
        (
            DataFacts(unseen=UnseenRows(epochs=5, batches=10, steps=4, calls=5)),
            "warning",
            (0.6, 0),
            "10 batches, and each of 5 calls of fit begins again and takes 4",
        ),
        (
            DataFacts(unseen=UnseenRows(epochs=3, batches=10, steps=6)),
            "warning",
            (0.4, 0),
            "40% of the rows are never trained on: the data have 10 batches",
        ),
        (
            DataFacts(unseen=UnseenRows(epochs=3, short=2, first=6)),
            "warning",
            (2, 0),
            "2 of 3 epochs made at most half of the 6 updates of the first",
        ),
    ],
)
def test_rows_that_come_again_or_never_are_reported_by_number(
    facts, severity, numbers, text
):
    trace = make_trace(falling(), start=1, end=0.1, constant=1, data_facts=facts)
    (found,) = judge(trace, Policy())
    assert (found.kind, found.severity) == ("repeated_batch", severity)
    assert (found.value, found.limit) == pytest.approx(numbers)
    assert text in found.message


def test_augmentation_that_is_cached_is_warned_of_with_its_place():
    kept = DataFacts(cached_draws=CachedDraws(place="train.py:7", epochs=5))
    trace = make_trace(falling(1.0, 0.1, 40), start=1.0, end=0.1, data_facts=kept)

    (found,) = judge(trace, Policy())

    assert (found.kind, found.severity) == ("augmentation_cached", "warning")
    assert found.message == (
        "train.py:7 draws random numbers for the rows, and cache() comes after it: all"
        " 5 epochs get what the first one drew, limit 1 epoch"
    )
