"""Checks that need no reference loss: values that are not finite, or impossible."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.explanation import Explanation, Limit, curves, falling
from ..core.findings import Finding, Kind, finding
from ..core.keras_names import loss_facts
from ..core.trace import Trace
from . import thresholds
from .curve import LossCurve

# Limits, each with its source

BOTTOMLESS = Limit(
    100.0,
    "A loss that may be negative falls without bound if it ends {limit} times below"
    " zero, in units of the larger of its start and of a constant prediction.",
    set_by="Two published bugs reach 126 and 6e7 times. No healthy program with such a"
    " loss goes below zero; a likelihood can, but not by so much.",
)

# Kinds of findings

NONFINITE_LOSS = Kind(
    name="nonfinite_loss",
    severity="error",
    symptoms=("blown_up", "unstable"),
    headline="the loss was {value} at step {step}",
    text="the loss {scored}was {value} at step {step}",
    hint="Look for a learning rate that is too high, log(0) or a division by zero"
    " in the loss, unscaled data, or NaN in the input.",
    explanation=Explanation(
        brief="the loss became NaN or infinite",
        seen="The loss of a step was NaN or infinite, or the loss scored from the"
        " predictions after training was. The training stops at that step.",
        why="From then on all weights become NaN and nothing more is learned. Keras"
        " continues training without an error.",
        no_limit="One value that is not finite is enough.",
        curves=curves(loss=(*falling(1.0, 0.2, 28), float("nan"), float("nan"))),
    ),
)

NONFINITE_GRADIENT = Kind(
    name="nonfinite_gradient",
    severity="error",
    symptoms=("blown_up", "unstable"),
    headline="a gradient became {value} at step {step}",
    text="the gradient of {where} became {value} at step {step}",
    hint="Look for a square root, logarithm or division at 0 in the loss, or clip"
    " the gradients.",
    explanation=Explanation(
        brief="a gradient became NaN or infinite",
        seen="The gradient of a variable was NaN or infinite at a step. Gradients that"
        " a LossScaleOptimizer scaled on purpose are left out.",
        why="The next update makes the variable NaN, although the loss of that step was"
        " still finite.",
        no_limit="One value that is not finite is enough.",
    ),
)

NONFINITE_INPUT = Kind(
    name="nonfinite_input",
    severity="error",
    suspects="missing_values",
    headline="NaN or infinity in the input at {where}",
    text="the input holds NaN or infinity in {value} places, first in {where}",
    hint="Fill or drop missing values before training (SimpleImputer, dropna).",
    explanation=Explanation(
        brief="NaN in the inputs broke the training",
        seen="The training inputs hold NaN or infinity, and the loss or a gradient was"
        " not finite either.",
        why="One missing value makes the loss of its whole batch NaN, and then all"
        " weights. This is the usual reason for a NaN loss with tabular data.",
        no_limit="One such value is enough, because the training broke.",
    ),
)

MISSING_VALUES = Kind(
    name="missing_values",
    severity="warning",
    text="the input holds NaN or infinity in {value} places, first in {where}",
    hint="Fill or drop missing values before training (SimpleImputer, dropna).",
    explanation=Explanation(
        brief="NaN in the inputs; the loss stayed finite",
        seen="The training inputs hold NaN or infinity, and the training stayed finite:"
        " a mask or a layer handles them.",
        why="It works today because something handles these values. If that is not"
        " intended, the next change to the model may break the training.",
        no_limit="One such value is enough for a warning.",
    ),
)

IMPOSSIBLE_LOSS = Kind(
    name="impossible_loss",
    severity="error",
    suspects="loss_output_mismatch",
    symptoms=("misfit",),
    headline="the loss was {value} at step {step}",
    text="{where} was {value} at step {step}; {why}",
    hint="Check that labels, last activation and loss fit together, and check the sign"
    " of the loss.",
    explanation=Explanation(
        brief="an impossible loss, such as one below zero",
        seen="The loss was below zero although it never can be, fell without bound,"
        " was exactly zero from the first step, or is highest for a perfect"
        " prediction.",
        why="Such a loss does not measure the error. Labels do not fit the loss (such"
        " as -1 and 1 under binary cross-entropy), or its sign is wrong, and lowering"
        " it makes the model worse.",
        limits=(BOTTOMLESS,),
        curves=curves(loss=tuple(0.7 - 0.5 * it for it in range(40))),
    ),
)


_ROUNDING = 1e-6


def nonfinite(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """NaN or infinity in inputs, gradients or the loss, the earliest first.

    Non-finite inputs fail the test only if the training broke with them.
    """
    broken = list(_broken_steps(trace, curve))
    for stats in trace.inputs:
        if stats.nonfinite and stats.first_nonfinite is not None:
            row, column = stats.first_nonfinite
            yield finding(
                NONFINITE_INPUT if broken else MISSING_VALUES,
                value=stats.nonfinite,
                limit=0,
                where=f"row {row}, feature {column}",
            )
    yield from sorted(broken, key=lambda it: it.step or 0)


def _broken_steps(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    steps = trace.steps
    bad = steps.loss_seen & ~np.isfinite(steps.loss)
    if bad.any():
        step = int(np.argmax(bad))
        value = float(steps.loss[step])
        yield finding(NONFINITE_LOSS, step=step + 1, value=value, scored="")
    elif trace.after is not None and not np.isfinite(curve.end):
        scored = "scored from plain predictions "
        yield finding(NONFINITE_LOSS, step=len(steps), value=curve.end, scored=scored)
    unusable = ~np.isfinite(steps.grad_norm)
    if unusable.any() and not trace.loss_is_scaled:
        step = int(np.argmax(unusable.any(axis=1)))
        variable = int(np.argmax(unusable[step]))
        yield finding(
            NONFINITE_GRADIENT,
            step=step + 1,
            value=float(steps.grad_norm[step, variable]),
            where=trace.variables[variable],
        )


def impossible_loss(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A loss that is negative and cannot be or has no lower bound, or that is zero from
    the start.
    """
    losses = curve.losses[np.isfinite(curve.losses)]
    if not len(losses):
        return
    names = " + ".join(trace.losses) or "the loss"
    facts = [loss_facts(it) for it in trace.losses]
    known = bool(facts) and all(it is not None and it.never_negative for it in facts)
    lowest, step = float(np.min(losses)), int(np.argmin(losses))
    scales = [
        abs(curve.constant or 0.0),
        thresholds.UNTRAINED if trace.need_not_fall else 0.0,
    ]
    why = None
    if known and lowest < -_ROUNDING:
        step = int(np.argmax(losses < -_ROUNDING))
        why = "it cannot be negative for labels that the output can reach"
    elif lowest < -BOTTOMLESS * max(abs(curve.start), *scales):
        why = "it falls without bound"
    elif _is_upside_down(trace, curve):
        step = curve.steps - 1
        why = "a perfect prediction has the highest loss, 0: its sign is wrong"
    elif known and len(losses) > 1 and not losses.any():
        step, why = 0, "no training starts at a perfect loss and stays there"
    if why is not None:
        yield finding(
            IMPOSSIBLE_LOSS,
            step=step + 1,
            value=float(losses[step]),
            limit=0,
            where=names,
            why=why,
        )
    elif known and trace.constant_loss is not None:
        yield from _impossible_labels(trace.constant_loss, names)


def _is_upside_down(trace: Trace, curve: LossCurve) -> bool:
    """Whether the sign of the loss is wrong: it is 0 for the targets as predictions,
    and lower for all others.

    Similarity scores are -1 for a perfect prediction, and likelihoods have no perfect
    one.
    """
    perfect, constant = trace.perfect_loss, curve.constant
    if perfect is None or constant is None or trace.contested:
        return False
    others = np.array([curve.start, curve.end, constant])
    return bool((others < 0).all() and abs(perfect) <= _ROUNDING * -others.max())


def _impossible_labels(constant_loss: float, names: str) -> Iterator[Finding]:
    """A constant prediction with a negative loss: the labels do not fit."""
    if constant_loss < -_ROUNDING:
        yield finding(
            IMPOSSIBLE_LOSS,
            value=constant_loss,
            limit=0,
            step=1,
            where=f"{names} of a constant prediction",
            why="it cannot be negative for labels that the output can reach",
        )


RULES = (nonfinite, impossible_loss)
