"""A loss that blows up, once or permanently."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.explanation import Explanation, Limit, curves, falling, rising
from ..core.findings import Finding, Kind, finding
from ..core.policy import Policy
from ..core.trace import Floats, Trace
from . import thresholds
from .curve import LossCurve
from .hints import LOWER_THE_RATE

DIVERGING_LOSS = Kind(
    name="diverging_loss",
    severity="error",
    suspects="learning_rate_too_high",
    symptoms=("blown_up", "unstable"),
    headline="loss blew up to {value} at step {step}, limit {limit}",
    text="the loss blew up to {value} at step {step}, limit {limit} ({factor} x the"
    " larger of its start and a constant prediction)",
    hint=LOWER_THE_RATE,
    explanation=Explanation(
        brief="the loss blew up",
        seen="The loss of a step exceeded the limit, in the median of three steps in a"
        " row, or once by far, or at the last step.",
        why="The updates overshoot. The weights are thrown far away, and what was"
        " learned before is lost; some runs recover to a loss that looks fine but is"
        " worse than it could be.",
        limits=(
            Limit(
                Policy().max_loss_growth,
                "The loss may grow to {limit} times the larger of its start and of a"
                " constant prediction (max_loss_growth in the marker).",
                set_by="None of 45 healthy programs came near it, all published"
                " blow-ups passed it.",
            ),
            thresholds.SPIKE,
            thresholds.RETURNS,
        ),
        curves=curves(loss=rising(1.0, 1.25)),
    ),
)


OSCILLATING_LOSS = Kind(
    name="oscillating_loss",
    severity="warning",
    symptoms=("unstable",),
    text="the loss jumped to {value} at step {step}, limit {limit}, and came back",
    hint=LOWER_THE_RATE,
    explanation=Explanation(
        brief="the loss jumped up once and came back",
        seen="The loss of a single step exceeded the limit of growth and came back at"
        " once.",
        why="One batch threw the weights off. That is an outlier in the data, or a"
        " learning rate at the edge of being too high.",
        limits=(thresholds.SPIKE,),
        curves=curves(loss=(*falling(1.0, 0.2, 25), 20.0, 1.5, *falling(0.6, 0.2, 13))),
    ),
)


def diverging_loss(trace: Trace, curve: LossCurve, policy: Policy) -> Iterator[Finding]:
    """The loss blew up far beyond both reference losses, over more than one step.

    The median of three neighboring steps decides, so that one batch with an outlier is
    not a divergence; a single step counts from `thresholds.SPIKE` times the limit on,
    and below that it is a warning. If two trainings work against each other, the loss
    of one rises as the other learns, so the limit is also `thresholds.SPIKE` times as
    high. If targets move, the loss rises with them: see `thresholds.RETURNS`.
    """
    losses = curve.losses[np.isfinite(curve.losses)]
    limit = policy.max_loss_growth * curve.reference_loss
    limit *= thresholds.SPIKE if trace.contested else 1.0
    limit *= thresholds.RETURNS if trace.moving_target else 1.0
    if not len(losses) or limit <= 0:
        return
    step = int(np.argmax(losses))
    peak = float(losses[step])
    if peak <= limit:
        return
    lasting = float(np.max(_median_of_three(losses)))
    blown = (
        lasting > limit or peak > thresholds.SPIKE * limit or step == len(losses) - 1
    )
    yield finding(
        DIVERGING_LOSS if blown else OSCILLATING_LOSS,
        step=step + 1,
        value=peak,
        limit=limit,
        factor=policy.max_loss_growth,
    )


def _median_of_three(losses: Floats) -> Floats:
    if len(losses) < 3:
        return losses
    return np.asarray(np.median([losses[:-2], losses[1:-1], losses[2:]], axis=0))


RULES = (diverging_loss,)
