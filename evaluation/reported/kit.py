"""Models and a training loop shared by the reported programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

__all__ = ["classifier", "dense", "descended", "regressor"]


def dense(shape: Any, *layers: Any) -> Any:
    """Return a sequential model."""
    import keras

    return keras.Sequential([keras.Input(shape), *layers])


def classifier(units: int = 10, activation: str | None = "softmax") -> Any:
    """Return a digit classifier with one hidden layer."""
    from keras import layers

    return dense(
        (64,), layers.Dense(48, "relu"), layers.Dense(units, activation=activation)
    )


def regressor(columns: int = 10) -> Any:
    """Return a regressor of one number per row with one hidden layer."""
    from keras import layers

    return dense((columns,), layers.Dense(32, "relu"), layers.Dense(1))


def descended(
    loss_of: Callable[[Any, Any], Any],
    variables: Sequence[Any],
    data: Iterable[tuple[Any, Any]],
    optimizer: Any,
) -> None:
    """Train in a loop as in the guides: a step in a `tf.function`, called with tensors.

    Args:
        loss_of: Returns the loss of inputs and labels.
        variables: The variables to train.
        data: Batches of inputs and labels.
        optimizer: A Keras optimizer.
    """
    import tensorflow as tf

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(x, y)
        optimizer.apply_gradients(
            zip(tape.gradient(loss, variables), variables, strict=True)
        )
        return loss

    for x, y in data:
        step(tf.convert_to_tensor(x), tf.convert_to_tensor(y))
