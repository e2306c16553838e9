"""Checks of the outcome: the loss must fall, and below that of a constant."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.explanation import (
    Explanation,
    Limit,
    curves,
    falling,
    level,
    noisy,
)
from ..core.findings import Finding, Kind, Severity, finding
from ..core.numbers import number
from ..core.policy import Policy
from ..core.trace import EXACT_WEIGHTS, Trace
from . import thresholds
from .curve import FALLING, LossCurve, exceeds
from .scale import is_in_scale, is_out_of_scale

# Limits, each with its source

LIVED_LEVEL = Limit(
    1.5,
    "A run that started far off also fails if the loss of its last quarter is above"
    " {limit} times that of the constant, even if its last step is below it. Short runs"
    " are left out.",
    set_by="Chosen, not measured.",
)
SLOW_PROGRESS = Limit(
    0.10,
    "A long run is slow, not broken, if its loss still falls and is {limit:.0%} below"
    " its start.",
    set_by="Chosen, not measured.",
)
ENOUGH_STEPS = Limit(
    5,
    "With fewer than {limit} updates it is a warning only.",
    set_by="Chosen, not measured: so few updates prove nothing.",
)
CONSTANT_SPREAD = Limit(
    1e-4,
    "The predictions vary by at most {limit} of the spread of the targets.",
    set_by="Dead nets vary by 0 to 1e-5, the least confident healthy one by 0.02.",
)
MASKED = Limit(
    1.5,
    "The loss scored from the predictions is more than {limit} times the loss that"
    " the training reports, and no better than that of a constant.",
    set_by="Softmax over one unit scores 8.0 and reports 0.28; none of 45 healthy"
    " programs comes near.",
)

# Kinds of findings


MASKED_LOSS = Kind(
    name="masked_loss",
    severity="error",
    suspects="loss_output_mismatch",
    symptoms=("misfit",),
    headline="reports loss {reported}, predictions score {value}",
    text="the training reports a loss of {reported}, but scored from the model's"
    " predictions it is {value}, limit {limit}",
    hint="Softmax over one unit? Use Dense(1, 'sigmoid') with"
    " binary_crossentropy, or one unit per class with softmax.",
    explanation=Explanation(
        brief="the reported loss hides wrong predictions",
        seen="After training the loss was computed once more from what model.predict"
        " returns. It is far above the loss that the training reported.",
        why="Keras computes cross-entropy from the logits that it remembers from a"
        " softmax or sigmoid. So the reported loss falls while every prediction stays"
        " the same.",
        limits=(MASKED,),
        curves=curves(reported=falling(0.6, 0.28), predicted=level(8.0)),
    ),
)

LOSS_NOT_DECREASING = Kind(
    name="loss_not_decreasing",
    severity="error",
    symptoms=("too_high",),
    headline="loss {fell}: {start} -> {value}, limit {limit}",
    text="the loss {fell}: {start} {began}, {value} {ended}, limit {limit}{asked}",
    hint="Do the updates reach the model? Try another learning rate, scaled inputs, or"
    " the default initialization.",
    explanation=Explanation(
        brief="the loss did not fall, or fell too little",
        seen="After the last update the loss on a fixed sample of rows is no lower than"
        " before the first one, or is above max_loss, or did not fall by the share that"
        " min_drop asks for.",
        why="Nothing was learned. Updates do not reach the model, or they lead"
        " nowhere.",
        limits=(thresholds.LEVEL, ENOUGH_STEPS),
        curves=curves(loss=noisy((1.0,) * 40, 0.05)),
    ),
)

WORSE_THAN_CONSTANT = Kind(
    name="worse_than_constant",
    severity="error",
    symptoms=("too_high",),
    headline="loss ended at {value}, a constant costs {limit}",
    text="the loss ended at {value} after step {step}; always predicting {constant}"
    " costs {limit}",
    hint="The model learned less than a constant: scale inputs and targets, check"
    " the output layer and the labels.",
    explanation=Explanation(
        brief="the model is worse than a constant",
        seen="After training the model's predictions cost more than always predicting"
        " the same value: the mean, the median or the shares of the classes, whichever"
        " is best under the training's own loss.",
        why="A loss that fell by a lot may only have recovered from a bad start. A"
        " model that is no better than a constant is useless, however good its curve"
        " looks.",
        limits=(thresholds.LEVEL, SLOW_PROGRESS, LIVED_LEVEL),
        curves=curves(loss=falling(40.0, 8.0), constant=(1.0,) * 40),
    ),
)

CONSTANT_PREDICTIONS = Kind(
    name="constant_predictions",
    severity="error",
    headline="the model predicts the same for every row",
    text="after step {step} the model predicts the same for every row (spread"
    " {value}, limit {limit})",
    hint="Look for dead or saturated units and for inputs without information: scale"
    " the inputs, check activations and initialization.",
    explanation=Explanation(
        brief="the same prediction for every row",
        seen="After training the model predicts the same for every row, although the"
        " targets differ.",
        why="The model ignores its inputs. Its loss has fallen to that of a constant"
        " and cannot fall further.",
        limits=(CONSTANT_SPREAD,),
        curves=curves(loss=falling(1.0, 0.25), constant=(0.25,) * 40),
    ),
)

SLOW_CONVERGENCE = Kind(
    name="slow_convergence",
    severity="warning",
    suspects="too_few_steps",
    symptoms=("stuck",),
    text="the loss is at {value} after step {step} and {how}; a constant"
    " prediction costs {limit}",
    hint="Train for more steps, or with a higher learning rate.",
    explanation=Explanation(
        brief="still falling, not yet below a constant",
        seen="The loss is not yet below that of a constant prediction, but it still"
        " falls steadily, or the run was short; or the loss in training is fine and the"
        " averages of batch normalization lag behind.",
        why="A slow run is not broken, so the test passes. But such a short run does"
        " not show that the model can learn.",
        limits=(
            SLOW_PROGRESS,
            FALLING,
        ),
        curves=curves(
            loss=tuple(2.0 - 0.02 * it for it in range(40)), constant=(1.0,) * 40
        ),
    ),
)


PLATEAU = Kind(
    name="plateau",
    severity="warning",
    symptoms=("stuck",),
    headline="loss ended at {value}, a constant costs {limit}",
    text="the loss ended at {value} after step {step} and a constant prediction"
    " costs {limit}: {why}",
    hint="Check that the labels depend on the inputs and still belong to the same"
    " rows; otherwise try more steps or a higher learning rate.",
    explanation=Explanation(
        brief="the loss stays at the level of a constant",
        seen="The loss ended level with a constant prediction, or hardly below it, and"
        " no longer falls.",
        why="Either there is nothing to learn from these inputs, or the labels belong"
        " to other rows, or the updates are far too small. The test passes because a"
        " short run on hard data looks the same.",
        limits=(thresholds.BARELY, thresholds.LEVEL),
        curves=curves(loss=level(1.0), constant=(1.0,) * 40),
    ),
)

UNCHANGED_WEIGHTS = Kind(
    name="unchanged_weights",
    severity="error",
    suspects="disconnected_variables",
    symptoms=("stuck",),
    headline="no weight changed in {step} steps",
    text="{where} did not change in {step} steps",
    hint="Check the learning rate, the variables given to the optimizer, and that"
    " gradients reach them.",
    explanation=Explanation(
        brief="no weight ever moved",
        seen="No variable moved at any step: all updates were exactly zero.",
        why="The loop ran but trained nothing: the learning rate is 0, the optimizer"
        " has the variables of another model, or no gradient reaches any variable.",
        no_limit="Every update was exactly zero.",
        curves=curves(loss=(0.9, 1.1, 1.0, 0.95) * 10),
    ),
)


def loss_not_decreasing(
    trace: Trace, curve: LossCurve, policy: Policy
) -> Iterator[Finding]:
    """The loss after the last update is not below the loss before the first one.

    Not reported if there is nothing to fall from: a start level with a constant
    prediction is left to `worse_than_constant`, and a start well below it is that of a
    model trained before. Nor if another training works against this one or the targets
    move, unless ``min_drop`` is set.
    """
    if not curve.finite or (trace.need_not_fall and policy.min_drop is None):
        return
    drop = policy.min_drop if policy.min_drop is not None else thresholds.LEVEL
    limit = curve.start - drop * abs(curve.start)
    severity: Severity = "error"
    if policy.min_drop is None:
        level = curve.starts_level and curve.ended_level and not curve.kept_its_start
        if curve.end < limit or curve.is_steady or level:
            return
        unsure = trace.before is None and (
            curve.may_have_fallen >= thresholds.SURELY or _nears_zero_from_below(curve)
        )
        blown = len(curve.losses) and np.max(
            curve.losses
        ) > thresholds.BLOWN_AT_ONCE * abs(curve.start)
        if curve.steps < ENOUGH_STEPS or (unsure and not blown):
            severity = "warning"
    elif curve.end <= limit:
        return
    asked = "" if policy.min_drop is None else f" (min_drop={drop:g})"
    yield _not_decreasing(trace, curve, limit, asked, severity=severity)


def _nears_zero_from_below(curve: LossCurve) -> bool:
    """Whether the loss rose and is still negative.

    The loss of a policy gradient, which is multiplied by an advantage, does so as the
    advantage shrinks.
    """
    return not curve.has_floor and curve.start < curve.end <= 0


def loss_above_maximum(
    trace: Trace, curve: LossCurve, policy: Policy
) -> Iterator[Finding]:
    """The final loss exceeds the ``max_loss`` of the policy."""
    if policy.max_loss is None or not curve.end > policy.max_loss:
        return
    asked = f" (max_loss={policy.max_loss:g})"
    yield _not_decreasing(trace, curve, policy.max_loss, asked)


def _not_decreasing(
    trace: Trace,
    curve: LossCurve,
    limit: float,
    asked: str,
    *,
    severity: Severity = "error",
) -> Finding:
    """Make the finding, worded for the requirement and the type of start and end."""
    began, ended = "before the first update", f"after step {curve.steps}"
    return finding(
        LOSS_NOT_DECREASING,
        severity=severity,
        step=curve.steps,
        value=curve.end,
        limit=limit,
        start=curve.start,
        fell="fell too little" if asked and curve.end < curve.start else "did not fall",
        asked=asked,
        began=began if trace.before else "in the first steps",
        ended=ended if trace.after else "in the last",
    )


def worse_than_constant(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """The model ends no better than the best constant prediction.

    Two kinds of runs are excused as slow: a short run that ended near the constant, and
    a run that started at the right order of magnitude, has lost a good part of its loss
    and was still falling. A run that started further off must have lost most of its
    loss, and its data must not explain such a start.
    """
    constant = curve.constant
    if constant is None or not curve.finite:
        return
    level = curve.end
    if curve.beats_constant:
        if not _lived_above(curve):
            if curve.barely_learned:
                yield _plateau(curve, constant)
            return
        level = curve.late_loss
    elif _is_slow(trace, curve) and not _predicts_a_constant(trace):
        if not curve.is_falling:
            yield _plateau(curve, constant)
        return  # slow_convergence reports the others
    yield finding(
        WORSE_THAN_CONSTANT,
        step=curve.steps,
        value=level,
        limit=constant,
        constant=trace.constant,
    )


def _lived_above(curve: LossCurve) -> bool:
    """Whether only a lucky last step is below the constant: the last quarter lay far
    above.
    """
    constant = curve.constant
    return (
        constant is not None
        and not curve.is_short
        and not curve.starts_in_scale
        and curve.late_loss > LIVED_LEVEL * constant
    )


def _is_slow(trace: Trace, curve: LossCurve) -> bool:
    """Whether the run is slow, not broken: short, or still falling steadily.

    A run whose start far off is explained by data out of scale is not slow.
    """
    if not curve.starts_in_scale and is_out_of_scale(trace):
        return False
    if curve.is_far_above_constant and not (
        curve.is_approaching and is_in_scale(trace)
    ):
        return False
    if curve.is_short:
        level = curve.starts_level and curve.ended_level
        return curve.decreased or (level and not curve.kept_its_start)
    progress = exceeds(curve.start, curve.end, SLOW_PROGRESS)
    return (curve.is_falling and progress) or curve.is_on_its_way


def _plateau(curve: LossCurve, constant: float) -> Finding:
    if curve.barely_learned:
        why = "it learned hardly more than a constant, or there is little to learn"
    elif curve.starts_level:
        why = "it started there; nothing was learned, or there is nothing to learn"
    else:
        why = "it learned no more than a constant, or needs more steps"
    return finding(PLATEAU, step=curve.steps, value=curve.end, limit=constant, why=why)


def slow_convergence(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Not yet below a constant, still falling, and excused as slow; or below it in
    training only, because the averages of batch normalization lag.
    """
    constant = curve.constant
    if constant is None or not curve.finite:
        return
    if curve.beats_constant:
        if curve.lags and exceeds(curve.predicts, constant, -thresholds.LEVEL):
            how = (
                f"is {number(curve.end)} in training mode: the averages of batch"
                f" normalization (layer {trace.averaging[0]}) lag, lower its momentum"
            )
            yield _slow(curve, curve.predicts, constant, how)
        return
    slow = _is_slow(trace, curve) and not _predicts_a_constant(trace)
    if slow and curve.is_falling:
        how = f"still falling ({curve.fall:.0%} in the last quarter)"
        yield _slow(curve, curve.end, constant, how)


def _slow(curve: LossCurve, loss: float, constant: float, how: str) -> Finding:
    return finding(
        SLOW_CONVERGENCE, step=curve.steps, value=loss, limit=constant, how=how
    )


def _target_spread(trace: Trace) -> float:
    """Return the largest standard deviation of a target column; 1 for class labels."""
    if not trace.targets:
        return 0.0
    return max(
        float(np.max(it.std)) if it.is_numeric else float(np.any(it.std > 0))
        for it in trace.targets
    )


def _predicts_a_constant(trace: Trace) -> bool:
    if trace.after is None:
        return False
    return trace.after.spread <= CONSTANT_SPREAD * _target_spread(trace)


def constant_predictions(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Every row gets the same prediction although the targets differ."""
    if trace.after is None or curve.beats_constant or not curve.finite:
        return
    if _target_spread(trace) > 0 and _predicts_a_constant(trace):
        yield finding(
            CONSTANT_PREDICTIONS,
            step=curve.steps,
            value=trace.after.spread,
            limit=CONSTANT_SPREAD * _target_spread(trace),
        )


def masked_loss(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """The reported loss is far below the loss of the predictions.

    Only checked if the predictions are no better than a constant: sigmoid outputs under
    categorical cross-entropy, and softmax under ``from_logits=True``, also score
    differently from plain predictions, but train as the correct program does.
    """
    after = trace.after
    if after is None or not curve.finite or curve.constant is None:
        return
    if after.reported < 0:
        return  # multiples of a negative loss are meaningless
    limit = MASKED * after.reported
    if after.loss > limit and not curve.beats_constant:
        yield finding(
            MASKED_LOSS,
            step=curve.steps,
            value=after.loss,
            limit=limit,
            reported=after.reported,
        )


def unchanged_weights(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """No variable moved at any step."""
    updates, weights = trace.steps.update_norm, trace.steps.weight_norm
    # Only some rows of a large variable are compared for updates, and those of a huge
    # one also for its weights: then the score must be unchanged as well.
    is_still = not updates.any() and not (weights != weights[:1]).any()
    if max(trace.sizes, default=0) > EXACT_WEIGHTS:
        is_still = is_still and curve.end == curve.start
    if updates.size and is_still:
        yield finding(
            UNCHANGED_WEIGHTS, step=curve.steps, value=0, limit=0, where="the model"
        )


RULES = (
    masked_loss,
    unchanged_weights,
    loss_not_decreasing,
    loss_above_maximum,
    worse_than_constant,
    constant_predictions,
    slow_convergence,
)
