"""A held-out loss that rises while the training loss falls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..core.explanation import Explanation, Limit, curves, falling
from ..core.findings import Finding, Kind, finding
from ..core.trace import Floats, Trace, Validation
from . import thresholds as at
from .curve import LossCurve
from .held_out import differs, others_held_out, seen_in_columns

__all__ = ["RULES"]

HELD_OUT_RISE = Limit(
    0.1,
    "The held-out loss ends {limit:.0%} above its lowest value, and much of what it"
    " had gained is lost again.",
    set_by="Chosen, not measured.",
)
#: ... or it is no better than a constant, no longer falling, and so far above the
#: training loss.
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
    " {step}) while the training loss fell from {train_start} to {train_end}",
    hint="Stop earlier, add data, regularization or dropout, or use a smaller model.",
    explanation=Explanation(
        brief="the held-out loss rose or stayed bad",
        seen="The training loss kept falling while the held-out loss rose far above"
        " its best, or stayed at the level of a constant.",
        why="The model learns its rows by heart. What it learns late does not hold for"
        " new rows.",
        limits=(HELD_OUT_RISE, HELD_OUT_LOST),
        curves=curves(
            training=falling(1.0, 0.05),
            held_out=tuple(0.4 + 0.0009 * (it - 12) ** 2 for it in range(40)),
        ),
    ),
)

_LOWEST = " (its lowest)"


def overfitting(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """The training loss fell on while the held-out loss rose, or stayed at the
    level of a constant. Not where the held-out rows are others from the start.
    """
    held_out = _finite(trace.validation)
    if held_out is None or len(held_out.loss) < 4 or not curve.finite:
        return
    if others_held_out(trace, curve) is not None:
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
        )


def _finite(held_out: Validation | None) -> Validation | None:
    """The held-out losses that are finite."""
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
    """What held outside at best does so no more: a part of it is gone, and little is
    left. A loss that rises from next to nothing tells of sureness only.
    """
    constant, perfect = constant or curve.constant, curve.perfect
    if constant is None or perfect is None or constant <= perfect:
        return True  # nothing to tell it by
    then, now = ((constant - it) / (constant - perfect) for it in (best, last))
    return now < at.LEARNED_HALF and now < (1 - HELD_OUT_LOST) * then


def _learned_by_heart(curve: LossCurve, losses: Floats, last: float, some: int) -> bool:
    """Nothing that was learned since the middle of the run holds outside."""
    middle = len(losses) // 2
    before = float(np.mean(losses[middle : middle + some]))
    return (
        curve.constant is not None
        and last > (1 - at.LEVEL) * curve.constant
        and last > HELD_OUT_GAP * curve.end
        and last > (1 - HELD_OUT_FLAT) * before
    )


def _mean_before(losses: Floats, step: int, size: int) -> float:
    """Mean loss over the ``size`` steps up to ``step``."""
    part = losses[max(0, min(step, len(losses)) - size) : step]
    return float(np.mean(part)) if len(part) else float("nan")


RULES = (overfitting,)
