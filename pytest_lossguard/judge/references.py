"""What only a comparison shows: half the broken programs learn a little.

A run that passes and yet learned little is held against cheap re-runs of itself,
each with one standard change. Which ones is decided here, what they show too;
whoever calls trains them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..changes import Change, ProgramFacts
from ..findings import Finding, finding
from ..trace import ColumnStats, Trace
from . import thresholds as at
from .evidence import Evidence, evidence_of

__all__ = [
    "Reference",
    "carries_signal",
    "improvable",
    "labels_carry_no_signal",
    "length",
    "repeats",
    "wanted",
    "wants_control",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The same training with one standard change, told in the user's terms."""

    told: str
    trace: Trace


def wanted(trace: Trace, facts: ProgramFacts) -> tuple[tuple[Change, ...], ...]:
    """Standard changes worth a re-run of a training that passes, each a few at most.

    None where it learned enough, or where nothing can be compared.

    Args:
        trace: A training without errors.
        facts: What its program is made of.
    """
    found = evidence_of(trace)
    if not learned_little(found):
        return ()
    changes: list[tuple[Change, ...]] = [
        (Change(kind="learning_rate", value=it),) for it in (10.0, 100.0, 0.1)
    ]
    scaled = []
    if not trace.normalises_inputs and _is_off(trace.inputs):
        scaled.append(Change(kind="standardise_inputs"))
    if _is_off(trace.targets) and facts.labels in (None, "values"):
        scaled.append(Change(kind="standardise_targets"))
    changes += [(it,) for it in scaled]
    if len(scaled) > 1:
        changes.append(tuple(scaled))  # one scaler forgotten is often two
    if facts.fixed is None and not facts.canonical_output:
        changes.append((Change(kind="canonical_output"),))
    if facts.fixed is None and facts.penalised:
        changes.append((Change(kind="no_penalty"),))
    return (*changes, (Change(kind="reinitialise"),))


def repeats(trace: Trace, again: Trace) -> bool:
    """Whether a watched training, run again as it is, comes out as it did.

    A loop that does more than the usual step does not: two models against each other,
    data that change on the way, rows that were not all seen. Nothing is to be learned
    from re-runs of such a training.
    """
    skill, other = evidence_of(trace).skill, _skill(again)
    return skill is not None and abs(skill - other) <= at.SAME_OUTCOME


def length(steps: int, runs: int) -> Change | None:
    """How much shorter so many re-runs of a long training are, so that together they
    are no longer than it; None where it is short.

    The number of steps alone decides, so that the same seed gives the same report.
    """
    each = max(at.REFERENCE_STEPS, steps // max(1, runs))
    if steps <= each:
        return None
    return Change(kind="more_steps", value=each / steps)


def learned_little(found: Evidence) -> bool:
    """Whether a standard change could still show that a training is broken."""
    skill = found.skill
    return found.finite and skill is not None and skill < at.LEARNED_ENOUGH


def _is_off(columns: tuple[ColumnStats, ...]) -> bool:
    """Not standardised: some column's mean or spread is far from 0 and 1."""
    low, high = at.STANDARD_SPREAD
    return any(
        bool(
            np.any(np.abs(it.mean) > at.STANDARD_MEAN)
            or np.any((it.std < low) | (it.std > high))
        )
        for it in columns
        if it.is_numeric
    )


def improvable(trace: Trace, references: tuple[Reference, ...]) -> tuple[Finding, ...]:
    """The change that makes a training far better, if there is one.

    Args:
        trace: A training without errors.
        references: Re-runs, each with one change.
    """
    found = evidence_of(trace)
    if not learned_little(found) or found.skill is None:
        return ()
    skills = [(_skill(it.trace), it) for it in references]
    skills = [it for it in skills if np.isfinite(it[0])]
    if not skills:
        return ()
    # The first of those that do about as well: they are in the order of their cost.
    best = max(skill for skill, _ in skills)
    skill, reference = next(it for it in skills if it[0] >= best - at.ABOUT_AS_GOOD)
    if skill - found.skill < at.FAR_BETTER:
        return ()
    now, then = f"{found.skill:.0%}", f"{skill:.0%}"
    better = finding(
        "improvable",
        value=found.skill,
        limit=skill,
        step=found.steps,
        where=reference.told,
        now=now,
        then=then,
    )
    slow = found.is_falling and found.is_short
    if slow or found.skill >= at.NEXT_TO_NOTHING:
        return (better,)
    why = f"with {reference.told} the same training removes {then} of that"
    stuck = finding(
        "plateau",
        severity="error",
        step=found.steps,
        value=found.end,
        limit=found.constant,
        why=why,
    )
    return stuck, better


def _skill(trace: Trace) -> float:
    found = evidence_of(trace)
    if not found.finite or found.skill is None:
        return float("-inf")
    return found.skill


def wants_control(trace: Trace, rows: int) -> bool:
    """Whether a training is long enough to have learned its rows by heart, and
    short enough to be run once more.
    """
    found = evidence_of(trace)
    seen = found.steps * (trace.batch_size or 0)
    return (
        rows >= at.CONTROL_ROWS
        and found.steps <= at.CONTROL_STEPS
        and seen >= at.CONTROL_EPOCHS * rows
        and found.finite
        and found.skill is not None
        and found.skill > at.LEARNED_SOMETHING
    )


def carries_signal(held_out: Trace) -> bool:
    """Whether a training predicts rows that it has not seen better than a constant.

    Args:
        held_out: A training with some of its rows kept back and scored.
    """
    best = best_held_out(held_out)
    constant = None if held_out.validation is None else held_out.validation.constant
    if best is None or constant is None or constant <= 0:
        return True  # nothing to tell it by
    return best < (1 - at.SIGNAL) * constant


def best_held_out(trace: Trace) -> float | None:
    """The lowest held-out loss."""
    if trace.validation is None:
        return None
    losses = np.asarray(trace.validation.loss)
    losses = losses[np.isfinite(losses)]
    return float(losses.min()) if len(losses) else None


def labels_carry_no_signal(real: Trace, shuffled: Trace) -> tuple[Finding, ...]:
    """Shuffled labels are learned as well: on rows that were kept back, and on those
    that were trained on.

    Args:
        real: The training with some rows kept back, which `carries_signal` doubts.
        shuffled: The same with the labels shuffled among the rows.
    """
    best, control = best_held_out(real), best_held_out(shuffled)
    if best is None or control is None:
        return ()
    if evidence_of(real).end < (1 - at.EASIER) * evidence_of(shuffled).end:
        return ()  # there is a rule in them, if not one that these rows teach
    return (
        finding(
            "labels_carry_no_signal", value=best, limit=control, where="the labels"
        ),
    )
