"""Layers that a model calls and that Keras does not count as its own."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pytest_lossguard.training.loop.loop_trainer import LoopTrainer
from pytest_lossguard.training.score.untracked_layers import untracked_layers
from pytest_lossguard.training.watching.watch import watching
from tests.support.fitting import train_once
from tests.support.steps import MSE, findings_of, train

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = X[:, :1] - X[:, 1:2]


class Net(keras.Model):
    """A layer of its own, after what ``before`` makes of the inputs."""

    def __init__(self, before, **attributes):
        super().__init__()
        self.before, self.out = before, layers.Dense(1)
        for name, it in attributes.items():
            setattr(self, name, it)

    def call(self, x):
        return self.out(self.before(x))


class Block:
    """A plain object that has layers."""

    def __init__(self, *, own=None):
        self.first, self.second = own or (layers.Dense(8, "relu"), layers.Dense(8))

    def __call__(self, x):
        return self.second(self.first(x))


class InDictionaries(Block):
    def __init__(self):
        self.parts = {"a": {"b": layers.Dense(8)}}

    def __call__(self, x):
        return self.parts["a"]["b"](x)


def in_a_closure():
    hidden = layers.Dense(8, "relu")
    return Net(lambda x: hidden(x))


def in_a_lambda():
    hidden = layers.Dense(8, "relu")
    return keras.Sequential(
        [keras.Input((4,)), layers.Lambda(lambda x: hidden(x)), layers.Dense(1)]
    )


def in_a_functional_lambda():
    hidden, start = layers.Dense(8, "relu"), keras.Input((4,))
    middle = layers.Lambda(lambda x: hidden(x), output_shape=(8,))(start)
    return keras.Model(start, layers.Dense(1)(middle))


def fit(model):
    model.compile("adam", "mse")
    model.fit(X, Y, batch_size=16, epochs=1, verbose=0)
    return model


def step(model):
    """One traced step of a loop."""
    optimizer = keras.optimizers.SGD(0.01)

    @tf.function
    def once():
        with tf.GradientTape() as tape:
            loss = MSE(Y, model(X, training=True))
        moved = model.trainable_variables
        optimizer.apply(tape.gradient(loss, moved), moved)

    once()


def found(body):
    return [it for it in findings_of(body) if it.kind == "layers_untracked"]


def facts(body):
    """What is kept of untracked layers, without the rest of a trace."""
    with watching(seed=0) as watch:
        body()
        every = (untracked_layers(it) for it in watch.recordings)
        return [it for it in every if it is not None]


def test_layers_of_a_plain_object_fail_a_fit():
    (it,) = found(lambda: fit(Net(Block())))

    assert (it.severity, it.value, it.limit) == ("error", 4, 0)
    assert "calls dense_1, dense_2, which Keras does not track" in it.message
    assert "4 variables that its outputs depend on" in it.message


@pytest.mark.parametrize(
    "make",
    [
        lambda: Net(InDictionaries()),
        in_a_closure,
        in_a_lambda,
        in_a_functional_lambda,
    ],
    ids=["dictionaries in an object", "closure", "Lambda", "functional Lambda"],
)
def test_layers_that_keras_does_not_find(make):
    (it,) = facts(lambda: step(make()))

    assert it.misfit < 2.2
    assert (len(it.names), it.variables) == (1, 2)


def test_so_do_those_in_lossguard_fit():
    def make():
        model = in_a_lambda()
        model.compile("adam", "mse")
        return model

    trace = train_once(LoopTrainer(), make, X, Y, epochs=1)
    assert trace.step.untracked.in_fit
    assert trace.step.untracked.variables == 2


class Scales(layers.Layer):
    """A tf.Variable is no variable of a Keras layer."""

    def __init__(self, **how):
        super().__init__()
        self.factors = tf.Variable(tf.ones(4), **how)

    def call(self, x):
        return x * self.factors


def test_a_variable_of_tensorflow_is_a_warning():
    (it,) = found(lambda: fit(Net(Scales())))

    assert it.severity == "warning"
    assert "calls scales.factors, which" in it.message
    assert not facts(lambda: step(Net(Scales(trainable=False))))


def loop(model, **how):
    train(model, lambda it, x: it(x, training=True), steps=2, **how)


def test_in_a_loop_it_is_a_warning():
    (it,) = found(lambda: loop(Net(Block())))
    assert it.severity == "warning"


def test_weights_that_were_trained_elsewhere_are_a_warning():
    def body():
        block, other = Block(), Block()
        block(X), other(X)
        for mine in (block.first, block.second):
            mine.bias.assign(mine.bias + 0.1)
        fit(Net(block))

    (it,) = found(body)
    assert it.severity == "warning"


# What must be silent


class InLists(Block):
    """Lists, dictionaries and other layers are found."""

    def __init__(self):
        self.parts = [layers.Dense(8), {"a": layers.Dense(8)}]


def tracked():
    block = InLists()
    model = Net(lambda x: block.parts[1]["a"](block.parts[0](x)), parts=block.parts)
    step(model)


def frozen_layers():
    block = Block()
    block.first.trainable = block.second.trainable = False
    step(Net(block))


def frozen_after_it_was_built():
    block = Block()
    block(X)
    block.first.trainable = block.second.trainable = False
    step(Net(block))


def stopped():
    block = Block()
    step(Net(lambda x: x + tf.stop_gradient(tf.reduce_mean(block(x)))))


def another_model():
    part = keras.Sequential([layers.Dense(8), layers.Dense(8)])
    step(Net(lambda x: part(x)))


def layers_of_another_model():
    """Its features, without the model around them."""
    part = keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.Dense(8)])
    inner = part.layers
    del part
    step(Net(lambda x: inner[1](inner[0](x))))


def only_the_head():
    """A loop that trains some variables on purpose."""
    model = Net(Block(), more=layers.Dense(2))
    model.more(X)
    loop(model, variables=lambda it: it.out.trainable_variables)
    wide = keras.Sequential([Net(Block()), layers.Dense(1)])
    loop(wide, variables=lambda it: it.layers[-1].trainable_variables)


def another_optimizer():
    block = Block()
    block(X)
    model = Net(block)
    mine, its = keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01)

    @tf.function
    def run(x, y):
        with tf.GradientTape() as tape:
            loss = MSE(y, model(x, training=True))
        hidden = [*block.first.trainable_variables, *block.second.trainable_variables]
        moved = model.trainable_variables
        slopes, others = tape.gradient(loss, [moved, hidden])
        mine.apply(slopes, moved)
        its.apply(others, hidden)

    run(X, Y)


def two_tapes():
    """Each optimizer has the gradients of its own variables."""
    block = Block()
    block(X)
    model = Net(block)
    mine, its = keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01)

    @tf.function
    def run(x, y):
        with tf.GradientTape(persistent=True) as tape:
            loss = MSE(y, model(x, training=True))
        hidden = [*block.first.trainable_variables, *block.second.trainable_variables]
        for rule, moved in ((mine, model.trainable_variables), (its, hidden)):
            rule.apply(tape.gradient(loss, moved), moved)

    run(X, Y)


def changed_by_assignment():
    block = Block()
    model = Net(block)
    model(X)
    slower = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda *_, **__: [
            it.assign(0.9 * it) for it in block.first.weights + block.second.weights
        ]
    )
    model.compile("adam", "mse")
    model.fit(X, Y, batch_size=16, epochs=1, verbose=0, callbacks=[slower])


def assigned_after_its_first_trace():
    """Its variables have no value yet when gradients are taken."""
    block = Block()
    model = Net(block)
    model.compile("adam", "mse")

    class Slower(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            block.first.kernel.assign(0.9 * block.first.kernel)
            block.second.kernel.assign(0.9 * block.second.kernel)

    model.fit(X, Y, batch_size=8, epochs=1, verbose=0, callbacks=[Slower()])


def loss_with_layers():
    """Features that a loss compares, by layers of its own."""
    block = Block()
    block(X)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4)])
    model.compile(
        "adam", lambda y, found: tf.reduce_mean((block(y) - block(found)) ** 2)
    )
    model.fit(X, X, batch_size=16, epochs=1, verbose=0)


def scalar():
    """A temperature that a callback may set."""
    heat = SimpleNamespace(value=tf.Variable(1.0))
    step(Net(lambda x: x / heat.value))


def gan():
    maker = keras.Sequential([keras.Input((4,)), layers.Dense(4)])
    critic = keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.Dense(1)])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    mine, its = keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01)
    for rule, net in ((mine, maker), (its, critic)):
        rule.build(net.trainable_variables)

    @tf.function
    def run():
        with tf.GradientTape(persistent=True) as tape:
            fake = critic(maker(X))
            right, wrong = tf.ones_like(fake), tf.zeros_like(fake)
            fools, told = loss(right, fake), loss(right, critic(X)) + loss(wrong, fake)
        for rule, net, value in ((mine, maker, fools), (its, critic, told)):
            moved = net.trainable_variables
            rule.apply(tape.gradient(value, moved), moved)

    run()


def teacher():
    """Its layers are bare, and called beside the model that learns."""
    wise, model = Block(), keras.Sequential([keras.Input((4,)), layers.Dense(8)])
    wise(X)
    optimizer = keras.optimizers.SGD(0.01)

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            loss = MSE(wise(X), model(X, training=True))
        moved = model.trainable_variables
        optimizer.apply(tape.gradient(loss, moved), moved)

    run()


def mirrored():
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        fit(keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.Dense(1)]))


def busy():
    """Metrics, seeds, dropout and batch statistics."""
    model = Net(lambda x: x, norm=layers.BatchNormalization(), drop=layers.Dropout(0.1))
    model.before = lambda x: model.drop(model.norm(x), training=True)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, batch_size=16, epochs=1, verbose=0)


HEALTHY = {
    "lists and dictionaries": tracked,
    "frozen": frozen_layers,
    "frozen later": frozen_after_it_was_built,
    "no gradient": stopped,
    "another model": another_model,
    "layers of another model": layers_of_another_model,
    "only the head": only_the_head,
    "another optimizer": another_optimizer,
    "two optimizers": two_tapes,
    "assigned": changed_by_assignment,
    "assigned, built in the step": assigned_after_its_first_trace,
    "layers of a loss": loss_with_layers,
    "one number": scalar,
    "gan": gan,
    "teacher": teacher,
    "mirrored variables": mirrored,
    "metrics and seeds": busy,
}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_no_fault_is_silent(name):
    assert not facts(HEALTHY[name])
