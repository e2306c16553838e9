"""Faults of what the training step computes, regardless of how the loss falls.

A falling loss hides these faults. A finding that fails a training is certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, finding
from ..core.numbers import number
from ..core.relations import CountedLabels
from ..core.step_facts import TracedDraw
from ..core.trace import Trace
from . import thresholds

#: Maximum number of names in a sentence.
_MOST_NAMED = 3

# Limits, each with its source

ONE_DRAW = Limit(
    10,
    "A function ran {limit} times or more for each time that it was traced.",
    set_by="Chosen, not measured: a function that is traced again at each call, or for"
    " each of a few steps, draws again.",
)

#: Share of the loss below which the added losses of a model are lost in rounding.
_SMALLEST_PENALTY = 1e-6

# Kinds of findings

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
        seen="A training got weights that differ between rows or classes, but its"
        " custom step or loss does not depend on them. Or the loss depends on the"
        " labels of rows whose weight is 0.",
        why="They reach train_step as the third part of its data. A step that drops"
        " them trains as if all rows had the same weight: rare classes get no boost,"
        " and rows of weight 0 are trained on.",
        limits=(thresholds.NOT_COUNTED,),
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
        seen="A step takes arguments named like a mask, weights or done flags and does"
        " not use them: no result in the graph of a traced step depends on them, or the"
        " code of an eager step never reads them. Done flags count only with next"
        " states. It is a warning if the values are unknown or if a layer makes the"
        " mask.",
        why="Padding is learned like data, rows of different weight count equally, or"
        " the value of an ended episode includes states after its end. The loss still"
        " falls.",
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
        why="The training follows a slope that the loss does not have. The loss may"
        " still fall because other layers learn. Reversed or clipped gradients of an"
        " identity function and gradients of step functions such as rounding are not"
        " reported.",
        limits=(thresholds.LEFT_WITHOUT_FAULT,),
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
    hint="Draw with TensorFlow, for example tf.random.uniform or tf.random.normal,"
    " which draw at each run. In a dataset, tf.numpy_function calls Python for each"
    " element. If the number is meant to be drawn once, draw it before the function.",
    explanation=Explanation(
        brief="a random number is drawn once and never again",
        seen="A function of random or numpy.random was called while TensorFlow traced a"
        " training step, another function of the training, or a function given to a"
        " dataset (map). Numbers drawn while a layer is built, kept in an attribute, or"
        " used as a seed are not reported. Generators of numpy.random.default_rng are"
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
    elif counted is not None and counted.changed > thresholds.NOT_COUNTED:
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
        yield finding(
            ARGUMENT_IGNORED,
            severity="error" if it.differs and it.is_named and not made else "warning",
            where=it.name,
            what=what,
            so=so,
            hint=f"{hint} {_OR_ALLOW}",
        )


def _counts_weightless(counted: CountedLabels) -> Finding:
    where = f"the model {counted.model}"
    value, limit = counted.changed, thresholds.NOT_COUNTED
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


RULES = (
    loss_not_scaled,
    penalty_left_out,
    sample_weight_ignored,
    argument_ignored,
    random_drawn_once,
    custom_gradient_wrong,
)
