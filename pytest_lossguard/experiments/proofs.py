"""Proofs that turn a warning into an error: without the fault the same training ends
far better on held-out rows, on every seed.

A suspicious setting may be deliberate, such as a schedule that ends early. Whether it
does harm is measured: the training is run again with the fault and without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ..core.change import Change
from ..core.diagnosis import Cause, Diagnosis
from ..core.findings import Finding
from ..core.numbers import number
from ..core.trace import Trace
from ..judge import loss_curve_of, thresholds
from ..judge.data import UNSCALED_INPUTS
from ..judge.fed import REPEATED_BATCH
from ..judge.order import ROWS_IN_CLASS_ORDER
from ..judge.settings import RATE_ENDED
from ..judge.step import CUSTOM_GRADIENT_WRONG
from .held_out import CONTROL_STEPS
from .thresholds import FRESH, PROOF_SEEDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The re-runs that can prove that a fault does harm.

    Attributes:
        finding: The warning.
        as_it_was: The changes of a re-run that reproduces the training; empty where
            an unchanged re-run, the usual step on all rows, has the fault.
        with_fault: The changes of the re-run that stands for the training with its
            fault.
        without: The changes of the re-run without the fault.
        words: What was changed, as ``"the rows shuffled"``.
    """

    finding: Finding
    as_it_was: tuple[Change, ...] = ()
    with_fault: tuple[Change, ...] = ()
    without: tuple[Change, ...] = ()
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Final losses of two re-runs on held-out rows.

    Attributes:
        fault: The loss of the re-run with the fault.
        without: The loss of the re-run without the fault.
        perfect: The loss of perfect predictions.
        constant: The loss of the best constant prediction.
    """

    fault: float
    without: float
    perfect: float
    constant: float

    @property
    def is_far_better(self) -> bool:
        """Whether the loss is far lower without the fault, and the training without it
        learns.
        """
        left, learns = self.without - self.perfect, self.constant - self.perfect
        return (
            left <= thresholds.LEFT_WITHOUT_FAULT * (self.fault - self.perfect)
            and left <= (1 - thresholds.BARELY) * learns
        )


def proofs(findings: tuple[Finding, ...], trace: Trace) -> Iterator[Proof]:
    """Yield proofs to try for those warnings of a training that allow one; none for a
    training of more than `CONTROL_STEPS` steps.
    """
    if len(trace.steps) > CONTROL_STEPS:
        return
    for it in findings:
        make = _PROOFS.get(it.kind) if it.severity == "warning" else None
        if make is not None and (found := make(it, trace)) is not None:
            yield found


def seeds() -> tuple[int | None, ...]:
    """Return the seeds of a proof: None, for that of the training, then fresh ones."""
    return (None, *range(FRESH, FRESH + PROOF_SEEDS - 1))


def outside(fault: Trace, without: Trace) -> Outside | None:
    """Compare two re-runs on the same held-out rows.

    Args:
        fault: The trace of the re-run with the fault.
        without: The trace of the re-run without the fault.

    Returns:
        The final losses; None where a held-out loss, or that of perfect or constant
        predictions, is not known.
    """
    perfect = loss_curve_of(without).perfect
    before, after = fault.validation, without.validation
    if perfect is None or before is None or after is None or after.constant is None:
        return None
    return Outside(
        fault=before.loss[-1],
        without=after.loss[-1],
        perfect=perfect,
        constant=after.constant,
    )


def proved(proof: Proof, found: tuple[Outside, ...]) -> tuple[Finding, Diagnosis]:
    """Return the warning as an error, with a diagnosis that names its cause.

    Args:
        proof: The proof that succeeded.
        found: The losses on each seed, first on the seed of the training.
    """
    first, finding = found[0], proof.finding
    share = max((it.without - it.perfect) / (it.fault - it.perfect) for it in found)
    message = (
        f"{finding.message}. With {proof.words} the same training ends at a loss of"
        f" {number(first.without)} on held-back rows, with the fault at"
        f" {number(first.fault)}: on {len(found)} seeds at most {share:.0%} of it is"
        f" left, limit {thresholds.LEFT_WITHOUT_FAULT:.0%}"
    )
    cause = Cause(
        cause=finding.suspects,
        verified=True,
        where=finding.where,
        change=proof.words,
        loss_before=first.fault,
        loss_after=first.without,
        remedy=finding.hint,
    )
    return (
        replace(finding, severity="error", message=message),
        Diagnosis(causes=(cause,)),
    )


def _of_order(finding: Finding, trace: Trace) -> Proof:
    del trace
    shuffled = (Change(kind="shuffle_rows"),)
    return Proof(finding=finding, without=shuffled, words="the rows shuffled")


def _of_scale(finding: Finding, trace: Trace) -> Proof | None:
    if trace.rescaled is None:
        return None
    undone = (Change(kind="scale_inputs", value=1 / trace.rescaled.scale),)
    return Proof(finding=finding, without=undone, words="the inputs scaled once")


def _of_rate(finding: Finding, trace: Trace) -> Proof | None:
    """Return the proof for a learning rate that a callback lowered too early.

    A re-run does not have the callback. The training with the fault is represented by
    a re-run that keeps the first rate and stops where the rate was next to 0.
    """
    facts, steps = trace.step, len(trace.steps)
    if facts is None or not facts.rate_cut_at or not facts.rate_ended_at:
        return None
    until_cut, until_end = (
        Change(kind="more_steps", value=it / steps)
        for it in (facts.rate_cut_at, facts.rate_ended_at)
    )
    return Proof(
        finding=finding,
        as_it_was=(until_cut,),
        with_fault=(until_end,),
        words="the first learning rate kept",
    )


def _of_unseen_rows(finding: Finding, trace: Trace) -> Proof | None:
    facts = trace.data_facts
    unseen = None if facts is None else facts.unseen
    if unseen is None or not unseen.batches or not unseen.calls:
        return None
    few = Change(kind="fewer_rows", value=unseen.steps / unseen.batches)
    return Proof(
        finding=finding,
        as_it_was=(few,),
        with_fault=(few,),
        words="all rows trained on",
    )


def _of_gradient(finding: Finding, trace: Trace) -> Proof | None:
    wrong = () if trace.step is None else trace.step.custom_gradients
    known = next((it for it in wrong if it.place == finding.where), None)
    if known is None:
        return None
    return Proof(
        finding=finding,
        without=(Change(kind="plain_gradients", value=known.place),),
        words=f"the gradient that TensorFlow derives of {known.name}",
    )


#: The warnings that re-runs can turn into errors, and what makes the proof of each.
_PROOFS: dict[str, Callable[[Finding, Trace], Proof | None]] = {
    ROWS_IN_CLASS_ORDER.name: _of_order,
    RATE_ENDED.name: _of_rate,
    REPEATED_BATCH.name: _of_unseen_rows,
    CUSTOM_GRADIENT_WRONG.name: _of_gradient,
    UNSCALED_INPUTS.name: _of_scale,
}
