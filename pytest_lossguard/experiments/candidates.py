"""Which changes are worth trying, in which order: what the trace suggests first."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.change import Change, ModelFacts
from ..core.findings import Finding, place_of
from ..core.trace import Trace
from .changes import CHANGES, acts_on, kind_of
from .changes.kind import SEEN, Situation

__all__ = ["Candidate", "hypotheses", "suspected", "where_of"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that may undo the cause, and how much speaks for it, 0 to 105."""

    weight: float
    change: Change

    @property
    def is_seen(self) -> bool:
        """A fault of the data that was seen in them, whatever training does."""
        return self.weight >= SEEN - 2 and acts_on(self.change) == "data"


def hypotheses(
    trace: Trace, findings: tuple[Finding, ...], facts: ModelFacts
) -> tuple[Candidate, ...]:
    """Changes to try, the likeliest to undo the cause first.

    Args:
        trace: The training that failed.
        findings: What was found in it.
        facts: What its program is made of.
    """
    found = frozenset(it.kind for it in findings)
    now = Situation(trace=trace, found=found, facts=facts)
    weighed = [it for kind in CHANGES if kind.worth for it in kind.worth(now)]
    weighed.sort(key=lambda it: -it[0])  # stable: equal weights keep this order
    return tuple(Candidate(weight, change) for weight, change in weighed)


#: Units that are 0 for one row are so for all if these are alike.
_OF_ALIKE_ROWS = ("dead_units", "vanishing_gradient", "saturated_activations")


def suspected(findings: tuple[Finding, ...]) -> tuple[tuple[str, Finding], ...]:
    """Causes that the findings suggest, each with the finding that does."""
    known: dict[str, Finding] = {}
    if any(it.kind == "constant_inputs" for it in findings):  # what all rows share
        findings = tuple(it for it in findings if it.kind not in _OF_ALIKE_ROWS)
    for finding in sorted(findings, key=lambda it: place_of(it.kind)):
        if finding.suspects:
            known.setdefault(finding.suspects, finding)
    return tuple(known.items())


def where_of(change: Change, findings: tuple[Finding, ...]) -> str | None:
    """The row, feature, layer or variable that a change is about."""
    kinds = kind_of(change).shown_by
    return next(
        (it.where for kind in kinds for it in findings if it.kind == kind), None
    )
