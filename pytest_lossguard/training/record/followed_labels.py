"""Labels that are outputs of the trained model, with a gradient through them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..backend.frameworks import is_of_keras, tf
from ..backend.private_api import is_on_tape
from ..backend.tensors import flatten


def are_followed(loss: Any, labels: Any, outputs: Any, calls: Iterable[Any]) -> bool:
    """Whether gradients of a loss flow through both labels and predictions.

    Only if one model was called with different inputs. A custom loss may compare two
    embeddings and keep them apart, so only Keras losses count: they are lower the more
    similar both are. Call this while the tape is open.

    Args:
        loss: The loss object.
        labels: Labels given to the loss.
        outputs: Predictions given to the loss.
        calls: Calls of models: model, inputs, outputs, and whether a tape recorded.
    """
    of_keras = is_of_keras(type(loss))
    if not (of_keras and _is_followed(labels) and _is_followed(outputs)):
        return False
    inputs: dict[int, set[tuple[int, ...]]] = {}
    for model, given, _, looking in calls:
        if looking and not _is_followed(given):
            inputs.setdefault(id(model), set()).add(tuple(map(id, flatten(given))))
    return any(len(it) > 1 for it in inputs.values())


def loss_that_follows(losses: Sequence[Any], followed: Sequence[Any]) -> str | None:
    """Return the first loss's name if gradients flow through the labels of all losses.

    Args:
        losses: Calls of losses: the loss first, its value last.
        followed: Values of the losses with gradients through their labels.
    """
    known = set(map(id, followed))
    if not losses or any(id(it[-1]) not in known for it in losses):
        return None
    return str(losses[0][0].name)


def _is_followed(structure: Any) -> bool:
    return is_on_tape([it for it in flatten(structure) if tf.is_tensor(it)])
