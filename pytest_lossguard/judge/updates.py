"""Faults of the updates: weights, averages and optimizers that a step leaves behind.

A falling loss hides these faults. A finding that fails a training is certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, finding
from ..core.numbers import format_names
from ..core.trace import Trace

#: Maximum number of names in a sentence.
_MOST_NAMED = 3

# Limits, each with its source

#: Gradients computed after the last update. Only checked for a training with a single
#: update: after many updates, gradients may be computed to inspect them.
MOST_AFTER = Limit(
    8,
    "After the last update gradients were computed more than {limit} times, and twice"
    " as often as before it.",
    set_by="A loop that accumulates four micro-batches and then stops leaves at most"
    " three.",
)
#: Factor above the number of gradients computed before that update.
TIMES_BEFORE = 2

FEWEST_SUMS = Limit(
    4,
    "Or {limit} updates applied sums of gradients that are never reset.",
    set_by="Chosen, not measured: a run may have only one or two updates.",
)

SHORT = Limit(
    10,
    "It is an error if an optimizer made {limit} steps on average or fewer; longer"
    " ones are a warning.",
    set_by="The momentum of Adam is a mean over some ten steps.",
)
MANY = Limit(
    10,
    "From {limit} optimizers on it is an error, unless each one made many steps.",
    set_by="Chosen, not measured: a training has fewer phases than that.",
)
LONG = Limit(
    100,
    "If the optimizers made {limit} steps on average or more, it is a warning at most:"
    " tasks may be learned one after another.",
    set_by="Digits by SGD with momentum 0.9 and 0.95 end at 1.1 and 1.3 times the loss"
    " where it starts anew every 100 steps, at 1.3 and 1.6 times every 50, at 1.9 and"
    " 2.7 times every 10.",
)

# Kinds of findings

INFERENCE_MODE = Kind(
    name="inference_mode",
    severity="error",
    suspects="inference_mode",
    undone_by="training=True",
    headline="{count} never in training mode",
    text="{count} trained and never called in training mode, limit {limit}: {where}. In"
    " the training step the model is called {how}, so BatchNormalization does not"
    " update its averages and Dropout drops nothing",
    hint="Call the model with training=True inside the tape: model(x, training=True),"
    " or self(x, training=True) in a custom train_step.",
    explanation=Explanation(
        brief="layers were never called in training mode",
        seen="Layers such as BatchNormalization or Dropout were trained but never"
        " called in training mode.",
        why="BatchNormalization does not update its averages and Dropout drops nothing."
        " The loss still falls, but predictions in production differ from those in"
        " training.",
        no_limit="One such layer is an error, or a warning if the loop passed"
        " training=False itself.",
    ),
)


UPDATE_SKIPPED = Kind(
    name="update_skipped",
    severity="error",
    suspects="update_skipped",
    headline="{value} gradients computed, applied {applied}",
    text="gradients of {where} were computed {value} times and applied {applied}; at"
    " most {limit} may pass without an update. The condition around the update is never"
    " true",
    hint="Apply the gradients at every step. To accumulate them, count the steps in a"
    " tf.Variable: in a tf.function an `if` on a Python number or attribute is"
    " evaluated only once, during tracing. If you only inspect gradients, write"
    " converges(allow='update_skipped').",
    explanation=Explanation(
        brief="gradients are computed but not applied",
        seen="Gradients were computed many times but applied once or never. Or each"
        " update applied the sum of all gradients so far, which is never reset.",
        why="The loop runs and prints a loss, but nothing trains. In a tf.function a"
        " Python condition is evaluated only once, during tracing.",
        limits=(MOST_AFTER, FEWEST_SUMS),
    ),
)


OPTIMIZER_RESTARTED = Kind(
    name="optimizer_restarted",
    severity="error",
    suspects="optimizer_restarted",
    undone_by="one optimizer for the whole training",
    headline="{value} new optimizers for one training",
    text="{value} optimizers (limit {limit}) trained {where} one after another, {each}"
    " steps each: each starts without the momentum and averages of the one before",
    hint="Create the optimizer once, before the loop. Call compile once and use"
    " fit(epochs=...) instead of compiling in a loop.",
    explanation=Explanation(
        brief="a new optimizer every few steps",
        seen="Several optimizers trained the same variables one after another, each"
        " starting without the state of the last.",
        why="Momentum and the averages of Adam are lost each time: the training is"
        " slower, and its first steps are too large.",
        limits=(SHORT, MANY, LONG),
    ),
)


NOT_RECOMPILED = Kind(
    name="not_recompiled",
    severity="error",
    suspects="not_recompiled",
    headline="trainable was changed without compile()",
    text="{value} {which} of {where} are {seen} ({names}): fit still uses the step that"
    " was made before trainable became {now}",
    hint="Call compile() again, with a new optimizer, after each change of trainable.",
    explanation=Explanation(
        brief="trainable was changed without compile()",
        seen="For a whole epoch fit, with Keras' own train_step, updates weights other"
        " than the trainable ones. Updates of frozen weights are only a warning: a GAN"
        " may freeze its discriminator that way.",
        why="Keras builds the training step once after compile() and keeps it, with the"
        " weights that were trainable then. Layers unfrozen later for fine-tuning do"
        " not change, and the loss falls because other layers learn.",
        no_limit="It is seen in the updates; there is no numeric limit.",
    ),
)

NOTHING_TRAINABLE = Kind(
    name="nothing_trainable",
    severity="error",
    suspects="nothing_trainable",
    headline="a model has no trainable weight",
    text="model {where} was trained by {by} and has no trainable weight: nothing in"
    " it changed",
    hint="In Keras 3 trainable=False takes effect at once, even after compile. Set"
    " trainable=True before training, or write converges(allow='nothing_trainable').",
    explanation=Explanation(
        brief="a model without a trainable weight",
        seen="A model was trained (fit, train_on_batch) and has no trainable weight.",
        why="Nothing in the model can change, so the training has no effect. No other"
        " check can see that.",
        no_limit="Not a single weight is trainable.",
    ),
)

TRAINED_UNSEEN = Kind(
    name="trained_unseen",
    severity="error",
    headline="{value} variables were trained unseen",
    text="{value} of the variables with gradients changed{ended}, but no recorded"
    " training changed them: {where} (gradients computed at {by}). lossguard only"
    " records updates by Keras 3 optimizers, so this training was not judged",
    hint="Apply the gradients with a Keras 3 optimizer, as"
    " keras.optimizers.SGD(rate).apply(gradients, variables); or, if this is no"
    " training, write converges(allow='trained_unseen').",
    explanation=Explanation(
        brief="a training that was not recorded",
        seen="Variables changed for which gradients were computed, but no recorded"
        " update changed them.",
        why="They were trained in a way that lossguard does not record, so this"
        " training was not judged. A passing test would prove nothing.",
        no_limit="One such variable is enough.",
    ),
)


def inference_mode(trace: Trace) -> Iterator[Finding]:
    """Layers that were trained and never called in training mode.

    Only a warning if the loop passed ``training=False``, which may be intended.
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
        where=format_names(facts.inference_layers, _MOST_NAMED),
        count=f"{layers} layer{'s' if layers > 1 else ''}",
        how="with training=False" if asked else "without training=True",
    )


def update_skipped(trace: Trace) -> Iterator[Finding]:
    """A single update, after which gradients are computed and not applied; or updates
    that apply sums of all gradients so far.
    """
    facts = trace.step
    if facts is not None and facts.never_reset and len(trace.steps) >= FEWEST_SUMS:
        yield _never_reset(len(trace.steps), trace.model)
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


def _never_reset(updates: int, where: str) -> Finding:
    found = finding(
        UPDATE_SKIPPED, value=updates, limit=FEWEST_SUMS, where=where, applied="again"
    )
    return replace(
        found,
        message=f"gradients of {where} are added up and the sums are never reset: each"
        f" of {updates} updates applied all gradients since the start again, limit"
        f" {FEWEST_SUMS:g}",
        headline="sums of gradients are never reset",
        hint="Reset each sum after the update: total.assign(tf.zeros_like(total)).",
    )


def never_applied(taken: int, where: str) -> Iterator[Finding]:
    """Gradients that were computed often and never applied, while others were."""
    if taken > MOST_AFTER:
        yield finding(
            UPDATE_SKIPPED, value=taken, limit=MOST_AFTER, where=where, applied="never"
        )


def optimizer_restarted(trace: Trace) -> Iterator[Finding]:
    """An optimizer that is created repeatedly, which loses its state each time."""
    facts = trace.step
    if facts is None or not (facts.restarts and facts.state_lost):
        return
    made = facts.restarts + 1
    each = len(trace.steps) / made
    certain = each <= SHORT or (made >= MANY and each < LONG)
    yield finding(
        OPTIMIZER_RESTARTED,
        severity="error" if certain else "warning",
        value=made,
        limit=1,
        where=trace.model,
        each=round(each, 1),
    )


def not_recompiled(trace: Trace) -> Iterator[Finding]:
    """A step of ``fit`` that was made before ``trainable`` was changed."""
    found = None if trace.step is None else trace.step.outdated
    if found is None:
        return
    names, left_out = found.not_updated or found.frozen, bool(found.not_updated)
    yield finding(
        NOT_RECOMPILED,
        severity="error" if left_out else "warning",
        value=len(names),
        limit=0,
        where=trace.model,
        which="trainable weights" if left_out else "weights",
        seen="not updated" if left_out else "updated although they are not trainable",
        names=format_names(names, _MOST_NAMED),
        now=str(left_out),
    )


def nothing_trainable(model: str, by: str) -> Finding:
    """Make the finding for a trained model that has no trainable weight."""
    return finding(NOTHING_TRAINABLE, where=repr(model), by=by)


def trained_unseen(value: int, where: str, by: str, ended: str) -> Finding:
    """Make the finding for variables that changed without a recorded training."""
    return finding(TRAINED_UNSEEN, value=value, where=where, by=by, ended=ended)


RULES = (
    inference_mode,
    update_skipped,
    optimizer_restarted,
    not_recompiled,
)
