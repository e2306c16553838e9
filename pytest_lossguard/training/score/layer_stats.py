"""Statistics of layer outputs, computed while the probe rows are scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...core.keras_names import ActivationFacts, activation_facts
from ...core.trace import Output
from ..backend.frameworks import keras, tf
from ..backend.patches import owner_of, replaced
from ..backend.tensors import is_composite

#: An output this near to the end of its activation's range is saturated.
_FLAT_END = 0.01
#: Units that differ by less than this share of their size are equal: with a constant
#: initializer, rounding makes units differ by 1e-7 or less at first.
_EQUAL = 1e-3
_ROWS_OF_POSITIONS = 32


@contextmanager
def layers_seen() -> Iterator[list[tuple[Any, str | None, Any]]]:
    """Collect each called layer with its activation and output.

    Yields:
        A list of ``(layer, activation, output)``, filled while the block runs.
    """
    seen: list[tuple[Any, str | None, Any]] = []

    def hook(call: Callable[..., Any], layer: Any, *args: Any, **kwargs: Any) -> Any:
        output = call(layer, *args, **kwargs)
        dense = tf.is_tensor(output) and not is_composite(output)
        if dense and not isinstance(layer, keras.Model):
            seen.append((layer, _activation_of(layer), output))
        return output

    with replaced(owner_of(keras.layers.Layer, "__call__"), "__call__", hook):
        yield seen


def _activation_of(layer: Any) -> str | None:
    if isinstance(layer, keras.layers.RNN):
        return None
    for kind, name in ((keras.layers.ReLU, "relu"), (keras.layers.Softmax, "softmax")):
        if isinstance(layer, kind):
            return name
    return getattr(getattr(layer, "activation", None), "__name__", None)


def output_of(tensor: Any, calls: list[tuple[Any, Any, Any]]) -> Output | None:
    """Describe the first layer in ``calls`` that returned a tensor; None if there is
    none, or the tensor is a scalar.
    """
    maker = next((it for it in calls if it[2] is tensor), None)
    if maker is None or not tensor.shape.rank:
        return None
    layer, activation, _ = maker
    return Output(layer=layer.name, activation=activation, units=tensor.shape[-1] or 0)


def is_watched(name: str) -> bool:
    """Whether layers with this activation are checked for dead or saturated units."""
    facts = activation_facts(name)
    return facts is not None and facts.is_watched


def activation_stats(name: str, output: Any) -> tuple[Any, Any]:
    """Return the share of dead units and the share of saturated outputs."""
    output = tf.cast(output, tf.float32)
    facts, zero = activation_facts(name), tf.constant(0.0)
    if facts is not None and facts.can_die:
        # Comparing only the maximum takes a third of the time of comparing all values.
        largest = tf.reduce_max(output, axis=list(range(output.shape.rank - 1)))
        return tf.reduce_mean(tf.cast(largest <= 0, tf.float32)), zero
    if facts is not None and facts.can_saturate:
        return zero, _share_at_the_ends(facts, output)
    return zero, zero


def _share_at_the_ends(facts: ActivationFacts, output: Any) -> Any:
    assert facts.low is not None
    assert facts.high is not None
    flat = (output < facts.low + _FLAT_END) | (output > facts.high - _FLAT_END)
    return tf.reduce_mean(tf.cast(flat, tf.float32))


def symmetric(layer: Any, output: Any) -> Any:
    """Return 1.0 if all units of a layer with a kernel have equal outputs in every row,
    else 0.0. Of outputs with several positions per row, only some rows are compared.
    """
    if not hasattr(layer, "kernel") or (output.shape[-1] or 0) < 2:
        return tf.constant(0.0)
    if output.shape.rank > 2:
        output = output[:_ROWS_OF_POSITIONS]
    output = tf.cast(output, tf.float32)
    high, low = tf.reduce_max(output, axis=-1), tf.reduce_min(output, axis=-1)
    apart = tf.reduce_max(high - low)
    size = tf.maximum(tf.reduce_max(high), -tf.reduce_min(low))
    return tf.cast((apart <= _EQUAL * size) & (size > 0), tf.float32)
