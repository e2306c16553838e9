"""Checks of learning: one batch, the first loss, every variable, inference mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.change import Change
from ...core.checked import KEPT, Broken, Line, Outcome
from ...core.keras_names import loss_facts
from ...core.model_check_limits import (
    FAR_ABOVE_CHANCE,
    LEARNED,
    SERVES_WORSE,
    SERVES_WORSE_BY,
)
from ...core.numbers import number
from ...core.trace import Trace
from ...judge import loss_curve_of
from ..backend.frameworks import is_of_keras, keras
from ..backend.private_api import flat_layers
from .dropout import drops_in_inference
from .subject import NotMade, Subject, outputs_of

# The limits that decide the checks are in core.model_check_limits.

#: Forward passes in which moving statistics converge: with the usual momentum of .99,
#: less than 2 % of the first value is left.
_SETTLING = 400
#: Training steps before training and inference mode are compared.
_STEPS = 30

#: Changes to try if a batch is not learned: neither the learning rate, nor the
#: optimizer, nor the scale of the rows is subject of this check.
_OTHERWISE = (
    (Change(kind="learning_rate", value=10.0),),
    (Change(kind="optimizer", value="adam"),),
    (Change(kind="learning_rate", value=0.1),),
    (Change(kind="standardize_inputs"), Change(kind="standardize_targets")),
    (Change(kind="learning_rate", value=100.0),),
    (Change(kind="learning_rate", value=1000.0),),
)


def learns_one_batch(subject: Subject) -> Outcome:
    """Check that the model can memorize up to 32 rows: with its own optimizer, another
    learning rate, Adam, or standardized rows.
    """
    trace = subject.one_batch
    first = _learned(trace)
    if first is None:
        raise NotMade("there is no reference loss to compare with")
    if first >= LEARNED:
        return KEPT
    excuse = _excuse(subject, trace)
    if excuse:
        steps = len(trace.steps)
        raise NotMade(f"not learned in {steps} steps, and {excuse}", applies=True)
    for changes in _OTHERWISE:
        again = subject.learned_with(*changes)
        if again is not None and (_learned(again) or 0.0) >= LEARNED:
            return KEPT
    curve, rows = loss_curve_of(trace), min(32, len(subject.data))
    return Broken(
        fact=f"the model cannot memorize {rows} rows in {len(trace.steps)} steps",
        lines=(
            Line("loss before", number(curve.start)),
            Line("loss after", number(curve.end)),
            Line("a constant", number(curve.constant), trace.constant),
        ),
        meaning=f"It removed {max(first, 0):.0%} of the loss of always predicting"
        f" {trace.constant}; a model that can learn removes {LEARNED:.0%} or more on"
        " its own training rows. Neither another learning rate, Adam nor scaled rows"
        " helped.",
    )


def _excuse(subject: Subject, trace: Trace) -> str:
    """Return why a batch that is not learned is inconclusive; empty if it is not."""
    if subject.has_frozen_layers:
        return "the outputs of frozen layers may not tell the rows apart"
    if trace.steps.is_penalized:
        return "penalties (regularizers, add_loss) hold it back"
    if subject.draws_at_random:
        return "its outputs are random"
    return ""


def _learned(trace: Trace) -> float | None:
    """Return the removed share of the loss of the best constant prediction: 0 if the
    loss is not finite, None if the constant or the lowest possible loss is unknown.

    The loss is computed from predictions, because the loss that Keras reports for a
    softmax over one unit falls even though the predictions do not change.
    """
    curve = loss_curve_of(trace)
    if curve.constant is None:
        return None
    if not curve.finite:
        return 0.0
    if curve.perfect is None:
        return None
    gap = curve.constant - curve.perfect
    return (curve.constant - curve.end) / gap if gap > 0 else None


def starts_at_chance(subject: Subject) -> Outcome:
    """Check that the first loss is not far above that of an uninformed prediction, for
    at least one of up to three seeds. A lower loss is allowed: the model may be
    pretrained.
    """
    first, chance = _start(subject.one_batch, subject)
    others = () if subject.is_object else (subject.seed + 1, subject.seed + 2)
    for seed in others if first > FAR_ABOVE_CHANCE * chance else ():
        loss, _ = _start(subject.trained(seed=seed, steps=1), subject)
        first = min(first, loss)
    if first <= FAR_ABOVE_CHANCE * chance:
        return KEPT
    return Broken(
        fact=f"the first loss is {number(first)}, chance costs {number(chance)}",
        meaning=f"Before any training it is {first / chance:.1f} times as high as for a"
        f" model that knows nothing, limit {FAR_ABOVE_CHANCE:g}: the outputs are large"
        " and wrong, and the first steps only undo that.",
    )


def _start(trace: Trace, subject: Subject) -> tuple[float, float]:
    """Return the loss before training, and that of an uninformed prediction."""
    chance = _chance(trace, subject)
    if trace.before is None or chance is None:
        raise NotMade("there is no reference loss to compare with")
    return trace.before.loss, chance


def _chance(trace: Trace, subject: Subject) -> float | None:
    """Return the largest known loss of an uninformed prediction: of the best constant,
    the middle of the range, and 0.
    """
    known = [trace.constant_loss, trace.uninformed_loss, _zeros(trace, subject)]
    costs = [it for it in known if it is not None and np.isfinite(it)]
    return max(costs) if costs and max(costs) > 0 else None


def _zeros(trace: Trace, subject: Subject) -> float | None:
    """Return the loss of always predicting 0, for regression losses only: targets far
    from 0 are no fault of the model.
    """
    facts = [loss_facts(it) for it in trace.losses]
    if not facts or not all(
        it is not None and "values" in it.usual_labels for it in facts
    ):
        return None
    x, y, weights = subject.rows()
    outputs = [np.zeros(it.shape, np.float32) for it in outputs_of(subject.model, x)]
    if len(outputs) != 1:
        return None
    return float(subject.model.compute_loss(x, y, outputs[0], weights, training=False))


def every_variable_learns(subject: Subject) -> Outcome:
    """Check that each trainable variable gets a nonzero gradient and is updated."""
    subject.need_loss()
    if subject.has_output_without_loss:
        raise NotMade("an output has no loss, so its layers need not learn")
    still = set(_still(subject.one_batch))
    for seed in (subject.seed + 1, subject.seed + 2):
        if still and not subject.is_object:
            still &= set(_still(subject.trained(seed=seed, steps=20)))
    if not still:
        return KEPT
    names = [it for it in subject.one_batch.variables if it in still]
    steps = subject.one_batch.steps
    index = subject.one_batch.variables.index(names[0])
    largest = float(steps.grad_norm[:, index].max())
    return Broken(
        fact=f"{names[0]} does not learn",
        column=names[0],
        lines=(
            Line("variables", ", ".join(names[:5]), f"{len(names)} in all"),
            Line("largest gradient", number(largest) if largest >= 0 else "none"),
            Line("largest change", number(float(steps.update_norm[:, index].max()))),
        ),
        meaning=f"It is trainable, but {len(steps)} steps did not change it.",
    )


def _still(trace: Trace) -> Iterator[str]:
    steps = trace.steps
    for index, name in enumerate(trace.variables):
        got_none = not (steps.grad_norm[:, index] > 0).any()
        if got_none or not (steps.update_norm[:, index] != 0).any():
            yield name


def serves_as_trained(subject: Subject) -> Outcome:
    """Check that the losses in training and in inference mode agree after training, and
    that inference mode is not random.
    """
    subject.need_loss()
    model = subject.after(_STEPS)
    x, y, weights = subject.rows(256)
    if subject.draws_at_random:
        if not drops_in_inference(model, x):
            raise NotMade("it is random in inference too")
        return Broken(
            fact="two predictions of the same rows differ",
            meaning="In inference mode something is drawn at random: a Dropout, noise"
            " or augmentation layer is called in training mode, or a custom layer drops"
            " values in both modes.",
            remedy="Do not set training in calls of inner layers, or pass on what the"
            " model gets: layer(x, training=training). If this is intended, as in Monte"
            " Carlo dropout, turn this check off: serves_as_trained=False.",
        )
    if not _keeps_statistics(model):
        return KEPT
    for _ in range(_SETTLING):
        model(x, training=True)
    training = _loss(model, x, y, weights, training=True)
    inference = _loss(model, x, y, weights, training=False)
    constant = subject.one_batch.constant_loss or 0.0
    apart = inference - training
    if inference <= SERVES_WORSE * training or apart <= SERVES_WORSE_BY * constant:
        return KEPT
    return Broken(
        fact=f"the loss is {number(training)} in training mode and"
        f" {number(inference)} in inference mode",
        meaning="On the same rows, with the same weights, after statistics had"
        f" {_SETTLING} passes to settle: limit {SERVES_WORSE:g} times.",
    )


def _keeps_statistics(model: Any) -> bool:
    """Whether a model has layers with statistics that training mode updates; custom
    layers have if they have non-trainable weights.
    """
    kinds = (keras.layers.BatchNormalization, keras.layers.SpectralNormalization)
    own = any(
        it.non_trainable_weights
        for it in flat_layers(model)
        if not is_of_keras(type(it))
    )
    return own or any(isinstance(it, kinds) for it in flat_layers(model))


def _loss(model: Any, x: Any, y: Any, weights: Any, *, training: bool) -> float:
    outputs = model(x, training=training)
    return float(model.compute_loss(x, y, outputs, weights, training=training))
