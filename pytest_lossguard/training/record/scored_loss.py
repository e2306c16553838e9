"""Match a loss object with the model that it scored, so that both can be rerun."""

from __future__ import annotations

from typing import Any

from ..backend.tensors import flatten
from .recording import ModelAndLoss


def model_and_loss_of(
    losses: list[Any], calls: list[Any]
) -> tuple[ModelAndLoss, tuple[Any, Any, Any]] | str:
    """Match the only loss call with the only model call whose output it scored.

    Several models or several losses cannot be scored again from what was seen; the
    loss curve is then the only evidence.

    Args:
        losses: Calls of losses; see `CallLog`.
        calls: Calls of models; see `CallLog`.

    Returns:
        Model and loss with inputs, labels and weights; or, if there is no match, the
        reason and how to change the code.
    """
    if not losses:
        return (
            "its loss is computed by hand; write it as a keras.losses.Loss, as"
            " keras.losses.MeanSquaredError()(labels, model(inputs))"
        )
    if len(losses) > 1:
        return (
            "several loss objects make it up; write them as one keras.losses.Loss, or"
            " give them to model.compile"
        )
    if not calls:
        return (
            "no keras.Model was called for it; make one of the layers, and call it with"
            " the inputs"
        )
    loss, y_true, y_pred, sample_weight, _ = losses[0]
    scored = [id(leaf) for leaf in flatten(y_pred)]
    matching = [it for it in calls if [id(leaf) for leaf in flatten(it[2])] == scored]
    others = {id(it[0]) for it in calls}
    if len(others) != 1:
        return "several models make the predictions; combine them into one keras.Model"
    if not matching:
        return (
            "the loss object scored something other than the model's output; give it"
            " loss(labels, model(inputs))"
        )
    model, inputs, *_ = matching[-1]
    return ModelAndLoss(model, loss), (inputs, y_true, sample_weight)
