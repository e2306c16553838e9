"""Masks, weights and ends of episodes that a traced step is given and does not use."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pytest_lossguard.training.record.step_arguments import kind_of_argument
from tests.support.steps import findings_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 6, 4)).astype("float32")
Y = X[..., :1].copy()
MASK = (np.arange(6) < RNG.integers(2, 6, (32, 1))).astype("float32")


def found(train):
    """The severities of what was found, and the arguments."""
    kind = "argument_ignored"
    return [(it.severity, it.where) for it in findings_of(train) if it.kind == kind]


def loop(loss, *given, wrap=tf.function, net=None):
    """Train a net by ``loss(model, *given)`` in a traced step."""

    def train():
        model = net() if net else keras.Sequential([layers.Dense(1)])
        optimizer = keras.optimizers.Adam(0.01)
        step = wrap(step_of(model, optimizer, loss))
        for _ in range(8):
            step(*given)

    return train


def step_of(model, optimizer, loss):
    """Make a step whose parameters are those of the loss, but for the model."""
    names = ", ".join(loss.__code__.co_varnames[1 : loss.__code__.co_argcount])
    source = f"""
def step({names}):
    with tf.GradientTape() as tape:
        value = loss(model, {names})
    slopes = tape.gradient(value, model.trainable_variables)
    optimizer.apply(slopes, model.trainable_variables)
"""
    known = {"tf": tf, "loss": loss, "model": model, "optimizer": optimizer}
    exec(source, known)
    return known["step"]


def plain(model, x, y, mask):
    return tf.reduce_mean((y - model(x, training=True)) ** 2)


def converted(model, x, y, mask):
    mask = tf.cast(mask, tf.float32)
    tf.reduce_sum(mask)
    return plain(model, x, y, mask)


def masked(model, x, y, mask):
    errors = (y - model(x, training=True))[..., 0] ** 2
    return tf.reduce_sum(errors * mask) / tf.reduce_sum(mask)


def weighted(model, x, y, sample_weight):
    return plain(model, x, y, None)


def printed(model, x, y, mask):
    tf.print(tf.reduce_sum(mask), output_stream="file:///dev/null")
    return plain(model, x, y, mask)


def of_a_dictionary(model, batch):
    return plain(model, batch["x"], batch["y"], None)


def eagerly(step):
    return step


BATCH = {"x": X, "y": Y, "mask": MASK}
ARRAYS = tuple(map(tf.constant, (X, Y, MASK)))


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        (loop(plain, *ARRAYS), ("error", "mask")),
        (loop(plain, X, Y, MASK), ("error", "mask")),
        (loop(plain, *ARRAYS, wrap=tf.function(jit_compile=True)), ("error", "mask")),
        (loop(converted, *ARRAYS), ("error", "mask")),
        (loop(weighted, X, Y, MASK[:, 0] + 1), None),
        (loop(weighted, X, Y, MASK[:, 3] + 1), ("error", "sample_weight")),
        (loop(of_a_dictionary, BATCH), ("warning", "mask")),
        (loop(masked, *ARRAYS), None),
        (loop(printed, *ARRAYS), None),
        (loop(plain, X, Y, np.ones_like(MASK)), None),
        (loop(plain, *ARRAYS, wrap=eagerly), None),
    ],
)
def test_a_loop_that_ignores_an_argument(train, expected):
    assert found(train) == ([] if expected is None else [expected])


def test_a_mask_beside_a_layer_that_makes_one_is_a_warning():
    def net():
        return keras.Sequential(
            [
                layers.Embedding(9, 4, mask_zero=True),
                layers.LSTM(4, return_sequences=True),
                layers.Dense(1),
            ]
        )

    tokens = (MASK * RNG.integers(1, 9, MASK.shape)).astype("int32")
    assert found(loop(plain, tokens, Y, MASK, net=net)) == [("warning", "mask")]


def test_a_batch_that_is_read_in_the_step_is_a_warning():
    def train():
        model = keras.Sequential([keras.Input((6, 4)), layers.Dense(1)])
        optimizer = keras.optimizers.Adam(0.01)
        optimizer.build(model.trainable_variables)
        rows = tf.data.Dataset.from_tensor_slices((X, Y, MASK)).batch(8)

        @tf.function
        def epoch():
            for x, y, mask in rows:
                with tf.GradientTape() as tape:
                    loss = plain(model, x, y, mask)
                slopes = tape.gradient(loss, model.trainable_variables)
                optimizer.apply(slopes, model.trainable_variables)

        for _ in range(4):
            epoch()

    assert found(train) == [("warning", "mask")]


class Own(keras.Model):
    """Trained by ``fit`` with a loss of dictionaries."""

    def __init__(self, loss):
        super().__init__()
        self.dense, self.of_rows = layers.Dense(1), loss

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = self.of_rows(self, data)
        slopes = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(slopes, self.trainable_variables)
        return {"loss": loss}


def masked_of_a_dictionary(model, batch):
    return masked(model, batch["x"], batch["y"], batch["mask"])


class Named(Own):
    """Gives each part of a batch a name."""

    def train_step(self, data):
        x, y, mask = data["x"], data["y"], data["mask"]
        return super().train_step({"x": x, "y": y, "mask": mask})


@pytest.mark.parametrize(
    ("net", "loss", "expected"),
    [
        (Named, of_a_dictionary, [("error", "mask")]),
        (Own, of_a_dictionary, [("warning", "mask")]),
        (Named, masked_of_a_dictionary, []),
    ],
)
def test_fit_on_dictionaries(net, loss, expected):
    def train():
        model = net(loss)
        model.compile(keras.optimizers.Adam(0.01))
        rows = tf.data.Dataset.from_tensor_slices(BATCH).batch(8)
        model.fit(rows, epochs=2, verbose=0)

    assert found(train) == expected


def test_weights_that_fit_was_given_are_named_once():
    class Unweighted(Own):
        def train_step(self, data):
            x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
            return super().train_step({"x": x, "y": y, "mask": None})

    def train():
        model = Unweighted(of_a_dictionary)
        model.compile(keras.optimizers.Adam(0.01))
        model.fit(X, Y, sample_weight=MASK[:, 3] + 1, epochs=2, verbose=0)

    kinds = [it.kind for it in findings_of(train)]
    assert "sample_weight_ignored" in kinds
    assert "argument_ignored" not in kinds


def never_read(model, optimizer):
    x, y, mask = ARRAYS  # noqa: RUF059  # that is the fault
    with tf.GradientTape() as tape:
        loss = plain(model, x, y, None)
    slopes = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(slopes, model.trainable_variables)


def named_so_by_convention(model, optimizer):
    x, y, _mask = ARRAYS
    with tf.GradientTape() as tape:
        loss = plain(model, x, y, None)
    slopes = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(slopes, model.trainable_variables)


def without_next_states(model, optimizer):
    x, y, _, done = *ARRAYS, tf.constant(MASK[:, 3])  # noqa: F841
    with tf.GradientTape() as tape:
        loss = plain(model, x, y, None)
    slopes = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(slopes, model.trainable_variables)


def with_next_states(model, optimizer):
    s, y, s_, done = *ARRAYS[:2], ARRAYS[0], tf.constant(MASK[:, 3])  # noqa: F841
    with tf.GradientTape() as tape:
        loss = plain(model, s, y + model(s_), None)
    slopes = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(slopes, model.trainable_variables)


def read(model, optimizer):
    x, y, mask = ARRAYS
    with tf.GradientTape() as tape:
        loss = masked(model, x, y, mask)
    slopes = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(slopes, model.trainable_variables)


def read_in_a_closure(model, optimizer):
    x, y, mask = ARRAYS

    def loss_of():
        return masked(model, x, y, mask)

    with tf.GradientTape() as tape:
        loss = loss_of()
    slopes = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(slopes, model.trainable_variables)


def read_before_it_is_set_anew(model, optimizer):
    _, _, mask = ARRAYS
    mask = 1 - mask
    for x, y, mask in [ARRAYS]:  # noqa: B007  # that is the fault
        with tf.GradientTape() as tape:
            loss = plain(model, x, y, None)
        slopes = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(slopes, model.trainable_variables)


def read_earlier_in_the_loop(model, optimizer):
    x, y, mask = ARRAYS
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = masked(model, x, y, mask)
        slopes = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(slopes, model.trainable_variables)
        x, y, mask = ARRAYS


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (read_before_it_is_set_anew, [("error", "mask")]),
        (read_earlier_in_the_loop, []),
        (never_read, [("error", "mask")]),
        (named_so_by_convention, []),
        (without_next_states, []),
        (with_next_states, [("error", "done")]),
        (read, []),
        (read_in_a_closure, []),
    ],
)
def test_a_variable_that_an_eager_step_never_reads(step, expected):
    def train():
        model, optimizer = keras.Sequential([layers.Dense(1)]), keras.optimizers.Adam()
        model(X)
        for _ in range(8):
            step(model, optimizer)

    assert found(train) == expected


def test_variables_of_a_test_that_calls_fit_are_its_own():
    def train():
        mask = tf.constant(MASK)  # noqa: F841  # not a part of the step
        model = keras.Sequential([layers.Dense(1)])
        model.compile("adam", "mse", run_eagerly=True)
        model.fit(X, Y, epochs=1, verbose=0)

    assert found(train) == []


STATES = RNG.normal(size=(64, 3)).astype("float32")
REWARDS = STATES[:, 0]
NEXT = RNG.normal(size=(64, 3)).astype("float32")
DONE = (RNG.random(64) < 0.2).astype("float32")


def of_next_states(model, states, rewards, next_states, done):
    value = tf.stop_gradient(model(next_states)[:, 0])
    return tf.reduce_mean((rewards + 0.9 * value - model(states)[:, 0]) ** 2)


def until_the_end(model, states, rewards, next_states, done):
    value = tf.stop_gradient(model(next_states)[:, 0]) * (1 - done)
    return tf.reduce_mean((rewards + 0.9 * value - model(states)[:, 0]) ** 2)


def of_returns(model, states, returns, done):
    return tf.reduce_mean((returns - model(states)[:, 0]) ** 2)


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        (loop(of_next_states, STATES, REWARDS, NEXT, DONE), [("error", "done")]),
        (loop(of_next_states, STATES, REWARDS, NEXT, 0 * DONE), []),
        (loop(of_next_states, STATES, REWARDS, NEXT, DONE, wrap=eagerly), []),
        (loop(until_the_end, STATES, REWARDS, NEXT, DONE), []),
        (loop(of_returns, STATES, REWARDS, DONE), []),
        (loop(of_returns, STATES, REWARDS, DONE, wrap=eagerly), []),
    ],
)
def test_ends_of_episodes_count_where_next_states_do(train, expected):
    assert found(train) == expected


def test_an_argument_that_the_second_of_two_tapes_uses_is_not_ignored():
    def train():
        critic, actor = (keras.Sequential([layers.Dense(1)]) for _ in range(2))
        optimizers = [keras.optimizers.Adam(0.01) for _ in range(2)]

        @tf.function
        def step(states, rewards, next_states, done):
            for model, optimizer, loss in (
                (critic, optimizers[0], of_next_states),
                (actor, optimizers[1], until_the_end),
            ):
                with tf.GradientTape() as tape:
                    value = loss(model, states, rewards, next_states, done)
                slopes = tape.gradient(value, model.trainable_variables)
                optimizer.apply(slopes, model.trainable_variables)

        for _ in range(8):
            step(STATES, REWARDS, NEXT, DONE)

    assert found(train) == []


def test_an_argument_that_another_step_uses_is_not_ignored():
    def train():
        critic, actor = (keras.Sequential([layers.Dense(1)]) for _ in range(2))
        for it in (critic, actor):
            it(STATES)
        steps = [
            tf.function(step_of(it, keras.optimizers.Adam(0.01), loss))
            for it, loss in ((critic, until_the_end), (actor, of_next_states))
        ]
        for _ in range(8):
            for step in steps:
                step(*map(tf.constant, (STATES, REWARDS, NEXT, DONE)))

    assert found(train) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mask", "mask"),
        ("attention_mask", "mask"),
        ("sample_weight", "weights"),
        ("weights", "weights"),
        ("is_weights", None),
        ("importance_weights", "weights"),
        ("dones", "ends"),
        ("terminated", "ends"),
        ("not_done", "ends"),
        ("done_mask", "ends"),
        ("ended", "ends"),
        ("truncated", None),
        ("abandoned", None),
        ("masked_lm_labels", None),
        ("weight_decay", None),
        ("x", None),
    ],
)
def test_the_kind_of_an_argument_is_known_by_its_name(name, kind):
    assert kind_of_argument(name) == kind
