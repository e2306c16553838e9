"""Checks by outcome: a loss must fall, and below what a constant would cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..core.findings import Finding, Severity, finding, number
from ..core.policy import Policy
from ..core.trace import EXACT_WEIGHTS, Floats, Trace, Validation
from . import thresholds as at
from .curve import Evidence, exceeds
from .held_out import differs, others_held_out, seen_in_columns
from .scale import is_in_scale, is_out_of_scale

__all__ = [
    "constant_predictions",
    "diverging_loss",
    "loss_not_decreasing",
    "masked_loss",
    "noisy_loss",
    "overfitting",
    "slow_convergence",
    "unchanged_weights",
    "worse_than_constant",
]


def diverging_loss(trace: Trace, found: Evidence, policy: Policy) -> Iterator[Finding]:
    """The loss blew up far beyond both yardsticks, over more than one step.

    The median of three neighbouring steps decides, so that one batch with an
    outlier is no divergence; a single step counts from `thresholds.SPIKE`
    times the limit on, and below that it is warned of. Where two trainings work
    against each other the loss of one rises as the other learns: that counts from
    there on as well.
    """
    curve = found.curve[np.isfinite(found.curve)]
    limit = policy.max_loss_growth * found.yardstick
    limit *= at.SPIKE if trace.contested else 1.0
    if not len(curve) or limit <= 0:
        return
    step = int(np.argmax(curve))
    peak = float(curve[step])
    if peak <= limit:
        return
    lasting = float(np.max(_median_of_three(curve)))
    blown = lasting > limit or peak > at.SPIKE * limit or step == len(curve) - 1
    yield finding(
        "diverging_loss" if blown else "oscillating_loss",
        step=step + 1,
        value=peak,
        limit=limit,
        factor=policy.max_loss_growth,
    )


def _median_of_three(curve: Floats) -> Floats:
    if len(curve) < 3:
        return curve
    return np.asarray(np.median([curve[:-2], curve[1:-1], curve[2:]], axis=0))


def noisy_loss(trace: Trace, found: Evidence, policy: Policy) -> Iterator[Finding]:
    """Steps differ by more than the loss is large; said only of a bad training."""
    del trace, policy
    if not found.finite or (found.beats_constant and found.fell):
        return
    if found.noise > at.NOISY:
        yield finding("noisy_loss", value=found.noise, limit=at.NOISY, step=found.steps)


def loss_not_decreasing(
    trace: Trace, found: Evidence, policy: Policy
) -> Iterator[Finding]:
    """The loss after the last update is not below the one before the first.

    No fault where there is nothing to fall from: a start level with a constant
    prediction is `worse_than_constant`'s to judge, a start well below it is a
    model that was trained before. Nor where another training works against it.
    """
    if not found.finite or (trace.contested and policy.min_drop is None):
        return
    drop = policy.min_drop if policy.min_drop is not None else at.LEVEL
    limit = found.start - drop * abs(found.start)
    severity: Severity = "error"
    if policy.min_drop is None:
        level = found.starts_level and found.ended_level and not found.kept_its_start
        if found.end < limit or found.is_steady or level:
            return
        unsure = trace.before is None and (
            found.may_have_fallen >= at.SURELY or _nears_zero_from_below(found)
        )
        blown = len(found.curve) and np.max(found.curve) > at.BLOWN_AT_ONCE * abs(
            found.start
        )
        if found.steps < at.ENOUGH_STEPS or (unsure and not blown):
            severity = "warning"
    elif found.end <= limit:
        return
    asked = "" if policy.min_drop is None else f" (min_drop={drop:g})"
    yield _not_decreasing(trace, found, limit, asked, severity=severity)


def _nears_zero_from_below(found: Evidence) -> bool:
    """Whether a loss rose and is below zero still: of a loss times an advantage, as a
    policy gradient has it, that is what is left of the advantage.
    """
    return not found.has_floor and found.start < found.end <= 0


def loss_above_maximum(
    trace: Trace, found: Evidence, policy: Policy
) -> Iterator[Finding]:
    """The final loss exceeds the ``max_loss`` that the test asks for."""
    if policy.max_loss is None or not found.end > policy.max_loss:
        return
    asked = f" (max_loss={policy.max_loss:g})"
    yield _not_decreasing(trace, found, policy.max_loss, asked)


def _not_decreasing(
    trace: Trace,
    found: Evidence,
    limit: float,
    asked: str,
    *,
    severity: Severity = "error",
) -> Finding:
    """In the words of what was asked for, and of what start and end are."""
    began, ended = "before the first update", f"after step {found.steps}"
    return finding(
        "loss_not_decreasing",
        severity=severity,
        step=found.steps,
        value=found.end,
        limit=limit,
        start=found.start,
        fell="fell too little" if asked and found.end < found.start else "did not fall",
        asked=asked,
        began=began if trace.before else "in the first steps",
        ended=ended if trace.after else "in the last",
    )


def worse_than_constant(
    trace: Trace, found: Evidence, policy: Policy
) -> Iterator[Finding]:
    """The model ends no better than the best constant prediction.

    Excused as slow: a short run that ended near the constant, and one that
    started in the right order of magnitude, lost a good part of its loss and
    was still losing it. One that started further off must have lost most of it, and
    from data that do not explain such a start.
    """
    del policy
    constant = found.constant
    if constant is None or not found.finite:
        return
    level = found.end
    if found.beats_constant:
        if not _lived_above(found):
            if found.hardly_learned:
                yield _plateau(found, constant)
            return
        level = found.lived
    elif _is_slow(trace, found) and not _predicts_a_constant(trace):
        if not found.is_falling:
            yield _plateau(found, constant)
        return  # slow_convergence tells of the rest
    yield finding(
        "worse_than_constant",
        step=found.steps,
        value=level,
        limit=constant,
        constant=trace.constant,
    )


def _lived_above(found: Evidence) -> bool:
    """A lucky last step: the last quarter lay far above the constant."""
    constant = found.constant
    return (
        constant is not None
        and not found.is_short
        and not found.starts_in_scale
        and found.lived > at.LIVED_LEVEL * constant
    )


def _is_slow(trace: Trace, found: Evidence) -> bool:
    """Slow is not broken: a short run, or one that still falls steadily, unless data
    out of scale explain a start far off.
    """
    if not found.starts_in_scale and is_out_of_scale(trace):
        return False
    if found.is_far and not (found.comes_down and is_in_scale(trace)):
        return False
    if found.is_short:
        level = found.starts_level and found.ended_level
        return found.fell or (level and not found.kept_its_start)
    progress = exceeds(found.start, found.end, at.SLOW_PROGRESS)
    return (found.is_falling and progress) or found.is_on_its_way


def _plateau(found: Evidence, constant: float) -> Finding:
    if found.hardly_learned:
        why = "it learned hardly more than a constant, or there is little to learn"
    elif found.starts_level:
        why = "it started there; nothing was learned, or there is nothing to learn"
    else:
        why = "it learned no more than a constant, or needs more steps"
    return finding(
        "plateau", step=found.steps, value=found.end, limit=constant, why=why
    )


def slow_convergence(
    trace: Trace, found: Evidence, policy: Policy
) -> Iterator[Finding]:
    """Not below a constant yet, still falling, and excused for it; or below it in
    training, while predictions lag behind.
    """
    del policy
    constant = found.constant
    if constant is None or not found.finite:
        return
    if found.beats_constant:
        if found.lags and exceeds(found.predicts, constant, -at.LEVEL):
            how = (
                f"is {number(found.end)} in training mode: the averages of batch"
                f" normalization (layer {trace.averaging[0]}) lag, lower its momentum"
            )
            yield _slow(found, found.predicts, constant, how)
        return
    slow = _is_slow(trace, found) and not _predicts_a_constant(trace)
    if slow and found.is_falling:
        how = f"still falling ({found.fall:.0%} in the last quarter)"
        yield _slow(found, found.end, constant, how)


def _slow(found: Evidence, loss: float, constant: float, how: str) -> Finding:
    return finding(
        "slow_convergence", step=found.steps, value=loss, limit=constant, how=how
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
    return trace.after.spread <= at.CONSTANT_SPREAD * _target_spread(trace)


def constant_predictions(
    trace: Trace, found: Evidence, policy: Policy
) -> Iterator[Finding]:
    """Every row gets the same prediction although the targets differ."""
    del policy
    if trace.after is None or found.beats_constant or not found.finite:
        return
    if _target_spread(trace) > 0 and _predicts_a_constant(trace):
        yield finding(
            "constant_predictions",
            step=found.steps,
            value=trace.after.spread,
            limit=at.CONSTANT_SPREAD * _target_spread(trace),
        )


def masked_loss(trace: Trace, found: Evidence, policy: Policy) -> Iterator[Finding]:
    """The reported loss is far below what the predictions deserve.

    Only with predictions no better than a constant: sigmoid outputs under
    categorical cross-entropy, and softmax under ``from_logits=True``, also
    score differently from plain predictions and train like the right program.
    """
    del policy
    after = trace.after
    if after is None or not found.finite or found.constant is None:
        return
    if after.reported < 0:
        return  # of such a loss there are no multiples
    limit = at.MASKED * after.reported
    if after.loss > limit and not found.beats_constant:
        yield finding(
            "masked_loss",
            step=found.steps,
            value=after.loss,
            limit=limit,
            reported=after.reported,
        )


def unchanged_weights(
    trace: Trace, found: Evidence, policy: Policy
) -> Iterator[Finding]:
    """No variable moved at any step."""
    del policy
    updates, weights = trace.steps.update_norm, trace.steps.weight_norm
    # Of a large variable only some rows were looked at for a change, of a huge one for
    # its weights too: there the score has to be the same as well.
    is_still = not updates.any() and not (weights != weights[:1]).any()
    if max(trace.sizes, default=0) > EXACT_WEIGHTS:
        is_still = is_still and found.end == found.start
    if updates.size and is_still:
        yield finding(
            "unchanged_weights", step=found.steps, value=0, limit=0, where="the model"
        )


_LOWEST = " (its lowest)"


def overfitting(trace: Trace, found: Evidence, policy: Policy) -> Iterator[Finding]:
    """The training loss fell on while the held-out loss rose, or stayed at the
    level of a constant. Not where the held-out rows are others from the start.
    """
    del policy
    held_out = _finite(trace.validation)
    if held_out is None or len(held_out.loss) < 4 or not found.finite:
        return
    if others_held_out(trace, found) is not None:
        return
    losses = np.asarray(held_out.loss)
    some = max(1, len(losses) // 10)
    last, best = float(np.mean(losses[-some:])), int(np.argmin(losses))
    middle = len(losses) // 2
    rose = last > (1 + at.HELD_OUT_RISE) * losses[best]
    if rose and _lost_outside(found, held_out.constant, float(losses[best]), last):
        since = best
    elif _learned_by_heart(found, losses, last, some):
        since = middle
    else:
        return
    size = max(1, len(found.curve) // len(losses)) * some
    then = _mean_before(found.curve, held_out.step[since], size)
    now = _mean_before(found.curve, held_out.step[-1], size)
    if not now < then:
        return
    if why := seen_in_columns(trace):
        yield differs(trace, found, why, "rose to", last, float(losses[since]), _LOWEST)
    else:
        yield finding(
            "overfitting",
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
    found: Evidence, constant: float | None, best: float, last: float
) -> bool:
    """What held outside at best does so no more: a part of it is gone, and little is
    left. A loss that rises from next to nothing tells of sureness only.
    """
    constant, perfect = constant or found.constant, found.perfect
    if constant is None or perfect is None or constant <= perfect:
        return True  # nothing to tell it by
    then, now = ((constant - it) / (constant - perfect) for it in (best, last))
    return now < at.LEARNED_HALF and now < (1 - at.HELD_OUT_LOST) * then


def _learned_by_heart(found: Evidence, losses: Floats, last: float, some: int) -> bool:
    """Nothing that was learned since the middle of the run holds outside."""
    middle = len(losses) // 2
    before = float(np.mean(losses[middle : middle + some]))
    return (
        found.constant is not None
        and last > (1 - at.LEVEL) * found.constant
        and last > at.HELD_OUT_GAP * found.end
        and last > (1 - at.HELD_OUT_FLAT) * before
    )


def _mean_before(curve: Floats, step: int, size: int) -> float:
    """Mean loss over the ``size`` steps up to ``step``."""
    part = curve[max(0, min(step, len(curve)) - size) : step]
    return float(np.mean(part)) if len(part) else float("nan")
