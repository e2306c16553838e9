"""The published scenarios that every release must judge correctly, as programs.

Each scenario is a function of a seed that returns the model, the data and the number of
epochs. The hand-written training loop of S4 is also here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class Scenario:
    """A training: the model builder, the data and the length."""

    build: Callable[[], keras.Model]
    x: Any
    y: Any
    epochs: int
    batch_size: int = 32
    validation: tuple[Any, Any] | None = None


def dense(
    inputs: int,
    *,
    optimizer: Any,
    hidden: int = 64,
    activation: str | None = "relu",
    output: str | None = None,
    outputs: int = 1,
    loss: str = "mse",
    l2: float = 0.0,
    initializer: Any = "glorot_uniform",
    bias_initializer: Any = "zeros",
) -> Callable[[], keras.Model]:
    """Return a builder of a model with one hidden layer (none with ``hidden=0``)."""

    def build() -> keras.Model:
        options = {
            "kernel_initializer": initializer,
            "bias_initializer": bias_initializer,
            "kernel_regularizer": keras.regularizers.L2(l2) if l2 else None,
        }
        layers: list[Any] = [keras.Input((inputs,))]
        if hidden:
            layers.append(keras.layers.Dense(hidden, activation, **options))
        options["kernel_regularizer"] = None
        layers.append(keras.layers.Dense(outputs, output, **options))
        model = keras.Sequential(layers)
        model.compile(optimizer(), loss)
        return model

    return build


def adam(rate: float) -> Callable[[], Any]:
    return lambda: keras.optimizers.Adam(rate)


def sgd(rate: float) -> Callable[[], Any]:
    return lambda: keras.optimizers.SGD(rate)


def noise(seed: int, rows: int = 100, columns: int = 10) -> tuple[Any, Any]:
    """Return inputs and targets uniform on [0, 1), independent of each other."""
    generator = np.random.default_rng(seed)
    return generator.random((rows, columns)), generator.random((rows, 1))


def digits(seed: int) -> tuple[Any, Any]:
    """Return 1000x784 uniform inputs; the class is the largest of ten linear scores."""
    generator = np.random.default_rng(seed)
    x = generator.random((1000, 784))
    labels = (x @ generator.standard_normal((784, 10))).argmax(axis=1)
    return x, np.eye(10)[labels]


def standardized(array: Any) -> Any:
    return (array - array.mean(axis=0)) / array.std(axis=0)


def s1(seed: int) -> Scenario:
    return Scenario(dense(10, optimizer=adam(10.0)), *noise(seed), 10)


def s1_fixed(seed: int) -> Scenario:
    return Scenario(dense(10, optimizer=adam(0.001)), *noise(seed), 10)


def s2(seed: int) -> Scenario:
    build = dense(10, optimizer=adam(0.01), activation="sigmoid")
    return Scenario(build, *noise(seed), 10)


def s2_hot(seed: int) -> Scenario:
    x, y = noise(seed)
    build = dense(10, optimizer=adam(0.01), activation="sigmoid")
    return Scenario(build, x * 1000, y, 10)


def one_feature_off(seed: int) -> tuple[Any, Any]:
    x, y = noise(seed)
    x[:, 0] *= 1000
    return x, y


def s3(seed: int) -> Scenario:
    return Scenario(dense(10, optimizer=adam(0.01)), *one_feature_off(seed), 10)


def s3_fixed(seed: int) -> Scenario:
    x, y = one_feature_off(seed)
    return Scenario(dense(10, optimizer=adam(0.01)), standardized(x), y, 10)


def s4_net(*, broken: bool, rate: float) -> Callable[[], keras.Model]:
    uniform = keras.initializers.RandomUniform(0, 1)
    return dense(
        10,
        optimizer=sgd(rate),
        activation="sigmoid",
        output="sigmoid",
        initializer=uniform if broken else "glorot_uniform",
        bias_initializer=uniform if broken else "zeros",
    )


def s4(seed: int) -> Scenario:
    build = s4_net(broken=True, rate=1.0)
    return Scenario(build, *noise(seed, 1000), 50, batch_size=1000)


def s4_fixed(seed: int) -> Scenario:
    build = s4_net(broken=False, rate=1.0)
    return Scenario(build, *noise(seed, 1000), 50, batch_size=1000)


def s4_slow(seed: int) -> Scenario:
    build = s4_net(broken=False, rate=0.01)
    return Scenario(build, *noise(seed, 1000), 50, batch_size=1000)


def classifier(rate: float, inputs: int = 784, **options: Any) -> Any:
    return dense(
        inputs,
        optimizer=adam(rate),
        output="softmax",
        outputs=10,
        loss="categorical_crossentropy",
        **options,
    )


def s5(seed: int) -> Scenario:
    return Scenario(classifier(1.0), *digits(seed), 10)


def s5_fixed(seed: int) -> Scenario:
    return Scenario(classifier(0.001), *digits(seed), 10)


def s6(seed: int) -> Scenario:
    x, y = digits(seed)
    build = classifier(0.001, 100, hidden=512, l2=0.01)
    return Scenario(build, x[:, :100], y, 10)


def s7(seed: int) -> Scenario:
    x, y = digits(seed)
    return Scenario(classifier(0.001), x * 100, y, 10)


def s8(seed: int, rate: float) -> Scenario:
    return Scenario(dense(10, optimizer=adam(rate)), *noise(seed), 100)


def s9_data(seed: int) -> tuple[Any, Any]:
    x, y = noise(seed)
    x[0, 0] = 100.0
    return x, y


def s9(seed: int) -> Scenario:
    return Scenario(dense(10, optimizer=adam(0.001), hidden=0), *s9_data(seed), 100)


def s9_fixed(seed: int) -> Scenario:
    x, y = (standardized(it) for it in s9_data(seed))
    return Scenario(dense(10, optimizer=adam(0.001), hidden=0), x, y, 100)


def s10(seed: int, l2: float = 0.0) -> Scenario:
    x, y = noise(seed)
    build = dense(10, optimizer=adam(0.001), l2=l2)
    return Scenario(build, x[:67], y[:67], 100, validation=(x[67:], y[67:]))


SCENARIOS: dict[str, Callable[[int], Scenario]] = {
    "S1": s1,
    "S1-fixed": s1_fixed,
    "S2": s2,
    "S2-hot": s2_hot,
    "S3": s3,
    "S3-fixed": s3_fixed,
    "S4": s4,
    "S4-fixed": s4_fixed,
    "S4-slow": s4_slow,
    "S5": s5,
    "S5-fixed": s5_fixed,
    "S6": s6,
    "S7": s7,
    "S8-0.1": lambda seed: s8(seed, 0.1),
    "S8-0.01": lambda seed: s8(seed, 0.01),
    "S8-0.001": lambda seed: s8(seed, 0.001),
    "S9": s9,
    "S9-fixed": s9_fixed,
    "S10": s10,
    "S10-L2": lambda seed: s10(seed, 0.01),
}


def train_by_hand(scenario: Scenario) -> keras.Model:
    """Train in the hand-written GradientTape loop of S4, with full batches."""
    model = scenario.build()
    optimizer, loss = model.optimizer, keras.losses.MeanSquaredError()
    x = tf.constant(scenario.x, tf.float32)
    y = tf.constant(scenario.y, tf.float32)
    for _ in range(scenario.epochs):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, model.trainable_variables, strict=True)
        )
    return model
