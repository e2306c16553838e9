"""Layers that behave otherwise in training, called in inference mode while trained."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf

import pytest_lossguard.training as training
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.experiments.diagnose import diagnose
from pytest_lossguard.judge import judge
from pytest_lossguard.training import set_seed, watching
from tests.support.fitting import train_once
from tests.support.steps import MSE, batches, findings_of, kinds_of, train

LAYERS = keras.layers


def net(*further):
    hidden = [LAYERS.Dense(8), LAYERS.BatchNormalization(), LAYERS.Dropout(0.2)]
    return keras.Sequential([keras.Input((4,)), *hidden, *further, LAYERS.Dense(1)])


def base(trainable=True):
    layers = [keras.Input((4,)), LAYERS.Dense(8), LAYERS.BatchNormalization()]
    model = keras.Sequential(layers, name="base")
    model.trainable = trainable
    return model


def around(inner, *head, **how):
    """The transfer-learning guide's functional model."""
    inputs = keras.Input((4,))
    x = inner(inputs, **how)
    for layer in head:
        x = layer(x)
    return keras.Model(inputs, LAYERS.Dense(1)(x))


class Own(keras.Model):
    """A model of a class of its own; its base is kept in inference mode if asked."""

    def __init__(self, keeps=False, name="own", trainable=True):
        super().__init__(name=name)
        self.base, self.head = base(trainable), LAYERS.Dense(1)
        self.keeps = keeps

    def call(self, x, training=False):
        return self.head(self.base(x, training=training and not self.keeps))


class OwnStep(keras.Model):
    """A train_step that leaves training=True out."""

    def __init__(self):
        super().__init__()
        self.inner = net()

    def call(self, x, training=False):
        return self.inner(x, training=training)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x))
        moved = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, moved), moved)
        return {"loss": loss}


class Noise(LAYERS.Dropout):
    """Drops in inference too, on purpose."""

    def call(self, inputs, training=False):
        return super().call(inputs, training=True)


def plain(model, x):
    return model(x)


def in_training(model, x):
    return model(x, training=True)


def by_fit(model):
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x, y = next(batches(1, rows=32))
    model.fit(x, y, verbose=0, validation_data=(x, y))


def some_models(forward):
    return {
        "eager": lambda: train(net(), forward, wrap=lambda it: it),
        "tf.function": lambda: train(net(), forward),
        "functional": lambda: train(around(base(), LAYERS.Dropout(0.5)), forward),
        "class": lambda: train(Own(), forward),
        "frozen base": lambda: train(
            around(base(False), LAYERS.Dropout(0.5), training=False), forward
        ),
        "a loss by hand": lambda: by_hand(net(), forward),
        "noise": lambda: train(
            keras.Sequential([LAYERS.GaussianNoise(0.1), LAYERS.Dense(1)]), forward
        ),
        "augmentation": lambda: augmented(forward),
    }


def by_hand(model, forward):
    optimizer = keras.optimizers.SGD(0.01)
    for x, y in batches(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((forward(model, x) - y) ** 2)
        moved = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, moved), moved, strict=True))


class Augmented(keras.Model):
    def __init__(self):
        super().__init__()
        self.flip, self.flat = LAYERS.RandomFlip(), LAYERS.Flatten()
        self.out = LAYERS.Dense(1)

    def call(self, x, training=False):
        return self.out(self.flat(self.flip(x, training=training)))


def augmented(forward):
    model, optimizer = Augmented(), keras.optimizers.SGD(0.01)
    images, labels = tf.random.uniform((8, 4, 4, 1)), tf.ones((8, 1))
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = MSE(labels, forward(model, images))
        moved = model.trainable_variables
        optimizer.apply(tape.gradient(loss, moved), moved)


@pytest.mark.parametrize("name", some_models(plain))
def test_a_training_without_training_mode_fails(name):
    found = findings_of(some_models(plain)[name])
    (it,) = [it for it in found if it.kind == "inference_mode"]
    assert it.severity == "error"
    assert "without training=True" in it.message


@pytest.mark.parametrize("name", some_models(in_training))
def test_the_same_training_in_training_mode_is_silent(name):
    found = findings_of(some_models(in_training)[name])
    assert "inference_mode" not in {it.kind for it in found}


def test_a_training_step_of_the_models_own_fails_as_well():
    (it,) = [it for it in findings_of(lambda: by_fit(OwnStep())) if _is_mode(it)]
    assert (it.value, it.severity) == (2, "error")
    assert "batch_normalization" in it.where


def test_lossguard_fit_sees_it_too():
    model = OwnStep()
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x, y = next(batches(1, rows=32))
    trace = train_once(training.Trainer(), model, x, y, steps=3)
    assert any(map(_is_mode, judge(trace, Policy())))


def test_training_mode_refused_by_the_loop_itself_is_a_warning():
    found = findings_of(lambda: train(net(), lambda it, x: it(x, training=False)))
    (it,) = filter(_is_mode, found)
    assert it.severity == "warning"
    assert "with training=False" in it.message


def _is_mode(finding):
    return finding.kind == "inference_mode"


def head_only(model):
    return model.layers[-1].trainable_variables


def meant():
    """Inference mode that is right, or on purpose."""
    return {
        "a frozen base": lambda: train(around(base(False), training=False), plain),
        "a frozen base in a class": lambda: train(Own(trainable=False), plain),
        "a base kept so in a graph": lambda: train(
            around(base(), training=False), plain
        ),
        "a base kept so in a class": lambda: train(Own(keeps=True), plain),
        "only the head is trained": lambda: train(net(), plain, variables=head_only),
        "features of a base": features_of_a_base,
        "nothing is dropped": lambda: train(
            keras.Sequential([LAYERS.Dropout(0.0), LAYERS.Dense(1)]), plain
        ),
        "it drops always": lambda: train(
            keras.Sequential([Noise(0.2), LAYERS.Dense(1)]), plain
        ),
        "fit": lambda: by_fit(net()),
        "also in training mode": lambda: train(
            net(), lambda it, x: it(x, training=True) + 0 * it(x)
        ),
        "scored outside the tape": scored_outside,
        "saliency afterwards": saliency,
        "frozen, then not": frozen_then_not,
    }


def features_of_a_base():
    inner, head = base(), keras.Sequential([LAYERS.Dropout(0.2), LAYERS.Dense(1)])
    train(head, lambda it, x: it(inner(x), training=True))


def scored_outside():
    model = net()

    def forward(it, x):
        return it(x, training=True)

    for _ in range(2):
        train(model, forward, steps=2)
        for x, _ in batches(1):
            model(x, training=False)


def saliency():
    model = net()
    by_fit(model)
    for x, _ in batches(2):
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = tf.reduce_sum(model(x))
        tape.gradient(score, x)


def frozen_then_not():
    model = Own(trainable=False)
    train(model, plain)
    model.base.trainable = True
    train(model, in_training)


@pytest.mark.parametrize("name", meant())
def test_inference_mode_on_purpose_is_silent(name):
    assert "inference_mode" not in kinds_of(meant()[name])


def test_the_generator_of_a_gan_may_be_called_so_while_the_other_is_trained():
    generator = keras.Sequential(
        [keras.Input((4,)), LAYERS.BatchNormalization(), LAYERS.Dense(4)]
    )
    critic = keras.Sequential([keras.Input((4,)), LAYERS.Dense(4), LAYERS.Dense(1)])

    def body():
        by = keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.01)
        for x, _ in batches(3):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(critic(x) - critic(generator(x)))
            moved = critic.trainable_variables
            by[0].apply(tape.gradient(loss, moved), moved)
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(critic(generator(x, training=True)))
            moved = generator.trainable_variables
            by[1].apply(tape.gradient(loss, moved), moved)

    assert not any(map(_is_mode, findings_of(body)))


def test_the_same_loop_in_training_mode_is_run_and_proves_it():
    set_seed(0)
    with watching(seed=0) as watch:
        train(net(), plain, epochs=30)
    (trace,) = watch.traces()
    rerun = training.Trainer().watched_again(watch, watch.recordings[0])

    found = diagnose(trace, judge(trace, Policy()), rerun, Policy(), 1000.0)

    first = found.causes[0]
    assert (first.cause, first.verified) == ("inference_mode", True)
    assert first.change == "training=True"
