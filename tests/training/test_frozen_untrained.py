"""Frozen layers that still have the random weights they were made with."""

from __future__ import annotations

from functools import cache, partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pytest_lossguard.training.score.frozen_layers import frozen_layers
from pytest_lossguard.training.watching.watch import watching
from tests.support.steps import MSE, findings_of, train

X = np.random.default_rng(0).normal(size=(64, 12)).astype("float32")
Y = X[:, :1] - X[:, 1:2]
IDS = np.random.default_rng(1).integers(0, 50, (64, 6))


def backbone(**how):
    return keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(24, "relu", **how),
            layers.Dense(24, "relu", **how),
        ],
        name="backbone",
    )


@cache
def _trained_weights(make, ids=False):
    """Weights after a few dozen steps, which no test records."""
    model = make()
    whole = keras.Sequential([model, layers.Flatten(), layers.Dense(1)])
    whole.compile(keras.optimizers.SGD(0.02), "mse", run_eagerly=True)
    whole.fit(IDS if ids else X, Y, batch_size=3, epochs=1, verbose=0)
    return model.get_weights()


def pretrained(make=backbone, *, ids=False):
    model = make()
    model.set_weights(_trained_weights(make, ids))
    return model


def frozen(model):
    model.trainable = False
    return model


def fit(part, x=X, y=Y):
    model = keras.Sequential([part, layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(x, y, batch_size=64, epochs=1, verbose=0)
    return model


def found(body):
    return [it for it in findings_of(body) if it.kind == "frozen_untrained"]


def facts(body):
    """What is kept of frozen layers, without the rest of a trace."""
    with watching(seed=0) as watch:
        body()
    return [it for one in watch.recordings for it in frozen_layers(one)]


def cloned():
    """The weights of the pretrained model are not copied."""
    fit(frozen(keras.models.clone_model(pretrained())))


def test_a_clone_without_weights_is_named():
    (it,) = found(cloned)

    assert it.severity == "warning"
    assert it.where == "backbone/dense_1, backbone/dense_2"
    assert "their 864 weights still have their random initial values" in it.message
    assert "clone.set_weights(model.get_weights())" in it.hint


def unmatched(tmp_path):
    """No layer of the file has the shape of the layers that it is loaded into."""
    other = keras.Sequential([keras.Input((12,)), layers.Dense(7), layers.Dense(7)])
    path = str(tmp_path / "w.weights.h5")
    other.save_weights(path)
    part = backbone()
    part.load_weights(path, skip_mismatch=True)
    fit(frozen(part))


@pytest.mark.filterwarnings("ignore:.*could not be loaded")
@pytest.mark.filterwarnings("ignore:A total of .* objects could not be loaded")
def test_weights_that_matched_nothing(tmp_path):
    assert len(facts(lambda: unmatched(tmp_path))) == 1


def test_layers_that_are_built_in_the_first_step():
    def body():
        part = frozen(keras.Sequential([layers.Dense(24), layers.Dense(24)]))
        model = keras.Sequential([part, layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(X, Y, batch_size=64, epochs=1, verbose=0)

    assert len(facts(body)) == 1


def convolutions():
    """Without biases: batch statistics tell that nothing was trained."""
    return keras.Sequential(
        [
            keras.Input((12,)),
            layers.Reshape((4, 3, 1)),
            layers.Conv2D(
                8, 3, padding="same", use_bias=False, kernel_initializer="he_normal"
            ),
            layers.BatchNormalization(),
            layers.SeparableConv2D(8, 3, padding="same"),
            layers.GlobalAveragePooling2D(),
        ]
    )


def recurrent():
    return keras.Sequential(
        [keras.Input((12,)), layers.Reshape((4, 3)), layers.LSTM(16), layers.Dense(8)]
    )


def attention():
    x = keras.Input((12,))
    wide = layers.Dense(16)(layers.Reshape((4, 3))(x))
    mixed = layers.MultiHeadAttention(2, 8)(wide, wide)
    return keras.Model(x, layers.LayerNormalization()(wide + mixed))


@pytest.mark.parametrize("name", ["random_normal", "orthogonal"])
def test_other_initializers(name):
    part = partial(backbone, kernel_initializer=name)
    assert len(facts(lambda: fit(frozen(part())))) == 1
    assert not facts(lambda: fit(frozen(pretrained(part))))


@pytest.mark.parametrize("make", [convolutions, recurrent, attention])
def test_other_layers_random_and_pretrained(make):
    assert len(facts(lambda: fit(frozen(make())))) == 1
    assert not facts(lambda: fit(frozen(pretrained(make))))


def ids_of(**how):
    return keras.Sequential([keras.Input((6,)), layers.Embedding(50, 32, **how)])


def test_embeddings():
    assert len(facts(lambda: fit(frozen(ids_of()), IDS))) == 1
    assert not facts(lambda: fit(frozen(pretrained(ids_of, ids=True)), IDS))


def word_vectors():
    part = ids_of()
    part.set_weights([np.random.default_rng(0).normal(size=(50, 32))])
    fit(frozen(part), IDS)


def constant_vectors():
    matrix = np.random.default_rng(0).normal(size=(50, 32)).astype("float32")
    fit(frozen(ids_of(embeddings_initializer=keras.initializers.Constant(matrix))), IDS)


def loaded_beside_random():
    """One layer was loaded: the other may have been left on purpose."""
    part = backbone()
    part.layers[0].set_weights(pretrained().layers[0].get_weights())
    fit(frozen(part))


def set_from_a_trained_one():
    clone = keras.models.clone_model(model := pretrained())
    clone.set_weights(model.get_weights())
    fit(frozen(clone))


def fixed_kernels():
    fit(frozen(backbone(kernel_initializer="identity")))
    fit(frozen(backbone(kernel_initializer="zeros")))
    fit(frozen(backbone(kernel_initializer=keras.initializers.Constant(0.1))))


def small():
    fit(
        frozen(keras.Sequential([keras.Input((12,)), layers.Dense(4), layers.Dense(4)]))
    )


def normalization():
    layer = layers.Normalization()
    layer.adapt(X)
    fit(frozen(keras.Sequential([keras.Input((12,)), layer])))


def unfrozen_later():
    model = fit(frozen(backbone()))
    model.layers[0].trainable = True
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, Y, epochs=1, verbose=0)


def wide():
    return keras.Sequential([keras.Input((12,)), layers.Dense(96, use_bias=False)])


def without_biases():
    """Only the bounds of the initializer tell that it was trained."""
    fit(frozen(pretrained(wide)))


def loaded_during_the_training():
    """A callback loads the weights before the first epoch's end."""
    part, other = frozen(backbone()), backbone()
    model = keras.Sequential([part, layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    load = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: part.set_weights(other.get_weights())
    )
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[load])


def gan():
    """Generator and discriminator in turn; the discriminator ends frozen."""
    maker = keras.Sequential([keras.Input((12,)), layers.Dense(12)])
    critic = keras.Sequential([backbone(), layers.Dense(1)])
    both = keras.Sequential([maker, critic])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    mine, its = keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.01)
    for _ in range(3):
        critic.trainable = True
        labels = np.repeat([[1.0], [0.0]], len(X), axis=0)
        with tf.GradientTape() as tape:
            value = loss(labels, critic(tf.concat([X, maker(X)], 0)))
        moved = critic.trainable_variables
        its.apply(tape.gradient(value, moved), moved)
        critic.trainable = False
        with tf.GradientTape() as tape:
            value = loss(np.ones((len(X), 1)), both(X))
        moved = both.trainable_variables
        mine.apply(tape.gradient(value, moved), moved)


class Agent(keras.Model):
    """Values of an online network, and a target network that is a copy of it."""

    def __init__(self):
        super().__init__()
        self.online, self.target = backbone(), frozen(backbone())
        self.target.set_weights(self.online.get_weights())

    def call(self, x):
        return self.online(x)


def target_network(*, every=None):
    def body():
        agent = Agent()
        agent.compile("adam", "mse", run_eagerly=True)
        for at in range(4):
            agent.train_on_batch(X, 1 + 0.9 * agent.target(X[::-1]))
            if every and at % every == every - 1:
                agent.target.set_weights(agent.online.get_weights())

    return body


class Distiller(keras.Model):
    def __init__(self, teacher):
        super().__init__()
        self.student, self.teacher = backbone(), frozen(teacher)

    def call(self, x):
        return self.student(x)

    def train_step(self, data):
        x, _ = data
        with tf.GradientTape() as tape:
            loss = MSE(self.teacher(x), self(x, training=True))
        moved = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, moved), moved)
        return {"loss": loss}


def distilled():
    model = Distiller(pretrained())
    model.compile("adam", run_eagerly=True)
    model.fit(X, Y, epochs=1, verbose=0)


HEALTHY = {
    "pretrained": lambda: fit(frozen(pretrained())),
    "pretrained, no biases": without_biases,
    "a clone with its weights": set_from_a_trained_one,
    "one of two layers loaded": loaded_beside_random,
    "word vectors": word_vectors,
    "constant word vectors": constant_vectors,
    "kernels that are not random": fixed_kernels,
    "few weights": small,
    "normalization": normalization,
    "unfrozen later": unfrozen_later,
    "not frozen": lambda: fit(backbone()),
    "loaded during the training": loaded_during_the_training,
    "discriminator": gan,
    "target network": target_network(every=2),
    "target network, not yet copied": target_network(),
    "trained teacher": distilled,
}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_no_fault_is_silent(name):
    assert not facts(HEALTHY[name])


def test_random_kernels_without_biases_are_seen():
    """The counterpart of the healthy ones without biases."""
    assert len(facts(lambda: fit(frozen(wide())))) == 1


def loop(part):
    def body():
        model = keras.Sequential([part, layers.Dense(1)])
        train(model, lambda it, x: it(tf.tile(x, (1, 3)), training=True))

    return body


def own_loss(part):
    """A loop in which no loss object of Keras is called."""

    def body():
        model = keras.Sequential([part, layers.Dense(1)])
        optimizer = keras.optimizers.SGD(0.01)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((Y - model(X, training=True)) ** 2)
        moved = model.trainable_variables
        optimizer.apply(tape.gradient(loss, moved), moved)

    return body


def test_loops_of_the_users_own():
    assert len(facts(loop(frozen(backbone())))) == 1
    assert not facts(loop(backbone()))
    assert len(facts(own_loss(frozen(backbone())))) == 1


def test_layers_frozen_in_the_model_itself():
    start = keras.Input((12,))
    inner = keras.models.clone_model(backbone())
    for layer in inner.layers:
        layer.trainable = False
    model = keras.Model(start, layers.Dense(1)(inner(start)))
    top = keras.Model(inner.inputs, layers.Dense(1)(inner.outputs[0]))

    def body():
        for it in (model, top):
            it.compile("sgd", "mse", run_eagerly=True)
            it.fit(X, Y, epochs=1, verbose=0)

    assert len(facts(body)) == 2
