"""Integers are numbers where a model reads them as such, and indices where it looks
them up.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest

from pytest_lossguard.core.change import Change
from pytest_lossguard.core.errors import CannotChange
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.experiments.diagnose import diagnose
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer
from pytest_lossguard.training.backend.index_inputs import reads_as_numbers
from tests.support.fitting import train_once

L = keras.layers
WHOLE = np.arange(40).reshape(10, 4)


class Looked(L.Layer):
    """Looks up what comes in, without a layer of Keras'."""

    def call(self, x):
        return keras.ops.one_hot(keras.ops.cast(x, "int32"), 50)


def stack(*layers):
    return keras.Sequential([keras.Input((4,)), *layers])


NUMBERS = {
    "dense": lambda: stack(L.Dense(1)),
    "images": lambda: stack(L.Reshape((2, 2, 1)), L.Conv2D(2, 1), L.Flatten()),
    "inside": lambda: stack(keras.Sequential([L.Flatten(), L.Dense(1)])),
    "scaled first": lambda: stack(L.Rescaling(1 / 255), L.Dense(1)),
    "not built yet": lambda: keras.Sequential([L.Dense(1)]),
}
INDICES = {
    "embedding": lambda: stack(L.Embedding(50, 2), L.Flatten(), L.Dense(1)),
    "inside": lambda: stack(keras.Sequential([L.Embedding(50, 2), L.Flatten()])),
    "categories": lambda: stack(L.CategoryEncoding(50), L.Dense(1)),
    "reshaped before": lambda: stack(L.Reshape((2, 2)), L.Embedding(50, 2)),
    "hashed": lambda: stack(L.Hashing(9), L.Embedding(9, 2)),
    "own layer": lambda: stack(Looked(), L.Flatten(), L.Dense(1)),
    "nobody knows": lambda: None,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_integers_that_are_multiplied_are_numbers(name):
    assert reads_as_numbers(NUMBERS[name](), WHOLE) == (True,)


@pytest.mark.parametrize("name", INDICES)
def test_integers_that_are_looked_up_are_indices(name):
    assert reads_as_numbers(INDICES[name](), WHOLE) == (False,)


@pytest.mark.parametrize("name", ["own layer", "nobody knows"])
def test_bytes_are_numbers_unless_they_are_seen_to_be_looked_up(name):
    assert reads_as_numbers(INDICES[name](), WHOLE.astype("uint8")) == (True,)
    assert reads_as_numbers(INDICES["embedding"](), WHOLE.astype("uint8")) == (False,)


def test_each_input_of_a_model_is_asked_by_itself():
    tokens, pixels = keras.Input((4,), name="tokens"), keras.Input((4,), name="pixels")
    coded = keras.ops.one_hot(keras.ops.cast(tokens, "int32"), 50)
    joined = L.Concatenate()([L.Flatten()(coded), pixels])
    model = keras.Model([tokens, pixels], L.Dense(1)(joined))

    assert reads_as_numbers(model, [WHOLE, WHOLE]) == (False, True)
    named = {"tokens": WHOLE, "pixels": WHOLE}
    assert reads_as_numbers(model, named) == (True, False)  # in order of their names
    assert reads_as_numbers(model, [WHOLE, WHOLE.astype(float)]) == (False, False)


def small(*first, optimizer="adam"):
    def build():
        model = keras.Sequential([*first, L.Dense(16, "relu"), L.Dense(10, "softmax")])
        model.compile(optimizer, "sparse_categorical_crossentropy")
        return model

    return build


def digits():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x[:300] * 15.9).astype(np.uint8), y[:300]


HOW = {"epochs": 5, "batch_size": 32, "seed": 0}


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_pixels_are_reported_unscaled_whatever_their_type_and_a_re_run_proves_it(kind):
    trainer, (x, y) = Trainer(), digits()
    x = x.astype(kind)
    trace = train_once(trainer, small(), x, y, **HOW)
    found = judge(trace, Policy())

    why = diagnose(trace, found, trainer.again(small(), x, y, **HOW), Policy(), 60.0)

    assert "unscaled_inputs" in {it.kind for it in found}
    assert why.causes[0].cause == "unscaled_inputs"
    assert why.causes[0].verified


def test_tokens_have_no_scale():
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, 5000, (64, 6)), draw.integers(0, 10, 64)
    build = small(L.Embedding(5000, 4), L.Flatten())
    how = {"steps": 4, "batch_size": 32, "seed": 0}
    trainer = Trainer()

    trace = train_once(trainer, build, x, y, **how)

    assert not trace.inputs[0].is_numeric
    with pytest.raises(CannotChange, match="only indices"):
        trainer.again(build, x, y, **how)(Change(kind="standardize_inputs"))


def test_a_model_that_takes_integers_only_is_no_model_of_scaled_inputs():
    x, y = digits()
    build = small(keras.Input((64,), dtype="uint8"))
    again = Trainer().again(build, x, y, **HOW)

    with pytest.raises(CannotChange, match="takes its inputs as uint8 only"):
        again(Change(kind="standardize_inputs"))


@pytest.mark.parametrize("scaled", [False, True])
def test_what_stands_for_missing_values_is_the_cause_that_a_re_run_proves(scaled):
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    x, missing = x[:, :6], np.random.default_rng(0).random((len(x), 6)) < 0.06
    x = np.where(missing, -999.0, x if scaled else (x - x.mean(0)) / x.std(0))
    if scaled:
        x = (x - x.mean(0)) / x.std(0)
    build = binary
    how = {"steps": 54, "batch_size": 32, "seed": 0}
    trainer = Trainer()
    trace = train_once(trainer, build, x, y, **how)
    found = judge(trace, Policy(strict=True))

    again = trainer.again(build, x, y, **how)
    why = diagnose(trace, found, again, Policy(strict=True), 60.0)

    assert (why.causes[0].cause, why.causes[0].verified) == ("missing_values", True)
    more = 4 if scaled else 5  # one has too wide a range to be sure
    assert why.causes[0].where == f"feature 0 (and {more} more)"


def binary():
    model = keras.Sequential([L.Dense(16, "relu"), L.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    return model
