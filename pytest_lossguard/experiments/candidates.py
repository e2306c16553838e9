"""Which changes are worth trying, in which order: what the trace suggests first."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.change import Change, ModelFacts
from ..core.findings import SEEN_CAUSES, Finding
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


#: What a finding lets one suspect where no experiment proved anything.
_SUSPECTED = {
    **{kind: kind for kind in SEEN_CAUSES},
    "constant_inputs": "constant_inputs",
    "disconnected_variable": "disconnected_variables",
    "unchanged_weights": "disconnected_variables",
    "nonfinite_input": "missing_values",
    "labels_out_of_range": "loss_output_mismatch",
    "loss_output_mismatch": "loss_output_mismatch",
    "masked_loss": "loss_output_mismatch",
    "impossible_loss": "loss_output_mismatch",
    "rows_in_class_order": "rows_in_class_order",
    "sentinel_values": "missing_values",
    "input_outliers": "input_outliers",
    "unscaled_inputs": "unscaled_inputs",
    "target_outliers": "target_outliers",
    "unscaled_targets": "unscaled_targets",
    "symmetric_weights": "bad_initialization",
    "labels_carry_no_signal": "labels_carry_no_signal",
    "diverging_loss": "learning_rate_too_high",
    "dead_units": "dead_units",
    "saturated_activations": "bad_initialization",
    "vanishing_gradient": "vanishing_gradients",
    "penalty_dominates": "over_regularization",
    "class_imbalance": "class_imbalance",
    "overfitting": "overfitting",
    "slow_convergence": "too_few_steps",
}


#: Units that are 0 for one row are so for all if these are alike.
_OF_ALIKE_ROWS = ("dead_units", "vanishing_gradient", "saturated_activations")


def suspected(findings: tuple[Finding, ...]) -> tuple[tuple[str, Finding], ...]:
    """Causes that the findings suggest, each with the finding that does."""
    known: dict[str, Finding] = {}
    if any(it.kind == "constant_inputs" for it in findings):  # what all rows share
        findings = tuple(it for it in findings if it.kind not in _OF_ALIKE_ROWS)
    for kind, cause in _SUSPECTED.items():
        for finding in findings:
            if finding.kind == kind and cause not in known:
                known[cause] = finding
    return tuple(known.items())


def where_of(change: Change, findings: tuple[Finding, ...]) -> str | None:
    """The row, feature, layer or variable that a change is about."""
    kinds = kind_of(change).shown_by
    return next(
        (it.where for kind in kinds for it in findings if it.kind == kind), None
    )
