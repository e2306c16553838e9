"""Checks of what one step depends on: the loss of a row on its own label and inputs."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.explanation import Explanation, Limit, curves, falling
from ..core.findings import Finding, Kind, Severity, finding
from ..core.numbers import number
from ..core.relations import LabelUse, MixedRows, SoftmaxOverRows
from ..core.trace import Trace
from . import thresholds
from .curve import LossCurve

# Limits, each with its source

NO_CHANGE = Limit(
    1e-5,
    "When the labels of rows are swapped, the gradient changes by at most {limit} of"
    " its size.",
    set_by="Rounding in float32 sums over 48 rows stays below 1e-6; the gradient of a"
    " loss that treats each row by itself changes by 0.1 and more.",
)
SAME_OUTPUT = Limit(
    1e-6,
    "When rows get the inputs of other rows, the outputs change by at most {limit} of"
    " their size.",
    set_by="Float32 rounds by 1e-7. With unused inputs and dead outputs the change is"
    " 0, in healthy models of the tests 0.3 to 6. A collapsed embedding still"
    " changes by 0.3 in its length.",
)

# Kinds of findings

ROWS_MIXED = Kind(
    name="rows_mixed",
    severity="error",
    suspects="rows_mixed",
    headline="the loss mixes the rows of a batch",
    text="{where} mixes the rows of a batch: {why}",
    hint="Give labels and predictions the same shape before the loss, with"
    " tf.squeeze(predictions, axis=-1) or labels[:, tf.newaxis]. Take means and softmax"
    " over the last axis only.",
    explanation=Explanation(
        brief="the loss mixes the rows of a batch",
        seen="The loss pairs each row with every other one, as (n,) against (n, 1)"
        " does, or takes a softmax or a mean over the batch.",
        why="Each row is compared with the labels of all rows, so the model learns"
        " their average. The loss falls only to that of a constant prediction.",
        limits=(NO_CHANGE,),
        curves=curves(loss=falling(1.0, 0.5), constant=(0.5,) * 40),
    ),
)

LABELS_IGNORED = Kind(
    name="labels_ignored",
    severity="error",
    suspects="labels_ignored",
    headline="the loss does not depend on the labels",
    text="{where} ignores the labels: with other labels in {known} rows its gradient"
    " changes by {value} of its size, limit {limit}",
    hint="Compare the predictions with the labels: look for predictions given as both"
    " arguments, a cast of the labels to integers, tf.stop_gradient or tf.zeros_like.",
    explanation=Explanation(
        brief="the loss does not depend on the labels",
        seen="The gradient of the loss stays the same when the labels change.",
        why="The loss may fall, but it compares the predictions with themselves, or"
        " with something other than the labels.",
        limits=(NO_CHANGE,),
        curves=curves(loss=falling(1.0, 0.0)),
    ),
)


PREDICTIONS_IGNORE_INPUTS = Kind(
    name="predictions_ignore_inputs",
    severity="error",
    suspects="predictions_ignore_inputs",
    headline="every row gets the same output",
    text="after training the outputs of {where} do not depend on its inputs: with the"
    " inputs of another row they change by {value} of their size, limit {limit}, in"
    " {known} rows; before training by {before}",
    hint="The model collapsed to a constant output. Look for dead units, a missing term"
    " that keeps outputs different, or a penalty that outweighs the rest.",
    explanation=Explanation(
        brief="an output that no longer depends on its input",
        seen="The outputs depended on the inputs before training and no longer do.",
        why="The model found one output with a low loss for every row. It no longer"
        " distinguishes rows.",
        limits=(SAME_OUTPUT,),
    ),
)

INPUTS_IGNORED = Kind(
    name="inputs_ignored",
    severity="error",
    suspects="inputs_ignored",
    headline="the model does not depend on its inputs",
    text="the outputs of {where} never depended on its inputs: with the inputs of"
    " another row they change by {value} of their size, limit {limit}, in {known} rows,"
    " before training and after",
    hint="Follow the inputs through the model: look for a scale of 0, a cast to"
    " integers, tf.zeros_like, or a layer whose result is not used.",
    explanation=Explanation(
        brief="the model does not depend on its inputs",
        seen="The outputs do not depend on the inputs, neither before nor after"
        " training.",
        why="Something in the model drops the inputs: it can only learn a constant.",
        limits=(SAME_OUTPUT,),
        curves=curves(loss=falling(1.0, 0.5), constant=(0.5,) * 40),
    ),
)


PADDING_NOT_MASKED = Kind(
    name="padding_not_masked",
    severity="warning",
    suspects="padding_not_masked",
    headline="the loss counts padded positions",
    text="{where} marks {places} of {known} positions as padding, but the loss counts"
    " them: with other labels there its gradient changes by {value} of its size, limit"
    " {limit}",
    hint="Multiply the loss of each position by the mask and divide by the sum of the"
    " mask; or pass labels and the unchanged model output to a Keras loss object, which"
    " does that. A loss function given to compile must return one number per position."
    " If padding should be learned, write converges(allow='padding_not_masked').",
    explanation=Explanation(
        brief="the loss counts positions that the model masks",
        seen="The model marks positions as padding (Embedding with mask_zero=True,"
        " Masking), and other labels at those positions change the update of a step.",
        why="Keras applies the mask to the loss of each position. A loss that is"
        " computed by hand, takes a mean itself or gets reshaped outputs loses the"
        " mask. Padding is learned at once and outweighs the rest: the loss falls, but"
        " rare labels are not learned.",
        limits=(thresholds.NOT_COUNTED,),
    ),
)


def padding_not_masked(trace: Trace) -> Iterator[Finding]:
    """A loss that depends on labels at positions that the model marks as padding."""
    found = None if trace.relations is None else trace.relations.padded
    if found is not None and found.changed > thresholds.NOT_COUNTED:
        yield finding(
            PADDING_NOT_MASKED,
            value=found.changed,
            limit=thresholds.NOT_COUNTED,
            where=f"the model {found.model}",
            places=found.places,
            known=found.of,
        )


def outputs_ignore_inputs(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A model with the same outputs for all rows, always or after training only."""
    used = None if trace.relations is None else trace.relations.inputs
    if used is None or used.after > SAME_OUTPUT or not curve.finite:
        return
    always = used.before <= SAME_OUTPUT
    yield finding(
        INPUTS_IGNORED if always else PREDICTIONS_IGNORE_INPUTS,
        value=used.after,
        limit=SAME_OUTPUT,
        where=f"the model {used.model}",
        known=used.rows,
        before=used.before,
    )


def rows_mixed(trace: Trace) -> Iterator[Finding]:
    """A loss that pairs each row with every other row.

    The check uses the shapes that the loss combines, or the effect of exchanged labels.
    A loss of an aggregate of all rows is only a warning, since it may be intended.
    """
    facts = trace.relations
    if facts is None:
        return
    if isinstance(facts.mixed_rows, SoftmaxOverRows):
        yield _of_softmax(facts.mixed_rows)
    elif facts.mixed_rows is not None:
        yield _of_shapes(facts.mixed_rows, trace.batch_size)
    elif facts.labels is not None and facts.labels.use != "ignored":
        yield _of_labels(facts.labels)
    elif facts.shared_rows:
        yield _of_outputs(facts.shared_rows, trace)


def labels_ignored(trace: Trace) -> Iterator[Finding]:
    """A loss whose gradient does not depend on the labels."""
    used = None if trace.relations is None else trace.relations.labels
    if used is not None and used.use == "ignored":
        yield finding(
            LABELS_IGNORED,
            value=used.changed,
            limit=NO_CHANGE,
            where=f"the loss {used.loss}",
            known=used.rows,
        )


def _of_shapes(mixed: MixedRows, batch_size: int | None) -> Finding:
    known = mixed.labels[0]
    rows = known or batch_size
    counted = "" if rows is None else f" ({rows * rows} pairs for {rows} rows)"
    return finding(
        ROWS_MIXED,
        value=None if rows is None else rows * rows,
        limit=rows,
        where=mixed.place,
        why=f"it combines predictions of shape {_shape(mixed.predictions)} with labels"
        f" or weights of shape {_shape(mixed.labels)} into {_shape((known, known))}, so"
        f" each row is compared with those of all rows{counted} and the model learns"
        " their average",
    )


def _of_softmax(mixed: SoftmaxOverRows) -> Finding:
    by_row = "one class of each row" if mixed.by_class else "labels of each row"
    return finding(
        ROWS_MIXED,
        severity="error" if mixed.by_class else "warning",
        value=mixed.units,
        limit=0,
        where=mixed.place,
        why=f"it takes a softmax over the rows for each of {mixed.units} classes, then"
        f" {by_row}: the prediction for a row depends on the other rows",
    )


def _of_labels(used: LabelUse) -> Finding:
    by_all = "each row is compared with the labels of all rows"
    if used.use == "as a set":
        by_all = "it compares an aggregate of all rows, such as their mean"
    severity: Severity = "error" if used.use == "pairs" else "warning"
    return finding(
        ROWS_MIXED,
        severity=severity,
        value=used.changed,
        limit=NO_CHANGE,
        where=f"the loss {used.loss}",
        why=f"with the labels of {used.rows} rows exchanged its gradient changes by"
        f" {number(used.changed)} of its size, limit {NO_CHANGE:g}; {by_all}",
    )


def _of_outputs(rows: int, trace: Trace) -> Finding:
    outputs = () if trace.after is None else trace.after.outputs
    return finding(
        ROWS_MIXED,
        value=rows,
        limit=1,
        where=f"layer {outputs[0].layer}" if len(outputs) == 1 else "the output",
        why=f"the outputs of each unit add up to 1 over {rows} rows, but those of a row"
        " do not: this is a softmax over the batch axis",
    )


def _shape(sizes: tuple[int | None, ...]) -> str:
    """Format a shape as Python does, with ``n`` for an unknown number of rows."""
    known = ", ".join("n" if it is None else str(it) for it in sizes)
    return f"({known},)" if len(sizes) == 1 else f"({known})"


RULES = (rows_mixed, labels_ignored, padding_not_masked, outputs_ignore_inputs)
