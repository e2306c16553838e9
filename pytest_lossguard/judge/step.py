"""What the training step itself does wrong: facts, whatever the loss did.

A loss that falls hides them: each is certain where it fails a training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, finding, number
from ..core.relations import CountedLabels
from ..core.trace import Trace
from . import thresholds as at

__all__ = ["RULES", "never_applied", "nothing_trainable", "trained_unseen"]

#: Names that a sentence has room for.
_MOST_NAMED = 3

# Limits, each with what set it

#: Gradients that were taken after the last update. A training of one update alone is
#: judged so: after many, gradients may be taken to look at them.
MOST_AFTER = Limit(
    8,
    "After the last update gradients were computed more than {limit} times, and twice"
    " as often as before it.",
    set_by="A loop that accumulates four micro-batches and then stops leaves at most"
    " three.",
)
#: ... and how many times those that led to it.
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
    explanation=Explanation(
        brief="layers were never called in training mode",
        seen="Layers with BatchNormalization or Dropout were trained, and never called"
        " in training mode.",
        why="BatchNormalization does not learn its averages and Dropout drops nothing."
        " The loss falls all the same; predictions in production differ from those in"
        " training.",
        no_limit="One such layer is enough: an error, or a warning where the loop"
        " asked for training=False itself.",
    ),
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
    explanation=Explanation(
        brief="gradients are taken and not applied",
        seen="Gradients were computed again and again, and applied once or never. Or"
        " each update applied the sum of all gradients so far, which is never"
        " reset.",
        why="The loop runs and prints a loss, and nothing trains. In a tf.function a"
        " Python condition is decided once, at tracing.",
        limits=(MOST_AFTER, FEWEST_SUMS),
    ),
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
    text="{how} for {where}: every update was that of a gradient {value} times as large"
    " as meant, limit {limit}",
    hint="Take the gradients of optimizer.scale_loss(loss), and apply them by the same"
    " LossScaleOptimizer; or train without one.",
    explanation=Explanation(
        brief="gradients are scaled, and not the loss",
        seen="The optimizer divides gradients by a scale that the loss was never"
        " multiplied by, or the loss was multiplied and no optimizer divides.",
        why="Every update is too small or too large by that factor, in half precision"
        " often 32768.",
        no_limit="Any factor other than 1 is wrong.",
    ),
)

PENALTY_LEFT_OUT = Kind(
    name="penalty_left_out",
    severity="error",
    suspects="penalty_left_out",
    headline="penalties of {value} are not in the loss",
    text="{where} has losses of its own that come to {value} (regularizers, add_loss),"
    " and the loss that was differentiated is the data loss alone, {loss}",
    hint="Add them to the loss under the tape: loss += sum(model.losses).",
    explanation=Explanation(
        brief="penalties are not in the loss",
        seen="The model has losses of its own (regularizers, add_loss), and the loss"
        " that was differentiated does not contain them.",
        why="Regularization has no effect, although the layers ask for it; what"
        " add_loss is to teach is not learned.",
        no_limit="Any penalty beyond rounding counts.",
    ),
)


SAMPLE_WEIGHT_IGNORED = Kind(
    name="sample_weight_ignored",
    severity="error",
    suspects="sample_weight_ignored",
    headline="the loss ignores the weights of the rows",
    text="fit of {where} was given sample_weight or class_weight that differ among"
    " rows, and the loss of its training step does not depend on them",
    hint="Unpack them in train_step: x, y, sample_weight ="
    " keras.utils.unpack_x_y_sample_weight(data), and give them to compute_loss or to"
    " the loss object.",
    explanation=Explanation(
        brief="sample_weight or class_weight has no effect",
        seen="Weights that differ among rows or classes were given to a training, and"
        " its loss, in a custom step or of your own, does not depend on them. Or it"
        " depends on the labels of rows whose weight is 0.",
        why="They reach train_step as the third part of its data. A step that drops"
        " them trains as if all rows counted alike: rare classes are not learned"
        " better, rows of weight 0 are trained on.",
        limits=(at.NOT_COUNTED,),
    ),
)

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
        " limit can see that.",
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
        seen="Variables changed that gradients were taken of, and no recorded update"
        " changed them.",
        why="They were trained in a way that lossguard does not record, so that this"
        " training was not judged. A test that passes would prove nothing.",
        no_limit="One such variable is enough.",
    ),
)


CUSTOM_GRADIENT_WRONG = Kind(
    name="custom_gradient_wrong",
    severity="warning",
    suspects="custom_gradient_wrong",
    headline="a gradient written by hand is wrong",
    text="the gradient written by hand of {name} ({where}) is {value} where finite"
    " differences of its values give {limit}",
    hint="Correct its sign, factor and the order of its arguments. If it differs on"
    " purpose, name the function straight_through or surrogate, or write"
    " converges(allow='custom_gradient_wrong').",
    explanation=Explanation(
        brief="a gradient written by hand is wrong",
        seen="A tf.custom_gradient disagrees with finite differences of its own values,"
        " in float64, by more than 10% of the larger of the two, at most of the places"
        " that were tried in each of three draws.",
        why="The training follows a slope that the loss does not have. It may still"
        " fall, by what the other layers learn. Reversed or clipped gradients of a"
        " function that gives its input back, and those of steps such as rounding, are"
        " left alone.",
        limits=(at.LEFT_WITHOUT_FAULT,),
    ),
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


def sample_weight_ignored(trace: Trace) -> Iterator[Finding]:
    """Weights of rows that ``fit`` was given, and no loss has; or rows of weight 0 that
    a loss counts.
    """
    counted = None if trace.relations is None else trace.relations.weightless
    if trace.step is not None and trace.step.weights_left_out:
        yield finding(SAMPLE_WEIGHT_IGNORED, where=trace.model)
    elif counted is not None and counted.changed > at.NOT_COUNTED:
        yield _counts_weightless(counted)


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
        " of the step. A loss function of your own, given to compile, must return one"
        " number per row: Keras cannot weight a mean.",
    )


def optimizer_restarted(trace: Trace) -> Iterator[Finding]:
    """The same optimizer made anew again and again, its state lost each time."""
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
    """One update, and from then on gradients that lead to none; or updates that apply
    each gradient again and again.
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
        message=f"gradients of {where} are added up and the sums never set to 0: each"
        f" of {updates} updates applied all gradients since the start once more, limit"
        f" {FEWEST_SUMS:g}",
        headline="sums of gradients are never set to 0",
        hint="Set each sum to 0 after the update: total.assign(tf.zeros_like(total)).",
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


def nothing_trainable(model: str, by: str) -> Finding:
    """A model that was to be trained and has no trainable weight."""
    return finding(NOTHING_TRAINABLE, where=repr(model), by=by)


def trained_unseen(value: int, where: str, by: str, ended: str) -> Finding:
    """Variables that changed and that no recorded training changed."""
    return finding(TRAINED_UNSEEN, value=value, where=where, by=by, ended=ended)


RULES = (
    inference_mode,
    update_skipped,
    optimizer_restarted,
    loss_not_scaled,
    penalty_left_out,
    sample_weight_ignored,
    custom_gradient_wrong,
)
