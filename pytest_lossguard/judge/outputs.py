"""Static checks: values that the output can never have, regardless of training."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..core.explanation import Explanation, Limit, curves, level
from ..core.findings import Finding, Kind, Severity, finding
from ..core.keras_names import (
    USUAL_OUTPUTS,
    LossFacts,
    activation_facts,
    loss_facts,
)
from ..core.numbers import percent
from ..core.trace import Output, TargetRange, Trace

# Limits, each with its source

UNREACHED = Limit(
    0.05,
    "It is an error if the output can never reach {limit:.0%} of the target values,"
    " and a warning below.",
    set_by="A clipped outlier is no fault; the published bugs of this kind have half of"
    " their labels out of reach.",
)

# Kinds of findings

LABELS_OUT_OF_RANGE = Kind(
    name="labels_out_of_range",
    severity="error",
    suspects="loss_output_mismatch",
    symptoms=("misfit",),
    headline="{share} of the labels are out of reach",
    text="the labels range from {low} to {high}, but the output of layer {where} can"
    " never reach {share} of them: {reach}",
    hint="Match the last activation to the labels: none for values of any size, sigmoid"
    " for 0 and 1, softmax with one unit per class.",
    explanation=Explanation(
        brief="labels that the output can never reach",
        seen="The labels hold values that the last activation can never produce, such"
        " as -1 for sigmoid or class 3 for three units.",
        why="No training can bring the loss of these rows down. The model ends at the"
        " edge of its range.",
        limits=(UNREACHED,),
    ),
)

LOSS_OUTPUT_MISMATCH = Kind(
    name="loss_output_mismatch",
    severity="error",
    suspects="loss_output_mismatch",
    symptoms=("misfit",),
    headline="the output does not fit the labels",
    text="the output of layer {where} does not fit the labels: {why}",
    hint="Match last activation, units, loss and label encoding: use sigmoid for a"
    " single unit or for labels that do not exclude each other.",
    explanation=Explanation(
        brief="the output does not fit the labels",
        seen="The output is a softmax over one unit, or a softmax whose outputs add up"
        " to 1 where the label rows do not.",
        why="Softmax over one unit predicts 1 for every row. Softmax over labels that"
        " do not exclude each other can never be right for all of them.",
        limits=(UNREACHED,),
        curves=curves(loss=level(0.69)),
    ),
)

_ONE_ACTIVATION = (
    "Remove one of them: end the model without an activation if the loss takes logits,"
    " as the losses of tf.nn do, or use a loss that takes probabilities"
)

ACTIVATED_TWICE = Kind(
    name="activated_twice",
    severity="error",
    suspects="activated_twice",
    headline="the loss applies {by} twice",
    text="at {where} the loss applies {by} to values that are already the result of"
    " {by}: {so}",
    hint=f"{_ONE_ACTIVATION}.",
    explanation=Explanation(
        brief="a softmax or sigmoid is applied twice",
        seen="The loss of a step applies softmax or sigmoid to values that are already"
        " the result of one. It is a warning if a temperature divides them in between."
        " Keras' own losses find the logits and are not reported.",
        why="The second one gets values between 0 and 1 and turns them into nearly"
        " equal probabilities. The loss cannot fall far, and gradients are small: plain"
        " SGD and trainings with many classes learn little.",
        no_limit="It is read from the operations of the step; there is no numeric"
        " limit.",
    ),
)


def _ends(trace: Trace) -> Iterator[tuple[Output, TargetRange, LossFacts | None]]:
    """Yield each output with its target and loss, if all three are known."""
    outputs = () if trace.after is None else trace.after.outputs
    targets, losses = trace.target_ranges, trace.losses
    if len(outputs) != len(targets):
        return
    if len(losses) == 1:
        losses = losses * len(outputs)
    if len(losses) == len(outputs):
        yield from zip(outputs, targets, map(loss_facts, losses), strict=True)


def labels_out_of_range(trace: Trace) -> Iterator[Finding]:
    """Labels that the last activation cannot reach."""
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
            severity: Severity = "error" if share > UNREACHED else "warning"
            yield finding(
                LABELS_OUT_OF_RANGE,
                severity=severity,
                value=share,
                limit=UNREACHED,
                where=output.layer,
                low=target.low,
                high=target.high,
                reach=reach,
            )


def _unreached(output: Output, target: TargetRange) -> tuple[float, str]:
    """Return the share of the target values that the activation cannot reach."""
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
    return 0.0, ""  # elu: targets below -1 add little to the loss


def loss_output_mismatch(trace: Trace) -> Iterator[Finding]:
    """A softmax output that cannot represent the labels."""
    for output, target, loss in _ends(trace):
        if output.activation != "softmax":
            continue
        if output.units == 1:
            why = "softmax over one unit predicts 1 for every row"
            value, limit = 1.0, 2.0  # units
        elif (
            loss is not None
            and loss.elementwise
            and target.columns == output.units
            and target.rows_not_one > UNREACHED
        ):
            value, limit = target.rows_not_one, UNREACHED
            why = (
                f"softmax makes the {output.units} outputs of a row add up to 1, and"
                f" {percent(value)} of the label rows do not"
            )
        else:
            continue
        yield finding(
            LOSS_OUTPUT_MISMATCH,
            value=value,
            limit=limit,
            where=output.layer,
            why=why,
        )


def activated_twice(trace: Trace) -> Iterator[Finding]:
    """A softmax or sigmoid of values that are the result of one."""
    found = None if trace.relations is None else trace.relations.twice
    if found is None:
        return
    high = math.exp(found.scale)
    if found.by == "sigmoid":
        so = f"all probabilities are between 50% and {high / (high + 1):.0%}"
    elif found.units is None:
        so = "no class can get a high probability"
    else:
        most = high / (high + found.units - 1)
        so = f"none of {found.units} classes can get a probability above {most:.0%}"
    usual = USUAL_OUTPUTS["classes" if found.by == "softmax" else "binary"]
    yield finding(
        ACTIVATED_TWICE,
        severity="error" if found.scale == 1 else "warning",
        where=found.place,
        by=found.by,
        so=so,
        hint=f"{_ONE_ACTIVATION}, as keras.losses.{usual.loss_class}().",
    )


RULES = (labels_out_of_range, loss_output_mismatch, activated_twice)
