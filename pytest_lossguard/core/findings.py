"""What a judge can find: the closed list of kinds, each with its words.

A kind's text lives here and nowhere else; a check only supplies the numbers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "CAUSES",
    "KINDS",
    "OWN_KIND",
    "Finding",
    "Kind",
    "Severity",
    "finding",
    "number",
]

#: What a check of one's own finds: a prefix, and what it is.
OWN_KIND = re.compile(r"[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*")

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The words of one kind of finding.

    ``text`` is a `str.format` template over the finding's fields and the
    details its check supplies; ``hint`` is what to try next. ``headline`` is the
    same fact in 45 characters, for the first line of a failure and pytest's
    summary; kinds that never fail a test need none.
    """

    severity: Severity
    text: str
    hint: str
    headline: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fact about a training, with the number that decided and its limit.

    Attributes:
        kind: A key of `KINDS`.
        severity: ``"error"`` fails the test, ``"warning"`` does not (unless
            the policy is strict).
        step: The decisive step, counted from 1; None where there is none.
        value: The number that decided, in the unit that ``message`` names.
        limit: What ``value`` was held against.
        where: The variable, layer, feature or row concerned.
        message: One sentence with all of these.
        headline: The same, short.
        hint: What to try next.
    """

    kind: str
    severity: Severity
    step: int | None = None
    value: float | None = None
    limit: float | None = None
    where: str | None = None
    message: str
    headline: str = ""
    hint: str = ""

    def to_json(self) -> dict[str, Any]:
        """This finding as builtins, in the shape of the JSON report."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "step": self.step,
            "value": self.value,
            "limit": self.limit,
            "where": self.where,
            "message": self.message,
        }


def number(value: float | None) -> str:
    """Print a number the way a person reads it: three digits, no ``+0``."""
    if value is None:
        return "unknown"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 10_000:
        return str(int(value))
    return f"{value:.3g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def finding(
    kind: str,
    *,
    severity: Severity | None = None,
    step: int | None = None,
    value: float | None = None,
    limit: float | None = None,
    where: str | None = None,
    **details: object,
) -> Finding:
    """Make a finding; its sentence is the kind's text filled with the numbers."""
    words = {
        name: number(float(it)) if isinstance(it, (int, float)) else it
        for name, it in {**details, "value": value, "limit": limit}.items()
    }
    if value != limit and words["value"] == words["limit"] != "unknown":
        words |= {"value": f"{value:.6g}", "limit": f"{limit:.6g}"}
    words |= {"step": step, "where": where}
    if value is not None and limit is not None:
        words |= {"share": f"{value:.0%}", "share_limit": f"{limit:.0%}"}
    message = KINDS[kind].text.format(**words)
    return Finding(
        kind=kind,
        severity=severity or KINDS[kind].severity,
        step=step,
        value=None if value is None else float(value),
        limit=None if limit is None else float(limit),
        where=where,
        message=message,
        headline=KINDS[kind].headline.format(**words) or message,
        hint=KINDS[kind].hint,
    )


_SCALE_INPUTS = (
    "Scale the inputs: StandardScaler in the preprocessing, or a Normalization layer"
    " adapted to the training data."
)
_SCALE_TARGETS = (
    "Scale the targets to mean 0 and standard deviation 1 and undo it after predict."
)
_LEARNING_RATE = (
    "Lower the learning rate (try a tenth), clip gradients, or scale the data."
)

#: Kinds that name a cause rather than a symptom, the likeliest first: told first.
CAUSES = (
    "nonfinite_input",
    "constant_inputs",
    "labels_out_of_range",
    "loss_output_mismatch",
    "masked_loss",
    "impossible_loss",
    "unscaled_inputs",
    "sentinel_values",
    "input_outliers",
    "saturated_activations",
    "unscaled_targets",
    "target_outliers",
)

KINDS: dict[str, Kind] = {
    "nonfinite_loss": Kind(
        severity="error",
        headline="the loss was {value} at step {step}",
        text="the loss {scored}was {value} at step {step}",
        hint="Look for a learning rate that is too high, log(0) or a division by zero"
        " in the loss, unscaled data, or NaN in the input.",
    ),
    "nonfinite_gradient": Kind(
        severity="error",
        headline="a gradient became {value} at step {step}",
        text="the gradient of {where} became {value} at step {step}",
        hint="Look for a square root, logarithm or division at 0 in the loss, or clip"
        " the gradients.",
    ),
    "nonfinite_input": Kind(
        severity="error",
        headline="NaN or infinity in the input at {where}",
        text="the input holds NaN or infinity in {value} places, first in {where}",
        hint="Fill or drop missing values before training (SimpleImputer, dropna).",
    ),
    "missing_values": Kind(
        severity="warning",
        text="the input holds NaN or infinity in {value} places, first in {where}",
        hint="Fill or drop missing values before training (SimpleImputer, dropna).",
    ),
    "diverging_loss": Kind(
        severity="error",
        headline="loss blew up to {value} at step {step}, limit {limit}",
        text="the loss blew up to {value} at step {step}, limit {limit} ({factor} x the"
        " larger of its start and a constant prediction)",
        hint=_LEARNING_RATE,
    ),
    "impossible_loss": Kind(
        severity="error",
        headline="the loss was {value} at step {step}",
        text="{where} was {value} at step {step}; {why}",
        hint="Check that labels, last activation and loss belong together, and the"
        " loss's sign.",
    ),
    "masked_loss": Kind(
        severity="error",
        headline="reports loss {reported}, predictions score {value}",
        text="the training reports a loss of {reported}, but scored from the model's"
        " predictions it is {value}, limit {limit}",
        hint="Softmax over one unit? Use Dense(1, 'sigmoid') with"
        " binary_crossentropy, or one unit per class with softmax.",
    ),
    "exploding_gradient": Kind(
        severity="warning",
        headline="gradient norm {value} at step {step}, limit {limit}",
        text="the gradient norm of {where} reached {value} at step {step}, limit"
        " {limit}",
        hint=_LEARNING_RATE,
    ),
    "loss_not_decreasing": Kind(
        severity="error",
        headline="loss {fell}: {start} -> {value}, limit {limit}",
        text="the loss {fell}: {start} {began}, {value} {ended}, limit {limit}{asked}",
        hint="Does the update reach the model? Try another learning rate, scaled"
        " inputs, the default initialisation.",
    ),
    "worse_than_constant": Kind(
        severity="error",
        headline="loss ended at {value}, a constant costs {limit}",
        text="the loss ended at {value} after step {step}; always predicting {constant}"
        " costs {limit}",
        hint="The model learned less than a constant: scale inputs and targets, check"
        " the output layer and the labels.",
    ),
    "constant_predictions": Kind(
        severity="error",
        headline="the model predicts the same for every row",
        text="after step {step} the model predicts the same for every row (spread"
        " {value}, limit {limit})",
        hint="Dead or saturated units, or inputs without information: scale the inputs,"
        " check activations and initialization.",
    ),
    "slow_convergence": Kind(
        severity="warning",
        text="the loss is at {value} after step {step} and {how}; a constant"
        " prediction costs {limit}",
        hint="Needs more steps, or a higher learning rate.",
    ),
    "oscillating_loss": Kind(
        severity="warning",
        text="the loss jumped to {value} at step {step}, limit {limit}, and came back",
        hint=_LEARNING_RATE,
    ),
    "noisy_loss": Kind(
        severity="warning",
        text="the loss fluctuates by {share} of its value from step to step, limit"
        " {share_limit}",
        hint="Use larger batches or a lower learning rate.",
    ),
    "plateau": Kind(
        severity="warning",
        headline="loss ended at {value}, a constant costs {limit}",
        text="the loss ended at {value} after step {step} and a constant prediction"
        " costs {limit}: {why}",
        hint="Check that the labels depend on the inputs and still belong to the same"
        " rows; otherwise try more steps or a higher learning rate.",
    ),
    "vanishing_gradient": Kind(
        severity="warning",
        text="the gradient of {where} is {value} times the largest one, limit {limit}",
        hint="Use relu with He initialisation, BatchNormalization or fewer layers.",
    ),
    "disconnected_variable": Kind(
        severity="warning",
        text="no gradient reaches {where}",
        hint="Use the layer in the forward pass inside the tape, or freeze it"
        " (trainable=False).",
    ),
    "unchanged_weights": Kind(
        severity="error",
        headline="no weight changed in {step} steps",
        text="{where} did not change in {step} steps",
        hint="Check the learning rate, the variables given to the optimizer, and that"
        " gradients reach them.",
    ),
    "symmetric_weights": Kind(
        severity="error",
        headline="all {value} units of {where} are equal",
        text="all {value} units of {where} give the same for every row: they started"
        " equal and no update can make them differ",
        hint="Use a random initialiser, as the default of the layer.",
    ),
    "dead_units": Kind(
        severity="warning",
        text="{share} of the units of {where} are 0 for every row, limit {share_limit}",
        hint="Lower the learning rate, scale the inputs, use He initialisation or"
        " leaky_relu.",
    ),
    "saturated_activations": Kind(
        severity="warning",
        text="{share} of the outputs of {where} are saturated, limit {share_limit}",
        hint=_SCALE_INPUTS + " Or start from smaller weights.",
    ),
    "overfitting": Kind(
        severity="warning",
        text="the held-out loss went from {limit} (step {best_step}) to {value} (step"
        " {step}) while the training loss fell from {train_start} to {train_end}",
        hint="Stop earlier, add data, regularisation or dropout, or use a smaller"
        " model.",
    ),
    "validation_differs": Kind(
        severity="warning",
        text="the held-out rows differ from the training rows: their loss {fact}"
        " {value}, limit {limit}{times}, while the training loss fell to {train};"
        " {why}",
        hint="Prepare held-out rows as training rows are prepared: the same function,"
        " the same columns in the same order, the scaler fitted on the training rows.",
    ),
    "nonfinite_validation": Kind(
        severity="warning",
        headline="NaN or infinity in the validation data",
        text="the held-out loss was {value} after step {step}{known}: {why}",
        hint="Fill or drop missing values on the held-out rows as on the training rows."
        " Until then no early stopping or checkpoint can go by the held-out loss, and"
        " overfitting is not seen.",
    ),
    "validation_rows_trained_on": Kind(
        severity="warning",
        text="{least}{share} of the validation rows are trained on too, limit"
        " {share_limit}"
        " ({again} of the training rows come twice): the held-out loss does not tell"
        " how the model does on new rows",
        hint="Split first, then repeat or augment the training rows; drop duplicates"
        " before the split.",
    ),
    "rows_in_class_order": Kind(
        severity="warning",
        text="the rows are trained on in the order of their classes: a step has"
        " {together} of {classes} classes on average, neighbors are {share} less mixed"
        " than by chance, limit {share_limit}",
        hint="Shuffle the rows before training: fit(shuffle=True), or dataset.shuffle"
        " with a buffer as large as the data, before .batch().",
    ),
    "penalty_dominates": Kind(
        severity="warning",
        text="penalties are {share} of the loss in the first quarter, limit"
        " {share_limit} ({shares})",
        hint="Lower the L1/L2 factors or the weight of added losses.",
    ),
    "unscaled_inputs": Kind(
        severity="warning",
        text="{where} is unscaled: typical magnitude {value}, limit {limit}",
        hint=_SCALE_INPUTS,
    ),
    "unscaled_targets": Kind(
        severity="warning",
        text="{where} is unscaled: typical magnitude {value}, limit {limit}",
        hint=_SCALE_TARGETS,
    ),
    "input_outliers": Kind(
        severity="warning",
        text="{where} is {raw}: {value} robust standard deviations from the median,"
        " limit {limit}",
        hint="Look at that row; clip, drop, or use RobustScaler.",
    ),
    "target_outliers": Kind(
        severity="warning",
        text="{where} is {raw}: {value} robust standard deviations from the median,"
        " limit {limit}",
        hint="Look at that row; clip it, or use a robust loss such as Huber.",
    ),
    "constant_feature": Kind(
        severity="warning",
        text="{where} has the same value, {value}, in every row",
        hint="Drop it, or find the preprocessing step that made it constant.",
    ),
    "constant_inputs": Kind(
        severity="warning",
        text="{share} of {where} are the same in every row, limit {share_limit}",
        hint="Print the inputs after each step of the preprocessing: look for a cast to"
        " integers, an integer division (//), a clip to too small a range, or a lookup"
        " whose vocabulary was never adapted.",
    ),
    "sentinel_values": Kind(
        severity="warning",
        text="{where} is {value} in {missing} of the rows, far from all its other"
        " values: it seems to stand for missing values",
        hint="Treat it as missing: replace it by NaN where the data are read, and fill"
        " it (SimpleImputer).",
    ),
    "class_imbalance": Kind(
        severity="warning",
        text="{where} is rare: {share} of the rows, below a tenth of an equal share"
        " ({share_limit}){learned}",
        hint="Use class_weight, or resample.",
    ),
    "labels_out_of_range": Kind(
        severity="error",
        headline="{share} of the labels are out of reach",
        text="the labels go from {low} to {high}, and the output, layer {where}, can"
        " never be {share} of them: {reach}",
        hint="Match the last activation to the labels: none for values of any size,"
        " sigmoid for 0 and 1, softmax with a unit for each class.",
    ),
    "loss_output_mismatch": Kind(
        severity="error",
        headline="the output does not fit the labels",
        text="the output, layer {where}, does not fit the labels: {why}",
        hint="Match last activation, units, loss and label encoding: sigmoid where"
        " labels do not exclude each other, or for a single unit.",
    ),
    "labels_carry_no_signal": Kind(
        severity="warning",
        headline="the labels carry no signal",
        text="rows that were kept back are predicted no better than a constant, as"
        " with shuffled labels: held-out loss {value} against {limit}",
        hint="Do the labels still belong to the rows they describe?",
    ),
    "improvable": Kind(
        severity="warning",
        headline="far better with {where}",
        text="with {where} the same run removes {then} of what a constant prediction"
        " costs; as it is, {now}",
        hint="Make that change, or find out why it helps so much.",
    ),
    "baseline_regression": Kind(
        severity="error",
        headline="{where} {verb} from {before} to {now}",
        text="the {where} {verb} from {before} to {now}; the worst seed of its baseline"
        " had {worst}, chance alone does this once in {odds}",
        hint="If this is meant, run the test with --lossguard-update and commit the"
        " file.",
    ),
    "trained_unseen": Kind(
        severity="error",
        headline="{value} variables were trained unseen",
        text="{value} of the variables that gradients were taken of changed{ended},"
        " and no recorded training changed them: {where} (gradients taken at {by})."
        " lossguard records the updates of Keras 3 optimizers only, so this training"
        " was not judged",
        hint="Apply the gradients by a Keras 3 optimizer, as keras.optimizers.SGD(rate)"
        ".apply(gradients, variables); or, if this is no training, write"
        " converges(allow='trained_unseen').",
    ),
    "nothing_trainable": Kind(
        severity="error",
        headline="a model has no trainable weight",
        text="model {where} was trained by {by} and has no trainable weight: nothing in"
        " it changed",
        hint="Under Keras 3 trainable=False counts at once, also after compile: set"
        " trainable=True while it trains; or write"
        " converges(allow='nothing_trainable').",
    ),
}

#: What each relation of a preparation's contracts says when it is broken.
_CONTRACTS = {
    "deterministic": "Seed what draws: random_state=0, or a generator or a layer made"
    " inside the function, not once for the module.",
    "alone": "Fit once, in training; serving must only transform, with the statistics"
    " and categories that training kept.",
    "columns": "Select columns by name before they become an array:"
    " frame[list_of_columns].",
    "unseen": 'Give what is unknown a place: OneHotEncoder(handle_unknown="ignore"), an'
    " out-of-vocabulary token.",
    "types": "Cast to one type first, as x.astype('float32'), and scale by what the"
    " numbers mean, not by their type.",
    "zeros": "Use log1p, or add or clip to a small constant before a logarithm or"
    " division.",
    "missing": "Fill them on both paths (SimpleImputer), or refuse them with an error"
    " of your own.",
    "process": "Use a stable hash (hashlib, zlib.crc32), sort what comes from a set,"
    " and seed what draws.",
    "trained": "Let training and serving call the same function with the same fitted"
    " state.",
    "held_out": "Split first, then fit on the training part only.",
    "own_label": "Fit the encoding on other rows (TargetEncoder.fit_transform crosses"
    " folds), and keep the target out of the features.",
    "future": "Use windows that end at the row itself: rolling(n) without center=True,"
    " shift(+1), no bfill.",
    "kept": "Look at each step's output for this column, the first that is constant"
    " loses it.",
    "mixed": "Shuffle the rows before the dataset is made, or with a buffer as large as"
    " the data.",
    "requests": "Compute every feature from what a request holds, in the same units as"
    " in training.",
    "units": "Scale every column by what is fitted on the sample, not by a fixed"
    " number.",
}
KINDS |= {
    f"contract_{name}": Kind(
        severity="error", headline="{fact}", text="{fact}", hint=hint
    )
    for name, hint in _CONTRACTS.items()
}
