"""Tell layers that still have the weights they were made with from trained ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.random_weights import Draw, misfit
from ..backend.frameworks import keras, tf
from ..backend.tensors import is_variable, raw, value_of

#: Types of the weights that are examined: others are rounded too much.
_TYPES = (tf.float32, tf.float64)
#: Endings of an attribute that holds the weights of an initializer: the kernel of
#: ``depthwise_initializer`` is ``depthwise_kernel``.
_ENDINGS = ("", "_kernel")
#: Standard deviation of the standard normal distribution, cut at 2.
_OF_TRUNCATED = 0.87962566103423978


@dataclass(slots=True, kw_only=True)
class Made:
    """What the weights of one layer tell of how they were made.

    Attributes:
        layer: The layer.
        random: Variables that a random initializer makes.
        misfit: Largest misfit of those; see `random_weights.misfit`.
        is_bounded: Whether a small change of any of them would show.
        fixed: Number of variables that an initializer sets to one number, as biases
            and batch statistics, and that still have it.
        moved: Whether such a variable has other values.
    """

    layer: Any
    random: list[Any] = field(default_factory=list)
    misfit: float = 0.0
    is_bounded: bool = True
    fixed: int = 0
    moved: bool = False


def made_weights(layer: Any) -> Made:
    """Compare a layer's own weights with what its initializers make."""
    made = Made(layer=layer)
    for initializer, variable in _own_weights(layer):
        number = _number_of(initializer)
        if number is not None:
            expected = _fixed(layer, variable, number)
            made.moved |= not np.array_equal(_array_of(variable), expected)
            made.fixed += 1
            continue
        draws = [*_draws(layer, initializer, tuple(variable.shape))]
        if draws:
            array = _array_of(variable)
            made.random.append(variable)
            made.misfit = max(made.misfit, min(misfit(array, it) for it in draws))
            made.is_bounded &= all(it.is_bounded for it in draws)
    return made


def _own_weights(layer: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each initializer of a layer with the variable that it made."""
    own = {id(it) for it in layer.weights}
    for name in dir(type(layer)) + list(vars(layer)):
        if not name.endswith("_initializer") or not own:
            continue
        stem = name.removesuffix("_initializer")
        for ending in _ENDINGS:
            variable = getattr(layer, stem + ending, None)
            if is_variable(variable) and id(variable) in own:
                own.discard(id(variable))
                if raw(variable).dtype in _TYPES:
                    yield getattr(layer, name), variable


def _number_of(initializer: Any) -> float | None:
    """Return the number that an initializer sets all weights to, else None."""
    if isinstance(initializer, keras.initializers.Zeros):
        return 0.0
    if isinstance(initializer, keras.initializers.Ones):
        return 1.0
    value: Any = getattr(initializer, "value", None)
    is_constant = isinstance(initializer, keras.initializers.Constant)
    is_number = isinstance(value, (int, float, np.number))
    return float(value) if is_constant and is_number else None


def _fixed(layer: Any, variable: Any, number: float) -> NDArray[Any]:
    """Return the values of a variable as it was made, with 1 for forget gates."""
    expected = np.full(tuple(variable.shape), number, np.float32)
    is_bias = variable is getattr(layer, "bias", None)
    if is_bias and getattr(layer, "unit_forget_bias", False):
        units = expected.shape[-1] // 4
        expected[..., units : 2 * units] = 1.0
    return expected


def _draws(layer: Any, initializer: Any, shape: tuple[int, ...]) -> Iterator[Draw]:
    """Yield the distributions that an initializer may draw a variable from.

    More than one only if the layer may tell it which axes are inputs, which is not
    known any more. None if it is not random, or of an unknown kind.
    """
    known = keras.initializers
    if isinstance(initializer, known.VarianceScaling):
        for fans in _fans(layer, initializer, shape):
            yield _scaled(initializer, *fans)
    elif isinstance(initializer, known.RandomUniform):
        low, high = float(initializer.minval), float(initializer.maxval)
        yield Draw(name="uniform", center=(low + high) / 2, width=(high - low) / 2)
    elif isinstance(initializer, known.TruncatedNormal):
        mean, width = float(initializer.mean), float(initializer.stddev)
        yield Draw(name="truncated_normal", center=mean, width=width)
    elif isinstance(initializer, known.RandomNormal):
        mean, width = float(initializer.mean), float(initializer.stddev)
        yield Draw(name="normal", center=mean, width=width)
    elif isinstance(initializer, known.OrthogonalInitializer) and len(shape) > 1:
        yield Draw(name="orthogonal", width=abs(float(initializer.gain)))


def _fans(
    layer: Any, initializer: Any, shape: tuple[int, ...]
) -> Iterator[tuple[int, int]]:
    """Yield numbers of input and output units, as Keras counts them."""
    names = ("input_axes", "output_axes")
    axes: list[Any] = [getattr(initializer, it, None) for it in names]
    if None not in axes:
        inputs, outputs = (math.prod(shape[at] for at in it) for it in axes)
        yield inputs, outputs
        return
    if len(shape) < 2:
        yield math.prod(shape), math.prod(shape)
        return
    field = math.prod(shape[:-2])
    yield shape[-2] * field, shape[-1] * field
    if isinstance(layer, keras.layers.EinsumDense):
        for at in range(1, len(shape)):
            yield math.prod(shape[:at]), math.prod(shape[at:])


def _scaled(initializer: Any, inputs: int, outputs: int) -> Draw:
    counts = {"fan_in": inputs, "fan_out": outputs}
    count = counts.get(initializer.mode, (inputs + outputs) / 2)
    deviation = math.sqrt(initializer.scale / max(1.0, count))
    if initializer.distribution == "uniform":
        return Draw(name="uniform", width=math.sqrt(3) * deviation)
    if initializer.distribution == "untruncated_normal":
        return Draw(name="normal", width=deviation)
    return Draw(name="truncated_normal", width=deviation / _OF_TRUNCATED)


def _array_of(variable: Any) -> NDArray[Any]:
    return np.asarray(value_of(variable))
