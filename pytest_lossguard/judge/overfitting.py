"""A held-out loss that rises while the training loss falls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..core.explanation import Explanation, Limit, curves, falling
from ..core.findings import Finding, Kind, finding
from ..core.numbers import number
from ..core.trace import Floats, Trace, Validation
from . import thresholds
from .coded_labels import named_otherwise
from .curve import LossCurve
from .held_out import differs, others_held_out, seen_in_columns

HELD_OUT_RISE = Limit(
    0.1,
    "The held-out loss ends {limit:.0%} above its lowest value, and much of what it"
    " had gained is lost again.",
    set_by="Chosen, not measured.",
)
#: Or the held-out loss is no better than a constant, no longer falls, and is this many
#: times the training loss.
HELD_OUT_GAP, HELD_OUT_FLAT = 1.2, 0.05
HELD_OUT_LOST = Limit(
    0.25,
    "At its best the held-out loss was below that of a constant. {limit:.0%} of this"
    " gain is lost again, and less than half is left.",
    set_by="Of 292 healthy trainings 39 had a warning for a rise alone: a loss that"
    " rises from almost 0 only shows that the model is overconfident.",
)

OVERFITTING = Kind(
    name="overfitting",
    severity="warning",
    suspects="overfitting",
    text="the held-out loss went from {limit} (step {best_step}) to {value} (step"
    " {step}) while the training loss fell from {train_start} to {train_end}{never}",
    hint="Stop earlier, add data, regularization or dropout, or use a smaller model.",
    explanation=Explanation(
        brief="the held-out loss rose or stayed bad",
        seen="The training loss kept falling while the held-out loss rose far above"
        " its best, or stayed at the level of a constant.",
        why="The model memorizes its rows. What it learns late does not hold for new"
        " rows.",
        limits=(HELD_OUT_RISE, HELD_OUT_LOST),
        curves=curves(
            training=falling(1.0, 0.05),
            held_out=tuple(0.4 + 0.0009 * (it - 12) ** 2 for it in range(40)),
        ),
    ),
)

_LOWEST = " (its lowest)"


def overfitting(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """The training loss kept falling while the held-out loss rose, or stayed at the
    level of a constant.

    Not reported if the held-out rows differ in kind from the training rows, or if their
    labels are coded otherwise.
    """
    held_out = _finite(trace.validation)
    if held_out is None or len(held_out.loss) < 4 or not curve.finite:
        return
    if named_otherwise(trace) or others_held_out(trace, curve) is not None:
        return
    losses = np.asarray(held_out.loss)
    some = max(1, len(losses) // 10)
    last, best = float(np.mean(losses[-some:])), int(np.argmin(losses))
    middle = len(losses) // 2
    rose = last > (1 + HELD_OUT_RISE) * losses[best]
    if rose and _lost_outside(curve, held_out.constant, float(losses[best]), last):
        since = best
    elif _learned_by_heart(curve, losses, last, some):
        since = middle
    else:
        return
    size = max(1, len(curve.losses) // len(losses)) * some
    then = _mean_before(curve.losses, held_out.step[since], size)
    now = _mean_before(curve.losses, held_out.step[-1], size)
    if not now < then:
        return
    if why := seen_in_columns(trace):
        yield differs(trace, curve, why, "rose to", last, float(losses[since]), _LOWEST)
    else:
        yield finding(
            OVERFITTING,
            step=held_out.step[-1],
            value=last,
            limit=float(losses[since]),
            best_step=held_out.step[since],
            train_start=then,
            train_end=now,
            never=_never_good(curve, held_out),
        )


def _never_good(curve: LossCurve, held_out: Validation) -> str:
    """Say if the held-out loss was above that of a constant from the first one on."""
    constant = held_out.constant or curve.constant
    lowest = min(held_out.loss)
    if constant is None or lowest < constant:
        return ""
    return (
        f"; it was never below what a constant prediction costs ({number(constant)}):"
        " check first that held-out rows and labels are prepared like the training data"
    )


def _finite(held_out: Validation | None) -> Validation | None:
    """Return the finite held-out losses."""
    if held_out is None:
        return None
    kept = [it for it, loss in enumerate(held_out.loss) if np.isfinite(loss)]
    return replace(
        held_out,
        step=tuple(held_out.step[it] for it in kept),
        loss=tuple(held_out.loss[it] for it in kept),
    )


def _lost_outside(
    curve: LossCurve, constant: float | None, best: float, last: float
) -> bool:
    """Whether part of the best held-out skill is gone, and little is left.

    A loss that rises from almost 0 only shows overconfidence.
    """
    constant, perfect = constant or curve.constant, curve.perfect
    if constant is None or perfect is None or constant <= perfect:
        return True  # no reference to compare with
    then, now = ((constant - it) / (constant - perfect) for it in (best, last))
    return now < thresholds.LEARNED_HALF and now < (1 - HELD_OUT_LOST) * then


def _learned_by_heart(curve: LossCurve, losses: Floats, last: float, some: int) -> bool:
    """Whether nothing that was learned since the middle of the run generalizes."""
    middle = len(losses) // 2
    before = float(np.mean(losses[middle : middle + some]))
    return (
        curve.constant is not None
        and last > (1 - thresholds.LEVEL) * curve.constant
        and last > HELD_OUT_GAP * curve.end
        and last > (1 - HELD_OUT_FLAT) * before
    )


def _mean_before(losses: Floats, step: int, size: int) -> float:
    """Return the mean loss over the ``size`` steps up to ``step``."""
    part = losses[max(0, min(step, len(losses)) - size) : step]
    return float(np.mean(part)) if len(part) else float("nan")


RULES = (overfitting,)
