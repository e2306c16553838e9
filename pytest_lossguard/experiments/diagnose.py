"""The diagnosis: change one thing, train again from the same start, compare.

This module does not train itself: the caller passes a `Rerun`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..core.busy_clock import busy_clock
from ..core.change import Change, ModelFacts, Rerun
from ..core.custom_checks import Check
from ..core.diagnosis import Cause, Diagnosis, Experiment
from ..core.errors import CannotChange, UsageError
from ..core.findings import Finding
from ..core.policy import Policy
from ..core.trace import Trace
from ..judge import loss_curve_of
from ..judge.order import ROWS_IN_CLASS_ORDER
from . import thresholds
from .candidates import hypotheses, suspected, where_of
from .changes import cause_of, describe, remedy_of
from .runner import ExperimentRunner, Target, gain
from .seen_causes import explains_all, seen_causes

_OTHER_DATA = (
    "its data change from call to call, so that no re-run is the same training"
)
_OTHER_LOOP = (
    "with the usual training step on the same rows it does not fail: something else in"
    " the loop is the reason"
)

_SOME_ROWS = (
    "only some of its rows were seen, in their order, and on those alone it does not"
    " fail"
)


def diagnose(
    trace: Trace,
    findings: tuple[Finding, ...],
    rerun: Rerun | None,
    policy: Policy,
    budget: float,
    clock: Callable[[], float] | None = None,
    checks: tuple[Check, ...] = (),
) -> Diagnosis:
    """Find why a training failed.

    Args:
        trace: The trace of the training.
        findings: The findings of the judge on that trace.
        rerun: Runs the training again with changes; None where data, model or loss
            were not seen, and the trace is all there is.
        policy: The policy that the training was judged by.
        budget: Seconds after which no further experiment begins; until then only
            counts of steps decide what is tried.
        clock: Returns the time in seconds; None for a clock that stops while the
            machine is busy with something else.
        checks: Custom checks that re-runs must pass as well.

    Returns:
        The causes, those seen in the training first, then the likeliest ones; the
        experiments; and the reasons why some were left out.
    """
    if rerun is None:
        left_out = ("model, data or loss were not seen: nothing could be run again",)
        return Diagnosis(causes=_suspicions(findings), left_out=left_out)
    try:
        facts = rerun.facts
    except (CannotChange, UsageError) as reason:
        return Diagnosis(causes=_suspicions(findings), left_out=(str(reason),))
    if trace.start_there is not None:
        return Diagnosis(causes=_suspicions(findings), left_out=(_OTHER_DATA,))
    goal = Target.of(trace, findings, policy, checks)
    lab = ExperimentRunner(
        trace, rerun, goal, facts, findings, budget, clock or busy_clock()
    )
    in_order = any(it.kind == ROWS_IN_CLASS_ORDER.name for it in findings)
    if trace.source == "watch" and lab.passes_as_it_is():
        is_part = in_order and not rerun.is_complete
        seen = seen_causes(findings, lab.as_it_is)
        why = _SOME_ROWS if is_part else _OTHER_LOOP
        return Diagnosis(
            causes=_suspicions(findings, seen), left_out=() if seen else (why,)
        )
    if explains_all(findings):
        return Diagnosis(causes=_suspicions(findings))
    ideas = hypotheses(trace, findings, facts)
    lab.run_singles(ideas)
    if not lab.repairs:
        lab.run_pairs(ideas)
    causes = _answer(trace, findings, facts, lab)
    return Diagnosis(
        causes=causes, experiments=tuple(lab.experiments), left_out=tuple(lab.left_out)
    )


def _answer(
    trace: Trace,
    findings: tuple[Finding, ...],
    facts: ModelFacts,
    lab: ExperimentRunner,
) -> tuple[Cause, ...]:
    """Return the causes: those seen in the training first, then the verified ones in
    the order of their likelihood; a repair far weaker than the best comes last.

    Without any repair, all causes are suspicions.
    """
    repairs, seen = lab.repairs, seen_causes(findings)
    if not repairs:
        helped = (
            _cause(it.changes[0], it, trace, findings, facts)
            for it in lab.helpful
            if len(it.changes) == 1
        )
        return _suspicions(findings, [*seen, *helped])
    best = max(map(gain, repairs))
    repairs.sort(key=lambda it: gain(it) < best - thresholds.FAR_LESS)
    proved = (
        replace(
            _cause(change, done, trace, findings, facts),
            verified=True,
            with_next=place + 1 < len(done.changes),
        )
        for done in repairs
        for place, change in enumerate(done.changes)
    )
    return (*seen, *proved)


def _cause(
    change: Change,
    done: Experiment,
    trace: Trace,
    findings: tuple[Finding, ...],
    facts: ModelFacts,
) -> Cause:
    return Cause(
        cause=cause_of(change),
        verified=False,
        where=where_of(change, findings),
        change=describe(change, trace, facts),
        loss_before=loss_curve_of(trace).end if done.before is None else done.before,
        loss_after=None if math.isnan(done.loss) else done.loss,
        remedy=remedy_of(change, trace, facts),
    )


def _suspicions(
    findings: tuple[Finding, ...], helped: Sequence[Cause] = ()
) -> tuple[Cause, ...]:
    """Return unverified causes: those seen in the training, then changes that helped
    without repairing it, then those that the findings suggest.
    """
    known = {it.cause: it for it in (*seen_causes(findings), *helped)}
    for cause, finding in suspected(findings):
        known.setdefault(
            cause,
            Cause(
                cause=cause, verified=False, where=finding.where, remedy=finding.hint
            ),
        )
    if not known:
        return (Cause(cause="unknown", verified=False),)
    return tuple(known.values())[: thresholds.MOST_SUSPICIONS]
