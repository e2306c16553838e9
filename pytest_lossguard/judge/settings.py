"""Optimizer settings that stop a training before its end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.explanation import Explanation, Limit, curves, falling, level
from ..core.findings import Finding, Kind, finding
from ..core.step_facts import Clipping
from ..core.trace import Floats, Trace
from . import thresholds
from .curve import LossCurve

# Limits, each with its source

LEFT = Limit(
    0.5,
    "{limit:.0%} of the steps have a learning rate close to 0, little was learned, and"
    " the loss was still falling.",
    set_by="Chosen, not measured: a schedule that is slightly too short affects a few"
    " steps, one that counts epochs as steps affects nearly all.",
)
#: The loss was still falling at a step if its mean dropped by ``STILL_FALLING`` between
#: the last two parts before it, each ``PART`` of the steps so far; with fewer steps
#: than ``TOO_FEW`` it counts as falling.
STILL_FALLING, PART, TOO_FEW = 0.02, 0.2, 20
NOTHING_LEFT = Limit(
    0.01,
    "At every step clipping leaves at most {limit:.0%} of the gradient, and the loss"
    " did not fall.",
    set_by="Chosen, not measured: useful clipping acts on peaks only, or sets the"
    " length of each step while the loss still falls.",
)

# Kinds of findings

RATE_ENDED = Kind(
    name="rate_ended",
    severity="error",
    suspects="rate_ended",
    headline="learning rate close to 0 after {step} steps",
    text="the learning rate of {where} was close to 0 after step {step}: {share} of the"
    " steps trained nothing, limit {share_limit}, and the loss was still falling"
    " {when}",
    hint="If ReduceLROnPlateau monitors a score that grows, it needs mode='max'. Give"
    " the schedule as many steps as the training has: epochs times steps per epoch."
    " Keras counts its decay_steps in updates, not in epochs.",
    explanation=Explanation(
        brief="the schedule ended long before the training",
        seen="A schedule or a callback brought the learning rate close to 0 long before"
        " the training ended, while the loss was still falling.",
        why="The rest of the training changes nothing. Its loss is flat and looks"
        " converged.",
        limits=(LEFT, thresholds.LEFT_WITHOUT_FAULT),
        curves=curves(loss=(*falling(1.0, 0.2, 8), *level(0.5, 32))),
    ),
)

CLIPPED_TO_NOTHING = Kind(
    name="clipped_to_nothing",
    severity="error",
    suspects="clipped_to_nothing",
    headline="clipping leaves {share} of the gradient",
    text="clipping left at most {share} of the gradient of {where} at every step, limit"
    " {share_limit}, and the loss did not fall",
    hint="Raise clipnorm, global_clipnorm or clipvalue so that it cuts peaks only, or"
    " raise the learning rate.",
    explanation=Explanation(
        brief="clipping leaves almost no gradient",
        seen="At every step clipping cut the gradient to almost nothing, and the loss"
        " did not fall.",
        why="The updates are too small to move the weights: the training stands still"
        " at any learning rate.",
        limits=(NOTHING_LEFT,),
        curves=curves(loss=level(1.0)),
    ),
)


def rate_ended(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A schedule that ends while there is much left to learn; or, as a warning, a
    callback that lowers the learning rate while the loss falls, perhaps because of
    held-out rows.
    """
    facts, steps = trace.step, len(trace.steps)
    if facts is None or facts.rate_ended_at is None or steps <= TOO_FEW:
        return
    ended, cut = facts.rate_ended_at, facts.rate_cut_at
    left = 1 - ended / steps
    falls = _falls_until(curve.losses, ended if cut is None else cut)
    if left > LEFT and falls and _is_unfinished(curve):
        yield finding(
            RATE_ENDED,
            severity="error" if cut is None else "warning",
            when="there"
            if cut is None
            else f"at step {cut}, where a callback first lowered it",
            step=ended,
            value=left,
            limit=LEFT,
            where=trace.model,
        )


def _falls_until(losses: Floats, end: int) -> bool:
    """Whether the loss was falling up to a step; True if there were too few steps."""
    if end < TOO_FEW:
        return True
    part = max(1, int(PART * end))
    before, last = losses[end - 2 * part : end - part], losses[end - part : end]
    return bool(np.mean(last) < (1 - STILL_FALLING) * np.mean(before))


def _is_unfinished(curve: LossCurve) -> bool:
    """Whether much of the constant's loss is left; True if that is unknown."""
    return curve.skill is None or curve.skill < thresholds.LEARNED_HALF


def clipped_to_nothing(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Clipping at every step that leaves almost no gradient, so that the weights stay
    in place.

    Only checked for optimizers whose updates grow with the gradient.
    """
    clipping = None if trace.step is None else trace.step.clipping
    if clipping is None or len(trace.steps) <= TOO_FEW:
        return
    if curve.decreased or not _is_unfinished(curve):
        return
    left = float(_left(clipping, trace).max())
    if left <= NOTHING_LEFT:
        yield finding(
            CLIPPED_TO_NOTHING, value=left, limit=NOTHING_LEFT, where=trace.model
        )


def _left(clipping: Clipping, trace: Trace) -> Floats:
    """Return an upper bound of the share of the gradient norm left at each step."""
    norms = np.maximum(trace.steps.grad_norm, 0.0)
    whole = np.linalg.norm(norms, axis=1)
    most = np.full(len(whole), np.inf)
    if clipping.norm is not None:
        most = np.linalg.norm(np.minimum(norms, clipping.norm), axis=1)
    if clipping.whole is not None:
        most = np.minimum(most, clipping.whole)
    if clipping.value is not None:
        most = np.minimum(most, clipping.value * np.sqrt(sum(trace.sizes)))
    return np.where(whole > 0, np.minimum(most / np.maximum(whole, 1e-300), 1.0), 1.0)


RULES = (rate_ended, clipped_to_nothing)
