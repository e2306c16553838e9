"""A compiled function called under watch gives what it gives outside of it."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.training import set_seed, watching
from pytest_lossguard.training.record.function_clones import FunctionClones
from tests.support.programs import mlp, regression

X, Y = regression()


@pytest.fixture
def call():
    """Calls a function by its shadow, as a watch does."""
    shadows, original = FunctionClones(), type(tf.function(print)).__call__

    def call(function, *args, **kwargs):
        return shadows.call(original, function, args, kwargs)

    return call


@pytest.fixture
def traced():
    """A function that notes what it is traced with."""
    seen = []

    def function(*args, **kwargs):
        seen.append((args, kwargs))
        return [it for it in args if tf.is_tensor(it)]

    return function, seen


def test_calls_of_one_kind_share_a_trace_and_get_their_own_values(call, traced):
    function, seen = traced
    function = tf.function(function)

    results = [call(function, tf.fill([2], it)) for it in (1.0, 2.0, 3.0)]

    assert [it[0].numpy().tolist() for it in results] == [[1, 1], [2, 2], [3, 3]]
    assert len(seen) == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((tf.zeros([3]), 1), id="shape"),
        pytest.param((tf.zeros([2], tf.int32), 1), id="dtype"),
        pytest.param((tf.zeros([2]), 2), id="number"),
        pytest.param((tf.zeros([2]), None), id="None"),
        pytest.param((tf.zeros([2]), "1"), id="text"),
    ],
)
def test_a_call_of_another_kind_is_traced_anew(call, traced, other):
    function, seen = traced
    function = tf.function(function)
    first = (tf.zeros([2]), 1)

    for args in (first, first, other, other, first):
        call(function, *args)

    kinds = [type(args[1]) for args, _ in seen]
    assert kinds == [int, type(other[1])]
    assert seen[1][0][0].dtype == other[0].dtype


@pytest.mark.parametrize("value", [np.float32(2), [tf.constant(1.0)], np.ones(2)])
def test_what_only_tensorflow_can_tell_apart_is_left_to_it(call, value):
    function = tf.function(lambda given: tf.add_n(tf.nest.flatten(given)))

    results = [call(function, value) for _ in range(3)]

    for result in results:
        np.testing.assert_array_equal(result, function(value))


def test_arguments_by_name_are_left_to_tensorflow(call):
    function = tf.function(lambda one, other: one - other)

    results = [call(function, other=tf.constant(1), one=tf.constant(3))] * 2

    assert [int(it) for it in results] == [2, 2]


def test_a_signature_that_casts_casts_each_call(call):
    spec = tf.TensorSpec([None], tf.float32)
    function = tf.function(lambda rows: rows / 2, input_signature=[spec])

    results = [call(function, tf.constant([it])) for it in (1.0, 2.0, 4.0)]

    assert [float(it[0]) for it in results] == [0.5, 1.0, 2.0]


def test_another_iterator_is_read_from_then_on(call):
    function = tf.function(lambda rows: next(rows))
    whole = tf.data.Dataset.range(9)
    iterators = [iter(whole), iter(whole.map(lambda it: tf.cast(it, "float32") / 2))]

    got = [call(function, iterators[it]).numpy() for it in (0, 0, 1, 1, 0)]

    assert got == [0, 1, 0.0, 0.5, 2]


def test_a_variable_is_read_as_it_is_at_each_call(call):
    variable = tf.Variable(1.0)
    function = tf.function(lambda rows: rows * variable)

    first = call(function, tf.ones([1]))
    variable.assign(5.0)
    then = call(function, tf.ones([1]))

    assert (float(first[0]), float(then[0])) == (1.0, 5.0)


def test_gradients_flow_through_a_known_call(call):
    variable = tf.Variable(3.0)
    function = tf.function(lambda rows: rows * variable**2)

    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(call(function, tf.ones([2])))

    assert float(tape.gradient(loss, variable)) == 12.0


def test_from_then_on_eagerly_means_eagerly(call):
    seen = []

    @tf.function
    def function(rows):
        seen.append(tf.executing_eagerly())
        return rows

    call(function, tf.ones([1]))
    tf.config.run_functions_eagerly(True)
    try:
        call(function, tf.ones([1]))
    finally:
        tf.config.run_functions_eagerly(False)

    assert seen == [False, True]


def test_under_a_strategy_functions_are_traced_for_it(call):
    function = tf.function(lambda: tf.distribute.get_strategy().num_replicas_in_sync)
    names = [it.name for it in tf.config.list_logical_devices("CPU")]

    before = call(function)
    with tf.distribute.OneDeviceStrategy(names[0]).scope():
        inside = call(function)

    assert (int(before), int(inside)) == (1, 1)


def test_an_error_of_a_known_call_shows_no_frame_of_ours_last(call):
    function = tf.function(lambda rows, index: tf.gather(rows, index))
    call(function, tf.ones([2]), tf.constant(0))

    with pytest.raises(tf.errors.InvalidArgumentError, match="not in") as caught:
        call(function, tf.ones([2]), tf.constant(5))

    hidden = [it.frame.f_locals.get("__tracebackhide__") for it in caught.traceback]
    ours = ["pytest_lossguard" in str(it.path) for it in caught.traceback]
    assert all(hides for hides, is_ours in zip(hidden, ours, strict=True) if is_ours)


@pytest.fixture
def traces_of_a_step(monkeypatch):
    """How often the training step of an `mlp` is traced by ``fit``."""

    def count(optimizer="adam", **how):
        set_seed(0)
        model, seen = mlp(optimizer=optimizer, **how), []
        scored = model.compute_loss

        def compute_loss(*args, **kwargs):
            seen.append(tf.executing_eagerly())
            return scored(*args, **kwargs)

        monkeypatch.setattr(model, "compute_loss", compute_loss)
        with watching(seed=0) as watch:
            model.fit(X, Y, epochs=2, verbose=0)
        (trace,) = watch.traces()
        assert len(trace.steps) == 8
        return len(seen), model

    return count


def test_a_fit_is_traced_once(traces_of_a_step):
    """Keras alone makes the slots of Adam in a first trace and throws that away."""
    count, model = traces_of_a_step()

    alone = mlp(optimizer="adam")
    alone.fit(X, Y, verbose=0)

    assert count == 1
    names, expected = (
        [re.sub(r"_\d+", "", it.path) for it in fitted.optimizer.variables]
        for fitted in (model, alone)
    )
    assert names == expected


def test_an_optimizer_whose_loss_is_scaled_is_left_to_build_itself():
    """Unbuilt, it would scale by a constant what it unscales by a variable."""
    set_seed(0)
    model = mlp(optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()))

    with watching(seed=0) as watch:
        model.fit(X, Y, epochs=2, verbose=0)
        model.optimizer.dynamic_scale.assign(2.0)
        model.fit(X, Y, epochs=2, verbose=0)

    (trace,) = watch.traces()
    np.testing.assert_allclose(trace.steps.loss, trace.steps.data_loss, rtol=1e-5)


def test_a_step_of_ones_own_gives_its_optimizer_what_it_likes():
    class Half(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner, self.out = keras.layers.Dense(4), keras.layers.Dense(1)

        def call(self, x):
            return self.out(self.inner(x))

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            weights = self.out.trainable_variables
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            return {"loss": loss}

    model = Half()
    model.compile("adam", "mse")
    model(X[:1])

    with watching(seed=0) as watch:
        model.fit(X, Y, verbose=0)

    (trace,) = watch.traces()
    assert len(trace.variables) == 2
    assert len(model.optimizer.variables) == 2 + 2 * 2


def test_what_a_callback_unfreezes_at_the_start_is_trained():
    model = mlp()
    model.layers[0].trainable = False
    model.compile("adam", "mse")

    def unfreeze(logs=None):
        model.layers[0].trainable = True

    start = keras.callbacks.LambdaCallback(on_train_begin=unfreeze)
    with watching(seed=0) as watch:
        model.fit(X, Y, verbose=0, callbacks=[start])

    (trace,) = watch.traces()
    assert len(trace.variables) == 4


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_no_step_is_lost_to_a_trace_that_is_thrown_away(optimizer):
    """That of Adam's first call is, that of SGD's is not."""
    set_seed(0)
    model, loss = mlp(), keras.losses.MeanSquaredError()
    optimizer = keras.optimizers.get(optimizer)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(value, weights), weights)
        return value

    with watching(seed=0) as watch:
        losses = [float(step(tf.constant(X), tf.constant(Y))) for _ in range(5)]

    (trace,) = watch.traces()
    np.testing.assert_allclose(trace.steps.loss, losses, rtol=1e-6)
    assert (trace.steps.update_norm > 0).all()


def test_what_reads_a_dataset_is_called_itself():
    """TensorFlow makes such functions anew for each iterator: copies would pile up."""

    def read(number):
        return number + 1

    read.__module__ = "tensorflow.python.data.ops.some_ops"
    function, other = tf.function(read), tf.function(lambda it: it + 1)

    with watching() as watch:
        assert int(function(tf.constant(1))) == int(other(tf.constant(1))) == 2
        assert function not in watch.functions.clones
        assert other in watch.functions.clones


def test_a_loop_by_hand_is_traced_once():
    traces = []
    model, optimizer = mlp(), keras.optimizers.Adam()

    @tf.function
    def step(x, y):
        traces.append(x)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x)[:, 0] - y) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    with watching(seed=0) as watch:
        for _ in range(3):
            step(tf.constant(X), tf.constant(Y))

    (trace,) = watch.traces()
    assert len(traces) == 1
    assert len(trace.steps) == 3


@pytest.mark.parametrize("name", ["Adam", "ScheduleFreeAdamW"])
def test_a_model_built_in_the_trace_of_its_first_update_is_trained(name):
    """ScheduleFreeAdamW reads the weights when it is built: they have no value yet."""
    if not hasattr(keras.optimizers, name):
        pytest.skip("this Keras has none")
    set_seed(0)
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(1)])
    optimizer = getattr(keras.optimizers, name)(0.01)
    loss_of = keras.losses.MeanSquaredError()

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    with watching(seed=0) as watch:
        losses = [float(step(tf.constant(X), tf.constant(Y)[:, None])) for _ in "abcd"]

    (trace,) = watch.traces()
    np.testing.assert_allclose(trace.steps.loss, losses, rtol=1e-5)
