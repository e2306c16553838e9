"""Random numbers of Python and NumPy that are drawn while TensorFlow traces."""

from __future__ import annotations

import contextlib
import functools
import pickle
import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import set_seed, watching
from pytest_lossguard.training.loop.loop_trainer import LoopTrainer
from tests.support.steps import MSE, batches, findings_of, train

ROWS = np.random.default_rng(0).normal(size=(160, 4)).astype("float32")
LABELS = ROWS.sum(axis=1, keepdims=True)


class Noisy(keras.Model):
    """A model whose training step adds something to its inputs."""

    def __init__(self, noise):
        super().__init__()
        self.net = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(1)])
        self.noise = noise

    def call(self, x):
        return self.net(x)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = MSE(y, self(x + self.noise(self, tf.shape(x)), training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


def by_numpy(model, shape):
    return np.random.normal(size=4).astype("float32")


def by_python(model, shape):
    return 0.1 if random.random() < 0.5 else 0.0


def by_tensorflow(model, shape):
    return tf.random.normal(shape)


def seeded(model, shape):
    np.random.seed(3)
    return np.random.normal(size=4).astype("float32")


def kept(model, shape):
    if not hasattr(model, "once"):
        model.once = np.random.normal(
            size=4,
        ).astype("float32")
    return model.once


def by_seeded_operation(model, shape):
    return tf.random.normal(shape, seed=np.random.randint(1000))


def by_numpy_function(model, shape):
    def draw():
        return np.random.normal(size=4).astype("float32")

    return tf.ensure_shape(tf.numpy_function(draw, [], tf.float32), (4,))


class Projection(keras.layers.Layer):
    """A layer that draws what it multiplies by once, when it is built."""

    def build(self, shape):
        drawn = np.random.normal(size=(4, 4)).astype("float32")
        self.by = tf.constant(drawn)

    def call(self, x):
        return x @ self.by


def by_a_layer_built_in_the_step(model, shape):
    return Projection()(tf.ones((1, 4)))


HEALTHY = [
    by_tensorflow,
    seeded,
    kept,
    by_seeded_operation,
    by_numpy_function,
    by_a_layer_built_in_the_step,
]


def drawn_once(body):
    return [it for it in findings_of(body) if it.kind == "random_drawn_once"]


def fit(noise=by_tensorflow, data=None, epochs=3, **compiled):
    model = Noisy(noise)
    model.compile("sgd", **compiled)
    if data is None:
        model.fit(ROWS, LABELS, batch_size=16, epochs=epochs, verbose=0)
    else:
        model.fit(data, epochs=epochs, verbose=0)


@pytest.mark.parametrize(
    ("noise", "name"), [(by_numpy, "numpy.random.normal"), (by_python, "random.random")]
)
def test_a_step_that_draws_in_python_is_found_at_its_line(noise, name):
    (it,) = drawn_once(lambda: fit(noise))
    assert (it.severity, it.value, it.limit) == ("warning", 30, 10)
    line = noise.__code__.co_firstlineno + 1
    assert it.where == f"test_traced_draws.py:{line}"
    assert it.message.startswith(f"{name} at {it.where} draws once for 30 steps")


@pytest.mark.parametrize("noise", HEALTHY)
def test_what_draws_anew_or_is_meant_to_draw_once_is_left_alone(noise):
    assert drawn_once(lambda: fit(noise)) == []


@pytest.mark.parametrize("noise", [by_numpy, by_python])
def test_an_eager_step_draws_anew(noise):
    assert drawn_once(lambda: fit(noise, run_eagerly=True)) == []
    tf.config.run_functions_eagerly(True)
    try:
        assert drawn_once(lambda: fit(noise)) == []
    finally:
        tf.config.run_functions_eagerly(False)


def test_an_evaluation_may_use_the_same_numbers():
    class Evaluated(Noisy):
        def test_step(self, data):
            x, y = data
            return {"loss": MSE(y, self(x + by_numpy(self, None)))}

    def body():
        model = Evaluated(by_tensorflow)
        model.compile("sgd")
        rows = (ROWS, LABELS)
        model.fit(*rows, validation_data=rows, epochs=3, batch_size=16, verbose=0)

    assert drawn_once(body) == []


# Loops of the user's own


def looped(forward, wrap=tf.function, steps=30):
    layers = keras.layers
    net = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(1)])
    train(net, forward, steps=steps, wrap=wrap)


def noisy(model, x):
    if random.random() < 2:
        x = x + np.random.normal(size=4).astype("float32")
    return model(x, training=True)


def test_places_in_a_compiled_step_make_one_finding():
    (it,) = drawn_once(lambda: looped(noisy))
    line = noisy.__code__.co_firstlineno + 1
    assert it.where == f"test_traced_draws.py:{line}"
    assert f"The same at test_traced_draws.py:{line + 1}" in it.message
    assert drawn_once(lambda: looped(noisy, wrap=lambda it: it)) == []
    assert drawn_once(lambda: looped(noisy, steps=9)) == []


def with_augmented(augment):
    """Train eagerly on what another function makes of each batch."""
    net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(0.01)
    for number, (x, y) in enumerate(batches(30)):
        with tf.GradientTape() as tape:
            loss = MSE(y, net(augment(x, number)))
        gradients = tape.gradient(loss, net.trainable_variables)
        optimizer.apply(gradients, net.trainable_variables)


def test_another_function_counts_by_how_often_it_runs_for_a_trace():
    @tf.function
    def augment(x):
        return x + np.random.normal()

    @tf.function
    def traced_for_each_number(x, number):
        return x + np.random.normal() + number

    (it,) = drawn_once(lambda: with_augmented(lambda x, _: augment(x)))
    assert "30 calls" in it.message
    assert drawn_once(lambda: with_augmented(traced_for_each_number)) == []


def test_a_function_that_is_called_once_is_left_alone():
    @tf.function
    def sample():
        return tf.zeros(4) + np.random.normal(size=4)

    def body():
        looped(lambda model, x: model(x, training=True))
        sample()

    assert drawn_once(body) == []


def test_a_variable_made_in_the_first_trace_is_left_alone():
    made = []

    @tf.function
    def scaled(x):
        if not made:
            made.append(tf.Variable(np.random.normal(size=4).astype("float32")))
        return x * made[0]

    assert drawn_once(lambda: with_augmented(lambda x, _: scaled(x))) == []


# Functions of a dataset


def mapped(function, rows=ROWS):
    pairs = tf.data.Dataset.from_tensor_slices((rows, LABELS))
    return pairs.map(lambda x, y: (function(x), y)).batch(16)


def shifted(x):
    if x[0] > 0:
        x = x + np.random.normal(size=4).astype("float32")
    return x


def test_a_function_of_a_dataset_is_found():
    (it,) = drawn_once(lambda: fit(data=mapped(shifted)))
    line = shifted.__code__.co_firstlineno + 2
    assert it.where == f"test_traced_draws.py:{line}"
    assert "a function given to a dataset" in it.message


def anew(x):
    def draw(x):
        return x + np.random.normal(size=4).astype("float32")

    return tf.ensure_shape(tf.numpy_function(draw, [x], tf.float32), (4,))


def in_a_py_function(x):
    return tf.ensure_shape(tf.py_function(shifted, [x], tf.float32), (4,))


@pytest.mark.parametrize(
    "function", [anew, in_a_py_function, lambda x: x + tf.random.normal((4,))]
)
def test_a_dataset_that_draws_for_each_element_is_left_alone(function):
    assert drawn_once(lambda: fit(data=mapped(function))) == []


def test_a_dataset_of_one_element_is_drawn_for_once():
    def body():
        whole = tf.data.Dataset.from_tensors((ROWS, LABELS))
        noisy = whole.map(lambda x, y: (x + np.random.normal(size=(160, 4)), y))
        fit(data=noisy.unbatch().batch(16))

    assert drawn_once(body) == []


def test_a_dataset_that_is_made_by_the_constructor_of_an_object_is_found():
    class Pipeline:
        def __init__(self):
            self.rows = mapped(shifted)

    assert len(drawn_once(lambda: fit(data=Pipeline().rows))) == 1


# The loop of lossguard.fit


@pytest.mark.parametrize(
    ("noise", "times"), [(by_numpy, 1), *((it, 0) for it in HEALTHY)]
)
def test_the_loop_of_lossguard_fit_finds_the_same(noise, times):
    model = Noisy(noise)
    model.compile("sgd")
    (trace,) = LoopTrainer().fit_seeds(
        model, ROWS, LABELS, seeds=(0,), epochs=3, batch_size=16
    )
    found = [it.kind for it in judge(trace, Policy())]
    assert found.count("random_drawn_once") == times


def test_a_dataset_made_in_the_test_is_found_for_lossguard_fit():
    with watching() as watch:
        data = mapped(shifted)
        with watch.paused():
            model = Noisy(by_tensorflow)
            model.compile("sgd")
            (trace,) = LoopTrainer().fit_seeds(model, data, seeds=(0,), epochs=3)
    for given, times in ((data, 1), (ROWS, 0)):
        found = judge(watch.with_draws_of(given, trace), Policy())
        assert [it.kind for it in found].count("random_drawn_once") == times


# The user's functions and generators


def test_the_functions_are_those_of_before_and_draw_the_same():
    known = {name: getattr(np.random, name) for name in np.random.__all__}
    mine = {name: getattr(random, name) for name in random.__all__}
    set_seed(5)
    expected = np.random.normal(), random.random(), np.random.rand(2).tolist()
    with contextlib.suppress(ZeroDivisionError), watching():
        set_seed(5)
        drawn = np.random.normal(), random.random(), np.random.rand(2).tolist()
        assert drawn == expected
        again = pickle.loads(pickle.dumps(functools.partial(np.random.randint, 3, 4)))
        assert again() == 3
        assert isinstance(np.random.rand.__self__, np.random.RandomState)
        raise ZeroDivisionError
    assert known == {name: getattr(np.random, name) for name in np.random.__all__}
    assert mine == {name: getattr(random, name) for name in random.__all__}
