"""Re-runs after the test: failures are diagnosed, weak passes are compared.

Both steps run the training again with one thing changed. Neither ever runs while a test
body is running.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ..core.busy_clock import busy_clock
from ..core.change import Change, MakeRerun, Rerun
from ..core.custom_checks import Check
from ..core.diagnosis import Diagnosis
from ..core.errors import CannotChange, UsageError, first_line
from ..core.findings import Finding
from ..core.policy import Policy
from ..core.trace import Trace
from ..core.verdict import Verdict
from ..experiments.changes import describe
from ..experiments.compare import (
    ComparedRun,
    chosen,
    improvable,
    learned_little,
    length,
    repeats,
    wanted,
)
from ..experiments.diagnose import diagnose
from ..experiments.held_out import (
    can_be_checked_outside,
    carries_signal,
    holds_outside,
    labels_carry_no_signal,
    showed_signal,
    wants_control,
)
from ..experiments.proofs import (
    Outside,
    Proof,
    outside,
    proofs,
    proved,
    seeds,
)
from ..experiments.thresholds import KEPT_BACK
from ..judge import held_to, loss_curve_of

#: Seconds that a diagnosis may take, by default. The number of steps decides which
#: changes are tried; for a small model all of them take at most 11 s on an idle
#: processor.
DIAGNOSIS_BUDGET = 30.0
#: No re-run of a passed training begins after this many seconds, or after as many
#: seconds as the training itself took, whichever is longer. Small models need only a
#: fraction of this, so the clock does not affect them; where it does, the report says
#: so.
_SECONDS = 30.0
#: Factors on the learning rate with which the labels are tested for signal again.
_LOWER = (0.1, 0.01)


def diagnosed(
    verdict: Verdict,
    make_rerun: MakeRerun | None,
    policy: Policy,
    budget: float,
    checks: tuple[Check, ...] = (),
) -> Verdict:
    """Diagnose a failed training.

    Args:
        verdict: Verdict of the training, with at least one error.
        make_rerun: Makes the `Rerun` of the training; None if it was not kept.
        policy: The policy that the training was judged by.
        budget: Time limit in seconds.
        checks: Custom checks, which re-runs must pass as well.

    Returns:
        The verdict with its diagnosis.
    """

    def by(rerun: Rerun | None) -> Diagnosis:
        return diagnose(
            verdict.trace, verdict.findings, rerun, policy, budget, checks=checks
        )

    try:
        found = by(None if make_rerun is None else make_rerun())
    except (CannotChange, UsageError) as error:
        found = replace(by(None), left_out=(str(error),))
    except Exception as error:
        found = replace(by(None), left_out=(_ended_in(error),))
    return replace(verdict, diagnosis=found)


def compared(
    verdict: Verdict,
    make_rerun: MakeRerun,
    policy: Policy,
    clock: Callable[[], float] | None = None,
) -> Verdict:
    """Compare a passed training with re-runs that have one standard change.

    Args:
        verdict: Verdict of the training, without errors.
        make_rerun: Makes the `Rerun` of the training.
        policy: The policy of the test; with ``strict``, new findings fail the test.
        clock: Returns the time in seconds; None for a clock that stops while the
            machine is busy with something else.

    Returns:
        The verdict with the findings of the re-runs added.
    """
    trace, seconds = verdict.trace, max(_SECONDS, verdict.trace.seconds)
    clock = clock or busy_clock()
    deadline, ended = clock() + seconds, False

    def is_late() -> bool:
        nonlocal ended
        ended = ended or clock() > deadline
        return ended

    try:
        rerun = make_rerun()
        harm = _first_harmful_fault(verdict, rerun, is_late)
        found = [] if harm else [*_findings(trace, rerun, is_late)]
    except (CannotChange, UsageError):
        return verdict
    except Exception as error:
        return _noted(verdict, f"not compared with re-runs: {_ended_in(error)}")
    if ended:
        verdict = _noted(
            verdict,
            "not compared with every standard change: no re-run begins after"
            f" {seconds:.0f} s",
        )
    if harm:
        verdict = replace(verdict, diagnosis=harm[1])
        found = [harm[0]]
    if not found:
        return verdict
    new = {it.kind for it in found}
    kept = (it for it in verdict.findings if it.kind not in new)
    return replace(verdict, findings=held_to((*found, *kept), policy))


def _first_harmful_fault(
    verdict: Verdict, rerun: Rerun, is_late: Callable[[], bool]
) -> tuple[Finding, Diagnosis] | None:
    """Return the first warning whose fault is proved harmful, with the proof: without
    the fault the training ends with a far lower loss.
    """
    for proof in proofs(verdict.findings, verdict.trace):
        if not can_be_checked_outside((), rerun.rows):
            return None
        found = tuple(_outside(proof, verdict.trace, rerun, is_late))
        if len(found) == len(seeds()):
            return proved(proof, found)
    return None


def _outside(
    proof: Proof, trace: Trace, rerun: Rerun, is_late: Callable[[], bool]
) -> Iterator[Outside]:
    """Yield the held-out losses with and without a fault, seed by seed.

    Stops at the first seed where the fault costs little, or if re-runs do not reproduce
    the training.
    """
    try:
        if not repeats(trace, rerun(*proof.as_it_was), least=0.0):
            return
        for seed in seeds():
            if is_late():
                return
            fault, without = (
                rerun(*it, seed=seed, held_out=KEPT_BACK, redrawn=seed is not None)
                for it in (proof.with_fault, proof.without)
            )
            found = outside(fault, without)
            if found is None or not found.is_far_better:
                return
            yield found
    except (CannotChange, UsageError):
        return


def _noted(verdict: Verdict, note: str) -> Verdict:
    trace = verdict.trace
    return replace(verdict, trace=replace(trace, notes=(*trace.notes, note)))


def _ended_in(error: Exception) -> str:
    """Describe the error that ended a re-run; such an error never ends the test."""
    return f"a re-run ended in {type(error).__name__}: {first_line(error)}"


def _findings(
    trace: Trace, rerun: Rerun, is_late: Callable[[], bool]
) -> Iterator[Finding]:
    """Yield the findings of the re-runs. Each re-run costs a training, so none is made
    without need.
    """
    little = learned_little(loss_curve_of(trace))
    wants_signal = not showed_signal(trace) and wants_control(trace, rerun.rows)
    if not (little or wants_signal) or not rerun.is_complete:
        return
    if little:
        if not _comes_out_again(trace, rerun):
            return
        better = _better(trace, rerun, is_late)
        yield from better
        wants_signal = wants_signal and not better
    if wants_signal and not is_late():
        found = (*_without_signal(trace, rerun),)
        if found and (little or _comes_out_again(trace, rerun)):
            yield from found


def _comes_out_again(trace: Trace, rerun: Rerun) -> bool:
    """Whether re-runs reproduce the training, so that they can be compared with it."""
    return trace.source != "watch" or repeats(trace, rerun())


def _better(
    trace: Trace, rerun: Rerun, is_late: Callable[[], bool]
) -> tuple[Finding, ...]:
    """Return findings on changes that make the training far better, on held-out rows as
    well: a longer or faster training can memorize any pairing of rows and labels.
    """
    references = tuple(_references(trace, rerun, is_late))
    as_it_is: Trace | None = None
    while (best := chosen(trace, references)) is not None:
        if is_late() or not can_be_checked_outside(best.changes, rerun.rows):
            break
        as_it_is = as_it_is or rerun(held_out=KEPT_BACK)
        changed = rerun(*best.changes, held_out=KEPT_BACK)
        if holds_outside(as_it_is, changed, best.changes):
            break
        references = tuple(it for it in references if it is not best)
    return improvable(trace, references)


def _without_signal(trace: Trace, rerun: Rerun) -> Iterator[Finding]:
    """Yield a finding if the labels are learned no better than shuffled ones. Lower
    learning rates are tried too: at a rate that is too high, good labels are not
    learned either.
    """
    real = rerun(held_out=KEPT_BACK)
    if carries_signal(real):
        return
    shuffled = rerun(Change(kind="shuffle_labels"), held_out=KEPT_BACK)
    facts = trace.data_facts
    are_shuffled = facts is not None and facts.shuffled_inputs
    found = labels_carry_no_signal(real, shuffled, are_shuffled=are_shuffled)
    for factor in _LOWER if found else ():
        try:
            lower = Change(kind="learning_rate", value=factor)
            if carries_signal(rerun(lower, held_out=KEPT_BACK)):
                return
        except (CannotChange, UsageError):
            break
    yield from found


def _references(
    trace: Trace, rerun: Rerun, is_late: Callable[[], bool]
) -> Iterator[ComparedRun]:
    facts = rerun.facts
    asked = wanted(trace, facts)
    shorter = length(len(trace.steps), len(asked))
    for changes in asked:
        if is_late():
            return
        try:
            again = rerun(*changes, *([] if shorter is None else [shorter]))
        except (CannotChange, UsageError):
            continue
        words = " and ".join(describe(it, trace, facts) for it in changes)
        yield ComparedRun(changes=changes, description=words, trace=again)
