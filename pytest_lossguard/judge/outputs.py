"""Certain static facts: what the output can never be, whatever is learned."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding, Severity, finding
from ..policy import Policy
from ..trace import Output, TargetRange, Trace
from . import thresholds as at
from .evidence import Evidence

__all__ = ["labels_out_of_range", "loss_output_mismatch"]

#: Losses that compare an output with its target value by value.
_VALUE_BY_VALUE = frozenset(
    {
        "bce",
        "binary_crossentropy",
        "categorical_crossentropy",
        "huber",
        "kl_divergence",
        "log_cosh",
        "logcosh",
        "mae",
        "mape",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_error",
        "mean_squared_logarithmic_error",
        "mse",
        "msle",
        "poisson",
    }
)
_CLASS_INDICES = "sparse_categorical_crossentropy"
_UNIT = ("sigmoid", "hard_sigmoid", "softmax")
_POSITIVE = ("relu", "softplus", "exponential")


def _ends(trace: Trace) -> Iterator[tuple[Output, TargetRange, str]]:
    """Each output with its target and loss, where all three are known."""
    outputs = () if trace.after is None else trace.after.outputs
    targets, losses = trace.target_ranges, trace.losses
    if len(outputs) != len(targets):
        return
    if len(losses) == 1:
        losses = losses * len(outputs)
    if len(losses) == len(outputs):
        yield from zip(outputs, targets, losses, strict=True)


def labels_out_of_range(
    trace: Trace, found: Evidence, policy: Policy
) -> Iterator[Finding]:
    """Labels that the last activation cannot reach."""
    del found, policy
    for output, target, loss in _ends(trace):
        if loss == _CLASS_INDICES:
            share = float(target.low < 0 or target.high >= output.units)
            reach = f"{output.units} classes, numbered from 0"
        elif loss in _VALUE_BY_VALUE:
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
    name = output.activation
    if name in _UNIT:
        return target.below_zero + target.above_one, f"{name} reaches 0 to 1"
    if name == "tanh":
        return target.below_minus_one + target.above_one, "tanh reaches -1 to 1"
    if name in _POSITIVE:
        return target.below_zero, f"{name} reaches no value below 0"
    return 0.0, ""


def loss_output_mismatch(
    trace: Trace, found: Evidence, policy: Policy
) -> Iterator[Finding]:
    """A softmax that cannot say what the labels say."""
    del found, policy
    for output, target, loss in _ends(trace):
        if output.activation != "softmax":
            continue
        if output.units == 1:
            why = "softmax over one unit predicts 1 for every row, whatever is learned"
            value, limit = 1.0, 2.0  # units
        elif (
            loss in _VALUE_BY_VALUE
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
