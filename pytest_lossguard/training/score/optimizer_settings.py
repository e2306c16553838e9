"""Reads facts from the settings of an optimizer: learning rates and clipping."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ...core.step_facts import NEXT_TO_NOTHING, Clipping
from ..backend.frameworks import keras
from ..backend.private_api import learning_rate_of
from ..record.recording import Recording

#: Steps at which a schedule is sampled to confirm that its rate stays near 0.
_PLACES = 4
_ACCUMULATES = "gradient_accumulation_steps"


def rate_ended_at(recording: Recording) -> int | None:
    """Return the number of updates after which the learning rate stays near 0, set by a
    schedule or, from epoch to epoch, by a callback of ``fit``.

    Returns:
        None if the rate does not end near 0.
    """
    schedule = learning_rate_of(_inner(recording.optimizer))
    steps = recording.steps
    if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return _first_step_near_zero(recording.rates)
    if steps < _PLACES or getattr(recording.optimizer, _ACCUMULATES, None):
        return None  # with gradient accumulation, the schedule counts fewer updates
    start = max(0, int(recording.optimizer.iterations) - steps)
    try:
        return _ended_at(lambda step: float(schedule(start + step)), steps)
    except Exception:  # a custom schedule may raise
        return None


def rate_cut_at(rates: Sequence[tuple[int, float]]) -> int | None:
    """Return the first step at which the rate is lower than before, if any."""
    cuts = (step for (_, old), (step, new) in pairwise(rates) if new < old)
    return next(cuts, None)


def _first_step_near_zero(rates: Sequence[tuple[int, float]]) -> int | None:
    """Return the first of these steps from which on the rate is near 0, if any."""
    limit = NEXT_TO_NOTHING * max((rate for _, rate in rates), default=0.0)
    ended = None
    for step, rate in reversed(rates):
        if rate > limit:
            break
        ended = step
    return ended


def _ended_at(rate: Any, steps: int) -> int | None:
    """Find the first step from which on a rate is near 0, by bisection."""
    last, first = rate(steps - 1), rate(0)
    if last > NEXT_TO_NOTHING * first > 0:
        return None
    early = [first, *(rate(1 << it) for it in range((steps - 1).bit_length()))]
    limit = NEXT_TO_NOTHING * max(early)
    if last > limit or limit <= 0:
        return None
    low, high = (1 << early.index(max(early))) // 2, steps - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if rate(middle) <= limit else (middle, high)
    between = (high + (steps - high) * part // _PLACES for part in range(_PLACES))
    return high if all(rate(it) <= limit for it in between) else None


def clipping_of(optimizer: Any) -> Clipping | None:
    """Return the clipping limits of an optimizer; None if it does not clip."""
    inner = _inner(optimizer)
    names = ("clipnorm", "global_clipnorm", "clipvalue")
    norm, whole, value = (getattr(inner, name, None) for name in names)
    if norm is None and whole is None and value is None:
        return None
    return Clipping(norm=norm, whole=whole, value=value)


def _inner(optimizer: Any) -> Any:
    return getattr(optimizer, "inner_optimizer", optimizer)
