from __future__ import annotations

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pytest_lossguard.core.change import Change
from pytest_lossguard.core.errors import CannotChange, StopTraining
from pytest_lossguard.experiments.changes import CHANGES
from pytest_lossguard.training import Trainer, watching
from pytest_lossguard.training.rerun.data_changes import DATA_CHANGES
from pytest_lossguard.training.rerun.model_changes import MODEL_CHANGES
from pytest_lossguard.training.rerun.model_facts import kind_of_labels
from pytest_lossguard.training.rerun.optimizer_changes import (
    LENGTH_CHANGES,
    OPTIMIZER_CHANGES,
)
from pytest_lossguard.training.rerun.rerun import WEIGHT_CHANGES
from tests.support.fitting import train_once

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(96, 4)).astype("float32")
Y = (X @ np.array([1.0, -2.0, 0.5, 0.0], "float32"))[:, None]
HOW = {"steps": 30, "seed": 3}


@pytest.fixture(scope="module")
def trainer():
    return Trainer()


def build():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(16, "sigmoid", kernel_regularizer="l2"),
            layers.Dropout(0.3),
            layers.Dense(8, "relu"),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
    return model


@pytest.fixture
def again(trainer):
    return trainer.again(build, X, Y, **HOW)


def test_every_regularizer_is_a_penalty(trainer):
    def build(**penalty):
        layer = layers.SimpleRNN(3, **penalty)
        model = keras.Sequential([keras.Input((4, 1)), layer, layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    plain = trainer.again(build, X[..., None], Y, **HOW)
    penalized = trainer.again(
        lambda: build(recurrent_regularizer="l2"), X[..., None], Y, **HOW
    )
    assert [it.facts.penalized for it in (plain, penalized)] == [False, True]


@pytest.mark.parametrize("rows_per_batch", [2, 5])
@pytest.mark.parametrize(("rows", "is_all"), [(2200, True), (5000, False)])
def test_a_rerun_knows_whether_it_has_all_rows(trainer, rows_per_batch, rows, is_all):
    x = GENERATOR.normal(size=(rows, 4)).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).batch(rows_per_batch)
    again = trainer.again(build, dataset, steps=5, seed=3)
    assert again.is_complete == (is_all and rows // rows_per_batch < 1024)


def test_nothing_changed_repeats_the_training(trainer, again):
    first = train_once(trainer, build, X, Y, **HOW)
    np.testing.assert_allclose(again().steps.loss, first.steps.loss, rtol=1e-6)


def test_the_program_is_described(again):
    facts = again.facts
    assert facts.optimizer == "SGD"
    assert facts.learning_rate == pytest.approx(0.05)
    assert facts.momentum == pytest.approx(0.9)
    assert facts.loss == "mean_squared_error"
    assert facts.activations[:1] == ("sigmoid",)
    assert facts.penalized
    assert facts.dropout == pytest.approx(0.3)
    assert facts.labels == "values"
    assert facts.canonical_output
    assert facts.fixed is None


@pytest.mark.parametrize(
    "change",
    [
        Change(kind="learning_rate", value=0.1),
        Change(kind="reinitialize"),
        Change(kind="batch_size", value=8.0),
        Change(kind="standardize_targets"),
        Change(kind="shuffle_labels"),
        Change(kind="momentum", value=0.0),
        Change(kind="clip_gradients", value=0.1),
        Change(kind="no_penalty"),
        Change(kind="no_dropout"),
        Change(kind="hidden_activation", value="tanh"),
        Change(kind="optimizer", value="adam"),
        Change(kind="wider", value=4.0),
        Change(kind="drop_rows", at=(0, 1)),
        Change(kind="fewer_rows", value=0.5),
        Change(kind="standardize_inputs", at=(1,)),
    ],
    ids=lambda it: it.kind,
)
def test_each_change_changes_the_training_and_only_that_once(again, change):
    plain, changed = again(), again(change)
    assert len(changed.steps) == len(plain.steps)
    assert not np.allclose(changed.steps.loss, plain.steps.loss)
    np.testing.assert_allclose(again().steps.loss, plain.steps.loss, rtol=1e-6)


def test_a_change_of_the_program_starts_from_the_same_weights(again):
    plain, changed = again(), again(Change(kind="no_penalty"))
    assert changed.before.loss == pytest.approx(plain.before.loss, rel=1e-5)


def test_two_changes_go_together(again):
    both = again(
        Change(kind="learning_rate", value=0.1),
        Change(kind="hidden_activation", value="tanh"),
    )
    one = again(Change(kind="hidden_activation", value="tanh"))
    assert both.steps.update_norm[0].sum() < one.steps.update_norm[0].sum()


def test_more_steps_are_more_updates(again):
    assert len(again(Change(kind="more_steps", value=3.0)).steps) == 90


def test_another_seed_is_another_start(again):
    assert again(seed=4).before.loss != again().before.loss


def test_held_out_rows_are_scored_and_not_trained_on(again):
    trace = again(held_out=0.5)
    assert trace.validation is not None
    assert trace.inputs[0].rows == 48


def test_a_model_given_as_an_object_leaves_as_it_came(trainer):
    model = build()
    before = [it.numpy() for it in model.variables]
    rate = float(model.optimizer.learning_rate.numpy())
    again = trainer.again(model, X, Y, **HOW)
    for change in (
        Change(kind="learning_rate", value=0.1),
        Change(kind="reinitialize"),
        Change(kind="no_penalty"),
    ):
        again(change)
    for value, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())
    assert float(model.optimizer.learning_rate.numpy()) == rate
    assert model.compiled


def test_a_schedule_is_scaled(trainer):
    def scheduled():
        model = build()
        rate = keras.optimizers.schedules.ExponentialDecay(0.05, 10, 0.9)
        model.compile(keras.optimizers.SGD(rate), "mse")
        return model

    again = trainer.again(scheduled, X, Y, **HOW)
    assert again.facts.learning_rate is None
    slow = again(Change(kind="learning_rate", value=0.1))
    assert slow.steps.update_norm[0].sum() == pytest.approx(
        0.1 * again().steps.update_norm[0].sum(), rel=0.3
    )


class Own(keras.Model):
    """A class of the project's own."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, x):
        return self.dense(x)


def own():
    model = Own()
    model.compile("sgd", "mse")
    return model


def test_a_class_of_the_projects_own_is_not_cloned_and_trains_otherwise(trainer):
    again = trainer.again(own, X, Y, **HOW)
    assert "own" in again.facts.fixed
    with pytest.raises(CannotChange, match="project's own"):
        again(Change(kind="no_penalty"))
    again(Change(kind="learning_rate", value=0.1))


def test_what_runs_eagerly_is_not_run_again(trainer):
    def eager():
        model = build()
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    with pytest.raises(CannotChange, match="eagerly"):
        trainer.again(eager, X, Y, **HOW)()


def test_there_must_be_something_to_change(trainer):
    def bare():
        model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    again = trainer.again(bare, X, Y, **HOW)
    for kind in ("no_penalty", "no_dropout", "unfreeze", "shallower", "momentum"):
        with pytest.raises(CannotChange):
            again(Change(kind=kind))


CLASSES = (X[:, 0] > 0).astype("float32") + (X[:, 1] > 0)
ONE_HOT = np.eye(3, dtype="float32")[CLASSES.astype(int)]


@pytest.mark.parametrize(
    ("y", "units", "activation", "loss"),
    [
        (CLASSES[:, None], 1, "sigmoid", "binary_crossentropy"),
        (ONE_HOT, 3, "relu", "categorical_crossentropy"),
        (ONE_HOT, 3, None, "mae"),
        (ONE_HOT[:, :1], 1, "softmax", "binary_crossentropy"),
        (Y, 10, "softmax", "mse"),
        (Y[:, 0], 1, "relu", "mse"),
        (CLASSES[:, None] + 1, 4, "sigmoid", "sparse_categorical_crossentropy"),
    ],
)
def test_the_canonical_output_learns_what_the_given_one_cannot(
    trainer, y, units, activation, loss
):
    def wrong():
        model = keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dense(16, "tanh"),
                layers.Dense(units),
                layers.Activation(activation or "linear"),
            ]
        )
        model.compile(keras.optimizers.Adam(0.02), loss)
        return model

    again = trainer.again(wrong, X, y, steps=200, seed=0)
    assert not again.facts.canonical_output
    trace = again(Change(kind="canonical_output"))
    assert trace.after.loss < 0.5 * trace.constant_loss


@pytest.mark.parametrize(
    ("y", "loss", "expected"),
    [
        (Y, "mse", "values"),
        (ONE_HOT, "mse", "one_hot"),
        (ONE_HOT[:, 0], "mse", "binary"),
        (np.array([[1, 1], [0, 1]]), "mse", "multi_label"),
        (CLASSES, "sparse_categorical_crossentropy", "classes"),
        (CLASSES, "mse", "values"),
        (np.array([np.nan, 1.0]), "mse", None),
        ((Y, Y), "mse", None),
        (None, "mse", None),
    ],
)
def test_labels_are_distinguished(y, loss, expected):
    assert kind_of_labels(y, loss, None) == expected


def test_a_loss_of_the_projects_own_needs_no_registration_to_be_replaced(trainer):
    def minus(y, prediction):
        return -tf.reduce_mean(tf.square(y - prediction))

    def wrong():
        model = build()
        model.compile("sgd", minus)
        return model

    trace = trainer.again(wrong, X, Y, **HOW)(Change(kind="canonical_output"))
    assert trace.losses == ("mean_squared_error",)


def test_a_loss_that_takes_other_targets_than_predictions_has_no_usual_output(trainer):
    def survival(y, risk):
        return tf.reduce_mean(tf.square(y[:, :1] - risk) * y[:, 1:])

    def made():
        model = build()
        model.compile("sgd", survival)
        return model

    targets = np.concatenate([Y, np.abs(Y)], axis=1)
    again = trainer.again(made, X, targets, **HOW)
    with pytest.raises(CannotChange, match="2 columns of targets for 1 of"):
        again(Change(kind="canonical_output"))


def test_missing_values_are_filled_and_outliers_clipped(trainer):
    x = X.copy()
    x[3, 1], x[5, 0] = np.nan, 1e4
    again = trainer.again(build, x, Y, **HOW)
    assert not np.isfinite(again().after.loss)
    filled = again(Change(kind="fill_missing"), Change(kind="clip_inputs"))
    assert np.isfinite(filled.after.loss)
    assert filled.inputs[0].high.max() < 100


def test_classes_are_balanced(trainer):
    y = np.zeros((96, 1), "float32")
    y[:6] = 1.0

    def classifier():
        model = build()
        model.layers[-1].activation = keras.activations.sigmoid
        model.compile("sgd", "binary_crossentropy")
        return model

    again = trainer.again(classifier, X, y, **HOW)
    trace = again(Change(kind="balance_classes"))
    assert trace.target_ranges[0].rarest[1] == pytest.approx(0.5)


def test_a_dataset_is_run_again_from_its_rows(trainer):
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)
    again = trainer.again(build, dataset, **HOW)
    assert again.rows == 96
    assert len(again(Change(kind="standardize_inputs")).steps) == 30


def test_a_watched_fit_is_run_again_from_its_first_state(trainer):
    with watching(seed=0) as watch:
        model = build()
        model.fit(X, Y, epochs=2, batch_size=16, verbose=0, shuffle=False)
    trained = [it.numpy() for it in model.variables]
    trace = watch.traces()[0]
    again = trainer.watched_again(watch, watch.recordings[0])
    repeated = again()
    assert len(repeated.steps) == len(trace.steps) == 12
    assert repeated.before.loss == pytest.approx(trace.before.loss, rel=1e-5)
    again(Change(kind="learning_rate", value=0.1))
    for value, variable in zip(trained, model.variables, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())


def test_a_gradient_written_by_hand_is_left_out_where_it_stands(trainer):
    @tf.custom_gradient
    def bent(x):
        y = tf.tanh(x)
        return y, lambda upstream: upstream * (y**2 - 1)

    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(8), layers.Lambda(bent), layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.05), "mse")
    again = trainer.again(model, X, Y, **HOW)
    line = bent.__wrapped__.__code__.co_firstlineno
    wrong, elsewhere, right = (
        again(*it)
        for it in (
            (),
            [Change(kind="plain_gradients", value=f"test_rerun.py:{line + 99}")],
            [Change(kind="plain_gradients", value=f"test_rerun.py:{line}")],
        )
    )

    assert right.after.loss < 0.5 * wrong.after.loss
    assert elsewhere.after.loss == pytest.approx(wrong.after.loss, rel=1e-6)
    assert again().after.loss == pytest.approx(wrong.after.loss, rel=1e-6)


@pytest.mark.parametrize("shuffles", [False, True], ids=["again", "moves a state"])
def test_rows_that_no_call_of_fit_reached_are_there_to_be_run(trainer, shuffles):
    dataset = tf.data.Dataset.from_tensor_slices((X, Y))
    if shuffles:  # to read it once more would draw another order for the user
        dataset = dataset.shuffle(96, seed=0, reshuffle_each_iteration=False)
    dataset = dataset.batch(16)
    with watching(seed=0) as watch:
        model = build()
        for _ in range(3):
            model.fit(dataset, steps_per_epoch=2, verbose=0)
    assert watch.traces()[0].data_facts.unseen.steps == 2
    again = trainer.watched_again(watch, watch.recordings[0])

    assert again.rows == 96  # with a shuffle: 16 rows of each of the six steps
    assert (len(np.unique(again._task.arrays.y)) == 96) is not shuffles


def test_a_watched_training_that_broke_is_run_again_with_a_fresh_optimizer(trainer):
    x = X.copy()
    x[90, 1] = np.nan
    with watching(seed=0) as watch, contextlib.suppress(StopTraining):
        model = build()
        model.compile(keras.optimizers.Adam(0.01), "mse")
        model.fit(x, Y, epochs=5, batch_size=16, verbose=0, shuffle=False)
    assert len(watch.traces()[0].steps) < 10
    filled = trainer.watched_again(watch, watch.recordings[0])(
        Change(kind="fill_missing")
    )
    assert len(filled.steps) == 100
    assert filled.after.loss < filled.constant_loss


@pytest.mark.parametrize("make", [build, own], ids=["sequential", "own class"])
def test_a_hand_written_loop_is_run_again(trainer, make):
    model, loss = make(), keras.losses.MeanSquaredError()
    model(X[:1])
    optimizer = keras.optimizers.SGD(0.01)
    with watching(seed=0) as watch:
        for _ in range(4):
            with tf.GradientTape() as tape:
                value = loss(Y, model(X, training=True))
            gradients = tape.gradient(value, model.trainable_variables)
            optimizer.apply_gradients(
                zip(gradients, model.trainable_variables, strict=True)
            )
    trained = [it.numpy() for it in model.variables]
    trace, again = watch.traces()[0], trainer.watched_again(watch, watch.recordings[0])
    repeated = again()
    assert repeated.before.loss == pytest.approx(trace.before.loss, rel=1e-5)
    assert repeated.steps.loss[-1] == pytest.approx(trace.steps.loss[-1], rel=0.2)
    for value, variable in zip(trained, model.variables, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())


def test_a_training_whose_model_was_not_seen_cannot_be_run_again(trainer):
    variable, optimizer = tf.Variable([1.0, 2.0]), keras.optimizers.SGD(0.1)
    with watching(seed=0) as watch:
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(variable**2)
        optimizer.apply([tape.gradient(value, variable)], [variable])
    with pytest.raises(CannotChange, match="not seen"):
        trainer.watched_again(watch, watch.recordings[0])


def test_every_kind_of_change_is_served():
    """A kind without an implementation would silently repeat the training."""
    by_model = {*MODEL_CHANGES, *OPTIMIZER_CHANGES, "canonical_output"}
    names = {
        it: {kind.name for kind in CHANGES if kind.acts_on == it}
        for it in ("data", "length", "weights", "program")
    }

    assert names["data"] == set(DATA_CHANGES)
    assert names["length"] == set(LENGTH_CHANGES)
    assert names["weights"] == set(WEIGHT_CHANGES)
    assert names["program"] | {"learning_rate"} == by_model


def test_a_model_that_trained_on_is_run_again_from_where_it_started(trainer):
    model = build()
    start = trainer.start_of(model)
    first = train_once(trainer, model, X, Y, **HOW)
    model.fit(X, Y, epochs=2, verbose=0)
    again = trainer.again(model, X, Y, start=start, **HOW)
    assert again().before.loss == pytest.approx(first.before.loss, rel=1e-6)
    assert trainer.start_of(build) is None


def test_a_learning_rate_of_zero_is_raised_all_the_same(trainer):
    def still():
        model = build()
        model.compile(keras.optimizers.SGD(0.0), "mse")
        return model

    moved = trainer.again(still, X, Y, **HOW)(Change(kind="learning_rate", value=10.0))
    assert moved.steps.update_norm.any()


def test_a_factory_that_works_only_once_is_no_error_of_the_test(trainer):
    def once(used=[]):  # noqa: B006
        used.append(1)
        if len(used) > 1:
            raise RuntimeError("the license is used up")
        return build()

    train_once(trainer, once, X, Y, **HOW)
    again = trainer.again(once, X, Y, **HOW)
    with pytest.raises(CannotChange, match="RuntimeError: the license is used up"):
        again()
    with pytest.raises(CannotChange, match="RuntimeError"):
        _ = again.facts


@pytest.mark.filterwarnings("error")
def test_re_runs_warn_of_nothing(trainer):
    def softmax():
        model = keras.Sequential([keras.Input((4,)), layers.Dense(1, "softmax")])
        model.compile("sgd", "binary_crossentropy")
        return model

    trainer.again(softmax, X, ONE_HOT[:, :1], **HOW)(Change(kind="reinitialize"))


def test_the_data_of_a_training_have_a_checksum(trainer):
    x, y = X, Y
    other = x.copy()
    other[0, 0] += 1.0

    def checksum(*arrays):
        return trainer.again(build, *arrays, steps=5).data

    assert checksum(x, y) == checksum(x.copy(), y.copy())
    assert len({checksum(x, y), checksum(other, y), checksum(x, y + 1)}) == 3


def test_text_has_a_checksum_of_what_it_says(trainer):
    def checksum(*words):
        rows = tf.data.Dataset.from_tensor_slices((list(words), np.zeros(2))).batch(2)
        return trainer.again(build, rows, steps=5).data

    assert checksum("ab", "c") == checksum("ab", "c") != checksum("ab", "d")


def test_a_model_given_as_an_object_is_redrawn_by_seed_and_left_as_it_was(trainer):
    model = build()
    before = [np.asarray(it) for it in model.weights]
    again = trainer.again(model, X, Y, steps=5, start=trainer.start_of(model))

    starts = [again(seed=it, redrawn=True).before.loss for it in (1, 2, 1)]

    assert starts[0] == starts[2] != starts[1]
    assert all(map(np.array_equal, before, model.weights))


def test_a_factory_is_called_once_for_all_that_is_asked_of_a_seed(trainer):
    calls = []

    def factory():
        calls.append(None)
        return build()

    again = trainer.again(factory, X, Y, steps=5)
    rates = [Change(kind="learning_rate", value=it) for it in (1.0, 2.0, 1.0)]
    ends = [again(it, seed=3).after.loss for it in rates]

    assert len(calls) == 1
    assert ends[0] == ends[2] != ends[1]


def test_scaled_inputs_are_scaled_in_the_columns_named(trainer):
    again = trainer.again(build, X, Y, steps=5)
    plain, all_of_them, one = (
        again(*changes).inputs[0].std
        for changes in (
            (),
            (Change(kind="scale_inputs", value=10.0),),
            (Change(kind="scale_inputs", value=10.0, at=(1,)),),
        )
    )

    assert all_of_them / plain == pytest.approx(10.0)
    assert (one / plain)[[0, 1, 2]] == pytest.approx([1.0, 10.0, 1.0])


def test_sparse_data_are_not_run_again_and_it_says_so(trainer):
    rows = tf.sparse.from_dense(X)
    data = tf.data.Dataset.from_tensor_slices((rows, Y)).batch(32)
    given = keras.Input((4,), sparse=True)
    model = keras.Model(given, layers.Dense(1)(given))
    model.compile("adam", "mse")
    with watching() as watch:
        model.fit(data, verbose=0)

    with pytest.raises(CannotChange, match="data are ragged or sparse"):
        trainer.watched_again(watch, watch.recordings[0])
    with pytest.raises(CannotChange, match="data are ragged or sparse"):
        trainer.again(model, data, steps=3)()


@pytest.mark.parametrize("later", [False, True])
def test_what_is_frozen_or_set_free_after_a_training_is_not_run_again(trainer, later):
    model = build()
    model.layers[0].trainable = not later
    with watching(seed=0) as watch:
        model.compile(keras.optimizers.Adam(), "mse")
        model.fit(X, Y, epochs=1, verbose=0)
        model.layers[0].trainable = later
    with pytest.raises(CannotChange, match="other variables .* are trainable now"):
        trainer.watched_again(watch, watch.recordings[0])


def test_a_schedule_is_scaled_and_its_optimizer_can_be_made_again():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    schedule = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=20)
    model.compile(keras.optimizers.Adam(schedule), "mse")

    scaled = OPTIMIZER_CHANGES["learning_rate"](
        model, Change(kind="learning_rate", value=10.0)
    )
    model.compile(scaled, "mse")
    clipped = OPTIMIZER_CHANGES["clip_gradients"](
        model, Change(kind="clip_gradients", value=1.0)
    )

    assert float(clipped.learning_rate) == pytest.approx(0.1)
    assert clipped.clipnorm == 1.0
