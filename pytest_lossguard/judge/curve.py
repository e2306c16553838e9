"""Reference losses and levels for the checks, computed once from a trace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.explanation import Limit
from ..core.keras_names import loss_facts
from ..core.trace import Floats, StepTable, Trace
from . import thresholds
from .scale import is_out_of_scale

# Limits, each with its source

#: Below this number of updates a run that ended near a constant prediction is slow, not
#: broken: healthy scenarios end at up to 3.3 times the constant's loss after 20
#: updates, 1.6 after 40, 1.5 after 300; unscaled inputs at 11 and more after 40.
SHORT_RUN, VERY_SHORT_RUN = 300, 100
NEAR_CONSTANT, NEAR_CONSTANT_VERY_SHORT = 2.0, 4.0
#: For a loss without a floor: the remaining share of the gap to the constant.
NEAR_GAP = 0.6
#: A start this many times the uninformed loss is itself a fault, and a steady fall no
#: longer excuses it: slow healthy scenarios start at 1.9 to 4.3 times the constant's
#: loss, unscaled inputs and outliers from 5.9 to 660.
SCALED_START = 5.0
#: From a start this many times the uninformed loss, a run that is not short must end
#: this share below the constant: unscaled pixels (x 100) end at 0.89 to 2.2 times the
#: constant, healthy scenarios that start there at 0.30 to 0.84.
MISSCALED_START, MISSCALED_LEVEL = 8.0, 0.05
#: From a start between ``SCALED_START`` and ``MISSCALED_START``, on data in scale, a
#: run is slow if it has removed this share of what lay above the constant's loss and it
#: still falls: healthy linear models on correlated columns have removed .66 to 1.0 of
#: it, weights that start far too large .16 to .54. Unscaled inputs and an outlier
#: remove .72 to .96 too: there the data decide.
COMING_DOWN = 0.6
#: Targets that vary by less than this share of their size vary by rounding only: a
#: float32 has seven digits. A constant with a loss below ``NO_LOSS`` counts as having
#: none.
CONSTANT_TARGET, NO_LOSS = 1e-6, 1e-12
#: A start at most this many times the constant's loss has nothing to fall from.
NOTHING_TO_LOSE = 1.3
#: An end at most this many times the constant's loss kept such a start: the scenarios
#: that start level end at 0.9 to 1.31 times the constant.
STILL_LEVEL = 1.5
FALLING = Limit(
    0.02,
    "The loss still falls if its last quarter lies {limit:.0%} below the third.",
    set_by="Chosen, not measured.",
)
#: Number of standard errors between the first and the last third of the steps from
#: which on a loss falls by more than its noise: stuck programs reach 3.3, losses with a
#: constant part of 540 and a VAE that fall by 1 % 8 to 80. With fewer steps than
#: ``TREND_STEPS`` there is no trend.
STEADY, TREND_STEPS = 4.0, 30
#: Distance that the weights moved, as a share of their size, below which they did not
#: move: SGD(1e-6) and Adam(1e-7) move 2e-5 to 2e-4 in 285 updates. With nothing to
#: learn it is .0006 and more.
MOVED = 3e-4
#: From this distance on, a run is slow for a reason other than the learning rate:
#: embeddings under SGD that improve only after hundreds of updates moved .7 to 3.8;
#: published bugs with a low rate .02 to .12.
MOVED_FAR = 0.25

#: The median of |z| for a standard normal z.
_MEDIAN_OF_NORMAL = 0.6745


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCurve:
    """The loss curve of a training, summarized in a few numbers.

    Attributes:
        losses: Data loss of each step where it was observed, without penalties.
        steps: Number of steps.
        start: Loss before the first update: of the probe, or else of the first steps;
            on the last rows if the rows change during the training.
        end: Loss after the last update: of the probe, scored from plain predictions, or
            else of the last steps. If running averages of batch normalization lag and
            make predictions worse, the loss of the last steps.
        predicts: Loss after the last update, like ``end``, but always of the
            predictions.
        constant: Loss of the best constant prediction; None if unknown, or if the
            targets are so constant that beating it means nothing.
        late_loss: Mean loss over the last quarter of the steps.
        fall: Relative drop of the loss from the third quarter to the last.
        may_have_fallen: Largest plausible drop of the loss from the first third of the
            steps to the last, given its noise, as a share of the start.
        trend: Drop of the loss from the first third of the steps to the last, in
            standard errors from the noise between neighboring steps; infinite without
            noise.
        moved: Distance that the weights moved, as a share of their size.
        noise: Robust standard deviation of a step's loss over the last half, as a share
            of its median there; 0 if there are too few steps.
        finite: Whether start, end and every step are finite.
        uninformed: Loss of a prediction in the middle of the possible targets, and at
            least that of the constant; that of the constant if data out of scale
            explain a start far off; None if ``constant`` is.
        reference_loss: The largest of the starting loss, as scored and as reported by
            the training, the loss of the first step and that of the constant.
        has_floor: Whether the loss is at least 0, so that "twice as much" is
            meaningful; likelihoods have no floor.
        perfect: Lowest possible loss: 0, or the loss of the targets as predictions if
            it is lower than every observed loss; None for a loss without a floor if it
            is not.
    """

    losses: Floats
    steps: int
    start: float
    end: float
    predicts: float
    constant: float | None
    late_loss: float
    fall: float
    trend: float
    may_have_fallen: float
    moved: float
    noise: float
    finite: bool
    uninformed: float | None
    reference_loss: float
    has_floor: bool
    perfect: float | None

    @property
    def skill(self) -> float | None:
        """Share of the best constant prediction's loss that was removed: 0 is no better
        than the constant, 1 is perfect. None without a constant, or if the perfect loss
        is unknown.
        """
        return self.share_gone(self.end)

    def share_gone(self, loss: float) -> float | None:
        """Return the skill of predictions with this loss."""
        if self.constant is None or self.perfect is None:
            return None
        gap = self.constant - self.perfect
        return 1.0 - (loss - self.perfect) / gap if gap > 0 else None

    @property
    def barely_learned(self) -> bool:
        """Whether the end is only a little below a constant, and no longer falls."""
        skill = self.skill
        return (
            skill is not None
            and thresholds.LEVEL <= skill < thresholds.BARELY
            and self.steps >= thresholds.NOISE_STEPS
            and not self.is_falling
        )

    @property
    def is_short(self) -> bool:
        """Whether there are too few updates to tell slow from stuck near a constant."""
        return self.steps < SHORT_RUN

    @property
    def is_very_short(self) -> bool:
        """Whether there are too few updates for a verdict."""
        return self.steps < VERY_SHORT_RUN

    @property
    def is_near_constant(self) -> bool:
        """Whether the end is as near a constant prediction as the length of the run
        requires.
        """
        if self.constant is None:
            return False
        if not self.has_floor:
            gap = self.start - self.constant
            return self.end - self.constant <= NEAR_GAP * gap
        near = NEAR_CONSTANT
        if self.is_very_short:
            near = NEAR_CONSTANT_VERY_SHORT
        return not exceeds(self.end, self.constant, near - 1)

    @property
    def starts_in_scale(self) -> bool:
        """Whether the start is of the order of the uninformed loss.

        The loss of the constant may be far lower, if hardly any row differs from the
        others.
        """
        if self.uninformed is None:
            return False
        far = exceeds(self.start, self.uninformed, SCALED_START - 1)
        return not (far and self.has_floor)

    @property
    def is_approaching(self) -> bool:
        """Whether the loss still falls and has covered most of the way to that of a
        constant, from a start that is too high by less than an order of magnitude.
        """
        if self.constant is None or self.uninformed is None or not self.has_floor:
            return False
        near = not exceeds(self.start, self.uninformed, MISSCALED_START - 1)
        left = (1 - COMING_DOWN) * (self.start - self.constant)
        return near and self.is_falling and self.end - self.constant <= left

    @property
    def is_far_above_constant(self) -> bool:
        """Whether the end is above a constant prediction, and farther than a start in
        scale or a short run excuses; it may still be excused if the loss
        `is_approaching`.
        """
        excused = self.starts_in_scale or (self.is_short and self.is_near_constant)
        return not self.beats_constant and not excused

    @property
    def decreased(self) -> bool:
        """Whether the loss ended below its start by more than noise: by a share of it,
        or steadily, as a loss with a large constant part does.
        """
        end, start = self._above_perfect(self.end), self._above_perfect(self.start)
        return not exceeds(end, start, -thresholds.LEVEL) or self.is_steady

    @property
    def is_steady(self) -> bool:
        """Whether the loss fell by far more than its noise, however little that is, and
        the weights moved.
        """
        below = self.end < self.start and self.moved >= MOVED
        return below and self.trend >= STEADY

    @property
    def gets_on(self) -> bool:
        """Whether the run makes progress: its loss fell, and its weights moved."""
        some = not exceeds(self.end, self.start, -thresholds.LEVEL)
        return some and self.moved >= thresholds.MOVED_LITTLE

    @property
    def is_on_its_way(self) -> bool:
        """Whether the weights moved far and the loss fell steadily: the learning rate
        is not too low, the training just takes long.
        """
        far = self.moved >= MOVED_FAR
        return far and self.is_steady and not self.lags

    @property
    def lags(self) -> bool:
        """Whether predictions are worse than the training as running averages lag."""
        return self.predicts > self.end

    @property
    def kept_its_start(self) -> bool:
        """Whether the weights did not move and the loss is still bad."""
        skill = self.skill
        good = (
            self.beats_constant if skill is None else skill >= thresholds.LEARNED_HALF
        )
        return self.moved < MOVED and not good

    @property
    def is_falling(self) -> bool:
        """Whether the loss was still falling at the end."""
        return self.fall > FALLING

    @property
    def starts_level(self) -> bool:
        """Whether the start was no worse than a constant, so that there is nothing to
        fall from.
        """
        return self.constant is not None and not exceeds(
            self.start, self.constant, NOTHING_TO_LOSE - 1
        )

    @property
    def beats_constant(self) -> bool:
        """Whether the end is better than a constant prediction by more than noise."""
        if self.constant is None or self.uninformed is None:
            return True
        far = exceeds(self.start, self.uninformed, MISSCALED_START - 1)
        strict = far and self.has_floor and not self.is_short
        margin = MISSCALED_LEVEL if strict else thresholds.LEVEL
        end, level = map(self._above_perfect, (self.end, self.constant))
        return not exceeds(end, level, -margin)

    def _above_perfect(self, loss: float) -> float:
        """Return the part of the loss that could still be removed, without the entropy
        of soft labels or a constant part of the loss.
        """
        return loss - max(0.0, self.perfect or 0.0)

    @property
    def ended_level(self) -> bool:
        """Whether the end is still at about the level of a constant prediction."""
        return self.constant is not None and not exceeds(
            self.end, self.constant, STILL_LEVEL - 1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The losses of a training and of a re-run, by one loss on the same targets.

    Attributes:
        before: Final loss of the training; None if there is no common unit.
        after: Final loss of the re-run; None if there is no common unit.
        skill_before: Skill of the training; None also without a constant.
        skill: Skill of the re-run; None also without a constant.
    """

    before: float | None = None
    after: float | None = None
    skill_before: float | None = None
    skill: float | None = None


def in_one_unit(curve: LossCurve, again: Trace) -> Compared:
    """Compare a training with a re-run of it.

    Args:
        curve: Loss curve of the training.
        again: Trace of the re-run.
    """
    other = loss_curve_of(again)
    if again.same_measure or again.unchanged_there is not None:
        before = curve.end if again.same_measure else again.unchanged_there
        return Compared(
            before=before,
            after=other.end,
            skill_before=curve.skill
            if again.same_measure or before is None
            else other.share_gone(before),
            skill=other.skill,
        )
    if again.as_before is None or not other.finite:
        return Compared()
    return Compared(
        before=curve.end,
        after=again.as_before,
        skill_before=curve.skill,
        skill=curve.share_gone(again.as_before),
    )


def exceeds(value: float, reference: float, share: float) -> bool:
    """Whether ``value`` is above ``reference`` by ``share`` of its size.

    Also works for negative losses.
    """
    return bool(value > reference + share * abs(reference))


def loss_curve_of(trace: Trace) -> LossCurve:
    """Compute the loss curve of a trace, which must have at least one step."""
    seen = trace.steps.data_loss[trace.steps.loss_seen]
    steps = len(trace.steps)
    noise, tail = _noise(seen), max(1, steps // 10)
    some = min(
        thresholds.START_NOISY if noise > thresholds.LEVEL else thresholds.START, tail
    )
    start = trace.before.loss if trace.before is not None else _start(seen[:some])
    if trace.start_there is not None:
        start = trace.start_there
    end = trace.after.loss if trace.after is not None else _mean(seen[-tail:])
    predicts, trains = end, _mean(seen[-tail:])
    off = is_out_of_scale(trace)
    if trace.averaging and not off and exceeds(end, trains, thresholds.LEVEL):
        start, end = min(start, _start(seen[:some])), trains
    third, last = _quarter(seen, 2), _quarter(seen, 3)
    fell, error = _fall(seen)
    unbeatable = trace.contested or _constant_loss_is_rounding(trace)
    constant = None if unbeatable else trace.constant_loss
    has_floor = _has_floor(trace, seen, constant)
    return LossCurve(
        losses=seen,
        steps=steps,
        start=start,
        end=end,
        predicts=predicts,
        constant=constant,
        late_loss=last,
        noise=noise,
        trend=_trend(fell, error),
        may_have_fallen=(fell + thresholds.SURE * error) / abs(start) if start else 0.0,
        moved=_moved(trace.steps),
        uninformed=constant if off else _higher_loss(constant, trace.uninformed_loss),
        fall=(third - last) / abs(third) if third else 0.0,
        reference_loss=_largest(
            start,
            start if trace.before is None else trace.before.reported,
            float(seen[0]) if len(seen) else 0.0,
            constant or 0.0,
            thresholds.UNTRAINED if trace.need_not_fall else 0.0,
        ),
        has_floor=has_floor,
        perfect=_perfect(trace, min(start, end, constant or end), has_floor),
        finite=bool(np.isfinite([start, end]).all() and np.isfinite(seen).all()),
    )


def _start(losses: Floats) -> float:
    """Return the mean of the first steps, or the first loss if it blew up at once."""
    if len(losses) and np.max(losses) > thresholds.BLOWN_AT_ONCE * losses[0] > 0:
        return float(losses[0])
    return _mean(losses)


def _constant_loss_is_rounding(trace: Trace) -> bool:
    """Whether the targets are so constant that the constant's loss is only rounding."""
    if trace.constant_loss is None or abs(trace.constant_loss) < NO_LOSS:
        return True
    return bool(trace.targets) and all(
        np.max(it.std) <= CONSTANT_TARGET * np.max(np.abs([it.low, it.high]))
        for it in trace.targets
    )


def _has_floor(trace: Trace, losses: Floats, constant: float | None) -> bool:
    costs = [] if constant is None else [constant]
    lowest = min([*losses[np.isfinite(losses)].tolist(), *costs], default=0.0)
    known = [facts for it in trace.losses if (facts := loss_facts(it)) is not None]
    return lowest >= 0 and all(it.has_floor for it in known)


def _perfect(trace: Trace, lowest: float, has_floor: bool) -> float | None:
    """Return the lowest possible loss.

    The targets may be bad predictions under a custom loss.
    """
    perfect = trace.perfect_loss
    if perfect is not None and perfect < lowest:
        return max(0.0, perfect) if has_floor else perfect
    return 0.0 if has_floor else None


def _largest(*values: float) -> float:
    return max((value for value in values if np.isfinite(value)), default=0.0)


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _noise(losses: Floats) -> float:
    """Estimate the noise from differences of neighbors, which have two noises each."""
    half = losses[len(losses) // 2 :]
    if len(half) < thresholds.NOISE_STEPS or not np.isfinite(half).all():
        return 0.0
    level = float(np.median(np.abs(half)))
    difference = float(np.median(np.abs(np.diff(half))))
    return difference / _MEDIAN_OF_NORMAL / np.sqrt(2.0) / level if level > 0 else 0.0


def _fall(losses: Floats) -> tuple[float, float]:
    """Return how far the last third of the steps lies below the first, and its standard
    error.

    The noise is estimated from the median difference of neighbors, which has two
    noises.
    """
    size = len(losses) // 3
    if len(losses) < TREND_STEPS or not np.isfinite(losses).all():
        return 0.0, 0.0
    fell = _mean(losses[:size]) - _mean(losses[-size:])
    noise = float(np.median(np.abs(np.diff(losses)))) / _MEDIAN_OF_NORMAL
    return fell, noise / float(np.sqrt(size))


def _trend(fell: float, error: float) -> float:
    if not error:
        return float(np.sign(fell)) * float("inf") if fell else 0.0
    return fell / error


def _moved(steps: StepTable) -> float:
    """Return the distance that the weights moved, as a share of their size; infinite if
    it is unknown or the weights started at 0.
    """
    if not steps.update_norm.size:
        return float("inf")
    way = np.linalg.norm(steps.update_norm.sum(axis=0))
    size = np.linalg.norm(steps.weight_norm[0])
    return float(way / size) if size > 0 else float("inf")


def _higher_loss(constant: float | None, other: float | None) -> float | None:
    if constant is None or other is None or not np.isfinite(other):
        return constant
    return max(constant, other)


def _quarter(losses: Floats, index: int) -> float:
    """Return the mean loss over one quarter of the steps, counted from 0."""
    if len(losses) < 8:
        return float("nan")
    size = len(losses) // 4
    first = len(losses) - (4 - index) * size
    return _mean(losses[first : first + size])
