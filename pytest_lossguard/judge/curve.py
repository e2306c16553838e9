"""What the checks compare: reference losses and levels, derived once from a trace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.explanation import Limit
from ..core.keras_names import loss_facts
from ..core.trace import Floats, StepTable, Trace
from . import thresholds as at
from .scale import is_out_of_scale

__all__ = ["LossCurve", "exceeds", "in_one_unit", "loss_curve_of"]

# Limits, each with what set it

#: Below so many updates a run that ended near a constant prediction is slow,
#: not broken: healthy scenarios end at up to 3.3 times the constant's loss after
#: 20 updates, 1.6 after 40, 1.5 after 300; unscaled inputs at 11 and more after
#: 40.
SHORT_RUN, VERY_SHORT_RUN = 300, 100
NEAR_CONSTANT, NEAR_CONSTANT_VERY_SHORT = 2.0, 4.0
#: For a loss without a floor: the share of the gap to the constant that is left.
NEAR_GAP = 0.6
#: A start this many times the constant's loss is itself a fault, and falling
#: steadily is no excuse any more: slow healthy scenarios start at 1.9 to 4.3,
#: unscaled inputs and outliers from 5.9 to 660.
SCALED_START = 5.0
#: From so far off, a run that is not short must buy this much: unscaled pixels
#: (x 100) end at 0.89 to 2.2 times the constant, healthy scenarios that start
#: there at 0.30 to 0.84.
MISSCALED_START, MISSCALED_LEVEL = 8.0, 0.05
#: ... and from a start between the two, on data in scale, a run is slow if so much of
#: what lay above the constant's loss is gone and it still falls: healthy linear models
#: on correlated columns have lost .66 to 1.0 of it, weights that start far too large
#: .16 to .54. Unscaled inputs and an outlier lose .72 to .96 too: there data decide.
COMING_DOWN = 0.6
#: Targets that vary by less than this share of their size vary by rounding: a
#: float32 has seven digits. A constant that costs less than this costs nothing.
CONSTANT_TARGET, NO_LOSS = 1e-6, 1e-12
#: From a start within this of the constant there is nothing to fall from.
NOTHING_TO_LOSE = 1.3
#: ... and ending within this of it is a start kept: the scenarios that start level
#: end at 0.9 to 1.31 times the constant.
STILL_LEVEL = 1.5
FALLING = Limit(
    0.02,
    "The loss still falls if its last quarter lies {limit:.0%} below the third.",
    set_by="Chosen, not measured.",
)
#: Standard errors between the first and the last third of the steps from which on a
#: loss falls by more than its noise: stuck programs reach 3.3, losses with a constant
#: part of 540 and a VAE that fall by 1 % 8 to 80.
#: Fewer steps tell no trend.
STEADY, TREND_STEPS = 4.0, 30
#: Way of the weights, as a share of their size, that is none: SGD(1e-6) and Adam(1e-7)
#: go 2e-5 to 2e-4 in 285 updates. With nothing to learn it is .0006 and more.
MOVED = 3e-4
#: Slow for another reason than the rate: embeddings under SGD that find their way after
#: hundreds of updates went .7 to 3.8; published bugs with a low rate .02 to .12.
MOVED_FAR = 0.25

#: The median of |z| for a normal z.
_MEDIAN_OF_NORMAL = 0.6745


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCurve:
    """The curve of a training in a few numbers.

    Attributes:
        losses: The data loss of each step that was seen, penalties left out.
        steps: How many.
        start: Loss before the first update: of the probe, else of the first
            steps; on the rows of the end where those are others.
        end: Loss after the last update: of the probe scored from plain
            predictions, else of the last steps.
        predicts: The same, but where averages of batch normalization lag and make plain
            predictions worse: there the end is that of the training itself.
        constant: Loss of the best constant prediction; None where unknown, or
            where the targets are so constant that it is nothing to beat.
        lived: Mean loss over the last quarter of the steps.
        fall: Share of the loss that went from the third quarter to the last.
        may_have_fallen: Share of the start that, as far as the noise lets one see, can
            be gone from the first third of the steps to the last.
        trend: How far the last third of the steps lies below the first, in standard
            errors by the noise between neighbors; infinite where there is none.
        moved: Way that the weights went, as a share of their size.
        noise: Robust standard deviation of a step's loss over the last half, as a
            share of its median there; 0 where there are too few steps.
        finite: Whether start, end and every step are finite.
        uninformed: What knowing nothing costs, a prediction in the middle of what the
            targets can be; at least the constant, and that where data out of scale
            explain a start far off; None where the constant is.
        reference_loss: The largest of the start, as scored and as the training itself
            reports it, the first step's loss and the constant's.
        has_floor: Whether the loss is at least 0, so that "twice as much" means
            something; likelihoods have none.
        perfect: The least that the loss can be: 0, or what the targets as predictions
            cost if that is less than all that was seen; None for a loss without a floor
            where they cost more.
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
        """Share of the best constant prediction's loss that is gone: 0 is no
        better than the constant, 1 is perfect. None where there is no constant, or
        nothing that is known to be perfect.
        """
        return self.share_gone(self.end)

    def share_gone(self, loss: float) -> float | None:
        """The skill of predictions that cost ``loss``."""
        if self.constant is None or self.perfect is None:
            return None
        gap = self.constant - self.perfect
        return 1.0 - (loss - self.perfect) / gap if gap > 0 else None

    @property
    def barely_learned(self) -> bool:
        """A little better than a constant, and getting no better."""
        skill = self.skill
        return (
            skill is not None
            and at.LEVEL <= skill < at.BARELY
            and self.steps >= at.NOISE_STEPS
            and not self.is_falling
        )

    @property
    def is_short(self) -> bool:
        """Too few updates to tell slow from stuck near a constant."""
        return self.steps < SHORT_RUN

    @property
    def is_very_short(self) -> bool:
        """Too few updates to tell much at all."""
        return self.steps < VERY_SHORT_RUN

    @property
    def is_near_constant(self) -> bool:
        """As near a constant prediction as a run of this length must be."""
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
        """The start is of the order of what knowing nothing costs. A constant may
        cost far less: where hardly a row differs from the others.
        """
        if self.uninformed is None:
            return False
        far = exceeds(self.start, self.uninformed, SCALED_START - 1)
        return not (far and self.has_floor)

    @property
    def is_approaching(self) -> bool:
        """From a start that is off, but not by an order of magnitude, most of the way
        to a constant prediction's loss is done, and the loss still falls.
        """
        if self.constant is None or self.uninformed is None or not self.has_floor:
            return False
        near = not exceeds(self.start, self.uninformed, MISSCALED_START - 1)
        left = (1 - COMING_DOWN) * (self.start - self.constant)
        return near and self.is_falling and self.end - self.constant <= left

    @property
    def is_far_above_constant(self) -> bool:
        """Above a constant prediction, and further than a start in scale or a short
        run excuses: if anything does, it is that the loss `is_approaching`.
        """
        excused = self.starts_in_scale or (self.is_short and self.is_near_constant)
        return not self.beats_constant and not excused

    @property
    def decreased(self) -> bool:
        """The loss ended below its start by more than noise: by a share of it, or
        steadily, as one with a large constant part does.
        """
        end, start = self._above_perfect(self.end), self._above_perfect(self.start)
        return not exceeds(end, start, -at.LEVEL) or self.is_steady

    @property
    def is_steady(self) -> bool:
        """The loss fell, by however little of it: far more than its own noise, and
        the weights went somewhere.
        """
        below = self.end < self.start and self.moved >= MOVED
        return below and self.trend >= STEADY

    @property
    def gets_on(self) -> bool:
        """What a run that needs longer shows: a part of its loss is gone, and the
        weights went somewhere.
        """
        some = not exceeds(self.end, self.start, -at.LEVEL)
        return some and self.moved >= at.MOVED_LITTLE

    @property
    def is_on_its_way(self) -> bool:
        """The weights went far, and the loss fell steadily: the rate is not too low,
        the way is long.
        """
        far = self.moved >= MOVED_FAR
        return far and self.is_steady and not self.lags

    @property
    def lags(self) -> bool:
        """Predictions cost more than the training: its averages lag."""
        return self.predicts > self.end

    @property
    def kept_its_start(self) -> bool:
        """The weights are where they were, and so is the loss: no good one."""
        skill = self.skill
        good = self.beats_constant if skill is None else skill >= at.LEARNED_HALF
        return self.moved < MOVED and not good

    @property
    def is_falling(self) -> bool:
        """The loss was still going down at the end."""
        return self.fall > FALLING

    @property
    def starts_level(self) -> bool:
        """The start was no worse than a constant: nothing to fall from."""
        return self.constant is not None and not exceeds(
            self.start, self.constant, NOTHING_TO_LOSE - 1
        )

    @property
    def beats_constant(self) -> bool:
        """The end is better than a constant prediction by more than noise."""
        if self.constant is None or self.uninformed is None:
            return True
        far = exceeds(self.start, self.uninformed, MISSCALED_START - 1)
        strict = far and self.has_floor and not self.is_short
        margin = MISSCALED_LEVEL if strict else at.LEVEL
        end, level = map(self._above_perfect, (self.end, self.constant))
        return not exceeds(end, level, -margin)

    def _above_perfect(self, loss: float) -> float:
        """What could still go: no training takes off the entropy of soft labels, or a
        constant part of a loss.
        """
        return loss - max(0.0, self.perfect or 0.0)

    @property
    def ended_level(self) -> bool:
        """The end is still about where a constant prediction is."""
        return self.constant is not None and not exceeds(
            self.end, self.constant, STILL_LEVEL - 1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A training and a re-run of it in one unit: by one loss on the same targets.

    Attributes:
        before: Where the training ended; None where there is no common unit.
        after: Where the re-run did, likewise.
        skill_before: The skill of the training; None where there is no constant too.
        skill: That of the re-run, likewise.
    """

    before: float | None = None
    after: float | None = None
    skill_before: float | None = None
    skill: float | None = None


def in_one_unit(curve: LossCurve, again: Trace) -> Compared:
    """Hold a re-run against the training that was changed.

    Args:
        curve: The training.
        again: The re-run.
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

    Works for losses below zero as well.
    """
    return bool(value > reference + share * abs(reference))


def loss_curve_of(trace: Trace) -> LossCurve:
    """Derive the evidence; needs at least one step."""
    seen = trace.steps.data_loss[trace.steps.loss_seen]
    steps = len(trace.steps)
    noise, tail = _noise(seen), max(1, steps // 10)
    some = min(at.START_NOISY if noise > at.LEVEL else at.START, tail)
    start = trace.before.loss if trace.before is not None else _start(seen[:some])
    if trace.start_there is not None:
        start = trace.start_there
    end = trace.after.loss if trace.after is not None else _mean(seen[-tail:])
    predicts, trains = end, _mean(seen[-tail:])
    off = is_out_of_scale(trace)
    if trace.averaging and not off and exceeds(end, trains, at.LEVEL):
        start, end = min(start, _start(seen[:some])), trains
    third, last = _quarter(seen, 2), _quarter(seen, 3)
    fell, error = _fall(seen)
    unbeatable = trace.contested or _is_nothing_to_beat(trace)
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
        may_have_fallen=(fell + at.SURE * error) / abs(start) if start else 0.0,
        moved=_moved(trace.steps),
        uninformed=constant if off else _dearer(constant, trace.uninformed_loss),
        fall=(third - last) / abs(third) if third else 0.0,
        reference_loss=_largest(
            start,
            start if trace.before is None else trace.before.reported,
            float(seen[0]) if len(seen) else 0.0,
            constant or 0.0,
            at.UNTRAINED if trace.need_not_fall else 0.0,
        ),
        has_floor=has_floor,
        perfect=_perfect(trace, min(start, end, constant or end), has_floor),
        finite=bool(np.isfinite([start, end]).all() and np.isfinite(seen).all()),
    )


def _start(losses: Floats) -> float:
    """The mean of the first steps; the first alone where it was blown up at once."""
    if len(losses) and np.max(losses) > at.BLOWN_AT_ONCE * losses[0] > 0:
        return float(losses[0])
    return _mean(losses)


def _is_nothing_to_beat(trace: Trace) -> bool:
    """Whether the targets are so constant that a constant costs only rounding."""
    if trace.constant_loss is None or abs(trace.constant_loss) < NO_LOSS:
        return True
    return bool(trace.targets) and all(
        np.max(it.std) <= CONSTANT_TARGET * np.max(np.abs([it.low, it.high]))
        for it in trace.targets
    )


def _has_floor(trace: Trace, losses: Floats, constant: float | None) -> bool:
    costs = [value for value in (constant,) if value is not None]
    lowest = min([*losses[np.isfinite(losses)].tolist(), *costs], default=0.0)
    known = [facts for it in trace.losses if (facts := loss_facts(it)) is not None]
    return lowest >= 0 and all(it.has_floor for it in known)


def _perfect(trace: Trace, lowest: float, has_floor: bool) -> float | None:
    """What no prediction beats; for a loss of the user's own the targets may well be
    a bad one.
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
    """From the median difference of neighbors, of which each has two noises."""
    half = losses[len(losses) // 2 :]
    if len(half) < at.NOISE_STEPS or not np.isfinite(half).all():
        return 0.0
    level = float(np.median(np.abs(half)))
    difference = float(np.median(np.abs(np.diff(half))))
    return difference / _MEDIAN_OF_NORMAL / np.sqrt(2.0) / level if level > 0 else 0.0


def _fall(losses: Floats) -> tuple[float, float]:
    """How far the last third of the steps lies below the first, and its standard error:
    the median difference of neighbors measures the noise, of which each has two.
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
    """Infinite where it is not known, and for weights that started at 0."""
    if not steps.update_norm.size:
        return float("inf")
    way = np.linalg.norm(steps.update_norm.sum(axis=0))
    size = np.linalg.norm(steps.weight_norm[0])
    return float(way / size) if size > 0 else float("inf")


def _dearer(constant: float | None, other: float | None) -> float | None:
    if constant is None or other is None or not np.isfinite(other):
        return constant
    return max(constant, other)


def _quarter(losses: Floats, index: int) -> float:
    """Mean loss over one quarter of the steps, 0 the first."""
    if len(losses) < 8:
        return float("nan")
    size = len(losses) // 4
    first = len(losses) - (4 - index) * size
    return _mean(losses[first : first + size])
