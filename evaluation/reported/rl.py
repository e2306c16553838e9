"""Reinforcement learning on a corridor of nine places, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from .kit import dense
from .report import WRITTEN, Report

__all__ = ["REPORTS"]

#: Places; the goal is at the right end. Two actions, left and right.
_PLACES, _DISCOUNT = 9, 0.9


def _states() -> Any:
    return np.eye(_PLACES, dtype="float32")


def _moved(places: Any, actions: Any) -> tuple[Any, Any, Any]:
    """Return next places, rewards, and whether the end was reached."""
    there = np.clip(places + 2 * actions - 1, 0, _PLACES - 1)
    ended = there == _PLACES - 1
    return there, ended.astype("float32"), ended


def _values(slips: float = 0.0) -> Any:
    """Return the true value of each action at each place but the goal.

    Args:
        slips: Probability that a step goes in the other direction.
    """
    values = np.zeros((_PLACES, 2))
    for _ in range(200):
        worth = np.zeros((_PLACES, 2))
        for place in range(_PLACES - 1):
            for action in (0, 1):
                there, reward, ended = _moved(np.array(place), np.array(action))
                rest = 0.0 if ended else values[int(there)].max()
                worth[place, action] = float(reward) + _DISCOUNT * rest
        values = (1 - slips) * worth + slips * worth[:, ::-1]
    return values[:-1]


def _error(model: Any, slips: float = 0.0) -> float:
    found = np.asarray(model(_states()))[:-1]
    return -float(np.sqrt(np.mean((found - _values(slips)) ** 2)))


def _net(outputs: int = 2) -> Any:
    from keras import layers

    return dense((_PLACES,), layers.Dense(32, "relu"), layers.Dense(outputs))


def _experience(draw: Any, rows: int = 64) -> tuple[Any, Any]:
    return draw.integers(0, _PLACES - 1, rows), draw.integers(0, 2, rows)


def _targets(target: Any, places: Any, actions: Any) -> tuple[Any, Any, Any]:
    there, rewards, ended = _moved(places, actions)
    best = np.asarray(target(_states()[there])).max(1)
    goal = rewards + _DISCOUNT * np.where(ended, 0.0, best)
    return goal.astype("float32"), rewards, ended


def _deep_q(fixed: bool) -> float:
    """Targets of the actions not taken are 0 instead of the network's own values."""
    import keras

    model, target = _net(), _net()
    target.set_weights(model.get_weights())
    model.compile(keras.optimizers.Adam(0.01), "mse")
    draw = np.random.default_rng(0)
    for at in range(300):
        places, actions = _experience(draw)
        goal, _, _ = _targets(target, places, actions)
        wanted = np.zeros((64, 2), "float32")
        if fixed:
            wanted = np.array(model(_states()[places]))
        wanted[np.arange(64), actions] = goal
        model.train_on_batch(_states()[places], wanted)
        if at % 15 == 14:
            target.set_weights(model.get_weights())
    return _error(model)


def _no_end(fixed: bool) -> float:
    """Values after the end of an episode are not set to 0, so that they grow without
    bound.
    """
    import keras
    import tensorflow as tf

    model, target = _net(), _net()
    target.set_weights(model.get_weights())
    optimizer, huber = keras.optimizers.Adam(0.01), keras.losses.Huber()
    discount = _DISCOUNT

    @tf.function
    def step(x: Any, actions: Any, rewards: Any, there: Any, ended: Any) -> None:
        best = tf.reduce_max(target(there), axis=1)
        rest = tf.where(ended, 0.0, best) if fixed else best
        goal = rewards + discount * rest
        with tf.GradientTape() as tape:
            found = tf.reduce_sum(model(x) * tf.one_hot(actions, 2), axis=1)
            loss = huber(goal, found)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    draw = np.random.default_rng(0)
    for at in range(400):
        places, actions = _experience(draw)
        there, rewards, ended = _moved(places, actions)
        x, after = tf.constant(_states()[places]), tf.constant(_states()[there])
        given = [tf.constant(it) for it in (actions, rewards)]
        step(x, *given, after, tf.constant(ended))
        if at % 10 == 9:
            target.set_weights(model.get_weights())
    return _error(model)


def _residual(fixed: bool) -> float:
    """Targets from the network being trained, with a gradient through them: if steps
    may go in the other direction, other values are learned.
    """
    import keras
    import tensorflow as tf

    model, target = _net(), _net()
    target.set_weights(model.get_weights())
    optimizer, mse = keras.optimizers.Adam(0.01), keras.losses.MeanSquaredError()
    discount = _DISCOUNT

    @tf.function
    def step(x: Any, actions: Any, rewards: Any, there: Any, ended: Any) -> None:
        with tf.GradientTape() as tape:
            best = tf.reduce_max((target if fixed else model)(there), axis=1)
            goal = rewards + discount * tf.where(ended, 0.0, best)
            goal = tf.stop_gradient(goal) if fixed else goal
            found = tf.reduce_sum(model(x) * tf.one_hot(actions, 2), axis=1)
            loss = mse(goal, found)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    draw = np.random.default_rng(0)
    for at in range(400):
        places, actions = _experience(draw)
        there, rewards, ended = _moved(places, actions ^ (draw.random(64) < 0.4))
        x, after = tf.constant(_states()[places]), tf.constant(_states()[there])
        given = [tf.constant(it) for it in (actions, rewards)]
        step(x, *given, after, tf.constant(ended))
        if at % 10 == 9:
            target.set_weights(model.get_weights())
    return _error(model, 0.4)


def _episodes(model: Any, draw: Any, rows: int = 8) -> tuple[Any, Any, Any]:
    """Return places, actions and discounted returns of episodes that start in the
    middle.
    """
    places, actions, returns = [], [], []
    for _ in range(rows):
        place, passed = _PLACES // 2, []
        for _ in range(20):
            chances = np.asarray(model(_states()[place][None]))[0].astype(float)
            action = int(draw.random() < chances[1] / chances.sum())
            there = place + 2 * action - 1
            passed.append((place, action))
            place = there
            if place in (0, _PLACES - 1):
                break
        reward = 1.0 if place == _PLACES - 1 else -1.0 if place == 0 else 0.0
        for back, (at, action) in enumerate(reversed(passed)):
            places.append(at)
            actions.append(action)
            returns.append(reward * 0.95**back)
    return np.array(places), np.array(actions), np.array(returns, "float32")


def _policy_gradient(fixed: bool) -> float:
    """REINFORCE with the wrong sign; scored by the probability of moving right."""
    import keras
    import tensorflow as tf
    from keras import layers

    model = dense((_PLACES,), layers.Dense(16, "tanh"), layers.Dense(2, "softmax"))
    optimizer = keras.optimizers.Adam(0.02)
    sign = -1.0 if fixed else 1.0

    @tf.function(reduce_retracing=True)
    def step(x: Any, actions: Any, returns: Any) -> None:
        with tf.GradientTape() as tape:
            chosen = tf.reduce_sum(model(x) * tf.one_hot(actions, 2), axis=1)
            loss = sign * tf.reduce_mean(tf.math.log(chosen + 1e-6) * returns)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    draw = np.random.default_rng(0)
    for _ in range(60):
        places, actions, returns = _episodes(model, draw)
        step(tf.constant(_states()[places]), tf.constant(actions), tf.constant(returns))
    return float(np.asarray(model(_states()))[1:-1, 1].mean())


def _actor_critic(fixed: bool) -> float:
    """A network with two heads. Broken: the advantage carries a gradient, so that the
    critic learns to make the actor's loss small.
    """
    import keras
    import tensorflow as tf
    from keras import layers

    start = keras.Input((_PLACES,))
    inner = layers.Dense(24, "tanh")(start)
    heads = [layers.Dense(2, "softmax")(inner), layers.Dense(1)(inner)]
    model = keras.Model(start, heads)
    optimizer, huber = keras.optimizers.Adam(0.02), keras.losses.Huber()

    @tf.function(reduce_retracing=True)
    def step(x: Any, actions: Any, returns: Any) -> None:
        with tf.GradientTape() as tape:
            chances, values = model(x)
            values = values[:, 0]
            advantage = returns - values
            advantage = tf.stop_gradient(advantage) if fixed else advantage
            chosen = tf.reduce_sum(chances * tf.one_hot(actions, 2), axis=1)
            actor = -tf.reduce_mean(tf.math.log(chosen + 1e-6) * advantage)
            loss = actor + (
                huber(returns, values) if fixed else 0.02 * huber(returns, values)
            )
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    draw = np.random.default_rng(0)
    for _ in range(60):
        places, actions, returns = _episodes(lambda x: model(x)[0], draw)
        step(tf.constant(_states()[places]), tf.constant(actions), tf.constant(returns))
    return float(np.asarray(model(_states())[0])[1:-1, 1].mean())


REPORTS = (
    Report(
        name="targets-of-other-actions-are-0",
        source="PacktPublishing/Tensorflow-2-Reinforcement-Learning-Cookbook#32",
        kind="DQN",
        wrong="targets of actions not taken are 0 and not the net's own values",
        program=_deep_q,
        causes=("loss_output_mismatch",),
    ),
    Report(
        name="values-beyond-the-end",
        source="MorvanZhou/Reinforcement-learning-with-tensorflow#200",
        kind="DQN",
        wrong="the value after the last step of an episode is counted",
        program=_no_end,
        causes=("argument_ignored", "diverging_loss", "loss_output_mismatch"),
    ),
    Report(
        name="gradient-through-the-target",
        source=WRITTEN,
        kind="DQN",
        wrong="no target network, and the target carries a gradient",
        program=_residual,
        causes=("loss_output_mismatch",),
        only_warned=True,
    ),
    Report(
        name="policy-gradient-downhill",
        source="KanishJebaMathewM/Truxify#11885",
        kind="policy gradient",
        wrong="the sign of the loss: returns are made small",
        program=_policy_gradient,
        causes=("loss_output_mismatch",),
        unseen="a test of the returns",
    ),
    Report(
        name="advantage-with-a-gradient",
        source="keras-team/keras-io#194",
        kind="actor-critic",
        wrong="the advantage is not detached from the critic",
        program=_actor_critic,
        causes=("impossible_loss", "diverging_loss"),
        unseen="a test of the returns",
    ),
)
