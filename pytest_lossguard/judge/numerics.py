"""Checks that need no yardstick: numbers that are not finite, or cannot be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..findings import Finding, finding
from ..policy import Policy
from ..trace import Trace
from .evidence import Evidence

__all__ = ["impossible_loss", "nonfinite_gradient", "nonfinite_input", "nonfinite_loss"]

#: Keras losses that cannot be negative when labels and outputs fit them.
_NEVER_NEGATIVE = frozenset(
    """
    mse mean_squared_error mae mean_absolute_error mape msle huber log_cosh logcosh
    mean_absolute_percentage_error mean_squared_logarithmic_error
    binary_crossentropy bce categorical_crossentropy sparse_categorical_crossentropy
    binary_focal_crossentropy categorical_focal_crossentropy hinge squared_hinge
    categorical_hinge
    """.split()
)


def nonfinite_input(trace: Trace, found: Evidence, policy: Policy) -> Iterator[Finding]:
    """NaN or infinity in the inputs: fails if the loss went with it."""
    del policy
    broken = _first_bad_step(trace) is not None or not np.isfinite(found.end)
    for stats in trace.inputs:
        if stats.nonfinite and stats.first_nonfinite is not None:
            row, column = stats.first_nonfinite
            yield finding(
                "nonfinite_input" if broken else "missing_values",
                value=stats.nonfinite,
                limit=0,
                where=f"row {row}, feature {column}",
            )


def nonfinite_loss(trace: Trace, found: Evidence, policy: Policy) -> Iterator[Finding]:
    """A step's loss, or the loss scored after the last step, is not finite."""
    del policy
    step = _first_bad_step(trace)
    if step is not None:
        yield finding(
            "nonfinite_loss", step=step + 1, value=float(trace.steps.loss[step])
        )
    elif trace.after is not None and not np.isfinite(found.end):
        yield finding("nonfinite_loss", step=len(trace.steps), value=found.end)


def nonfinite_gradient(
    trace: Trace, found: Evidence, policy: Policy
) -> Iterator[Finding]:
    """A gradient is not finite at or before the first loss that is not."""
    del found, policy
    if trace.loss_is_scaled:
        return
    bad = ~np.isfinite(trace.steps.grad_norm)
    if not bad.any():
        return
    step = int(np.argmax(bad.any(axis=1)))
    variable = int(np.argmax(bad[step]))
    yield finding(
        "nonfinite_gradient",
        step=step + 1,
        value=float(trace.steps.grad_norm[step, variable]),
        where=trace.variables[variable],
    )


def impossible_loss(trace: Trace, found: Evidence, policy: Policy) -> Iterator[Finding]:
    """A loss below zero that cannot be, or zero from the first step on."""
    del policy
    curve = found.curve
    if not len(curve):
        return
    names = " + ".join(trace.losses) or "the loss"
    known = bool(trace.losses) and _NEVER_NEGATIVE.issuperset(trace.losses)
    if known and np.nanmin(curve) < -1e-6:
        step = int(np.argmax(curve < -1e-6))
        yield finding(
            "impossible_loss",
            step=step + 1,
            value=float(curve[step]),
            limit=0,
            where=names,
            why="it cannot be negative for labels that the output can reach",
        )
    elif known and len(curve) >= 2 and not curve.any():
        yield finding(
            "impossible_loss",
            step=1,
            value=0,
            limit=0,
            where=names,
            why="no training starts at a perfect loss and stays there",
        )


def _first_bad_step(trace: Trace) -> int | None:
    """The first step whose loss was seen and is not finite."""
    loss = trace.steps.loss
    if trace.stopped is not None and len(loss):
        return len(loss) - 1
    bad = np.isinf(loss)
    return int(np.argmax(bad)) if bad.any() else None
