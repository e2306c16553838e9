"""Faults of the training step itself, regardless of the loss.

A falling loss hides these faults. A finding that fails a training is certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, finding, number
from ..core.numbers import format_names
from ..core.relations import CountedLabels
from ..core.step_facts import TracedDraw
from ..core.trace import Trace
from . import thresholds as at

__all__ = ["RULES", "never_applied", "nothing_trainable", "trained_unseen"]

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

ONE_DRAW = Limit(
    10,
    "A function ran {limit} times or more for each time that it was traced.",
    set_by="Chosen, not measured: a function that is traced again at each call, or for"
    " each of a few steps, draws again.",
)

#: Share of the loss below which the added losses of a model are lost in rounding.
_SMALLEST_PENALTY = 1e-6

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
    hint="Call the model with training=True where gradients are taken:"
    " model(x, training=True), and in a training step of your own"
    " self(x, training=True).",
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
        seen="Gradients were computed again and again, and applied once or never. Or"
        " each update applied the sum of all gradients so far, which is never"
        " reset.",
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


LOSS_NOT_SCALED = Kind(
    name="loss_not_scaled",
    severity="error",
    suspects="loss_not_scaled",
    undone_by="a loss that is scaled as the optimizer expects",
    headline="{how}",
    text="{how} for {where}: every update used a gradient {value} times the intended"
    " size, limit {limit}",
    hint="Compute the gradients of optimizer.scale_loss(loss) and apply them with the"
    " same LossScaleOptimizer, or train without one.",
    explanation=Explanation(
        brief="loss scaling and gradient scaling do not match",
        seen="The optimizer divides gradients by a scale that the loss was never"
        " multiplied by, or the loss was multiplied and no optimizer divides the"
        " gradients.",
        why="Every update is too small or too large by that factor, often 32768 in half"
        " precision.",
        no_limit="Any factor other than 1 is wrong.",
    ),
)

PENALTY_LEFT_OUT = Kind(
    name="penalty_left_out",
    severity="error",
    suspects="penalty_left_out",
    headline="penalties of {value} are not in the loss",
    text="{where} has penalties of {value} (regularizers, add_loss), but the loss that"
    " was differentiated is only the data loss, {loss}",
    hint="Add them to the loss inside the tape: loss += sum(model.losses).",
    explanation=Explanation(
        brief="penalties are not in the loss",
        seen="The model has penalties (regularizers, add_loss), but the loss that was"
        " differentiated does not contain them.",
        why="Regularization has no effect although layers define it, and the model does"
        " not learn what add_loss should teach.",
        no_limit="Any penalty beyond rounding counts.",
    ),
)


SAMPLE_WEIGHT_IGNORED = Kind(
    name="sample_weight_ignored",
    severity="error",
    suspects="sample_weight_ignored",
    headline="the loss ignores the weights of the rows",
    text="fit of {where} got sample_weight or class_weight that differ between rows,"
    " but the loss of its training step does not depend on them",
    hint="Unpack them in train_step: x, y, sample_weight ="
    " keras.utils.unpack_x_y_sample_weight(data), and pass them to compute_loss or to"
    " the loss object.",
    explanation=Explanation(
        brief="sample_weight or class_weight has no effect",
        seen="Weights that differ among rows or classes were given to a training, and"
        " its loss, in a custom step or of your own, does not depend on them. Or it"
        " depends on the labels of rows whose weight is 0.",
        why="They reach train_step as the third part of its data. A step that drops"
        " them trains as if all rows had the same weight: rare classes get no boost,"
        " and rows of weight 0 are trained on.",
        limits=(at.NOT_COUNTED,),
    ),
)

#: End of the hints of `ARGUMENT_IGNORED`.
_OR_ALLOW = "If it should have no effect, write converges(allow='argument_ignored')."

ARGUMENT_IGNORED = Kind(
    name="argument_ignored",
    severity="error",
    suspects="argument_ignored",
    headline="the step ignores its {what}",
    text="the training step takes {where}, but nothing it computes depends on {where}:"
    " {so}",
    hint=f"Use it in the loss, or remove it from the step's arguments. {_OR_ALLOW}",
    explanation=Explanation(
        brief="a mask or weights have no effect",
        seen="A step is given a mask, weights or done flags, by their names, and does"
        " not use them: no result in the graph of a traced step depends on them, or the"
        " code of an eager one never reads them. Done flags need next states. A"
        " warning if the values are not known, and for a mask that a layer makes, too.",
        why="Padding is learned like data, rows of different weight count alike, or the"
        " value of an ended episode includes states after its end. The loss falls all"
        " the same.",
        no_limit="It is read from the step; there is no numeric limit.",
    ),
)

#: What an ignored argument is, what follows, and what to do, by its kind.
_IGNORED = {
    "mask": (
        "mask",
        "padded positions count like all others",
        "Multiply the loss of each position by the mask and divide by the sum of the"
        " mask, or pass it to the model: model(x, mask=mask).",
    ),
    "weights": (
        "weights",
        "all rows count equally",
        "Multiply the loss of each row by its weight before the mean, or pass them to"
        " the loss object: loss(y, predictions, sample_weight=weights).",
    ),
    "ends": (
        "ends of episodes",
        "targets include the value of states after the end",
        "Leave out the next value where an episode has ended: target = reward + gamma *"
        " (1 - done) * next_value.",
    ),
}
NOTHING_TRAINABLE = Kind(
    name="nothing_trainable",
    severity="error",
    suspects="nothing_trainable",
    headline="a model has no trainable weight",
    text="model {where} was trained by {by} and has no trainable weight: nothing in"
    " it changed",
    hint="Under Keras 3 trainable=False counts at once, also after compile: set"
    " trainable=True while it trains; or write"
    " converges(allow='nothing_trainable').",
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
    text="{value} of the variables that gradients were taken of changed{ended},"
    " and no recorded training changed them: {where} (gradients taken at {by})."
    " lossguard records the updates of Keras 3 optimizers only, so this training"
    " was not judged",
    hint="Apply the gradients by a Keras 3 optimizer, as keras.optimizers.SGD(rate)"
    ".apply(gradients, variables); or, if this is no training, write"
    " converges(allow='trained_unseen').",
    explanation=Explanation(
        brief="a training that was not recorded",
        seen="Variables changed for which gradients were computed, but no recorded"
        " update changed them.",
        why="They were trained in a way that lossguard does not record, so this"
        " training was not judged. A passing test would prove nothing.",
        no_limit="One such variable is enough.",
    ),
)


CUSTOM_GRADIENT_WRONG = Kind(
    name="custom_gradient_wrong",
    severity="warning",
    suspects="custom_gradient_wrong",
    headline="a hand-written gradient is wrong",
    text="the hand-written gradient of {name} ({where}) is {value}, but finite"
    " differences of its values give {limit}",
    hint="Correct its sign, factor and the order of its arguments. If it differs on"
    " purpose, name the function straight_through or surrogate, or write"
    " converges(allow='custom_gradient_wrong').",
    explanation=Explanation(
        brief="a hand-written gradient is wrong",
        seen="A tf.custom_gradient disagrees with finite differences of its own values,"
        " in float64, by more than 10% of the larger of the two, for most of the points"
        " tried in each of three draws.",
        why="The training follows a slope that the loss does not have. It may still"
        " fall, by what the other layers learn. Reversed or clipped gradients of a"
        " function that gives its input back, and those of steps such as rounding, are"
        " left alone.",
        limits=(at.LEFT_WITHOUT_FAULT,),
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
        seen="During a whole epoch fit, by Keras' own train_step, updates other weights"
        " than the trainable ones of the model. Weights that are updated although they"
        " are frozen are a warning: a GAN may freeze its discriminator that way.",
        why="Keras makes the training step once after compile() and keeps it, with the"
        " weights that were trainable then. Layers unfrozen for fine-tuning stay as"
        " they are, and the loss falls by what the other layers learn.",
        no_limit="It is seen in the updates; there is no numeric limit.",
    ),
)

RANDOM_DRAWN_ONCE = Kind(
    name="random_drawn_once",
    severity="warning",
    suspects="random_drawn_once",
    headline="{name} is drawn once for {value} {unit}",
    text="{name} at {where} draws once for {value} {unit}, limit {limit}: it is called"
    " in {function}, and Python runs there only while TensorFlow traces it. Each {each}"
    " uses the same number{more}",
    hint="Draw by TensorFlow, as tf.random.uniform or tf.random.normal: it draws at"
    " each run. In a dataset, tf.numpy_function calls Python for each element. If the"
    " number is meant to be drawn once, draw it before the function.",
    explanation=Explanation(
        brief="a random number is drawn once and never again",
        seen="A function of random or numpy.random was called while TensorFlow traced"
        " a training step, another function of the training, or a function given to a"
        " dataset (map). Left alone are numbers drawn while a layer is built, kept in"
        " an attribute, or used as a seed. Generators of numpy.random.default_rng are"
        " not seen.",
        why="Python runs only during the trace, and the number becomes a constant of"
        " the graph: the same time step, mask or noise at every step or for every row."
        " The loss falls, and the model learns that one case.",
        limits=(ONE_DRAW,),
    ),
)


def random_drawn_once(trace: Trace) -> Iterator[Finding]:
    """A random number that is drawn while a function is traced, and never again."""
    draws = () if trace.step is None else trace.step.traced_draws
    for in_dataset in (False, True):
        same = [it for it in draws if it.in_dataset == in_dataset]
        often = [it for it in same if _runs_per_draw(it, trace) >= ONE_DRAW]
        if often:
            yield _drawn_once(often, trace)


def _runs_per_draw(draw: TracedDraw, trace: Trace) -> int:
    runs = len(trace.steps) if draw.runs is None else draw.runs
    return runs // max(1, draw.traces)


def _drawn_once(draws: list[TracedDraw], trace: Trace) -> Finding:
    """Make one finding for all draws in training functions, or in those of datasets."""
    first, more = draws[0], len(draws) - 1
    function, each = "the training step", "step"
    if first.in_dataset:
        function, each = "a function given to a dataset", "row"
    elif first.runs is not None:
        function, each = "a tf.function", "call"
    also = ", ".join(it.place for it in draws[1 : 1 + _MOST_NAMED])
    dots = ", ..." if more > _MOST_NAMED else ""
    return finding(
        RANDOM_DRAWN_ONCE,
        value=_runs_per_draw(first, trace),
        limit=ONE_DRAW,
        where=first.place,
        name=first.name,
        unit="steps" if first.runs is None else "calls",
        function=function,
        each=each,
        more=f". The same at {also}{dots}" if more else "",
    )


def custom_gradient_wrong(trace: Trace) -> Iterator[Finding]:
    """A `tf.custom_gradient` that disagrees with the values of its function."""
    for it in () if trace.step is None else trace.step.custom_gradients:
        yield finding(
            CUSTOM_GRADIENT_WRONG,
            value=it.given,
            limit=it.real,
            where=it.place,
            name=it.name,
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


def loss_not_scaled(trace: Trace) -> Iterator[Finding]:
    """Gradients that are divided by a scale although the loss was not multiplied by it,
    or that are not divided although it was.
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


def sample_weight_ignored(trace: Trace) -> Iterator[Finding]:
    """Sample weights that ``fit`` was given and no loss depends on, or rows of weight 0
    that a loss counts.
    """
    counted = None if trace.relations is None else trace.relations.weightless
    if trace.step is not None and trace.step.weights_left_out:
        yield finding(SAMPLE_WEIGHT_IGNORED, where=trace.model)
    elif counted is not None and counted.changed > at.NOT_COUNTED:
        yield _counts_weightless(counted)


def argument_ignored(trace: Trace) -> Iterator[Finding]:
    """Masks, weights or ends of episodes on which nothing in a step depends."""
    facts = trace.step
    if facts is None or facts.weights_left_out:
        return
    for it in facts.ignored:
        if it.differs is False or (it.kind == "ends" and not it.bootstraps):
            continue
        what, so, hint = _IGNORED[it.kind]
        made = it.kind == "mask" and it.model_masks
        found = finding(
            ARGUMENT_IGNORED,
            severity="error" if it.differs and it.is_named and not made else "warning",
            where=it.name,
            what=what,
            so=so,
        )
        yield replace(found, hint=f"{hint} {_OR_ALLOW}")


def _counts_weightless(counted: CountedLabels) -> Finding:
    where = f"the model {counted.model}"
    value, limit = counted.changed, at.NOT_COUNTED
    found = finding(SAMPLE_WEIGHT_IGNORED, value=value, limit=limit, where=where)
    return replace(
        found,
        message=f"with other labels in {counted.places} of {counted.of} {counted.unit},"
        f" whose weight is 0, the gradient of {where} changes by {number(value)} of its"
        f" size, limit {number(limit)}: its step does not apply the weights to all of"
        " the loss",
        headline=f"{counted.unit} of weight 0 are trained on",
        hint="Multiply the loss of each row by its weight before any mean, in each loss"
        " of the step. A custom loss function given to compile must return one number"
        " per row: Keras cannot weight a mean.",
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
    loss_not_scaled,
    penalty_left_out,
    sample_weight_ignored,
    argument_ignored,
    random_drawn_once,
    custom_gradient_wrong,
)
