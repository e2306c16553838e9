"""The judgment of one training, and its shape in the JSON report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .diagnosis import Diagnosis
from .findings import Finding
from .trace import Trace, to_json_number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdict:
    """A trace with its findings, and its diagnosis if there is one."""

    trace: Trace
    findings: tuple[Finding, ...]
    diagnosis: Diagnosis | None = None

    @property
    def converged(self) -> bool:
        """Whether no finding is an error."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that fail a test."""
        return tuple(it for it in self.findings if it.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that do not fail a test."""
        return tuple(it for it in self.findings if it.severity == "warning")

    def to_json(self) -> dict[str, Any]:
        """Return the run as builtins, in the shape of the JSON report."""
        trace = self.trace
        held_out = trace.validation
        return {
            "source": trace.source,
            "model": trace.model,
            "steps": len(trace.steps),
            "seed": trace.seed,
            "verdict": "converged" if self.converged else "not_converged",
            "loss": [to_json_number(it) for it in trace.steps.loss],
            "data_loss": [to_json_number(it) for it in trace.steps.data_loss]
            if trace.steps.is_penalized
            else None,
            "grad_norm": [to_json_number(it) for it in trace.steps.global_grad_norm],
            "constant_loss": to_json_number(trace.constant_loss),
            "probe": self._probe(),
            "validation": None
            if held_out is None
            else {
                "step": list(held_out.step),
                "loss": [to_json_number(it) for it in held_out.loss],
            },
            "findings": [
                {
                    **it.to_json(),
                    "value": to_json_number(it.value),
                    "limit": to_json_number(it.limit),
                }
                for it in self.findings
            ],
            "notes": list(trace.notes),
            "diagnosis": None if self.diagnosis is None else self.diagnosis.to_json(),
        }

    def _probe(self) -> dict[str, Any] | None:
        """Return the loss on a fixed sample before and after training, without
        penalties.
        """
        before, after = self.trace.before, self.trace.after
        if before is None and after is None:
            return None
        return {
            "before": to_json_number(None if before is None else before.loss),
            "after": to_json_number(None if after is None else after.loss),
        }
