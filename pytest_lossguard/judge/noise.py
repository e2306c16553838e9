"""A loss that fluctuates from step to step."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.explanation import Explanation, curves, noisy
from ..core.findings import Finding, Kind, finding
from ..core.trace import Trace
from . import thresholds
from .curve import LossCurve

NOISY_LOSS = Kind(
    name="noisy_loss",
    severity="warning",
    symptoms=("unstable",),
    text="the loss fluctuates by {multiple} its value from step to step, limit"
    " {share_limit}",
    hint="Use larger batches or a lower learning rate.",
    explanation=Explanation(
        brief="the loss jumps up and down",
        seen="The loss of a training that went badly jumps up and down from step to"
        " step.",
        why="Each update undoes the last one. Batches are too small for the learning"
        " rate, or one feature or row outweighs the others.",
        limits=(thresholds.NOISY,),
        curves=curves(loss=noisy((1.0,) * 40, 0.9)),
    ),
)


def noisy_loss(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """The loss fluctuates by more than `thresholds.NOISY` of its value; reported only
    for a bad training.

    Not checked for a loss that need not fall, which is close to 0 at times and noisy
    relative to that.
    """
    learned = curve.beats_constant and curve.decreased
    if not curve.finite or learned or trace.need_not_fall:
        return
    if curve.noise > thresholds.NOISY:
        yield finding(
            NOISY_LOSS, value=curve.noise, limit=thresholds.NOISY, step=curve.steps
        )


RULES = (noisy_loss,)
