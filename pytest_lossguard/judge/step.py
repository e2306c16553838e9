"""What the training step itself does wrong: facts, whatever the loss did.

A loss that falls hides them: each is certain where it fails a training.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.findings import Finding, Kind, finding
from ..core.policy import Policy
from ..core.trace import Trace
from .curve import LossCurve

__all__ = ["inference_mode", "never_applied", "optimizer_restarted", "update_skipped"]

#: Names that a sentence has room for.
_MOST_NAMED = 3

# Limits, each with what set it

#: Gradients that were taken after the last update, and how many times those that led to
#: it: to accumulate four micro-batches and stop leaves at most three. A training of one
#: update alone is judged so: after many, gradients may be taken to look at them.
MOST_AFTER, TIMES_BEFORE = 8, 2

#: Steps of one optimizer up to which its averages are not there yet: the momentum of
#: Adam is a mean over some ten steps. Longer ones are certain to be no phases of a
#: training from so many optimizers on.
SHORT, MANY = 10, 10

# What they find

INFERENCE_MODE = Kind(
    name="inference_mode",
    severity="error",
    headline="{value} layers were never in training mode",
    text="{value} layers that behave otherwise in training were called {how} in every"
    " training step, limit {limit}: {where}. BatchNormalization did not learn its"
    " averages there, and Dropout dropped nothing",
    hint="Call the model with training=True where gradients are taken:"
    " model(x, training=True), and in a training step of your own"
    " self(x, training=True).",
)


UPDATE_SKIPPED = Kind(
    name="update_skipped",
    severity="error",
    headline="gradients taken {value} times, applied {applied}",
    text="gradients of {where} were taken {value} times and applied {applied}: at most"
    " {limit} may go by without an update. The condition around the update is never"
    " true",
    hint="Apply the gradients at every step. To accumulate them, count the steps in a"
    " tf.Variable: in a tf.function an `if` on a Python number or attribute is decided"
    " once, at tracing. To only look at gradients, write"
    " converges(allow='update_skipped').",
)


OPTIMIZER_RESTARTED = Kind(
    name="optimizer_restarted",
    severity="error",
    headline="{value} new optimizers for one training",
    text="{value} optimizers trained {where} one after another, {each} steps each,"
    " limit {limit}: each starts without the momentum and the averages of the last",
    hint="Make the optimizer once, before the loop; call compile once, and fit with"
    " epochs=... instead of compiling in a loop.",
)


def optimizer_restarted(
    trace: Trace, curve: LossCurve, policy: Policy
) -> Iterator[Finding]:
    """The same optimizer made anew again and again, its state lost each time."""
    del curve, policy
    facts = trace.step
    if facts is None or not (facts.restarts and facts.state_lost):
        return
    made = facts.restarts + 1
    each = len(trace.steps) / made
    certain = each <= SHORT or made >= MANY
    yield finding(
        OPTIMIZER_RESTARTED,
        severity="error" if certain else "warning",
        value=made,
        limit=1,
        where=trace.model,
        each=round(each, 1),
    )


def update_skipped(trace: Trace, curve: LossCurve, policy: Policy) -> Iterator[Finding]:
    """One update, and from then on gradients that lead to none."""
    del curve, policy
    facts = trace.step
    if facts is None or len(trace.steps) != 1:
        return
    before = facts.gradients - facts.gradients_after
    limit = max(MOST_AFTER, TIMES_BEFORE * before)
    if facts.gradients_after > limit:
        yield finding(
            UPDATE_SKIPPED,
            value=facts.gradients,
            limit=limit,
            where=trace.model,
            applied="once",
        )


def never_applied(taken: int, where: str) -> Iterator[Finding]:
    """Gradients that were taken so often, and never applied, while others were."""
    if taken > MOST_AFTER:
        yield finding(
            UPDATE_SKIPPED, value=taken, limit=MOST_AFTER, where=where, applied="never"
        )


def inference_mode(trace: Trace, curve: LossCurve, policy: Policy) -> Iterator[Finding]:
    """Layers that were trained and never called in training mode; where the loop asked
    for that by ``training=False``, it may be meant.
    """
    del curve, policy
    facts = trace.step
    if facts is None or not facts.inference_layers:
        return
    asked = facts.inference_asked
    yield finding(
        INFERENCE_MODE,
        severity="warning" if asked else "error",
        value=len(facts.inference_layers),
        limit=0,
        where=_listed(facts.inference_layers),
        how="with training=False" if asked else "without training=True",
    )


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMED
    listed = ", ".join(names[:_MOST_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed
