"""What a row of an update begins with: what was seen, the loss and the data loss."""

from __future__ import annotations

from typing import Any

from ..backend.frameworks import tf

__all__ = ["NOTHING", "data_loss_of", "has_no_loss_object", "lead_of"]

#: What was seen of an update; see `LEAD`.
NOTHING, _LOSS, _BOTH = 0.0, 1.0, 2.0
#: Share by which a sum of float32 losses may differ from the one that was trained on.
_ROUNDING = 1e-4


def lead_of(targets: list[Any], losses: list[Any], replicas: int) -> list[Any]:
    """What was seen, as it is, the loss and the data loss, float64 scalars."""
    loss = _total(targets, replicas)
    if not losses:
        return [_LOSS, loss, tf.constant(0.0, tf.float64)]
    data_loss = _total(losses, replicas)
    if len(losses) == 1:
        return [_BOTH, loss, data_loss]
    # Of several losses some may be another training's, as in a GAN.
    is_sum = tf.abs(loss - data_loss) <= _ROUNDING * tf.abs(loss)
    seen = tf.where(is_sum, tf.constant(_BOTH, tf.float64), _LOSS)
    return [seen, loss, data_loss]


def _total(values: list[Any], replicas: int) -> Any:
    """Sum of the values, each the mean over its rows if it has any."""
    scalars = [tf.cast(tf.convert_to_tensor(it), tf.float64) for it in values]
    means = [
        it if it.shape.rank == 0 else tf.reduce_mean(it) / replicas for it in scalars
    ]
    return means[0] if len(means) == 1 else tf.add_n(means)


def has_no_loss_object(lead: list[Any]) -> bool:
    """Whether what is differentiated came from no loss object, as a penalty alone."""
    return isinstance(lead[0], float) and lead[0] < _BOTH


def data_loss_of(lead: list[Any]) -> Any:
    """The data loss, or the loss where no more was seen."""
    seen, loss, data_loss = lead
    if isinstance(seen, float):
        return tf.convert_to_tensor(data_loss if seen >= _BOTH else loss, tf.float64)
    return tf.where(seen >= _BOTH, data_loss, loss)
