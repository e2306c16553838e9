"""Checks by outcome: a loss must fall, and below what a constant would cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..core.explanation import (
    Explanation,
    Limit,
    curves,
    falling,
    level,
    noisy,
    rising,
)
from ..core.findings import Finding, Kind, Severity, finding, number
from ..core.policy import Policy
from ..core.trace import EXACT_WEIGHTS, Floats, Trace, Validation
from . import thresholds as at
from .curve import FALLING, LossCurve, exceeds
from .held_out import differs, others_held_out, seen_in_columns
from .hints import LOWER_THE_RATE
from .scale import is_in_scale, is_out_of_scale

__all__ = ["PLATEAU", "RULES"]

# Limits, each with what set it

LIVED_LEVEL = Limit(
    1.5,
    "A run that is not short and started far off is worse, too, if its last"
    " quarter lay {limit} times above the constant, whatever its last step was.",
    set_by="Chosen, not measured.",
)
SLOW_PROGRESS = Limit(
    0.10,
    "A long run is slow and not broken if its loss still falls and it lost"
    " {limit:.0%} of its start.",
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
    set_by="Nets that are dead vary by 0 to 1e-5, the least sure healthy one by 0.02.",
)
MASKED = Limit(
    1.5,
    "The loss scored from the predictions is more than {limit} times the loss that"
    " the training reports, and no better than that of a constant.",
    set_by="Softmax over one unit scores 8.0 and reports 0.28; none of 45 healthy"
    " programs comes near.",
)
HELD_OUT_RISE = Limit(
    0.1,
    "The held-out loss ends {limit:.0%} above its lowest value, and much of what held"
    " outside is lost again.",
    set_by="Chosen, not measured.",
)
#: ... or it is no better than a constant, no longer falling, and so far above the
#: training loss.
HELD_OUT_GAP, HELD_OUT_FLAT = 1.2, 0.05
HELD_OUT_LOST = Limit(
    0.25,
    "{limit:.0%} of what the best held-out loss removed of a constant's loss is lost"
    " again, and less than half is left.",
    set_by="Of 292 healthy trainings 39 were warned of for a rise alone: a loss that"
    " rises from next to nothing only tells that the model is too sure.",
)

# What they find

DIVERGING_LOSS = Kind(
    name="diverging_loss",
    severity="error",
    suspects="learning_rate_too_high",
    headline="loss blew up to {value} at step {step}, limit {limit}",
    text="the loss blew up to {value} at step {step}, limit {limit} ({factor} x the"
    " larger of its start and a constant prediction)",
    hint=LOWER_THE_RATE,
    explanation=Explanation(
        brief="the loss blew up",
        seen="The loss of a step exceeded the limit, in the median of three steps in a"
        " row, or once by far, or at the last step.",
        why="The updates overshoot. The weights are thrown far away, and what was"
        " learned before is lost; some runs come back to a loss that looks fine and is"
        " worse than it could be.",
        limits=(
            Limit(
                Policy().max_loss_growth,
                "The loss may grow to {limit} times the larger of its start and of a"
                " constant prediction (max_loss_growth in the marker).",
                set_by="None of 45 healthy programs came near it, all published"
                " blow-ups passed it.",
            ),
            at.SPIKE,
            at.RETURNS,
        ),
        curves=curves(loss=rising(1.0, 1.25)),
    ),
)

MASKED_LOSS = Kind(
    name="masked_loss",
    severity="error",
    suspects="loss_output_mismatch",
    headline="reports loss {reported}, predictions score {value}",
    text="the training reports a loss of {reported}, but scored from the model's"
    " predictions it is {value}, limit {limit}",
    hint="Softmax over one unit? Use Dense(1, 'sigmoid') with"
    " binary_crossentropy, or one unit per class with softmax.",
    explanation=Explanation(
        brief="the reported loss hides wrong predictions",
        seen="After training the loss was computed once more from what model.predict"
        " returns. It is far above the loss that the training reported.",
        why="Keras computes cross-entropy from the logits that it remembers of a"
        " softmax or sigmoid. So the reported loss falls while every prediction stays"
        " the same.",
        limits=(MASKED,),
        curves=curves(reported=falling(0.6, 0.28), predicted=level(8.0)),
    ),
)

LOSS_NOT_DECREASING = Kind(
    name="loss_not_decreasing",
    severity="error",
    headline="loss {fell}: {start} -> {value}, limit {limit}",
    text="the loss {fell}: {start} {began}, {value} {ended}, limit {limit}{asked}",
    hint="Does the update reach the model? Try another learning rate, scaled"
    " inputs, the default initialization.",
    explanation=Explanation(
        brief="the loss did not fall, or too little",
        seen="The loss on a fixed sample of rows is after the last update no lower than"
        " before the first one, or not lower by the share that min_drop asks for, or"
        " above max_loss.",
        why="Nothing was learned. Updates do not reach the model, or they lead"
        " nowhere.",
        limits=(at.LEVEL, ENOUGH_STEPS),
        curves=curves(loss=noisy((1.0,) * 40, 0.05)),
    ),
)

WORSE_THAN_CONSTANT = Kind(
    name="worse_than_constant",
    severity="error",
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
        why="A loss that fell by a lot may only have come down from a bad start. A"
        " model that is no better than a constant is worth nothing, however good its"
        " curve looks.",
        limits=(at.LEVEL, SLOW_PROGRESS, LIVED_LEVEL),
        curves=curves(loss=falling(40.0, 8.0), constant=(1.0,) * 40),
    ),
)

CONSTANT_PREDICTIONS = Kind(
    name="constant_predictions",
    severity="error",
    headline="the model predicts the same for every row",
    text="after step {step} the model predicts the same for every row (spread"
    " {value}, limit {limit})",
    hint="Dead or saturated units, or inputs without information: scale the inputs,"
    " check activations and initialization.",
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
    text="the loss is at {value} after step {step} and {how}; a constant"
    " prediction costs {limit}",
    hint="Needs more steps, or a higher learning rate.",
    explanation=Explanation(
        brief="still falling, not yet below a constant",
        seen="The loss is not yet below that of a constant prediction, but it still"
        " falls steadily, or the run was short; or the loss in training is fine and the"
        " averages of batch normalization lag behind.",
        why="Slow is not broken, so the test passes. But so short a run does not show"
        " that the model can learn.",
        limits=(
            SLOW_PROGRESS,
            FALLING,
        ),
        curves=curves(
            loss=tuple(2.0 - 0.02 * it for it in range(40)), constant=(1.0,) * 40
        ),
    ),
)

OSCILLATING_LOSS = Kind(
    name="oscillating_loss",
    severity="warning",
    text="the loss jumped to {value} at step {step}, limit {limit}, and came back",
    hint=LOWER_THE_RATE,
    explanation=Explanation(
        brief="the loss jumped up once and came back",
        seen="The loss of a single step exceeded the limit of growth and came back at"
        " once.",
        why="One batch threw the weights off. That is an outlier in the data, or a"
        " learning rate at the edge of being too high.",
        limits=(at.SPIKE,),
        curves=curves(loss=(*falling(1.0, 0.2, 25), 20.0, 1.5, *falling(0.6, 0.2, 13))),
    ),
)

NOISY_LOSS = Kind(
    name="noisy_loss",
    severity="warning",
    text="the loss fluctuates by {multiple} its value from step to step, limit"
    " {share_limit}",
    hint="Use larger batches or a lower learning rate.",
    explanation=Explanation(
        brief="the loss jumps up and down",
        seen="The loss of a training that went badly jumps up and down from step to"
        " step.",
        why="Each update undoes the last one. Batches are too small for the learning"
        " rate, or one feature or row outweighs the others.",
        limits=(at.NOISY,),
        curves=curves(loss=noisy((1.0,) * 40, 0.9)),
    ),
)

PLATEAU = Kind(
    name="plateau",
    severity="warning",
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
        " to other rows, or the updates are far too small. The test passes, as a short"
        " run on hard data looks the same.",
        limits=(at.BARELY, at.LEVEL),
        curves=curves(loss=level(1.0), constant=(1.0,) * 40),
    ),
)

UNCHANGED_WEIGHTS = Kind(
    name="unchanged_weights",
    severity="error",
    suspects="disconnected_variables",
    headline="no weight changed in {step} steps",
    text="{where} did not change in {step} steps",
    hint="Check the learning rate, the variables given to the optimizer, and that"
    " gradients reach them.",
    explanation=Explanation(
        brief="no weight ever moved",
        seen="No variable moved at any step: all updates were exactly zero.",
        why="The loop ran, and trained nothing: the learning rate is 0, the optimizer"
        " has other variables than the model, or no gradient reaches any.",
        no_limit="Every update was exactly zero; any movement at all ends it.",
        curves=curves(loss=(0.9, 1.1, 1.0, 0.95) * 10),
    ),
)

OVERFITTING = Kind(
    name="overfitting",
    severity="warning",
    suspects="overfitting",
    text="the held-out loss went from {limit} (step {best_step}) to {value} (step"
    " {step}) while the training loss fell from {train_start} to {train_end}",
    hint="Stop earlier, add data, regularization or dropout, or use a smaller model.",
    explanation=Explanation(
        brief="the held-out loss rose or stayed bad",
        seen="The training loss fell on while the held-out loss rose far above its"
        " best, or stayed at the level of a constant.",
        why="The model learns its rows by heart. What it learns late does not hold for"
        " new rows.",
        limits=(HELD_OUT_RISE, HELD_OUT_LOST),
        curves=curves(
            training=falling(1.0, 0.05),
            held_out=tuple(0.4 + 0.0009 * (it - 12) ** 2 for it in range(40)),
        ),
    ),
)


def diverging_loss(trace: Trace, curve: LossCurve, policy: Policy) -> Iterator[Finding]:
    """The loss blew up far beyond both reference losses, over more than one step.

    The median of three neighboring steps decides, so that one batch with an
    outlier is no divergence; a single step counts from `thresholds.SPIKE`
    times the limit on, and below that it is warned of. Where two trainings work
    against each other the loss of one rises as the other learns: that counts from
    there on as well. Where targets move it rises with them: see `thresholds.RETURNS`.
    """
    losses = curve.losses[np.isfinite(curve.losses)]
    limit = policy.max_loss_growth * curve.reference_loss
    limit *= at.SPIKE if trace.contested else 1.0
    limit *= at.RETURNS if trace.moving_target else 1.0
    if not len(losses) or limit <= 0:
        return
    step = int(np.argmax(losses))
    peak = float(losses[step])
    if peak <= limit:
        return
    lasting = float(np.max(_median_of_three(losses)))
    blown = lasting > limit or peak > at.SPIKE * limit or step == len(losses) - 1
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


def noisy_loss(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Steps differ by more than the loss is large; said only of a bad training. One
    that need not fall is small at times, and noisy beside that.
    """
    learned = curve.beats_constant and curve.decreased
    if not curve.finite or learned or trace.need_not_fall:
        return
    if curve.noise > at.NOISY:
        yield finding(NOISY_LOSS, value=curve.noise, limit=at.NOISY, step=curve.steps)


def loss_not_decreasing(
    trace: Trace, curve: LossCurve, policy: Policy
) -> Iterator[Finding]:
    """The loss after the last update is not below the one before the first.

    No fault where there is nothing to fall from: a start level with a constant
    prediction is `worse_than_constant`'s to judge, a start well below it is a
    model that was trained before. Nor where another training works against it, or
    the targets move.
    """
    if not curve.finite or (trace.need_not_fall and policy.min_drop is None):
        return
    drop = policy.min_drop if policy.min_drop is not None else at.LEVEL
    limit = curve.start - drop * abs(curve.start)
    severity: Severity = "error"
    if policy.min_drop is None:
        level = curve.starts_level and curve.ended_level and not curve.kept_its_start
        if curve.end < limit or curve.is_steady or level:
            return
        unsure = trace.before is None and (
            curve.may_have_fallen >= at.SURELY or _nears_zero_from_below(curve)
        )
        blown = len(curve.losses) and np.max(curve.losses) > at.BLOWN_AT_ONCE * abs(
            curve.start
        )
        if curve.steps < ENOUGH_STEPS or (unsure and not blown):
            severity = "warning"
    elif curve.end <= limit:
        return
    asked = "" if policy.min_drop is None else f" (min_drop={drop:g})"
    yield _not_decreasing(trace, curve, limit, asked, severity=severity)


def _nears_zero_from_below(curve: LossCurve) -> bool:
    """Whether a loss rose and is below zero still: of a loss times an advantage, as a
    policy gradient has it, that is what is left of the advantage.
    """
    return not curve.has_floor and curve.start < curve.end <= 0


def loss_above_maximum(
    trace: Trace, curve: LossCurve, policy: Policy
) -> Iterator[Finding]:
    """The final loss exceeds the ``max_loss`` that the test asks for."""
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
    """In the words of what was asked for, and of what start and end are."""
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

    Excused as slow: a short run that ended near the constant, and one that
    started in the right order of magnitude, lost a good part of its loss and
    was still losing it. One that started further off must have lost most of it, and
    from data that do not explain such a start.
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
        return  # slow_convergence tells of the rest
    yield finding(
        WORSE_THAN_CONSTANT,
        step=curve.steps,
        value=level,
        limit=constant,
        constant=trace.constant,
    )


def _lived_above(curve: LossCurve) -> bool:
    """A lucky last step: the last quarter lay far above the constant."""
    constant = curve.constant
    return (
        constant is not None
        and not curve.is_short
        and not curve.starts_in_scale
        and curve.late_loss > LIVED_LEVEL * constant
    )


def _is_slow(trace: Trace, curve: LossCurve) -> bool:
    """Slow is not broken: a short run, or one that still falls steadily, unless data
    out of scale explain a start far off.
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
    """Not below a constant yet, still falling, and excused for it; or below it in
    training, while predictions lag behind.
    """
    constant = curve.constant
    if constant is None or not curve.finite:
        return
    if curve.beats_constant:
        if curve.lags and exceeds(curve.predicts, constant, -at.LEVEL):
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
    """Largest standard deviation of a target column; 1 for class labels."""
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
    """The reported loss is far below what the predictions deserve.

    Only with predictions no better than a constant: sigmoid outputs under
    categorical cross-entropy, and softmax under ``from_logits=True``, also
    score differently from plain predictions and train like the right program.
    """
    after = trace.after
    if after is None or not curve.finite or curve.constant is None:
        return
    if after.reported < 0:
        return  # of such a loss there are no multiples
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
    # Of a large variable only some rows were looked at for a change, of a huge one for
    # its weights too: there the score has to be the same as well.
    is_still = not updates.any() and not (weights != weights[:1]).any()
    if max(trace.sizes, default=0) > EXACT_WEIGHTS:
        is_still = is_still and curve.end == curve.start
    if updates.size and is_still:
        yield finding(
            UNCHANGED_WEIGHTS, step=curve.steps, value=0, limit=0, where="the model"
        )


_LOWEST = " (its lowest)"


def overfitting(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """The training loss fell on while the held-out loss rose, or stayed at the
    level of a constant. Not where the held-out rows are others from the start.
    """
    held_out = _finite(trace.validation)
    if held_out is None or len(held_out.loss) < 4 or not curve.finite:
        return
    if others_held_out(trace, curve) is not None:
        return
    losses = np.asarray(held_out.loss)
    some = max(1, len(losses) // 10)
    last, best = float(np.mean(losses[-some:])), int(np.argmin(losses))
    middle = len(losses) // 2
    rose = last > (1 + HELD_OUT_RISE) * losses[best]
    if rose and _lost_outside(curve, held_out.constant, float(losses[best]), last):
        since = best
    elif _learned_by_heart(curve, losses, last, some):
        since = middle
    else:
        return
    size = max(1, len(curve.losses) // len(losses)) * some
    then = _mean_before(curve.losses, held_out.step[since], size)
    now = _mean_before(curve.losses, held_out.step[-1], size)
    if not now < then:
        return
    if why := seen_in_columns(trace):
        yield differs(trace, curve, why, "rose to", last, float(losses[since]), _LOWEST)
    else:
        yield finding(
            OVERFITTING,
            step=held_out.step[-1],
            value=last,
            limit=float(losses[since]),
            best_step=held_out.step[since],
            train_start=then,
            train_end=now,
        )


def _finite(held_out: Validation | None) -> Validation | None:
    """The held-out losses that are finite."""
    if held_out is None:
        return None
    kept = [it for it, loss in enumerate(held_out.loss) if np.isfinite(loss)]
    return replace(
        held_out,
        step=tuple(held_out.step[it] for it in kept),
        loss=tuple(held_out.loss[it] for it in kept),
    )


def _lost_outside(
    curve: LossCurve, constant: float | None, best: float, last: float
) -> bool:
    """What held outside at best does so no more: a part of it is gone, and little is
    left. A loss that rises from next to nothing tells of sureness only.
    """
    constant, perfect = constant or curve.constant, curve.perfect
    if constant is None or perfect is None or constant <= perfect:
        return True  # nothing to tell it by
    then, now = ((constant - it) / (constant - perfect) for it in (best, last))
    return now < at.LEARNED_HALF and now < (1 - HELD_OUT_LOST) * then


def _learned_by_heart(curve: LossCurve, losses: Floats, last: float, some: int) -> bool:
    """Nothing that was learned since the middle of the run holds outside."""
    middle = len(losses) // 2
    before = float(np.mean(losses[middle : middle + some]))
    return (
        curve.constant is not None
        and last > (1 - at.LEVEL) * curve.constant
        and last > HELD_OUT_GAP * curve.end
        and last > (1 - HELD_OUT_FLAT) * before
    )


def _mean_before(losses: Floats, step: int, size: int) -> float:
    """Mean loss over the ``size`` steps up to ``step``."""
    part = losses[max(0, min(step, len(losses)) - size) : step]
    return float(np.mean(part)) if len(part) else float("nan")


RULES = (
    diverging_loss,
    masked_loss,
    unchanged_weights,
    loss_not_decreasing,
    loss_above_maximum,
    worse_than_constant,
    constant_predictions,
    slow_convergence,
    overfitting,
    noisy_loss,
)
