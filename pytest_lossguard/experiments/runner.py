"""Experiments: re-runs of a training with changes, and the result of each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..core.change import Change, ModelFacts, Rerun
from ..core.custom_checks import Check
from ..core.diagnosis import Experiment
from ..core.errors import CannotChange, NothingToChange, UsageError
from ..core.findings import Finding
from ..core.policy import Policy
from ..core.trace import Trace
from ..judge import judge, loss_curve_of
from ..judge.curve import Compared, LossCurve, exceeds, in_one_unit
from ..judge.outcome import WORSE_THAN_CONSTANT
from ..judge.thresholds import FAR_BETTER
from . import thresholds
from .candidates import Candidate
from .changes import cause_of, describe, kind_of
from .compare import IMPROVABLE, is_improvable
from .held_out import can_be_checked_outside, holds_outside

#: What an experiment must reach: the judge passes it (``"converged"``); it is as good
#: as a constant, where nothing may be left to learn (``"level"``); or, for two changes
#: on suspicion, it is clearly better than a constant (``"clearly"``).
Reaches = Literal["converged", "level", "clearly"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a re-run must reach for its change to count as a repair.

    Attributes:
        policy: The policy that re-runs are judged by.
        absent: Kinds of findings that failed the training and must be absent.
        ends_lower: Whether no change is a repair unless the loss ends lower.
        gain: The least increase of the skill, where it is known that far more can be
            learned; else minus infinity.
        checks: Custom checks that re-runs must pass.
    """

    policy: Policy
    absent: frozenset[str]
    ends_lower: bool
    gain: float
    checks: tuple[Check, ...] = ()

    @classmethod
    def of(
        cls,
        trace: Trace,
        findings: tuple[Finding, ...],
        policy: Policy,
        checks: tuple[Check, ...] = (),
    ) -> Target:
        """Return the target for a training with these findings, judged by a policy."""
        errors = [it for it in findings if it.severity == "error"]
        absent = frozenset(it.kind for it in errors) - {IMPROVABLE.name}
        is_scored = loss_curve_of(trace).skill is not None
        return cls(
            policy=replace(policy, strict=False),
            absent=absent,
            ends_lower=any("too_high" in it.symptoms for it in errors),
            gain=FAR_BETTER if is_scored and is_improvable(findings) else -np.inf,
            checks=checks,
        )

    def missed_by(self, trace: Trace, curve: LossCurve, held: Compared) -> set[str]:
        """Return the kinds of findings that keep a re-run from being a repair.

        Args:
            trace: The trace of the re-run.
            curve: The loss curve of the re-run.
            held: The training and the re-run, compared by the same loss.
        """
        judged = judge(trace, self.policy, self.checks)
        missed = {
            it.kind for it in judged if it.severity == "error" or it.kind in self.absent
        }
        gained = _gained(trace, held)
        looks_the_same = abs(gained) < thresholds.LEAST_DIFFERENCE
        if gained < self.gain or (looks_the_same and self.ends_lower):
            missed.add(IMPROVABLE.name)
        is_allowed = WORSE_THAN_CONSTANT.name in self.policy.allow
        if curve.is_far_above_constant and not is_allowed:
            # A slow training is no failure, but a change that leaves it so slow is no
            # repair.
            missed.add(WORSE_THAN_CONSTANT.name)
        return missed


def _gained(trace: Trace, held: Compared) -> float:
    """Return by how much a re-run raises the skill.

    Where the two cannot be compared, the result is infinite if the re-run has the same
    loss and targets, else minus infinity: no gain is known.
    """
    if held.skill is None or held.skill_before is None:
        return np.inf if trace.same_measure else -np.inf
    return held.skill - held.skill_before


class ExperimentRunner:
    """Runs experiments within a budget, and keeps their results.

    Args:
        trace: The trace of the training that failed.
        rerun: Runs the training again with changes.
        goal: What a re-run must reach to be a repair.
        facts: Facts about the model, its loss and its optimizer.
        findings: The findings of the judge on the trace.
        budget: Seconds after which no further experiment begins.
        clock: Returns the time in seconds.

    Attributes:
        experiments: All experiments, in the order in which they ran.
        as_it_is: The unchanged re-run, None before `passes_as_it_is` ran it.
    """

    def __init__(
        self,
        trace: Trace,
        rerun: Rerun,
        goal: Target,
        facts: ModelFacts,
        findings: tuple[Finding, ...],
        budget: float,
        clock: Callable[[], float],
    ) -> None:
        self.experiments: list[Experiment] = []
        symptoms = {symptom for it in findings for symptom in it.symptoms}
        self._has_blown_up = "blown_up" in symptoms
        self._loss_is_off = "misfit" in symptoms
        self._trace, self._rerun, self._facts = trace, rerun, facts
        self._goal = goal
        self._found = loss_curve_of(trace)
        self._before = self._found.end
        self._as_it_is: Trace | None = None
        self.as_it_is: Experiment | None = None
        self._seconds, self._clock = budget, clock
        self._deadline = clock() + budget
        self._steps, self._most_steps = 0, most_steps(len(trace.steps))
        self._ended: str | None = None

    @property
    def repairs(self) -> list[Experiment]:
        """The experiments that converged on the seed of the training and on fresh ones.

        Those that only reached the level of a constant are left out where another
        clearly learned something.
        """
        found = [it for it in self.experiments if it.repairs]
        if any(gain(it) >= thresholds.CLEARLY for it in found):
            return [it for it in found if not it.only_level]
        return found

    @property
    def helpful(self) -> list[Experiment]:
        """The experiments that converged, but not on every seed; those that held on
        the largest share of the seeds first.
        """
        found = [
            it
            for it in self.experiments
            if it.converged and not it.repairs and not it.by_heart
        ]
        return sorted(found, key=lambda it: -(it.holds or 0.0))

    @property
    def left_out(self) -> Iterator[str]:
        """The reasons why some changes could not be tried, each once."""
        untried = (it for it in self.experiments if it.applies)
        reasons = (it.failure for it in untried if it.failure is not None)
        yield from dict.fromkeys(reasons)
        if self._ended is not None:
            yield self._ended

    def passes_as_it_is(self) -> bool:
        """Whether an unchanged re-run converges: then model, data and loss alone do not
        explain the failure, and no re-run can.
        """
        done = self._outcome((), "as it is", None, "converged")
        self.as_it_is = done
        return done.failure is None and done.converged

    def run_singles(self, ideas: tuple[Candidate, ...]) -> None:
        """Try each change alone, until the next is much less likely than a repair that
        was found.
        """
        least = 0.0
        for idea in ideas:
            if self._ends() or idea.weight < least:
                return
            change = idea.change
            if self._is_already_repaired(change) or self._is_pointless(change):
                continue
            done = self._run(change)
            repaired = done.repairs and gain(done) >= thresholds.CLEARLY
            if idea.is_seen and not done.repairs:
                repaired = self._run_with_companions(idea, ideas)
            if repaired:
                least = max(least, thresholds.MUCH_LESS_LIKELY * idea.weight)

    def _run_with_companions(
        self, fault: Candidate, ideas: tuple[Candidate, ...]
    ) -> bool:
        """Undo a fault of the data together with one other change.

        Without the fault the training may have nothing to learn: reaching the level of
        a constant is then enough.

        Returns:
            Whether some pair is a repair.
        """
        others = [it for it in ideas if cause_of(it.change) != cause_of(fault.change)]
        companions = (Candidate(0.0, it) for it in thresholds.COMPANIONS)
        tried = set()
        for other in (*others[: thresholds.LIKELY_IN_PAIRS], *companions):
            if self._ends():
                return False
            if (
                cause_of(other.change) == cause_of(fault.change)
                or other.change in tried
            ):
                continue
            tried.add(other.change)
            first, second = sorted((fault, other), key=lambda it: -it.weight)
            if self._run(first.change, second.change, reaches="level").repairs:
                return True
        return False

    def _is_already_repaired(self, change: Change) -> bool:
        """Whether a change with the same cause already repaired the training."""
        known = {cause_of(other) for it in self.repairs for other in it.changes}
        return cause_of(change) in known

    def _is_pointless(self, change: Change) -> bool:
        """Whether a change takes too long to run, or a smaller change in the same
        direction made the training worse or could not be made.
        """
        smaller = [
            it
            for it in self.experiments
            if it.changes[0].kind == change.kind
            and cause_of(it.changes[0]) == cause_of(change)
            and it.changes[0].at == change.at
        ]
        if change.kind == "more_steps":
            steps = len(self._trace.steps) * float(change.value or 1)
            if steps > thresholds.MOST_STEPS:
                return True
        if not kind_of(change).is_graded:
            return any(it.failure is not None for it in smaller)
        return any(self._is_worse(it) for it in smaller)

    def _is_worse(self, done: Experiment) -> bool:
        is_higher = not self._has_blown_up and bool(done.loss > self._before)
        return done.failure is not None or is_higher

    def run_pairs(self, ideas: tuple[Candidate, ...]) -> None:
        """Try pairs of changes, taken from the likeliest and those that helped most."""
        ranked = self._promising(tuple(it.change for it in ideas))
        for first, second in itertools.combinations(ranked, 2):
            if self._ends() or self.repairs:
                return
            if cause_of(first) != cause_of(second) and first.kind != second.kind:
                self._run(first, second, reaches="clearly")

    def _promising(self, changes: tuple[Change, ...]) -> list[Change]:
        known = {
            it.changes[0]: it
            for it in self.experiments
            if it.failure is None and len(it.changes) == 1
        }
        best: dict[str, Change] = {}  # for each cause the change that helped most
        for change in changes:
            if change in known and (
                cause_of(change) not in best
                or gain(known[change]) > gain(known[best[cause_of(change)]])
            ):
                best[cause_of(change)] = change
        likely = list(best.values())
        helped = sorted(likely, key=lambda it: -gain(known[it]))
        first = likely[: thresholds.LIKELY_IN_PAIRS]
        return list(dict.fromkeys(first + helped[: thresholds.HELPFUL_IN_PAIRS]))

    def _ends(self) -> bool:
        """Whether the budget is spent.

        The budget is a count of steps, so that the same training has the same
        diagnosis, unless the clock runs out first.
        """
        if self._steps >= self._most_steps:
            self._ended = (
                f"the budget of {self._most_steps:,} steps in all re-runs kept further"
                " changes from being tried"
            )
        elif self._clock() > self._deadline:
            self._ended = (
                f"the budget of {self._seconds:g} s kept further changes from being"
                " tried: where the machine is faster or less busy there may be more"
            )
        return self._ended is not None

    def _run(self, *changes: Change, reaches: Reaches = "converged") -> Experiment:
        words = " and ".join(describe(it, self._trace, self._facts) for it in changes)
        done = self._outcome(changes, words, None, reaches)
        if done.converged:
            done = replace(done, by_heart=self._only_memorizes(changes))
        if done.converged and not done.by_heart:
            done = replace(done, holds=self._share_that_holds(done, reaches))
        self.experiments.append(done)
        return done

    def _outcome(
        self,
        changes: tuple[Change, ...],
        words: str,
        seed: int | None,
        reaches: Reaches,
    ) -> Experiment:
        try:
            trace = self._rerun(*changes, seed=seed)
        except (CannotChange, UsageError) as reason:
            return Experiment(
                changes=changes,
                description=words,
                failure=str(reason),
                applies=not isinstance(reason, NothingToChange),
            )
        self._steps += len(trace.steps)
        found = loss_curve_of(trace)
        held = in_one_unit(self._found, trace)
        errors = self._goal.missed_by(trace, found, held)
        if self._costs_more(changes, held):
            errors.add("worse")
        only_level = errors == {WORSE_THAN_CONSTANT.name} and _reaches_constant(found)
        barely = held.skill is not None and held.skill < thresholds.CLEARLY
        return Experiment(
            changes=changes,
            description=words,
            loss=np.nan if held.after is None else held.after,
            before=held.before,
            skill=held.skill,
            converged=(not errors and not (reaches == "clearly" and barely))
            or (reaches == "level" and only_level),
            only_level=only_level,
            curve=trace.steps.loss,
        )

    def _costs_more(self, changes: tuple[Change, ...], held: Compared) -> bool:
        """Whether changes make the loss worse; two changes whose loss cannot be
        compared count as worse.

        A training whose loss diverged, or whose loss is itself at fault, is never
        compared.
        """
        if not changes or self._has_blown_up or self._loss_is_off:
            return False
        if held.before is None or held.after is None:
            return len(changes) > 1
        return bool(np.isfinite(held.before) and held.after >= held.before)

    def _only_memorizes(self, changes: tuple[Change, ...]) -> bool:
        """Whether a change only helps to memorize rows, not on held-out rows."""
        blown = self._has_blown_up or not np.isfinite(self._before)
        if blown or not can_be_checked_outside(changes, self._rerun.rows):
            return False
        try:
            if self._as_it_is is None:
                self._as_it_is = self._rerun(held_out=thresholds.KEPT_BACK)
            changed = self._rerun(*changes, held_out=thresholds.KEPT_BACK)
        except (CannotChange, UsageError):
            return False
        return not holds_outside(self._as_it_is, changed, changes)

    def _share_that_holds(self, done: Experiment, reaches: Reaches) -> float:
        """Return the share of fresh seeds on which the change converges; the first seed
        that fails ends the series.
        """
        first = (self._trace.seed or 0) + thresholds.FRESH
        held: list[bool] = []
        for seed in range(first, first + thresholds.CONFIRMATIONS):
            again = self._outcome(done.changes, done.description, seed, reaches)
            held.append(again.converged)
            if not again.converged:
                break
        return sum(held) / len(held)


def most_steps(steps: int) -> int:
    """Return how many updates all re-runs of a training of ``steps`` updates may take
    together.
    """
    return max(thresholds.MOST_STEPS_IN_ALL, thresholds.MOST_LENGTHS * steps)


def _reaches_constant(curve: LossCurve) -> bool:
    """Whether a training ends as good as a constant, the best that is possible where
    nothing can be learned.
    """
    return curve.constant is not None and not exceeds(
        curve.end, curve.constant, thresholds.AS_GOOD_AS_CONSTANT
    )


def gain(experiment: Experiment) -> float:
    """Return the skill of an experiment; where it is not known, infinity for a repair,
    else minus infinity.
    """
    skill = experiment.skill
    if skill is None:
        return np.inf if experiment.repairs else -np.inf
    return skill if np.isfinite(skill) else -np.inf
