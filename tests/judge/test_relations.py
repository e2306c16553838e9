"""What one step depends on: rows that meet the labels of others."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.relations import MixedRows, StepRelations
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace


def judged(**relations):
    trace = make_trace(
        falling(),
        start=1,
        end=0.1,
        constant=1,
        batch_size=16,
        relations=StepRelations(**relations),
    )
    return judge(trace, Policy())


@pytest.mark.parametrize(("rows", "pairs"), [(32, (1024, 32)), (None, (256, 16))])
def test_mixed_rows_are_named_with_both_shapes_and_how_many_pairs_they_make(
    rows, pairs
):
    mixed = MixedRows(predictions=(rows, 1), labels=(rows,), place="train.py:12")
    (found,) = judged(mixed_rows=mixed)
    assert (found.kind, found.severity) == ("rows_mixed", "error")
    assert (found.value, found.limit) == pairs
    assert found.where == "train.py:12"
    assert f"({rows or 'n'}, 1)" in found.message
    assert f"{pairs[0]} pairs for {pairs[1]} rows" in found.message
