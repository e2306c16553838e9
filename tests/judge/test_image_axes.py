"""Images that were reshaped instead of transposed fail; exchanged sides only warn."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.data_facts import DataFacts, MixedAxes
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace


@pytest.mark.parametrize(
    ("held", "severity", "shape", "axes"),
    [
        ("channels first", "error", "(3, 20, 16)", "(0, 2, 3, 1)"),
        ("width first", "warning", "(16, 20, 3)", "(0, 2, 1, 3)"),
    ],
)
def test_scrambled_images_are_named_with_both_shapes(held, severity, shape, axes):
    mixed = MixedAxes(
        where="the input", shape=(20, 16, 3), held=held, nearer=0.64, rows=64
    )
    facts = DataFacts(mixed_axes=mixed)
    trace = make_trace(falling(), start=1, end=0.1, constant=1, data_facts=facts)
    (found,) = judge(trace, Policy())
    assert (found.kind, found.severity) == ("image_axes_mixed", severity)
    assert (found.where, found.value, found.limit) == ("the input", 0.64, 0.9)
    assert f"whose values are laid out in memory as {shape}" in found.message
    numbers = "differ by 64% of what those in (20, 16, 3) differ by, limit 90%"
    assert f"Neighbors in {shape} {numbers}, in 64 images" in found.message
    assert found.hint == f"Use transpose instead of reshape: np.transpose(x, {axes})."
