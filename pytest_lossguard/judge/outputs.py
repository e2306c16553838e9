"""Certain static facts: what the output can never be, whatever is learned."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.findings import Finding, Severity, finding
from ..core.keras_names import LossFacts, activation_facts, loss_facts
from ..core.policy import Policy
from ..core.trace import Output, TargetRange, Trace
from . import thresholds as at
from .curve import LossCurve

__all__ = ["labels_out_of_range", "loss_output_mismatch"]


def _ends(trace: Trace) -> Iterator[tuple[Output, TargetRange, LossFacts | None]]:
    """Each output with its target and loss, where all three are known."""
    outputs = () if trace.after is None else trace.after.outputs
    targets, losses = trace.target_ranges, trace.losses
    if len(outputs) != len(targets):
        return
    if len(losses) == 1:
        losses = losses * len(outputs)
    if len(losses) == len(outputs):
        yield from zip(outputs, targets, map(loss_facts, losses), strict=True)


def labels_out_of_range(
    trace: Trace, curve: LossCurve, policy: Policy
) -> Iterator[Finding]:
    """Labels that the last activation cannot reach."""
    del curve, policy
    for output, target, loss in _ends(trace):
        if loss is None:
            continue
        if loss.takes_class_numbers:
            share = float(target.low < 0 or target.high >= output.units)
            reach = f"{output.units} classes, numbered from 0"
        elif loss.elementwise:
            share, reach = _unreached(output, target)
        else:
            continue
        if share > 0:
            severity: Severity = "error" if share > at.UNREACHED else "warning"
            yield finding(
                "labels_out_of_range",
                severity=severity,
                value=share,
                limit=at.UNREACHED,
                where=output.layer,
                low=target.low,
                high=target.high,
                reach=reach,
            )


def _unreached(output: Output, target: TargetRange) -> tuple[float, str]:
    """Share of the target values that the activation cannot reach."""
    facts = activation_facts(output.activation)
    if facts is None or facts.low not in (-1.0, 0.0):
        return 0.0, ""
    if facts.high is not None:
        above = target.above_one if facts.high == 1.0 else 0.0
        below = target.below_zero if facts.low == 0.0 else target.below_minus_one
        reach = f"{output.activation} reaches {facts.low:g} to {facts.high:g}"
        return below + above, reach
    if facts.low == 0.0:
        return target.below_zero, f"{output.activation} reaches no value below 0"
    return 0.0, ""  # elu: targets below -1 cost it little


def loss_output_mismatch(
    trace: Trace, curve: LossCurve, policy: Policy
) -> Iterator[Finding]:
    """A softmax that cannot say what the labels say."""
    del curve, policy
    for output, target, loss in _ends(trace):
        if output.activation != "softmax":
            continue
        if output.units == 1:
            why = "softmax over one unit predicts 1 for every row, whatever is learned"
            value, limit = 1.0, 2.0  # units
        elif (
            loss is not None
            and loss.elementwise
            and target.columns == output.units
            and target.rows_not_one > at.UNREACHED
        ):
            value, limit = target.rows_not_one, at.UNREACHED
            why = (
                f"softmax makes the {output.units} outputs of a row add up to 1, and"
                f" {value:.0%} of the label rows do not"
            )
        else:
            continue
        yield finding(
            "loss_output_mismatch",
            value=value,
            limit=limit,
            where=output.layer,
            why=why,
        )
