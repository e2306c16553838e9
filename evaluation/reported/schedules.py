"""Bugs of optimizers, learning rates and gradient clipping."""

from __future__ import annotations

from typing import Any

from .data import accuracy, digits, images
from .kit import classifier, dense
from .report import OUTSIDE, WRITTEN, Report

__all__ = ["REPORTS"]


def _rate_for_another_net(fixed: bool) -> float:
    """Adam at 0.1 on a small convolutional net."""
    import keras
    from keras import layers

    rows = images()
    model = dense(
        (8, 8, 1),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(10, "softmax"),
    )
    rate = 0.003 if fixed else 0.1
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(rows.x, rows.y, epochs=8, verbose=0)
    return accuracy(model, rows)


def _trained(optimizer: Any, **how: Any) -> float:
    """Train a dense network on the digits and return its held-out accuracy."""
    rows, model = digits(), classifier()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(rows.x, rows.y, epochs=16, verbose=0, **how)
    return accuracy(model, rows)


def _decays_every_step(fixed: bool) -> float:
    """Decay steps far fewer than the training steps."""
    import keras

    steps = 20 * 16 if fixed else 4
    decay = keras.optimizers.schedules.ExponentialDecay
    return _trained(keras.optimizers.SGD(decay(0.2, steps, 0.6)))


def _cosine_of_epochs(fixed: bool) -> float:
    """A cosine schedule whose number of steps is the number of epochs."""
    import keras

    schedule = keras.optimizers.schedules.CosineDecay(0.01, 320 if fixed else 16)
    return _trained(keras.optimizers.Adam(schedule))


def _plateau_of_a_score(fixed: bool) -> float:
    """Reduces the learning rate while a score grows, as if lower scores were better."""
    import keras

    class Score(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            del epoch
            logs["f1_score"] = logs["accuracy"]

    reduces = keras.callbacks.ReduceLROnPlateau(
        monitor="f1_score", mode="max" if fixed else "min", factor=0.1, patience=1
    )
    return _trained(keras.optimizers.SGD(0.1), callbacks=[Score(), reduces])


def _clipped_to_nothing(fixed: bool) -> float:
    """``clipnorm`` and ``clipvalue`` confused: gradients clipped to norm 0.001."""
    import keras

    return _trained(keras.optimizers.SGD(0.1, clipnorm=5.0 if fixed else 0.001))


def _wholly_frozen(fixed: bool) -> float:
    """The whole model is frozen, with its new head, instead of the base alone."""
    import keras
    from keras import layers

    rows = digits()
    base = dense((64,), layers.Dense(96, "relu"))
    model = dense((64,), base, layers.Dense(10, "softmax"))
    (base if fixed else model).trainable = False
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(rows.x, rows.y, epochs=12, verbose=0)
    return accuracy(model, rows)


REPORTS = (
    Report(
        name="rate-too-high-for-a-convolutional-net",
        source=OUTSIDE,
        kind="fit",
        wrong="Adam(0.1), which the dense net before it could bear",
        program=_rate_for_another_net,
        causes=("learning_rate_too_high",),
    ),
    Report(
        name="decays-every-few-steps",
        source="cjiang2/VDCNN#4",
        kind="fit",
        wrong="decay_steps far below the steps of the training: the rate is gone",
        program=_decays_every_step,
        causes=("rate_ended", "learning_rate_too_low"),
    ),
    Report(
        name="cosine-over-epochs-not-steps",
        source="tensorflow/tensorflow#52529",
        kind="fit",
        wrong="a schedule in epochs where it counts steps",
        program=_cosine_of_epochs,
        causes=("rate_ended",),
    ),
    Report(
        name="plateau-of-a-score-that-grows",
        source="keras-team/keras#11964",
        kind="fit",
        wrong="ReduceLROnPlateau takes a score for a loss: the rate falls each epoch",
        program=_plateau_of_a_score,
        causes=("rate_ended", "learning_rate_too_low"),
    ),
    Report(
        name="clipped-to-nothing",
        source=WRITTEN,
        kind="fit",
        wrong="clipnorm=0.001",
        program=_clipped_to_nothing,
        causes=("clipped_to_nothing",),
    ),
    Report(
        name="frozen-with-its-head",
        source="GantMan/nsfw_model#33",
        kind="transfer",
        wrong="model.trainable = False where the base was meant",
        program=_wholly_frozen,
        causes=("nothing_trainable",),
    ),
)
