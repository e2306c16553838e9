"""Candidate changes to try, ordered by how strongly the trace suggests them."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.change import Change, ModelFacts
from ..core.findings import Finding, place_of
from ..core.trace import Trace
from .changes import CHANGES, acts_on, kind_of
from .changes.kind import SEEN, Situation


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that may undo the cause.

    Attributes:
        weight: How strongly the evidence suggests the change, from 0 to 105.
        change: The change.
    """

    weight: float
    change: Change

    @property
    def is_seen(self) -> bool:
        """Whether the change undoes a fault that was found in the data themselves."""
        return self.weight >= SEEN - 2 and acts_on(self.change) == "data"


def hypotheses(
    trace: Trace, findings: tuple[Finding, ...], facts: ModelFacts
) -> tuple[Candidate, ...]:
    """Return the changes to try, the likeliest to undo the cause first.

    Args:
        trace: The trace of the training that failed.
        findings: The findings of the judge on that trace.
        facts: Facts about the model, its loss and its optimizer.
    """
    found = frozenset(it.kind for it in findings)
    symptoms = frozenset(symptom for it in findings for symptom in it.symptoms)
    now = Situation(trace=trace, found=found, symptoms=symptoms, facts=facts)
    weighed = [it for kind in CHANGES if kind.worth for it in kind.worth(now)]
    weighed.sort(key=lambda it: -it[0])  # stable: equal weights keep this order
    return tuple(Candidate(weight, change) for weight, change in weighed)


def suspected(findings: tuple[Finding, ...]) -> tuple[tuple[str, Finding], ...]:
    """Return the causes that the findings suggest, each with the finding behind it."""
    known: dict[str, Finding] = {}
    if any("rows_alike" in it.symptoms for it in findings):
        # A unit that is 0 for one row is then 0 for all rows.
        findings = tuple(it for it in findings if "units_alike" not in it.symptoms)
    for finding in sorted(findings, key=lambda it: place_of(it.kind)):
        if finding.suspects:
            known.setdefault(finding.suspects, finding)
    return tuple(known.items())


def where_of(change: Change, findings: tuple[Finding, ...]) -> str | None:
    """Return the row, feature, layer or variable that a change concerns."""
    kinds = kind_of(change).shown_by
    return next(
        (it.where for kind in kinds for it in findings if it.kind == kind), None
    )
