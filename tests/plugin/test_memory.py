"""pytest keeps every test to the end of the session; what it trained must not stay."""

from __future__ import annotations

from tests.support.projects import PROJECT

TRAINS = """
from pytest_lossguard.plugin.state import TEST


@pytest.mark.converges(diagnose=False)
def test_marked():
    train()


def test_unmarked(lossguard):
    with lossguard.watch() as watched:
        train()
    assert watched.run.loss.size


def test_what_stays(request):
    before = [it for it in request.session.items if it is not request.node]
    assert len(before) == 2
    # pytester notes the arguments of hooks, and with them the models: no weakref here.
    assert [it.stash[TEST].guard for it in before] == [None, None]
"""


def test_the_models_of_a_test_that_has_ended_are_let_go(project):
    project(TRAINS).assert_outcomes(passed=3)


ITERATORS = """
import gc

import pytest
import tensorflow as tf
from project import *


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = keras.layers.Dense(1)

    def call(self, x):
        return self.out(x)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


def of_own_step():
    model = Net()
    model.compile(keras.optimizers.Adam(0.1), "mse")
    model.fit(*load(), epochs=20, verbose=0)


def of_an_iterator():
    model = build()
    model.optimizer.build(model.trainable_variables)

    @tf.function
    def steps(iterator):
        for _ in tf.range(2):
            x, y = next(iterator)
            with tf.GradientTape() as tape:
                loss = model.compute_loss(y=y, y_pred=model(x, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            model.optimizer.apply(gradients, model.trainable_variables)

    iterator = iter(tf.data.Dataset.from_tensor_slices(load()).batch(16).repeat())
    for _ in range(40):
        steps(iterator)


def count():
    return sum(isinstance(it, tf.data.Iterator) for it in gc.get_objects())


@pytest.fixture(scope="session", autouse=True)
def _uncollected():
    gc.disable()
    yield
    gc.enable()


@pytest.mark.converges
@pytest.mark.parametrize("train", [train, of_own_step, of_an_iterator])
def test_marked(train):
    assert count() == 0
    train()


@pytest.mark.converges(diagnose=False)
def test_stopped():
    train(rate=1e30)


def test_the_last_one():
    assert count() == 0
"""


def test_iterators_of_a_test_end_with_it(pytester):
    """Without the garbage collector: TensorFlow takes up to a minute to delete one
    that has lived for minutes.
    """
    pytester.makepyfile(project=PROJECT, test_it=ITERATORS)

    # pytester notes the arguments of hooks, and with them the frames, in this process
    result = pytester.runpytest_subprocess("-p", "no:randomly")

    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*nonfinite_loss*"])
