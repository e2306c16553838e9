"""``python benchmarks/step_relations.py``: CPU time of the relations of a step.

Measures the checks of one step that run after it, in addition to the recording: how a
loss uses labels, how a model uses inputs, shares of rows, labels that change, custom
gradients, the search for rows that a loss mixes, and steps that are run again to check
whether labels of weight 0 or at padding count. The bar is 5 % of the test's own CPU
time, or 50 ms.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any
from unittest import mock

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf

from pytest_lossguard.training import set_seed, watching

_TIMES = 5
_PARTS = (
    "pytest_lossguard.training.score.trace_builder.input_use",
    "pytest_lossguard.training.score.scorer.Scorer.label_use",
    "pytest_lossguard.training.score.scorer.Scorer.shared_rows",
    "pytest_lossguard.training.watching.fit_calls.with_what_came_again",
    "pytest_lossguard.training.watching.watch.Watch._counted",
    "pytest_lossguard.training.record.custom_gradients.CustomGradients.wrong",
    "pytest_lossguard.training.record.tapes.Tapes._look_at_rows",
)
_X = np.random.default_rng(0).normal(size=(512, 16)).astype("float32")
_Y = (_X[:, 0] > 0).astype("int32")


def _net(shape: tuple[int, ...] = (16,), *inner: Any) -> Any:
    layers = inner or (keras.layers.Dense(32, "relu"),)
    return keras.Sequential([keras.Input(shape), *layers, keras.layers.Dense(2)])


def _own(y: Any, scores: Any) -> Any:
    wanted = tf.one_hot(tf.cast(tf.reshape(y, [-1]), tf.int32), 2)
    return -tf.reduce_sum(wanted * tf.nn.softmax(scores), axis=1)


def _fit(shape: tuple[int, ...] = (16,), *inner: Any, epochs: int = 5) -> None:
    model = _net(shape, *inner)
    model.compile(keras.optimizers.Adam(0.01), _own)
    model.fit(_X.reshape(-1, *shape), _Y, epochs=epochs, verbose=0)


def _loop(wrap: Callable[[Any], Any] = tf.function) -> None:
    model, optimizer = _net(), keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)

    @wrap
    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(_own(y, model(x, training=True)))
        slopes = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(slopes, model.trainable_variables)

    for _ in range(5):
        for at in range(0, 512, 32):
            step(tf.constant(_X[at : at + 32]), tf.constant(_Y[at : at + 32]))


def _by_hand() -> None:
    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TF has no types
    def bent(x: Any) -> Any:
        return tf.tanh(x), lambda upstream: upstream * (1 - tf.tanh(x) ** 2)

    _fit((16,), keras.layers.Dense(32), keras.layers.Lambda(bent))


def _whole(y: Any, scores: Any) -> Any:
    return tf.reduce_mean(_own(y, scores))


def _weighted(loss: Any) -> None:
    """Train with weight 0 for every other row."""
    model = _net()
    model.compile(keras.optimizers.Adam(0.01), loss)
    weights = np.tile([0.0, 1.0], 256).astype("float32")
    model.fit(_X, _Y, sample_weight=weights, epochs=5, verbose=0)


def _padded(loss: Any) -> None:
    """Train on texts of 20 tokens, half of them padding, with one class per token."""
    tokens = np.random.default_rng(0).integers(1, 50, (512, 20))
    tokens[:, 10:] = 0
    layers = keras.layers
    start = keras.Input((20,), dtype="int32")
    inner = layers.Embedding(50, 16, mask_zero=True)(start)
    inner = layers.LSTM(16, return_sequences=True)(inner)
    model = keras.Model(start, layers.Dense(2)(inner))
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit(tokens.astype("int32"), (tokens % 2).astype("int32"), epochs=2, verbose=0)


def _by_position(y: Any, scores: Any) -> Any:
    return keras.losses.sparse_categorical_crossentropy(y, scores, from_logits=True)


_CASES: dict[str, Callable[[], None]] = {
    "fit, a loss of one's own": _fit,
    "fit, a CNN": lambda: _fit(
        (4, 4, 1), keras.layers.Conv2D(16, 3, activation="relu"), keras.layers.Flatten()
    ),
    "fit, an LSTM": lambda: _fit((4, 4), keras.layers.LSTM(16), epochs=2),
    "fit, a gradient by hand": _by_hand,
    "loop in a tf.function": _loop,
    "eager loop": lambda: _loop(lambda it: it),
    "fit, rows of weight 0": lambda: _weighted(_own),
    "fit, such rows that count": lambda: _weighted(_whole),
    "fit, a masked LSTM": lambda: _padded(_by_position),
    "fit, padding that counts": lambda: _padded(
        lambda y, scores: tf.reduce_mean(_by_position(y, scores))
    ),
}


@contextmanager
def _counted() -> Iterator[list[float]]:
    """Yield the CPU seconds of the parts; nested calls are counted once."""
    spent, depth = [0.0], [0]

    def counting(part: Any) -> Any:
        @functools.wraps(part)
        def counted(*args: Any, **kwargs: Any) -> Any:
            depth[0] += 1
            began = time.process_time()
            try:
                return part(*args, **kwargs)
            finally:
                depth[0] -= 1
                spent[0] += (time.process_time() - began) * (not depth[0])

        return counted

    with ExitStack() as patches:
        for name in _PARTS:
            patch = mock.patch(name)
            part = patch.get_original()[0]
            patches.enter_context(mock.patch(name, counting(part)))
        yield spent


def _measured(train: Callable[[], None]) -> tuple[float, float]:
    """Return the CPU seconds of a watched test, and of its relations."""
    with _counted() as spent:
        began = time.process_time()
        with watching(seed=0) as watch:
            set_seed(0)
            train()
        watch.traces()
        return time.process_time() - began, spent[0]


def main() -> None:
    """Print the medians, one line per case."""
    print("| | test | its relations | share |\n|---|---|---|---|")
    for name, train in _CASES.items():
        _measured(train)  # excludes one-time tracing and imports
        runs = [_measured(train) for _ in range(_TIMES)]
        whole, part = (median(it) for it in zip(*runs, strict=True))
        print(f"| {name} | {whole:.2f} s | {1e3 * part:.0f} ms | {part / whole:.1%} |")


if __name__ == "__main__":
    main()
