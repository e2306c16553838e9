"""`lossguard.fit` trains as `model.fit` does, once traced, and puts all back."""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import textwrap
from functools import partial
from weakref import WeakSet

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from pytest_lossguard import UsageError
from pytest_lossguard.judge import loss_curve_of
from pytest_lossguard.training import Trainer, set_seed, watching
from pytest_lossguard.training.backend.batch import Batch
from pytest_lossguard.training.loop.fingerprint import fingerprint_of
from pytest_lossguard.training.loop.spec import batch_order
from pytest_lossguard.training.loop.traced_loop import TracedLoop, is_light
from pytest_lossguard.training.record import ring_buffer
from tests.support.fitting import train_once
from tests.support.programs import StepLosses, busy_net, mlp, regression

X, Y = regression()


@pytest.fixture
def trainer():
    return Trainer()


def same_losses(trainer, build, x, y=None, *, rtol=1e-5, **how):
    """Train twice from the same start, by both, and compare each step's loss."""
    set_seed(0)
    model = build()
    trace = train_once(trainer, model, x, y, epochs=2, shuffle=False, **how)
    seen = StepLosses()
    model.fit(x, y, epochs=2, shuffle=False, verbose=0, callbacks=[seen], **how)
    np.testing.assert_allclose(trace.steps.loss, seen.losses, rtol=rtol)
    return trace


@pytest.mark.parametrize("build", [mlp, busy_net])
def test_the_losses_are_those_of_model_fit(trainer, build):
    trace = same_losses(trainer, build, X, Y)

    assert trace.steps_per_epoch == 4  # the last batch has 4 of 100 rows
    assert len(trace.steps) == 8


def test_sample_weights_count(trainer):
    weight = np.random.default_rng(1).random(100)

    same_losses(trainer, mlp, X, Y, sample_weight=weight)


def test_weighted_rows_are_held_against_a_constant_beside_fewer_validation_rows(
    trainer,
):
    labels = (Y > 0).astype(int)

    def build():
        model = keras.Sequential(
            [keras.Input(X.shape[1:]), keras.layers.Dense(2, activation="softmax")]
        )
        model.compile(loss="sparse_categorical_crossentropy")
        return model

    trace = train_once(
        trainer,
        build(),
        X,
        labels,
        epochs=1,
        sample_weight=np.linspace(0.5, 1.5, 100),
        validation_data=(X[:30], labels[:30]),
    )

    assert trace.constant_loss is not None


def test_datasets_train_the_same(trainer):
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(32)

    trace = same_losses(trainer, mlp, data)

    assert trace.before.loss > trace.after.loss


def test_nested_inputs_and_outputs_train_the_same(trainer):
    def build():
        left, right = keras.Input((2,), name="left"), keras.Input((2,), name="right")
        joined = keras.layers.Concatenate()([left, right])
        hidden = keras.layers.Dense(8, "relu")(joined)
        outputs = {
            "value": keras.layers.Dense(1, name="value")(hidden),
            "sign": keras.layers.Dense(1, "sigmoid", name="sign")(hidden),
        }
        model = keras.Model({"left": left, "right": right}, outputs)
        model.compile("adam", {"value": "mse", "sign": "binary_crossentropy"})
        return model

    x = {"left": X[:, :2], "right": X[:, 2:]}
    y = {"value": Y, "sign": (Y > 0).astype("float32")}

    trace = same_losses(trainer, build, x, y)

    assert trace.constant_loss > 0


@pytest.mark.parametrize(
    ("last", "loss", "labels"),
    [
        (keras.layers.Dense(3, "softmax"), "sparse_categorical_crossentropy", "int"),
        (
            keras.layers.Dense(3),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "int",
        ),
        (keras.layers.Dense(3, "softmax"), "categorical_crossentropy", "one-hot"),
    ],
)
def test_the_constant_of_a_classifier_costs_the_entropy_of_its_classes(
    trainer, last, loss, labels
):
    indices = np.array([0] * 60 + [1] * 30 + [2] * 10)
    share = np.array([0.6, 0.3, 0.1])
    y = indices if labels == "int" else np.eye(3)[indices]

    def build():
        layer = last.__class__.from_config(last.get_config())
        model = keras.Sequential([keras.Input((4,)), layer])
        model.compile("adam", loss)
        return model

    trace = same_losses(trainer, build, X, y)

    entropy = -(share * np.log(share)).sum()
    assert trace.constant_loss == pytest.approx(entropy, rel=1e-4)


@pytest.mark.parametrize(("loss", "statistic"), [("mse", np.mean), ("mae", np.median)])
def test_the_constant_is_what_the_loss_prefers(trainer, loss, statistic):
    y = np.random.default_rng(0).exponential(size=(100, 1))
    best = statistic(y)
    cost = {"mse": np.mean((y - best) ** 2), "mae": np.mean(np.abs(y - best))}

    trace = train_once(trainer, lambda: mlp(loss=loss), X, y, steps=3)

    assert trace.constant_loss == pytest.approx(cost[loss], rel=1e-4)


@pytest.mark.parametrize("source", ["fit", "watch"])
@pytest.mark.parametrize("loss", ["poisson", "cosine_similarity", "mse"])
def test_a_loss_that_does_not_end_at_0_is_measured_down_to_a_perfect_prediction(
    trainer, source, loss
):
    y = np.random.default_rng(0).poisson(3.0, size=(100, 1)).astype("float32")
    perfect = {
        "poisson": np.mean(y - y * np.log(y + 1e-7)),
        "cosine_similarity": -np.mean(y > 0),
        "mse": 0.0,
    }

    def build():
        last = keras.layers.Dense(1, activation="exponential")
        model = keras.Sequential([keras.Input((4,)), last])
        model.compile("adam", loss)
        return model

    if source == "fit":
        trace = train_once(trainer, build, X, y, steps=3)
    else:
        with watching(seed=0) as watch:
            build().fit(X, y, verbose=0)
        (trace,) = watch.traces()
    assert trace.perfect_loss == pytest.approx(perfect[loss], rel=1e-4, abs=1e-6)


def entropy(shares):
    return float(-np.sum(shares * np.log(shares), axis=-1).mean())


def smoothed(labels, how):
    return labels * (1 - how) + how / labels.shape[-1]


SHARES = np.random.default_rng(0).dirichlet([1.0, 1.0, 1.0], 100).astype("float32")
HARD = np.eye(3, dtype="float32")[SHARES.argmax(1)]
BINARY = np.stack([SHARES, 1 - SHARES], axis=-1)
CROSS, BITS = keras.losses.CategoricalCrossentropy, keras.losses.BinaryCrossentropy
#: Loss, last activation, targets and what a perfect prediction costs.
FLOORS = {
    "pixels": ("binary_crossentropy", "sigmoid", SHARES, entropy(BINARY)),
    "soft labels": (CROSS(), "softmax", SHARES, entropy(SHARES)),
    "distillation": (CROSS(from_logits=True), None, SHARES, entropy(SHARES)),
    "soft bits, logits": (BITS(from_logits=True), None, SHARES, entropy(BINARY)),
    "label smoothing": (
        CROSS(label_smoothing=0.1),
        "softmax",
        HARD,
        entropy(smoothed(HARD, 0.1)),
    ),
    "divergence": ("kl_divergence", "softmax", SHARES, 0.0),
    "Huber": ("huber", None, SHARES, 0.0),
    "labels, logits": (CROSS(from_logits=True), None, HARD, 0.0),
    "hinge": ("hinge", None, HARD, 0.0),
}


@pytest.mark.parametrize("case", FLOORS)
def test_skill_is_measured_above_what_a_perfect_prediction_costs(trainer, case):
    loss, activation, y, floor = FLOORS[case]

    def build():
        last = keras.layers.Dense(3, activation)
        model = keras.Sequential([keras.Input((4,)), last])
        model.compile("adam", loss)
        return model

    trace = train_once(trainer, build, X, y, steps=3)

    assert trace.perfect_loss == pytest.approx(floor, rel=1e-3, abs=1e-4)
    found = loss_curve_of(trace)
    gap = trace.constant_loss - floor
    share = 1 - (trace.after.loss - floor) / gap
    assert found.skill == pytest.approx(share, rel=1e-2)


def test_a_constant_is_scored_on_the_positions_that_count(trainer):
    """Of padded sequences a constant costs what it costs before the padding."""
    x = np.tile([[1, 2, 0, 0]], (40, 1))
    y = np.tile([[1.0, 1.0, 90.0, 90.0]], (40, 1))
    y[::2, :2] = 3.0  # 1 or 3 where it counts

    def build():
        layers = [keras.layers.Embedding(3, 2, mask_zero=True), keras.layers.Dense(1)]
        model = keras.Sequential([keras.Input((4,)), *layers])
        model.compile("adam", "mse")
        return model

    assert train_once(trainer, build, x, y[..., None], steps=2).constant_loss == (
        pytest.approx(1.0, rel=1e-3)
    )


def test_a_loss_that_sums_is_scored_at_the_size_of_a_step(trainer):
    summed = keras.losses.MeanSquaredError(reduction="sum")

    trace = train_once(trainer, lambda: mlp(loss=summed), X, Y, steps=3, batch_size=20)

    assert trace.before.loss == pytest.approx(
        20 * train_once(trainer, mlp, X, Y, steps=3).before.loss, rel=1e-4
    )


def test_the_model_leaves_as_it_came(trainer):
    model = busy_net()
    model.fit(X, Y, verbose=0)
    before = state(model)

    train_once(trainer, model, X, Y, steps=20)

    assert_same(before, state(model))
    assert model.optimizer.iterations == 4


def test_the_model_leaves_as_it_came_when_training_fails(trainer):
    def boom(y_true, y_pred):
        return tf.debugging.check_numerics(
            keras.losses.mean_squared_error(y_true, y_pred), "boom"
        )

    model = mlp(loss=boom)
    before = state(model)

    with pytest.raises(tf.errors.InvalidArgumentError):
        train_once(trainer, model, X * np.inf, Y, steps=20)

    assert_same(before, state(model))


def state(model):
    parts = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return {it.path: it.numpy() for it in parts}


def assert_same(before, after):
    for path, value in before.items():
        np.testing.assert_array_equal(value, after[path], err_msg=path)


def test_the_random_generators_are_left_as_they_were(trainer):
    set_seed(5)
    expected = (random.random(), np.random.rand(), float(tf.random.normal([])))
    dice = keras.random.normal([])

    set_seed(5)
    train_once(trainer, busy_net, X, Y, steps=5)

    assert (random.random(), np.random.rand(), float(tf.random.normal([]))) == expected
    assert float(keras.random.normal([])) == float(dice)


def test_the_same_seed_gives_the_same_training(trainer):
    one = train_once(trainer, busy_net, X, Y, steps=20, seed=4)
    two = train_once(trainer, busy_net, X, Y, steps=20, seed=4)
    other = train_once(trainer, busy_net, X, Y, steps=20, seed=5)

    np.testing.assert_array_equal(one.steps.loss, two.steps.loss)
    assert not np.array_equal(one.steps.loss, other.steps.loss)


def test_raw_tensorflow_randomness_is_reset_too(trainer):
    class Noisy(keras.layers.Layer):
        def call(self, x):
            return x + tf.random.normal(tf.shape(x))

    def build():
        layers = [keras.Input((4,)), Noisy(), keras.layers.Dense(1)]
        model = keras.Sequential(layers)
        model.compile("adam", "mse")
        return model

    one, two = (
        train_once(trainer, build(), X, Y, steps=5).steps.loss for _ in range(2)
    )
    model = build()
    again = [train_once(trainer, model, X, Y, steps=5).steps.loss for _ in range(2)]

    assert one.shape == two.shape
    np.testing.assert_array_equal(*again)


def test_models_of_one_structure_are_traced_once(trainer, monkeypatch):
    made = []
    original = TracedLoop.__init__

    def counted(self, *args, **kwargs):
        made.append(self)
        original(self, *args, **kwargs)

    monkeypatch.setattr(TracedLoop, "__init__", counted)

    for _ in range(3):
        train_once(trainer, mlp, X, Y, steps=5)
    train_once(trainer, mlp, X[:60], Y[:60], steps=9, batch_size=8)

    assert len(made) == 1
    train_once(trainer, busy_net, X, Y, steps=5)
    assert len(made) == 2


def test_reuse_gives_what_a_fresh_trace_gives(trainer):
    train_once(trainer, mlp, X, Y, steps=5, seed=0)

    reused = train_once(trainer, mlp, X, Y, steps=20, seed=3)
    fresh = train_once(Trainer(), mlp, X, Y, steps=20, seed=3)

    np.testing.assert_array_equal(reused.steps.loss, fresh.steps.loss)


def test_code_of_the_users_own_shares_its_trace_with_nothing():
    with_lambda = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    with_lambda.compile("adam", lambda y, p: keras.ops.mean((y - p) ** 2))

    assert fingerprint_of(with_lambda) is None
    assert fingerprint_of(mlp()) == fingerprint_of(mlp()) is not None
    assert fingerprint_of(mlp()) != fingerprint_of(mlp(loss="mae"))
    rate = keras.optimizers.Adam(0.02)
    assert fingerprint_of(mlp()) != fingerprint_of(mlp(optimizer=rate))


def test_losses_of_a_class_of_ones_own_share_no_program():
    """What they hold beside their configuration is traced into it."""

    class Raised(keras.losses.Loss):
        def __init__(self, by):
            super().__init__()
            self.by = by

        def call(self, y_true, y_pred):
            return keras.ops.mean(keras.ops.square(y_true - y_pred), -1) + self.by

    assert fingerprint_of(mlp(loss=Raised(5.0))) is None
    trainer = Trainer()
    first, second = (
        train_once(trainer, partial(mlp, loss=Raised(by)), X, Y, steps=2, seed=0)
        for by in (5.0, 500.0)
    )
    assert second.steps.loss[0] - first.steps.loss[0] == pytest.approx(495.0)


def test_training_stops_at_the_first_loss_that_is_not_finite(trainer):
    def build():
        return mlp(optimizer=keras.optimizers.SGD(1e12))

    trace = train_once(trainer, build, X, Y, steps=500)

    assert len(trace.steps) < 20
    assert not np.isfinite(trace.steps.loss[-1])
    assert trace.stopped is not None


@pytest.mark.parametrize("reason", ["eager", "python"])
def test_what_cannot_run_in_the_graph_runs_by_keras_and_says_so(trainer, reason):
    class Python(keras.Sequential):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            float(loss)  # impossible while tracing
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables))
            return {"loss": loss}

    if reason == "eager":
        model = mlp(run_eagerly=True)
    else:
        model = Python([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile("adam", "mse", run_eagerly=True)
    before = state(model)

    trace = train_once(trainer, model, X, Y, steps=10)

    assert len(trace.steps) == 10
    assert trace.source == "fit"
    assert "trained by model.fit" in trace.notes[0]
    assert_same(before, {**before, **state(model)})


def test_held_out_data_is_scored_along_the_way(trainer):
    trace = train_once(
        trainer, mlp, X[:64], Y[:64], epochs=5, validation_data=(X[64:], Y[64:])
    )

    assert trace.validation.step == (2, 4, 6, 8, 10)
    assert trace.validation.loss[0] > trace.validation.loss[-1]


def test_a_dataset_is_repeated_until_the_steps_are_done(trainer):
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(50)

    assert len(train_once(trainer, mlp, data, steps=7).steps) == 7
    assert len(train_once(trainer, mlp, data, epochs=3).steps) == 6


def test_batches_of_many_lengths_train(trainer):
    sequences = [np.ones((8, length, 1), "float32") for length in (3, 5, 4)]
    labels = np.arange(8.0).reshape(8, 1).astype("float32")

    def batches():
        for it in sequences:
            yield it, labels

    spec = (
        tf.TensorSpec([None, None, 1], tf.float32),
        tf.TensorSpec([None, 1], tf.float32),
    )
    data = tf.data.Dataset.from_generator(batches, output_signature=spec)

    def build():
        layers = [keras.Input((None, 1)), keras.layers.GRU(4), keras.layers.Dense(1)]
        model = keras.Sequential(layers)
        model.compile("adam", "mse")
        return model

    assert len(train_once(trainer, build, data, steps=6).steps) == 6


def empty():
    return tf.data.Dataset.from_tensor_slices((X, Y)).take(0).batch(4)


def used_up():
    rows = iter([(X[:4], Y[:4])] * 60)
    spec = (tf.TensorSpec([4, 4], tf.float32), tf.TensorSpec([4, 1], tf.float32))
    return tf.data.Dataset.from_generator(lambda: rows, output_signature=spec)


class Rows(keras.utils.PyDataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return X, Y


def not_compiled():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])


MISUSE = {
    "a model that is not compiled": (
        (not_compiled(), X, Y),
        r"not compiled: call model.compile",
    ),
    "a factory whose model is not compiled": (
        (not_compiled, X, Y),
        r"not_compiled\(\) returned a model that is not compiled",
    ),
    "a factory of something else": (
        (lambda: "model", X, Y),
        r"must return a compiled keras.Model; it returned str 'model'",
    ),
    "no model at all": ((None, X, Y), "needs a compiled keras.Model or a function"),
    "a model class": ((keras.Sequential, X, Y), "or a function that builds one"),
    "x and y of different lengths": (
        (mlp, X, Y[:50]),
        "x has 100 rows, y has 50 rows",
    ),
    "no rows": ((mlp, X[:0], Y[:0]), "no rows: x is empty"),
    "a Python generator": (
        (mlp, iter([(X, Y)])),
        "x is a list_iterator: give tf.data.Dataset.from_generator, or train with",
    ),
    "a PyDataset": ((mlp, Rows()), "x is a Rows: give tf.data.Dataset.from_generator"),
    "a dataset of single rows": (
        (mlp, tf.data.Dataset.from_tensor_slices((X, Y))),
        r"it yields shapes \(4,\) and \(1,\): add .batch\(32\)",
    ),
    "an empty dataset": ((mlp, empty()), "empty dataset: it yields no batch"),
    "a dataset that ends early": ((mlp, used_up()), r"add \.repeat\(\)"),
    "labels of the wrong shape": (
        (mlp, X, np.ones((100, 3))),
        r"labels of shape \(rows, 3\) do not fit the output",
    ),
    "labels of the wrong dtype": (
        (mlp, X, np.array(["a"] * 100)),
        "y has dtype <U1: encode it first",
    ),
    "lists for arrays": ((mlp, X.tolist(), Y), "x holds a float"),
    "labels beside a dataset": (
        (mlp, tf.data.Dataset.from_tensor_slices((X, Y)).batch(4), Y),
        "a dataset yields them itself",
    ),
}


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_is_answered_by_one_sentence(trainer, case):
    arguments, sentence = MISUSE[case]

    with pytest.raises(UsageError, match=sentence) as caught:
        train_once(trainer, *arguments, steps=100)

    assert "\n" not in str(caught.value)


def test_epochs_of_a_dataset_that_never_ends_are_refused(trainer):
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(50).repeat()

    with pytest.raises(UsageError, match="epochs=2 of a dataset that never ends"):
        train_once(trainer, mlp, data, epochs=2)

    assert len(train_once(trainer, mlp, data, steps=3).steps) == 3


@given(
    rows=st.integers(1, 50),
    batch_size=st.integers(1, 60),
    steps=st.integers(1, 120),
    shuffle=st.booleans(),
)
def test_batches_cover_every_row_once_an_epoch(rows, batch_size, steps, shuffle):
    order, starts, sizes = batch_order(rows, batch_size, steps, shuffle=shuffle, seed=0)
    per_epoch = -(-rows // batch_size)

    for epoch in range(steps // per_epoch):
        first, last = epoch * per_epoch, (epoch + 1) * per_epoch
        seen = [
            row
            for start, size in zip(starts[first:last], sizes[first:last], strict=True)
            for row in order[start[0] : start[0] + size[0]]
        ]
        assert sorted(seen) == list(range(rows))
    assert (sizes > 0).all()
    assert (sizes <= batch_size).all()


def test_a_dataset_is_scored_on_many_batches_at_the_size_of_one(trainer):
    summed = keras.losses.MeanSquaredError(reduction="sum")
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(20)

    trace = train_once(trainer, lambda: mlp(loss=summed), data, steps=3)

    assert trace.batch_size == 20
    assert trace.targets[0].rows == 100
    expected = 20 * train_once(trainer, mlp, X, Y, steps=3).before.loss
    assert trace.before.loss == pytest.approx(expected, rel=1e-4)


def test_a_model_made_anew_trains_as_the_first_of_its_kind_did(trainer):
    first = train_once(trainer, mlp, X, Y, steps=20, seed=3)
    again = train_once(trainer, mlp, X, Y, steps=20, seed=3)
    other = train_once(trainer, mlp, X, Y, steps=20, seed=4)

    assert len(trainer._loops._programs) == 1
    assert np.array_equal(first.steps.loss, again.steps.loss)
    assert first.after.loss == again.after.loss
    assert not np.array_equal(first.steps.loss, other.steps.loss)


def test_a_trained_optimizer_starts_from_where_it_is(trainer):
    train_once(trainer, mlp, X, Y, steps=20, seed=3)
    model = mlp()
    model.fit(X, Y, verbose=0)

    trace = train_once(trainer, model, X, Y, steps=5, shuffle=False)

    assert int(model.optimizer.iterations) == -(-len(X) // 32)
    by_keras = model.fit(X[:32], Y[:32], verbose=0).history["loss"][0]
    assert trace.steps.loss[0] == pytest.approx(by_keras, rel=1e-5)


LEARNING_RATE = 1e-3


def changing_mlp():
    model = mlp()
    model.optimizer.learning_rate = LEARNING_RATE
    return model


def test_a_factory_is_called_again_when_a_global_that_it_reads_has_changed(
    trainer, monkeypatch
):
    def fit():
        return train_once(
            trainer, changing_mlp, X, Y, steps=20, reuse_built=True
        ).steps.loss

    slow = fit()
    assert np.array_equal(fit(), slow)
    monkeypatch.setitem(globals(), "LEARNING_RATE", 0.1)
    assert not np.array_equal(fit(), slow)


def test_a_training_whose_fate_is_sealed_ends_there(trainer):
    def build():
        return mlp(optimizer=keras.optimizers.SGD(0.6))

    whole = train_once(trainer, build, X, Y, steps=60, seed=1)
    ended = train_once(trainer, build, X, Y, steps=60, seed=1, growth=100.0)

    steps = len(ended.steps)
    largest = max(whole.before.loss, whole.constant_loss, whole.steps.loss[0])
    above = whole.steps.loss > 100 * largest
    assert above.any()
    assert steps == int(np.argmax(above)) + 1 < len(whole.steps)
    assert np.array_equal(ended.steps.loss, whole.steps.loss[:steps])
    assert (
        f"stopped early at step {steps}: the loss was too high to recover"
        in ended.notes
    )


def test_a_first_step_far_above_the_probe_seals_nothing(trainer):
    x, y = X.copy(), Y.copy()
    y[:32] *= 1e4

    trace = train_once(trainer, mlp, x, y, steps=20, shuffle=False, growth=1.5)

    assert len(trace.steps) == 20


def test_each_output_is_reported_with_its_activation_and_loss(trainer):
    def build():
        given = keras.Input((4,))
        hidden = keras.layers.Dense(8, "relu")(given)
        value = keras.layers.Dense(1, name="value")(hidden)
        label = keras.layers.Dense(3, name="label")(hidden)
        model = keras.Model(given, [value, keras.layers.Softmax()(label)])
        model.compile("adam", ["mse", "sparse_categorical_crossentropy"])
        return model

    labels = np.arange(len(X)) % 3
    trace = train_once(trainer, build, X, [Y, labels], steps=3)

    made = [(it.layer, it.activation, it.units) for it in trace.after.outputs]
    assert made == [("value", "linear", 1), ("softmax", "softmax", 3)]
    assert trace.losses == ("mean_squared_error", "sparse_categorical_crossentropy")
    assert [it.columns for it in trace.target_ranges] == [1, 1]


def test_a_normalization_layer_keeps_its_own_statistics(trainer):
    def adapted(factor):
        def build():
            layer = keras.layers.Normalization()
            layer.adapt(X * factor)
            model = keras.Sequential([keras.Input((4,)), layer, keras.layers.Dense(1)])
            model.compile("adam", "mse")
            return model

        return train_once(trainer, build, X * factor, Y, steps=10, seed=3)

    small, large = adapted(1e-3), adapted(1e3)

    assert len(trainer._loops._programs) == 1
    np.testing.assert_allclose(small.steps.loss, large.steps.loss, rtol=1e-3)
    assert small.after.loss == pytest.approx(large.after.loss, rel=1e-3)


def test_the_first_model_of_a_process_shares_its_trace_too(trainer):
    keras.backend.clear_session()
    for _ in range(3):
        train_once(trainer, mlp, X, Y, steps=3)

    assert len(trainer._loops._programs) == 1


def test_models_with_names_of_their_own_do_not_share_a_trace(trainer):
    for name in ("one", "two"):
        layers = [keras.Input((4,)), keras.layers.Dense(1, name=name)]
        model = keras.Sequential(layers)
        model.compile("adam", "mse")
        trace = train_once(trainer, model, X, Y, steps=3)
        assert trace.variables[0].split("/")[-2] == name


def test_an_optimizer_that_scales_the_loss_trains(trainer):
    """On TensorFlow's single-threaded executor its conditional never ends."""

    def build():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.05))
        model.compile(scaled, "mse")
        return model

    x = np.random.default_rng(0).normal(size=(64, 4))
    trace = train_once(trainer, build, x, x[:, :1], steps=60)

    assert len(trace.steps) == 60
    assert trace.after.loss < trace.before.loss


def test_more_steps_than_the_buffer_holds_are_all_recorded(trainer, monkeypatch):
    """A loop of many variables has room for few rows between two readings."""
    monkeypatch.setattr(ring_buffer, "MOST_VALUES", 64)

    trace = same_losses(trainer, mlp, np.tile(X, (12, 1)), np.tile(Y, (12, 1)))

    assert len(trace.steps) == 76


def test_what_a_recurrent_layer_does_at_a_time_is_light():
    model = keras.Sequential([keras.Input((50, 8)), keras.layers.LSTM(16)])
    model.compile("sgd", "mse")
    rows = Batch(np.zeros((4, 50, 8), "float32"), np.zeros((4, 16), "float32"))

    assert is_light(model, rows, 32)
    assert not is_light(model, rows, 1024)


@tf.function
def branching(x):
    return tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2.0, lambda: x * 3.0)


class Branching(keras.layers.Layer):
    def call(self, x):
        return branching(x)


def test_a_small_model_may_call_functions_that_branch():
    """The executor of small steps refuses them, or never comes back."""
    layers = [keras.Input((4,)), keras.layers.Dense(8), Branching()]
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")

    trace = train_once(Trainer(), model, x, x.sum(axis=1), steps=5)

    assert len(trace.steps) == 5


def test_a_small_model_with_a_wide_layer_comes_back():
    """Of more than 4,096 weights, so that their norm is that of a large variable."""
    layers = [keras.Input((100,)), keras.layers.Dense(64, "relu")]
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(64, 100)).astype("float32")
    trainer = Trainer()

    lengths = [
        len(train_once(trainer, model, x, x[:, 0], steps=100).steps) for _ in range(20)
    ]

    assert lengths == [100] * 20


@pytest.mark.slow
def test_models_that_are_gone_are_kept_in_a_small_number_with_their_graphs():
    trainer, models, graphs = Trainer(), WeakSet(), WeakSet()

    def squares(y, y_pred):
        step = tf.compat.v1.get_default_graph()
        graphs.add(getattr(step, "outer_graph", step))  # that of the loop around it
        return keras.ops.mean((y - y_pred) ** 2)

    def build(units):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units)])
        model.compile("sgd", squares)
        models.add(model)
        return model

    for units in range(1, 20):
        rows = np.zeros((4, 2), "float32"), np.ones((4, units), "float32")
        train_once(trainer, partial(build, units), *rows, steps=2)
    gc.collect()
    assert len(models) <= 16
    assert len(graphs) <= 17  # the global one is that of the scoring


@pytest.mark.parametrize(
    ("options", "light"),
    [
        ({}, True),
        ({"gradient_accumulation_steps": 2}, False),
        ({"use_ema": True, "ema_overwrite_frequency": 5}, False),
    ],
)
def test_a_step_that_branches_gets_more_than_one_thread(options, light):
    """TensorFlow's single-threaded executor hangs there on one processor."""
    trainer = Trainer()

    train_once(trainer, mlp(optimizer=keras.optimizers.Adam(**options)), X, Y, steps=4)

    (program,) = trainer._loops._programs.values()
    assert program.is_light == light


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone has it")
def test_a_step_that_branches_ends_on_one_processor():
    code = """
    import os
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import keras
    from pytest_lossguard.training import Trainer
    from tests.support.fitting import train_once
    from tests.support.programs import mlp, regression
    optimizer = keras.optimizers.Adam(gradient_accumulation_steps=2)
    trace = train_once(Trainer(), mlp(optimizer=optimizer), *regression(), steps=8)
    print(len(trace.steps), "steps")
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert "8 steps" in ran.stdout
