"""How close a training came to failing, as one number."""

from __future__ import annotations

import math

import numpy as np

from ..core.policy import Policy
from ..core.trace import Trace
from . import thresholds
from .curve import loss_curve_of

#: Nearness of a training whose loss is not finite.
BROKEN = 1e12


def nearness(trace: Trace, policy: Policy) -> float:
    """Return the largest share of a limit that the training used up.

    The three limits are the growth of a step's loss, the loss of the best constant
    prediction, and the loss before the first update. Below 1 the training meets all of
    them; a run that is excused as slow may be above 1. Finite, at most 1e12.
    """
    return max(shares(trace, policy).values())


def shares(trace: Trace, policy: Policy) -> dict[str, float]:
    """Return the used-up share of each limit by name: the ``growth`` of a step's loss,
    the loss of a ``constant``, the loss at the ``start``.
    """
    curve = loss_curve_of(trace)
    if not curve.finite:
        return {"growth": BROKEN}
    peak = float(np.max(curve.losses)) if len(curve.losses) else 0.0
    used = {"growth": _over(peak, policy.max_loss_growth * curve.reference_loss)}
    if curve.has_floor:
        if curve.constant is not None:
            used["constant"] = _over(curve.end, (1 - thresholds.LEVEL) * curve.constant)
        if not curve.starts_level:
            used["start"] = _over(curve.end, (1 - thresholds.LEVEL) * curve.start)
    return {name: min(it, BROKEN) for name, it in used.items()}


def _over(value: float, limit: float) -> float:
    if value <= 0:
        return 0.0
    share = value / limit if limit > 0 else math.inf
    return share if math.isfinite(share) else BROKEN
