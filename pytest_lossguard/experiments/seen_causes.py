"""Causes that were seen while a training ran, and need no re-run to be known.

A finding of a kind in `SEEN_CAUSES` names its own cause. If the finding fails the
training, it is the first cause of the diagnosis. A re-run with the usual training step
proves causes that this step avoids.
"""

from __future__ import annotations

import math
from dataclasses import replace

from ..core.diagnosis import Cause, Experiment
from ..core.findings import SEEN_CAUSES, Finding


def seen_causes(
    findings: tuple[Finding, ...], usual_step: Experiment | None = None
) -> tuple[Cause, ...]:
    """Return the causes that were seen, the likeliest first.

    Args:
        findings: The findings of the training.
        usual_step: A re-run with the usual training step that converges; None where
            there is none.
    """
    errors = {it.kind: it for it in reversed(findings) if it.severity == "error"}
    return tuple(
        _cause(errors[kind], usual_step if errors[kind].undone_by else None)
        for kind in SEEN_CAUSES
        if kind in errors
    )


def explains_all(findings: tuple[Finding, ...]) -> bool:
    """Whether the training failed, and only by causes that were seen."""
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
    """Return the final losses without and with the change, or two None where the change
    does not lower the loss, as a training without dropout may fit its own rows better.
    """
    before, after = proof.before, proof.loss
    if before is None or math.isnan(after) or after >= before:
        return None, None
    return before, after
