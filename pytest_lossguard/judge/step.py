"""What the training step itself does wrong: facts, whatever the loss did.

A loss that falls hides them: each is certain where it fails a training.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.findings import Finding, Kind, finding
from ..core.trace import Trace

__all__ = ["RULES", "never_applied"]

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

#: Share of the loss below which what a model adds is lost in rounding.
_SMALLEST_PENALTY = 1e-6

# What they find

INFERENCE_MODE = Kind(
    name="inference_mode",
    severity="error",
    suspects="inference_mode",
    undone_by="training=True",
    headline="{count} never in training mode",
    text="{count} trained and never called in training mode, limit {limit}: {where}. In"
    " the training step the model is called {how}, so that BatchNormalization does not"
    " learn its averages and Dropout drops nothing",
    hint="Call the model with training=True where gradients are taken:"
    " model(x, training=True), and in a training step of your own"
    " self(x, training=True).",
)


UPDATE_SKIPPED = Kind(
    name="update_skipped",
    severity="error",
    suspects="update_skipped",
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
    suspects="optimizer_restarted",
    undone_by="one optimizer for the whole training",
    headline="{value} new optimizers for one training",
    text="{value} optimizers trained {where} one after another, {each} steps each,"
    " limit {limit}: each starts without the momentum and the averages of the last",
    hint="Make the optimizer once, before the loop; call compile once, and fit with"
    " epochs=... instead of compiling in a loop.",
)


LOSS_NOT_SCALED = Kind(
    name="loss_not_scaled",
    severity="error",
    suspects="loss_not_scaled",
    undone_by="a loss that is scaled as the optimizer expects",
    headline="{how}",
    text="{how} for {where}: every update was that of a gradient {value} times as large"
    " as meant, limit {limit}",
    hint="Take the gradients of optimizer.scale_loss(loss), and apply them by the same"
    " LossScaleOptimizer; or train without one.",
)

PENALTY_LEFT_OUT = Kind(
    name="penalty_left_out",
    severity="error",
    suspects="penalty_left_out",
    headline="penalties of {value} are not in the loss",
    text="{where} has losses of its own that come to {value} (regularizers, add_loss),"
    " and the loss that was differentiated is the data loss alone, {loss}",
    hint="Add them to the loss under the tape: loss += sum(model.losses).",
)


def loss_not_scaled(trace: Trace) -> Iterator[Finding]:
    """Gradients that are divided by what the loss was never multiplied by, or not
    divided by what it was.
    """
    facts = trace.step
    if facts is None:
        return
    if facts.gradients_scaled:
        how, factor = "loss scaled, gradients never divided", facts.loss_scale
    elif facts.loss_scale != 1 and facts.loss_scaled is False:
        how, factor = "gradients divided, loss never scaled", 1 / facts.loss_scale
    else:
        return
    yield finding(LOSS_NOT_SCALED, value=factor, limit=1, where=trace.model, how=how)


def penalty_left_out(trace: Trace) -> Iterator[Finding]:
    """Regularizers and added losses that the differentiated loss does not contain."""
    facts = trace.step
    if facts is None or not len(trace.steps):
        return
    loss = float(trace.steps.loss[-1])
    if facts.penalty > _SMALLEST_PENALTY * abs(loss):
        yield finding(
            PENALTY_LEFT_OUT, value=facts.penalty, limit=0, where=trace.model, loss=loss
        )


def optimizer_restarted(trace: Trace) -> Iterator[Finding]:
    """The same optimizer made anew again and again, its state lost each time."""
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


def update_skipped(trace: Trace) -> Iterator[Finding]:
    """One update, and from then on gradients that lead to none."""
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


def inference_mode(trace: Trace) -> Iterator[Finding]:
    """Layers that were trained and never called in training mode; where the loop asked
    for that by ``training=False``, it may be meant.
    """
    facts = trace.step
    if facts is None or not facts.inference_layers:
        return
    asked, layers = facts.inference_asked, len(facts.inference_layers)
    yield finding(
        INFERENCE_MODE,
        severity="warning" if asked else "error",
        value=layers,
        limit=0,
        where=_listed(facts.inference_layers),
        count=f"{layers} layer{'s' if layers > 1 else ''}",
        how="with training=False" if asked else "without training=True",
    )


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMED
    listed = ", ".join(names[:_MOST_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed


RULES = (
    inference_mode,
    update_skipped,
    optimizer_restarted,
    loss_not_scaled,
    penalty_left_out,
)
