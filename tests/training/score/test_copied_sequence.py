"""Decoders whose targets are not shifted or that look ahead, and what only looks so."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, watching
from tests.support.fitting import train_once

IDS, ROWS, LENGTH = 20, 64, 8
LOSS = "sparse_categorical_crossentropy"


def text(draw, rows=ROWS):
    """Rows in which an id is followed by one of two others, padded behind with 0."""
    ids = np.zeros((rows, LENGTH), "int32")
    ids[:, 0] = draw.integers(1, IDS, rows)
    for at in range(1, LENGTH):
        ids[:, at] = (3 * ids[:, at - 1] + draw.integers(0, 2, rows)) % (IDS - 1) + 1
    ids[np.arange(LENGTH) >= draw.integers(5, LENGTH + 1, rows)[:, None]] = 0
    return ids


DEC = text(np.random.default_rng(0))
ENC = DEC[:, ::-1].copy()
RANDOM = np.random.default_rng(1).integers(1, IDS, (ROWS, LENGTH))
MASKED = np.where(np.random.default_rng(2).random(DEC.shape) < 0.15, IDS, DEC)
ONE_HOT = np.eye(IDS, dtype="float32")[DEC]


def embedded(start, **how):
    return layers.Embedding(IDS + 1, 8, **how)(start)


def made(inputs, found, loss=LOSS):
    model = keras.Model(inputs, layers.Dense(IDS + 1, "softmax")(found))
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model


def ids():
    return keras.Input((None,), dtype="int32")


def causal(loss=LOSS):
    """Predicts from this id and those before it."""
    start = ids()
    return made(start, layers.Conv1D(8, 3, padding="causal")(embedded(start)), loss)


def decoder():
    """Each prediction depends on all of one input and the past of the other."""
    enc, dec = ids(), ids()
    code = layers.GlobalAveragePooling1D(keepdims=True)(embedded(enc))
    found = layers.Conv1D(8, 3, padding="causal")(embedded(dec))
    return made([enc, dec], layers.Add()([found, code]))


def recurrent():
    """The encoder's state starts the decoder; 0 is masked as padding."""
    enc, dec = ids(), ids()
    state = layers.GRU(8)(embedded(enc, mask_zero=True))
    steps = layers.GRU(8, return_sequences=True)
    found = steps(embedded(dec, mask_zero=True), initial_state=state)
    return made([enc, dec], found)


def attends(*, ahead):
    start = ids()
    found = embedded(start)
    found += layers.MultiHeadAttention(2, 4)(found, found, use_causal_mask=not ahead)
    return made(start, found)


def transformer():
    return attends(ahead=False)


def both_ways():
    return attends(ahead=True)


def bottleneck():
    """An autoencoder: each prediction depends on one code of the whole row."""
    start = keras.Input((LENGTH,), dtype="int32")
    code = layers.LSTM(8)(embedded(start))
    steps = layers.LSTM(8, return_sequences=True)
    return made(start, steps(layers.RepeatVector(LENGTH)(code)))


def shifts_inside():
    """The model itself moves the ids one position back."""
    start = ids()
    moved = layers.Lambda(lambda it: tf.pad(it, [(0, 0), (1, 0)])[:, :-1])(start)
    return made(start, layers.Conv1D(8, 3, padding="causal")(embedded(moved)))


def next_id_loss(y, predicted):
    """The loss itself compares a prediction with the next id."""
    return keras.losses.sparse_categorical_crossentropy(y[:, 1:], predicted[:, :-1])


def own_loss():
    return causal(next_id_loss)


class ShiftsInStep(keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y[:, 1:], y_pred=self(x[:, :-1], training=True))
        slopes = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(slopes, self.trainable_variables)
        return {"loss": loss}


def own_step():
    plain = causal()
    model = ShiftsInStep(plain.inputs, plain.outputs)
    model.compile(keras.optimizers.Adam(0.01), LOSS)
    return model


def one_hot_decoder():
    start = keras.Input((None, IDS))
    found = layers.Conv1D(IDS, 3, padding="causal", activation="softmax")(start)
    model = keras.Model(start, found)
    model.compile("adam", "categorical_crossentropy")
    return model


def sighted_decoder():
    """Reads an encoded row, and its own positions in both directions."""
    enc, dec = ids(), ids()
    code = layers.GlobalAveragePooling1D(keepdims=True)(embedded(enc))
    found = layers.Conv1D(8, 3, padding="same")(embedded(dec))
    return made([enc, dec], layers.Add()([found, code]))


def forecast(layer):
    """Predicts the next value of a series, and of its features."""
    start = keras.Input((LENGTH - 1, 2))
    model = keras.Model(start, layers.Dense(2)(layer(start)))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def convolved():
    return forecast(layers.Conv1D(8, 3, padding="same"))


def convolved_causally():
    return forecast(layers.Conv1D(8, 3, padding="causal"))


def read_both_ways():
    return forecast(layers.Bidirectional(layers.GRU(4, return_sequences=True)))


def read_forward():
    return forecast(layers.GRU(4, return_sequences=True))


TIMES = np.random.default_rng(3).random((ROWS, 1, 1)) * 6 + np.arange(LENGTH)[:, None]
WAVES = np.concatenate([np.sin(TIMES), np.cos(TIMES)], axis=2).astype("float32")
AHEAD = {
    "transformer": (both_ways, DEC[:, :-1], DEC[:, 1:]),
    "random ids": (both_ways, RANDOM[:, :-1], RANDOM[:, 1:]),
    "translation": (sighted_decoder, [ENC[:, 1:], DEC[:, :-1]], DEC[:, 1:]),
    "both read": (sighted_decoder, [DEC[:, :-1], DEC[:, :-1]], DEC[:, 1:]),
    "convolution of series": (convolved, WAVES[:, :-1], WAVES[:, 1:]),
    "series both ways": (read_both_ways, WAVES[:, :-1], WAVES[:, 1:]),
}
NOT_AHEAD = {
    "autoencoder": (decoder, [DEC[:, :-1], DEC[:, :-1]], DEC[:, 1:]),
    "causal convolution": (convolved_causally, WAVES[:, :-1], WAVES[:, 1:]),
    "series forward": (read_forward, WAVES[:, :-1], WAVES[:, 1:]),
    "other targets": (convolved, WAVES[:, :-1], WAVES[:, 1:] * 2 - 1),
}


def severities(trace):
    return [
        it.severity for it in judge(trace, Policy()) if it.kind == "target_in_inputs"
    ]


def watched(train):
    with watching(seed=0) as watch:
        train()
    (trace,) = watch.traces()
    return trace


def found_by(build, x, y):
    model = build()
    return severities(watched(lambda: model.fit(x, y, batch_size=32, verbose=0)))


@pytest.mark.parametrize(
    ("build", "x", "y"),
    [
        (causal, DEC, DEC),
        (causal, DEC, DEC[..., None]),
        (transformer, DEC, DEC),
        (recurrent, [ENC, DEC], DEC),
        (decoder, [DEC, DEC], DEC),
        (one_hot_decoder, ONE_HOT, ONE_HOT),
    ],
    ids=[
        "convolution",
        "another axis",
        "transformer",
        "translation",
        "autoencoder",
        "one-hot",
    ],
)
def test_a_decoder_whose_targets_are_not_shifted(build, x, y):
    assert found_by(build, x, y) == ["error"]


@pytest.mark.parametrize("name", AHEAD)
def test_a_model_that_sees_its_target_one_position_later(name):
    assert found_by(*AHEAD[name]) == ["error"]


@pytest.mark.parametrize("name", NOT_AHEAD)
def test_a_causal_model_and_one_that_may_see_all(name):
    assert found_by(*NOT_AHEAD[name]) == []


def test_what_a_model_that_looks_ahead_is_told():
    build, x, y = AHEAD["transformer"]
    trace = watched(lambda: build().fit(x, y, verbose=0))
    (found,) = [it for it in judge(trace, Policy()) if it.kind == "target_in_inputs"]
    assert "made from the value of the input one position later" in found.message
    assert "use_causal_mask=True" in found.hint
    assert found.headline == "predictions see their targets"


def test_ids_that_tell_nothing_of_the_next_may_be_meant_to_be_copied():
    assert found_by(causal, RANDOM, RANDOM) == ["warning"]


def test_a_dataset_and_what_to_do():
    pairs = (ENC, DEC), DEC
    data = tf.data.Dataset.from_tensor_slices(pairs).shuffle(64, seed=0).batch(16)
    trace = watched(lambda: decoder().fit(data, verbose=0))
    (found,) = [it for it in judge(trace, Policy()) if it.kind == "target_in_inputs"]
    assert (found.severity, found.where) == ("error", "input 1")
    assert f"equals input 1, id by id, in {ROWS} of {ROWS} rows" in found.message
    assert "dec[:, :-1]" in found.hint


def test_an_own_loop():
    def train():
        model, optimizer = causal(), keras.optimizers.Adam(0.01)
        loss = keras.losses.SparseCategoricalCrossentropy()
        for rows in (DEC[:32], DEC[32:]):
            with tf.GradientTape() as tape:
                value = loss(rows, model(rows, training=True))
            slopes = tape.gradient(value, model.trainable_variables)
            optimizer.apply(slopes, model.trainable_variables)

    assert severities(watched(train)) == ["error"]


@pytest.mark.parametrize(
    ("build", "x", "y"),
    [(decoder, [ENC, DEC], DEC), (causal, DEC[:, :-1], DEC[:, 1:])],
    ids=["not shifted", "shifted"],
)
def test_lossguard_fit(build, x, y):
    trace = train_once(Trainer(), build, x, y, epochs=1)
    assert severities(trace) == (["error"] if y is DEC else [])


@pytest.mark.parametrize(
    ("build", "x", "y"),
    [
        (causal, DEC[:, :-1], DEC[:, 1:]),
        (decoder, [ENC, DEC[:, :-1]], DEC[:, 1:]),
        (decoder, [DEC, np.pad(DEC[:, :-1], [(0, 0), (1, 0)])], DEC),
        (bottleneck, DEC, DEC),
        (both_ways, MASKED, DEC),
        (causal, MASKED, DEC),
        (both_ways, DEC, DEC),
        (shifts_inside, DEC, DEC),
        (own_loss, DEC, DEC),
        (own_step, DEC, DEC),
        (causal, DEC, np.where(DEC, DEC % 3 + 1, 0)),
        (causal, np.pad(DEC, [(0, 0), (0, 9)]), np.pad(DEC, [(0, 0), (9, 0)])),
    ],
    ids=[
        "next id",
        "translation",
        "autoencoder with a decoder",
        "autoencoder",
        "masked ids",
        "noise",
        "all positions see all",
        "shifted by the model",
        "shifted by the loss",
        "shifted by the training step",
        "tags",
        "copied later",
    ],
)
def test_what_only_looks_like_one(build, x, y):
    assert found_by(build, x, y) == []
