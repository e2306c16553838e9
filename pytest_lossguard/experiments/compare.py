"""Comparison of a passing run with re-runs, since half the broken programs learn a bit.

A run that passes but learned little is compared with cheap re-runs of itself, each
with one standard change. This module decides which re-runs to make and what their
results show; the caller trains them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..core.change import Change, ModelFacts
from ..core.explanation import Explanation, Limit, curves, falling
from ..core.findings import Finding, Kind, finding
from ..core.keras_names import SCALING_INITIALIZERS
from ..core.trace import ColumnStats, Trace
from ..judge import thresholds
from ..judge.curve import LossCurve, in_one_unit, loss_curve_of
from ..judge.order import is_in_class_order
from ..judge.outcome import PLATEAU
from ..judge.scale import has_outlier, is_of_order_one, is_out_of_scale
from .changes import kind_of

# Limits, each with its source

#: Below this the weights moved so little that the skill comes from a lucky start and
#: was not learned: SGD(1e-5) and Adam(1e-6) move .0003 to .0023 in 290 updates,
#: Adam(2e-5) .008 in 150.
STOOD = 3e-3
#: Changes whose skill is within this distance of the best skill count as equally good.
ABOUT_AS_GOOD = 0.05
NEXT_TO_NOTHING = Limit(
    0.2,
    "If a higher learning rate is what helps, the test fails only if less than"
    " {limit:.0%} of what a constant costs is gone and the run makes no progress.",
    set_by="Published bugs of this kind end at -1.0 to 0.15. Slow is not broken.",
)
#: Dropout rates above this are hardly ever needed; the usual .5 is no fault.
HEAVY_DROPOUT = 0.6
#: Runs of up to this many updates are re-run in full, which takes a fraction of a
#: second for a small model. The re-runs of a longer run share its length, with at least
#: this many updates each.
REFERENCE_STEPS = 1000
#: A watched run that is run again unchanged has the same skill up to this difference,
#: which is due to the order of rows.
SAME_OUTCOME = 0.15
#: A column whose mean and spread are within these limits needs no standardizing.
STANDARD_MEAN, STANDARD_SPREAD = 0.5, (0.5, 2.0)
# Kinds of findings

IMPROVABLE = Kind(
    name="improvable",
    severity="warning",
    headline="far better with {where}",
    text="with {where} the same run removes {then} of the loss of a constant"
    " prediction, without it {now}",
    hint="Make this change, or find out why it helps so much.",
    explanation=Explanation(
        brief="one standard change makes it far better",
        seen="The run passed and learned little. It was run again with a few standard"
        " changes, and with one of them it learns far more.",
        why="The loss fell and beats a constant, and still something holds the training"
        " back. It fails the test if the change undoes a fault, such as unscaled data;"
        " a change that only speeds up learning is a warning.",
        limits=(
            thresholds.LEARNED_ENOUGH,
            thresholds.FAR_BETTER,
            thresholds.LEARNED_HALF,
            NEXT_TO_NOTHING,
        ),
        curves=curves(as_it_is=falling(1.0, 0.7), with_the_change=falling(1.0, 0.05)),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """A re-run of the training with one standard change.

    Attributes:
        changes: The changes of the re-run.
        description: The changes in the user's terms.
        trace: The trace of the re-run.
    """

    changes: tuple[Change, ...]
    description: str
    trace: Trace

    @property
    def speeds_up(self) -> bool:
        """Whether a change raises the learning rate, which may only help because the
        training is slow, and slow is not broken.
        """
        return any(
            it.kind == "learning_rate" and float(it.value or 0) > 1
            for it in self.changes
        )

    @property
    def is_tenfold(self) -> bool:
        """Whether the only change is ten times the learning rate."""
        return self.changes == (Change(kind="learning_rate", value=10.0),)

    @property
    def undoes_a_choice(self) -> bool:
        """Whether a change undoes something that is as often deliberate as not, so that
        the re-run proves no fault.
        """
        return any(kind_of(it).undoes == "choice" for it in self.changes)

    @property
    def scales(self) -> bool:
        """Whether a change standardizes the inputs or the targets."""
        return any(kind_of(it).standardizes for it in self.changes)

    def is_certain(self, trace: Trace) -> bool:
        """Whether the re-run undoes something that is never deliberate; data far out of
        scale count as such.
        """
        return self.rank == 0 or (self.scales and is_out_of_scale(trace))

    @property
    def rank(self) -> int:
        """The priority among changes that help equally: 0 if the change undoes a fault
        that is never deliberate, 2 if it undoes a possible choice, else 1.
        """
        if self.undoes_a_choice:
            return 2
        return 0 if any(kind_of(it).undoes == "fault" for it in self.changes) else 1


def wanted(trace: Trace, facts: ModelFacts) -> tuple[tuple[Change, ...], ...]:
    """Return the standard changes that are worth a re-run of a training that passes.

    Args:
        trace: The trace of a training without errors.
        facts: Facts about the model, its loss and its optimizer.

    Returns:
        The changes of each re-run, one or two; empty where the training learned
        enough, or where nothing can be compared.
    """
    found = loss_curve_of(trace)
    if not learned_little(found):
        return ()
    rates = [10.0, 100.0, 0.1]
    if found.moved < thresholds.MOVED_LITTLE:
        rates.append(thresholds.FAR_HIGHER)
    changes: list[tuple[Change, ...]] = [
        (Change(kind="learning_rate", value=it),) for it in rates
    ]
    if is_in_class_order(trace):
        changes.append((Change(kind="shuffle_rows"),))
    are_values = facts.labels in (None, "values")
    scaled = []
    if not trace.normalizes_inputs and _is_off(trace.inputs):
        scaled.append(Change(kind="standardize_inputs"))
    if _is_off(trace.targets) and are_values:
        scaled.append(Change(kind="standardize_targets"))
    changes += [(it,) for it in scaled]
    if len(scaled) > 1:
        changes.append(tuple(scaled))  # one scaler forgotten is often two
    if has_outlier(trace.inputs):
        changes.append((Change(kind="clip_inputs"),))
    if has_outlier(trace.targets) and are_values:
        changes.append((Change(kind="clip_targets"),))
    # If the weights were drawn as usual and the loss falls steadily, new weights could
    # only be a luckier draw.
    on_its_way = found.is_on_its_way and found.starts_level
    if not (on_its_way and SCALING_INITIALIZERS.issuperset(facts.initializers)):
        changes.append((Change(kind="reinitialize"),))
    if facts.fixed is None:
        changes += [(it,) for it in _of_the_program(facts)]
    return tuple(changes)


def _of_the_program(facts: ModelFacts) -> Iterator[Change]:
    """Yield changes of the program, only for what is unusual in it: each of them needs
    a clone of the model, and so a new graph.
    """
    if not facts.canonical_output:
        yield Change(kind="canonical_output")
    if facts.penalized:
        yield Change(kind="no_penalty")
    if facts.dropout > HEAVY_DROPOUT:
        yield Change(kind="no_dropout")
    if facts.frozen:
        yield Change(kind="unfreeze")
    if facts.narrowest == 1:
        yield Change(kind="wider", value=4.0)


def repeats(trace: Trace, again: Trace, least: float = -math.inf) -> bool:
    """Whether a watched training has the same result when it is run again unchanged.

    The result differs for a loop that does more than the usual step: two models
    against each other, data that change on the way, rows that were not all seen.
    Nothing can be learned from re-runs of such a training.

    Args:
        trace: The trace of the training.
        again: The trace of the re-run.
        least: Skills below this value count as equal to it: at 0 all that are no
            better than a constant are the same.
    """
    skill, other = loss_curve_of(trace).skill, _skill(again)
    if skill is None or not math.isfinite(other):
        return False
    return abs(max(skill, least) - max(other, least)) <= SAME_OUTCOME


def length(steps: int, runs: int) -> Change | None:
    """Return the change that shortens the re-runs of a long training, None for a short
    training.

    Together the re-runs are no longer than the training, unless this would leave each
    with less than `REFERENCE_STEPS` steps. The length depends on the number of steps
    only, so that the same seed gives the same report.

    Args:
        steps: The number of steps of the training.
        runs: The number of re-runs.
    """
    each = max(REFERENCE_STEPS, steps // max(1, runs))
    if steps <= each:
        return None
    return Change(kind="more_steps", value=each / steps)


def learned_little(found: LossCurve) -> bool:
    """Whether a standard change could still show that a training is broken."""
    skill = found.skill
    return found.finite and skill is not None and skill < thresholds.LEARNED_ENOUGH


def _is_off(columns: tuple[ColumnStats, ...]) -> bool:
    """Whether some column is not standardized: its mean is far from 0, or its spread
    far from 1.
    """
    low, high = STANDARD_SPREAD
    return any(
        bool(
            np.any(np.abs(it.mean) > STANDARD_MEAN)
            or np.any((it.std < low) | (it.std > high))
        )
        for it in columns
        if it.is_numeric
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A re-run with its ``skill``, and with that of the training as ``before``, by the
    same loss on the same targets.
    """

    reference: ComparedRun
    before: float
    skill: float

    @property
    def gain(self) -> float:
        return self.skill - self.before


def _held(found: LossCurve, references: tuple[ComparedRun, ...]) -> list[_Held]:
    """Return the re-runs that can be compared with the training and stayed finite."""
    compared = [(in_one_unit(found, it.trace), it) for it in references]
    return [
        _Held(reference=it, before=held.skill_before, skill=held.skill)
        for held, it in compared
        if held.skill is not None
        and held.skill_before is not None
        and np.isfinite(held.skill)
    ]


def chosen(trace: Trace, references: tuple[ComparedRun, ...]) -> ComparedRun | None:
    """Return the re-run whose change makes a training far better, None without one.

    Args:
        trace: The trace of a training without errors.
        references: Re-runs, each with one change.
    """
    found = loss_curve_of(trace)
    best = _best(trace, found, _held(found, references))
    return None if best is None else best.reference


def _best(trace: Trace, found: LossCurve, held: list[_Held]) -> _Held | None:
    """Return the best re-run, None if no re-run is far better than the training.

    Re-runs that undo a certain fault and are far better come first, else those about as
    good as the best, in the order of their `rank`. A re-run that is no better than a
    constant never counts.
    """
    better = [it for it in held if it.skill >= thresholds.BARELY]
    if not learned_little(found) or not better:
        return None
    best = max(it.skill for it in better)
    helps = [it for it in better if it.gain >= thresholds.FAR_BETTER]
    certain = [it for it in helps if it.reference.is_certain(trace)]
    about_best = [it for it in better if it.skill >= best - ABOUT_AS_GOOD]
    if found.lags:  # a higher rate may only help the moving averages to catch up
        slow = _needs_longer(found, held)
        proofs = [it for it in about_best if _is_proof(trace, found, it, slow)]
        about_best = proofs or about_best
    first = min(certain or about_best, key=lambda it: it.reference.rank)
    return first if first.gain >= thresholds.FAR_BETTER else None


def is_improvable(findings: Iterable[Finding]) -> bool:
    """Whether a standard change would make the training far better."""
    return any(it.kind == IMPROVABLE.name for it in findings)


def improvable(
    trace: Trace, references: tuple[ComparedRun, ...]
) -> tuple[Finding, ...]:
    """Return the findings on the change that makes a training far better.

    Args:
        trace: The trace of a training without errors.
        references: Re-runs, each with one change.

    Returns:
        An ``improvable`` warning, after a ``plateau`` error if the change proves a
        fault; empty where no change makes the training far better.
    """
    found = loss_curve_of(trace)
    held = _held(found, references)
    best = _best(trace, found, held)
    if best is None:
        return ()
    reference, before, skill = best.reference, best.before, best.skill
    now, then = f"{before:.0%}", f"{skill:.0%}"
    better = finding(
        IMPROVABLE,
        value=before,
        limit=skill,
        step=found.steps,
        where=reference.description,
        now=now,
        then=then,
    )
    if not _is_proof(trace, found, best, _needs_longer(found, held)):
        return (better,)
    why = (
        f"it removes {max(before, 0.0):.0%} of that, with {reference.description} the"
        f" same training removes {then}"
    )
    stuck = finding(
        PLATEAU,
        severity="error",
        step=found.steps,
        value=found.end,
        limit=found.constant,
        why=why,
    )
    return stuck, better


def _needs_longer(found: LossCurve, held: list[_Held]) -> bool:
    """Whether a run is merely slow, which is not broken.

    A run is slow if it is on its way; a short run also if it makes progress and either
    its loss still falls steadily or ten times the learning rate, which is about ten
    times the steps, takes it further.
    """
    if not found.is_short:
        return found.is_on_its_way
    further = any(
        it.gain >= thresholds.BARELY for it in held if it.reference.is_tenfold
    )
    falls = found.is_falling and found.is_steady
    return found.is_on_its_way or (found.gets_on and (further or falls))


def _is_proof(trace: Trace, found: LossCurve, held: _Held, slow: bool) -> bool:
    """Whether a change that helps proves a fault, and not a run that is merely slow or
    a deliberate choice; a certain fault is proved by a run of any length.
    """
    reference, skill = held.reference, held.before
    if reference.undoes_a_choice or (reference.scales and is_of_order_one(trace)):
        return False
    if reference.is_certain(trace):
        return skill < thresholds.LEARNED_HALF
    if reference.speeds_up or found.is_very_short:
        stood = found.moved < STOOD and not found.decreased
        limit = thresholds.LEARNED_HALF if stood else NEXT_TO_NOTHING
        return skill < limit and not slow
    return skill < thresholds.LEARNED_HALF


def _skill(trace: Trace) -> float:
    found = loss_curve_of(trace)
    if not found.finite or found.skill is None:
        return float("-inf")
    return found.skill
