"""Recurrent layers that carry their state from batch to batch, and the rows' order."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.steps import findings_of

LAYERS = keras.layers
SERIES, STEPS, WINDOWS = 8, 5, 20
TIMES = np.arange(WINDOWS * STEPS + 1) * 0.15 + np.arange(SERIES)[:, None]
VALUES = np.sin(TIMES).astype("float32")
#: Window i of each series, then window i + 1 of each.
INPUTS = VALUES[:, :-1].reshape(SERIES, WINDOWS, STEPS, 1).swapaxes(0, 1)
ROWS = INPUTS.reshape(-1, STEPS, 1)
TARGETS = VALUES[:, STEPS::STEPS].T.reshape(-1, 1)
DATASET = tf.data.Dataset.from_tensor_slices((ROWS, TARGETS))


def recurrent(*, stateful=True, rows=SERIES):
    return keras.Sequential(
        [
            keras.Input(batch_shape=(rows, STEPS, 1)),
            LAYERS.LSTM(12, stateful=stateful, name="memory"),
            LAYERS.Dense(1),
        ]
    )


class Own(keras.Sequential):
    """A step of its own may reset the states."""

    def train_step(self, data):
        self.layers[0].reset_state()
        return super().train_step(data)


def own():
    return Own(recurrent().layers)


class Reset(keras.callbacks.Callback):
    """Resets the states before each batch, or before each epoch."""

    def __init__(self, before):
        super().__init__()
        setattr(self, f"on_{before}_begin", self.reset)

    def reset(self, *_args, **_kwargs):
        self.model.layers[0].reset_state()


def found(model, *data, **how):
    def body():
        model.compile(keras.optimizers.Adam(0.01), "mse")
        model.fit(*data, epochs=3, verbose=0, **how)

    return [it for it in findings_of(body) if it.kind == "state_shuffled"]


ARRAYS = {"x": ROWS, "y": TARGETS, "batch_size": SERIES}


@pytest.mark.parametrize(
    ("how", "by"),
    [
        (ARRAYS, "fit"),
        ({**ARRAYS, "callbacks": [Reset("epoch")]}, "fit"),
        ({"x": DATASET.shuffle(160).batch(SERIES).prefetch(1)}, "the dataset"),
    ],
    ids=["arrays", "reset before each epoch", "dataset"],
)
def test_states_that_go_to_other_rows_are_reported(how, by):
    (it,) = found(recurrent(), **how)

    assert (it.severity, it.where) == ("warning", "memory")
    assert it.message.startswith(f"{by} shuffles the rows")
    assert "fit(..., shuffle=False)" in it.hint


@pytest.mark.parametrize(
    ("make", "how"),
    [
        (recurrent, {**ARRAYS, "shuffle": False}),
        (recurrent, {**ARRAYS, "callbacks": [Reset("train_batch")]}),
        (recurrent, {"x": DATASET.batch(SERIES)}),
        (recurrent, {"x": DATASET.batch(160).shuffle(4).unbatch().batch(SERIES)}),
        (lambda: recurrent(stateful=False), ARRAYS),
        (own, ARRAYS),
    ],
    ids=["in order", "reset", "dataset", "whole series", "without", "own step"],
)
def test_states_in_order_and_states_that_are_reset_pass(make, how):
    assert not found(make(), **how)


@pytest.mark.parametrize("rows", [SERIES, len(ROWS)])
def test_the_states_are_left_as_the_training_left_them(rows):
    model, states = recurrent(rows=rows), []

    class Note(keras.callbacks.Callback):
        def on_train_end(self, _logs=None):
            states[:] = [it.numpy() for it in model.layers[0].states]

    found(model, ROWS, TARGETS, batch_size=rows, callbacks=[Note()])
    assert all(map(np.array_equal, states, model.layers[0].states))
    assert np.any(states[0])
