"""Hand-written loops of every kind are recorded step by step and judged rightly."""

from __future__ import annotations

import contextlib
import functools
import re
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard import UsageError
from pytest_lossguard.core.errors import StopTraining
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, set_seed, watching
from tests.support import tapes
from tests.support.fitting import train_once
from tests.support.programs import mlp, regression, tape_step

X, Y = regression()
STEPS = tapes.STEPS

#: Each with what must come out of it: the steps of its trainings.
LOOPS = {
    "eager": (tapes.plain, [STEPS]),
    "tf.function": (functools.partial(tapes.plain, wrap=tf.function), [STEPS]),
    "XLA": (tapes.compiled, [STEPS]),
    "persistent tape": (tapes.persistent, [STEPS]),
    "clipped by hand": (tapes.clipped, [STEPS]),
    "gradient penalty": (tapes.penalized, [STEPS]),
    "accumulated gradients": (tapes.accumulated, [STEPS]),
    "meta-learning": (tapes.meta_learned, [STEPS]),
    "tf.Module": (tapes.module, [STEPS]),
    "scaled loss": (tapes.loss_scaled, [STEPS]),
    "two optimizers": (tapes.two_optimizers, [STEPS, STEPS]),
    "GAN": (tapes.gan, [120, 120]),
    "WGAN": (tapes.wgan, [200, 40]),
}
ADVERSARIAL = ("GAN", "WGAN")


def watched(body):
    """The traces of what ``body`` trains, up to the first loss that is not finite."""
    set_seed(0)
    with watching(seed=0) as watch, contextlib.suppress(StopTraining):
        body()
    assert watch.unseen == [] == watch.missed()
    return watch.traces()


def only(body):
    (trace,) = watched(body)
    return trace


def adam_net(rate, **options):
    return mlp(optimizer=keras.optimizers.Adam(rate, **options))


def errors(trace):
    return {it.kind for it in judge(trace, Policy()) if it.severity == "error"}


@pytest.fixture(scope="module")
def healthy():
    """The traces of each loop at a good rate, trained once."""

    @functools.cache
    def traces(name):
        return watched(lambda: LOOPS[name][0](0.005 if name in ADVERSARIAL else 0.03))

    return traces


@pytest.mark.parametrize("name", LOOPS)
def test_a_healthy_loop_converges_and_each_of_its_steps_is_counted_once(healthy, name):
    traces = healthy(name)

    steps = LOOPS[name][1]
    assert [len(it.steps) for it in traces] == steps
    assert all(it.steps.loss_seen.all() for it in traces)
    assert [errors(it) for it in traces] == [set()] * len(steps)


@pytest.mark.parametrize("name", LOOPS)
def test_a_rate_far_too_high_is_a_blow_up_in_every_loop(name):
    loop, steps = LOOPS[name]

    traces = watched(lambda: loop(100.0))

    assert ["diverging_loss" in errors(it) for it in traces] == [True] * len(steps)


@pytest.mark.parametrize(
    "name", ["tf.function", "XLA", "persistent tape", "scaled loss"]
)
def test_the_same_training_is_recorded_the_same_however_it_is_written(healthy, name):
    plain, other = healthy("eager")[0].steps, healthy(name)[0].steps

    np.testing.assert_allclose(other.loss, plain.loss, rtol=1e-3)
    np.testing.assert_allclose(other.grad_norm, plain.grad_norm, rtol=1e-2, atol=1e-3)


def test_a_loss_that_nobody_scaled_is_recorded_as_it_is():
    """`LossScaleOptimizer`, and the call of ``scale_loss`` forgotten."""
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01))

    trace = only(lambda: tape_step(mlp(), optimizer)(tf.constant(X), tf.constant(Y)))

    np.testing.assert_allclose(trace.steps.loss, trace.steps.data_loss, rtol=1e-5)


@pytest.mark.parametrize("by", ["watch", "fit"])
def test_a_fixed_scale_of_the_loss_is_taken_out(by):
    def trained(**options):
        def build():
            return mlp(optimizer=keras.optimizers.SGD(0.01, **options))

        if by == "fit":
            return train_once(Trainer(), build, X, Y, steps=8).steps
        return only(lambda: build().fit(X, Y, epochs=2, verbose=0)).steps

    plain, scaled = trained(), trained(loss_scale_factor=1024.0)

    np.testing.assert_allclose(scaled.loss, plain.loss, rtol=1e-4)
    np.testing.assert_allclose(scaled.grad_norm, plain.grad_norm, rtol=1e-3)


@pytest.fixture
def half_precision():
    policy = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    yield
    keras.mixed_precision.set_dtype_policy(policy)


def by_both(build, epochs, *, by):
    """The training of a model by `lossguard.fit` or by ``model.fit`` under watch."""
    if by == "fit":
        return train_once(Trainer(), build, X, Y, epochs=epochs)
    return only(lambda: build().fit(X, Y, epochs=epochs, verbose=0))


@pytest.mark.parametrize("by", ["watch", "fit"])
def test_mixed_precision_is_judged_rightly(half_precision, by):
    healthy = by_both(lambda: adam_net(0.03), 10, by=by)
    broken = by_both(lambda: adam_net(100.0), 10, by=by)

    assert healthy.loss_is_scaled
    assert len(healthy.steps) == 40
    np.testing.assert_allclose(healthy.steps.loss, healthy.steps.data_loss, rtol=1e-3)
    assert errors(healthy) == set()
    assert "nonfinite_loss" in errors(broken)  # half precision has no room to blow up


@pytest.mark.parametrize("by", ["watch", "fit"])
def test_gradients_that_keras_accumulates_are_judged_rightly(by):
    """Every batch is a step; every fourth one moves the weights."""
    four = {"gradient_accumulation_steps": 4}

    healthy = by_both(lambda: adam_net(0.03, **four), 20, by=by)
    broken = by_both(lambda: adam_net(100.0, **four), 20, by=by)

    moved = healthy.steps.update_norm.any(axis=1)
    assert moved.nonzero()[0].tolist() == list(range(3, 80, 4))
    assert errors(healthy) == set()
    assert "diverging_loss" in errors(broken)


def test_the_norm_is_that_of_the_gradients_that_the_user_clipped(healthy):
    (trace,) = healthy("clipped by hand")

    assert trace.steps.global_grad_norm[0] == pytest.approx(0.5, rel=1e-5)
    assert (trace.steps.global_grad_norm < 0.5001).all()


def test_a_gradient_penalty_is_the_part_that_the_loss_object_did_not_give(healthy):
    (trace,) = healthy("gradient penalty")

    assert trace.steps.data_loss_seen.all()
    assert (trace.steps.loss > trace.steps.data_loss).all()


def test_two_optimizers_share_the_curve_and_the_scores_of_their_model(healthy):
    hidden, head = healthy("two optimizers")

    assert hidden.variables == ("sequential/dense/kernel", "sequential/dense/bias")
    assert head.variables == ("sequential/dense/kernel", "sequential/dense/bias")
    np.testing.assert_array_equal(hidden.steps.loss, head.steps.loss)
    assert hidden.after.loss == head.after.loss < hidden.constant_loss
    assert not hidden.contested


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_trainings_against_each_other_are_reported_as_such(healthy, name):
    traces = healthy(name)

    assert [it.contested for it in traces] == [True, True]
    assert all("the loss need not fall" in it.notes[0] for it in traces)


def test_of_several_losses_each_training_of_a_gan_gets_its_own(healthy):
    generator, discriminator = healthy("GAN")

    np.testing.assert_allclose(generator.steps.loss, generator.steps.data_loss)
    np.testing.assert_allclose(discriminator.steps.loss, discriminator.steps.data_loss)
    assert (generator.steps.loss != discriminator.steps.loss).all()


@pytest.mark.parametrize("wrap", [lambda step: step, tf.function])
def test_one_model_trained_after_another_is_no_contest(wrap):
    """A student learns from a teacher whose training has ended."""

    def body():
        teacher, student = mlp(), mlp()
        teacher.fit(X, Y, epochs=2, verbose=0)
        loss_of, x = keras.losses.MeanSquaredError(), tf.constant(X)

        @wrap
        def step():
            with tf.GradientTape() as tape:
                loss = loss_of(teacher(x), student(x))
            gradients = tape.gradient(loss, student.trainable_variables)
            student.optimizer.apply(gradients, student.trainable_variables)

        for _ in range(3):
            step()

    assert [it.contested for it in watched(body)] == [False, False]


def test_gradients_of_variables_and_inputs_in_one_call_are_a_step():
    def body():
        model, x = mlp(), tf.constant(X)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean((model(x) - Y) ** 2)
        *gradients, _ = tape.gradient(loss, [*model.trainable_variables, x])
        model.optimizer.apply(gradients, model.trainable_variables)

    assert only(body).steps.loss_seen.all()


def test_a_function_of_batches_of_two_types_is_seen_with_both():
    """What an earlier trace left for the probe must outlive the next trace."""

    def body():
        model = mlp()
        model.optimizer.build(model.trainable_variables)
        step = tf.function(tape_step(model, model.optimizer))
        for rows, kind in ((32, "float32"), (32, "int32"), (8, "float32")) * 3:
            step(tf.constant(X[:rows]), tf.cast(Y[:rows], kind))

    trace = only(body)

    assert len(trace.steps) == 9
    assert trace.before is not None


class BothWays(keras.Model):
    """Two optimizers inside one ``train_step``."""

    def __init__(self):
        super().__init__()
        self.hidden, self.head = keras.layers.Dense(8), keras.layers.Dense(1)
        self.second = keras.optimizers.Adam(0.01)

    def call(self, x):
        return self.head(self.hidden(x))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape(persistent=True) as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        for optimizer, layer in (
            (self.optimizer, self.hidden),
            (self.second, self.head),
        ):
            part = layer.trainable_variables
            optimizer.apply(tape.gradient(loss, part), part)
        return {"loss": loss}


def both_ways():
    model = BothWays()
    model.compile("adam", "mse")
    return model


def test_two_optimizers_in_a_train_step_are_two_trainings():
    traces = watched(lambda: both_ways().fit(X, Y, epochs=5, verbose=0))

    assert [len(it.steps) for it in traces] == [20, 20]
    assert [errors(it) for it in traces] == [set(), set()]


def test_lossguard_fit_refuses_two_optimizers_in_one_sentence():
    with pytest.raises(UsageError, match=r"2 optimizers.*call model\.fit"):
        train_once(Trainer(), both_ways, X, Y, steps=4)


def test_a_descent_by_hand_is_reported_in_one_sentence():
    model = tapes.Line()
    with watching() as watch:
        with tf.GradientTape() as tape:
            loss = tapes.squared(Y, model(X))
        for it, slope in zip(
            model.trainable_variables,
            tape.gradient(loss, model.trainable_variables),
            strict=True,
        ):
            it.assign_sub(0.1 * slope)

    assert watch.traces() == []
    (finding,) = watch.missed()
    assert "no recorded training changed them" in finding.message
    assert ".apply(gradients, variables)" in finding.hint


@pytest.fixture
def tf_keras(monkeypatch):
    """What looks like the Keras of old, and trains as it does."""
    fake = types.ModuleType("tf_keras")

    class Model:
        def __call__(self):
            raise ValueError("call() missing 1 required argument")

    Model.__module__ = "tf_keras.src.engine.training"
    fake.Model = Model
    monkeypatch.setitem(sys.modules, "tf_keras", fake)
    return fake


MINIMIZE = """
def minimize(weight):
    with tf.GradientTape() as tape:
        loss = weight**2
    weight.assign_sub(tape.gradient(loss, weight))
"""


def test_a_training_of_tf_keras_is_reported_in_one_sentence(tf_keras):
    theirs = {"__name__": "tf_keras.src.optimizers.optimizer", "tf": tf}
    exec(compile(MINIMIZE, "site-packages/tf_keras/optimizer.py", "exec"), theirs)
    weight = tf.Variable(1.0)
    with watching() as watch:
        theirs["minimize"](weight)

    (finding,) = watch.missed()
    assert re.search(r"computed at test_tapes\.py:\d+ by tf_keras\)", finding.message)


def test_tf_keras_that_is_merely_loaded_is_no_reason(tf_keras):
    weight = tf.Variable(1.0)
    with watching() as watch, tf.GradientTape() as tape:
        tape.gradient(weight**2, weight)

    assert "gradients were computed once" in watch.why_nothing_trained()


def test_lossguard_fit_says_that_tf_keras_is_not_served(tf_keras):
    with pytest.raises(UsageError, match="a tf_keras model, which is not supported"):
        train_once(Trainer(), tf_keras.Model(), X, Y)
    with pytest.raises(UsageError, match="a tf_keras model, which is not supported"):
        train_once(Trainer(), lambda: tf_keras.Model(), X, Y)
