"""Causes that were seen while a training ran: no re-run is needed to know them.

A finding of `SEEN_CAUSES` names its own cause. One that fails a training is its first
cause; a re-run by the usual training step proves what that step does otherwise.
"""

from __future__ import annotations

import math
from dataclasses import replace

from ..core.diagnosis import Cause, Experiment
from ..core.findings import SEEN_CAUSES, Finding

__all__ = ["explains_all", "seen_causes"]


def seen_causes(
    findings: tuple[Finding, ...], usual_step: Experiment | None = None
) -> tuple[Cause, ...]:
    """The causes that were seen, the likeliest first.

    Args:
        findings: Of the training.
        usual_step: The same training by the usual step, where that converges.
    """
    errors = {it.kind: it for it in reversed(findings) if it.severity == "error"}
    return tuple(
        _cause(errors[kind], usual_step if errors[kind].undone_by else None)
        for kind in SEEN_CAUSES
        if kind in errors
    )


def explains_all(findings: tuple[Finding, ...]) -> bool:
    """Whether nothing failed the training but what was seen."""
    errors = [it for it in findings if it.severity == "error"]
    return bool(errors) and all(it.kind in SEEN_CAUSES for it in errors)


def _cause(finding: Finding, proof: Experiment | None) -> Cause:
    seen = Cause(
        cause=finding.kind, verified=False, where=finding.where, remedy=finding.hint
    )
    if proof is None:
        return seen
    before, after = _fall(proof)
    return replace(
        seen,
        verified=True,
        change=finding.undone_by,
        loss_before=before,
        loss_after=after,
    )


def _fall(proof: Experiment) -> tuple[float | None, float | None]:
    """The final losses without and with the change, where the second is the lower: a
    training that drops nothing may well fit its own rows better.
    """
    before, after = proof.before, proof.loss
    if before is None or math.isnan(after) or after >= before:
        return None, None
    return before, after
