"""The leading columns of an update's row: what was seen, loss and data loss."""

from __future__ import annotations

from typing import Any

from ..backend.frameworks import tf

#: Codes of what was seen of an update; see `LEAD`.
NOTHING, _LOSS, _BOTH = 0.0, 1.0, 2.0
#: Relative difference allowed between a sum of float32 losses and the trained loss.
_ROUNDING = 1e-4


def lead_of(targets: list[Any], losses: list[Any], replicas: int) -> list[Any]:
    """Return what was seen, the loss and the data loss.

    Args:
        targets: Tensors that are differentiated.
        losses: Values of the loss objects that were called.
        replicas: Number of replicas that make the update together.

    Returns:
        The code of what was seen, as a float or a scalar tensor, and two float64
        scalars.
    """
    loss = _total(targets, replicas)
    if not losses:
        return [_LOSS, loss, tf.constant(0.0, tf.float64)]
    data_loss = _total(losses, replicas)
    if len(losses) == 1:
        return [_BOTH, loss, data_loss]
    # Some of several losses may belong to another training, as in a GAN.
    is_sum = tf.abs(loss - data_loss) <= _ROUNDING * tf.abs(loss)
    seen = tf.where(is_sum, tf.constant(_BOTH, tf.float64), _LOSS)
    return [seen, loss, data_loss]


def _total(values: list[Any], replicas: int) -> Any:
    """Return the sum of the values, each averaged over its rows if it has any."""
    scalars = [tf.cast(tf.convert_to_tensor(it), tf.float64) for it in values]
    means = [
        it if it.shape.rank == 0 else tf.reduce_mean(it) / replicas for it in scalars
    ]
    return means[0] if len(means) == 1 else tf.add_n(means)


def has_no_loss_object(lead: list[Any]) -> bool:
    """Whether no loss object made what is differentiated, such as a lone penalty."""
    return isinstance(lead[0], float) and lead[0] < _BOTH


def data_loss_of(lead: list[Any]) -> Any:
    """Return the data loss, or the loss if no data loss was seen."""
    seen, loss, data_loss = lead
    if isinstance(seen, float):
        return tf.convert_to_tensor(data_loss if seen >= _BOTH else loss, tf.float64)
    return tf.where(seen >= _BOTH, data_loss, loss)
