"""A loss that was never scaled for its optimizer, or gradients never divided."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf

import pytest_lossguard.training as training
from tests.support.fitting import train_once
from tests.support.programs import mlp
from tests.support.steps import MSE, batches, findings_of, found_in


def scaling(inner=None):
    inner = inner or keras.optimizers.SGD(0.01)
    return keras.optimizers.LossScaleOptimizer(inner, initial_scale=1024.0)


def loop(optimizer, scale, by=None, wrap=tf.function, divide=None, loss_of=MSE):
    """``by`` applies the gradients, where that is another than ``optimizer``."""
    model = mlp()
    by = by or optimizer

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = scale(loss_of(y, model(x, training=True)))
        moved = model.trainable_variables
        found = tape.gradient(loss, moved)
        by.apply([it / divide for it in found] if divide else found, moved)

    optimizer.build(model.trainable_variables)
    step = wrap(step)
    for x, y in batches(4):
        step(x, y)


def as_it_is(loss):
    return loss


def squared(y, of):
    return tf.reduce_mean((y - of) ** 2)


def never_scaled(**how):
    loop(scaling(), as_it_is, **how)


def never_divided(wrap=tf.function):
    optimizer = scaling()
    loop(optimizer, optimizer.scale_loss, by=keras.optimizers.SGD(1e-5), wrap=wrap)


def by_factor():
    loop(keras.optimizers.SGD(0.01, loss_scale_factor=1024.0), as_it_is)


BROKEN = {
    "never scaled": (never_scaled, 1 / 1024),
    "eager": (lambda: never_scaled(wrap=lambda it: it), 1 / 1024),
    "a loss by hand": (lambda: never_scaled(loss_of=squared), 1 / 1024),
    "loss_scale_factor": (by_factor, 1 / 1024),
    "never divided": (never_divided, 1024),
    "never divided, eager": (lambda: never_divided(lambda it: it), 1024),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_scale_on_one_side_alone_fails(name):
    body, factor = BROKEN[name]
    (it,) = [it for it in findings_of(body) if it.kind == "loss_not_scaled"]
    assert (it.severity, it.value, it.limit) == ("error", factor, 1)


def rightly(**how):
    optimizer = scaling()
    loop(optimizer, optimizer.scale_loss, **how)


def summed():
    optimizer = scaling()
    loop(optimizer, lambda it: optimizer.scale_loss(it) + optimizer.scale_loss(it))


def divided_by_hand():
    optimizer = scaling()
    plain = keras.optimizers.SGD(0.01)
    loop(optimizer, optimizer.scale_loss, by=plain, divide=1024.0)


def two_nets(scales_second=True, wrap=tf.function):
    """As the step of a GAN: both losses are scaled before a gradient is taken."""
    nets, optimizers = [mlp(), mlp()], [scaling(), scaling()]

    def step(x, y):
        with tf.GradientTape(persistent=True) as tape:
            first, second = (MSE(y, net(x, training=True)) for net in nets)
            first = optimizers[0].scale_loss(first)
            if scales_second:
                second = optimizers[1].scale_loss(second)
        for loss, net, optimizer in zip([first, second], nets, optimizers, strict=True):
            moved = net.trainable_variables
            optimizer.apply(tape.gradient(loss, moved), moved)

    for net, optimizer in zip(nets, optimizers, strict=True):
        optimizer.build(net.trainable_variables)
    step = wrap(step)
    for x, y in batches(4):
        step(x, y)


def test_of_two_nets_the_one_whose_loss_is_not_scaled_fails():
    found = findings_of(lambda: two_nets(scales_second=False))
    assert sum(it.kind == "loss_not_scaled" for it in found) == 1


def by_hand():
    loop(keras.optimizers.SGD(1e-5), lambda it: it * 1024.0)


def by_fit():
    model = mlp(optimizer=scaling())
    x, y = next(batches(1))
    model.fit(x, y, verbose=0)


@pytest.mark.parametrize(
    "body",
    [
        rightly,
        lambda: rightly(wrap=lambda it: it),
        lambda: rightly(loss_of=squared),
        summed,
        two_nets,
        lambda: two_nets(wrap=lambda it: it),
        divided_by_hand,
        by_hand,
        by_fit,
        lambda: loop(keras.optimizers.SGD(0.01), as_it_is),
    ],
    ids=[
        *("graph", "eager", "a loss by hand", "summed"),
        *("two nets", "two nets, eager", "divided by hand"),
        *("a factor of the user's", "fit", "no scale"),
    ],
)
def test_a_scale_on_both_sides_or_none_is_silent(body):
    assert "loss_not_scaled" not in {it.kind for it in findings_of(body)}


def test_lossguard_fit_scales_as_keras_does():
    x, y = next(batches(1))
    trace = train_once(training.Trainer(), mlp(optimizer=scaling()), x, y, steps=3)
    assert "loss_not_scaled" not in {it.kind for it in found_in([trace])}
