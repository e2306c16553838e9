"""Optimizers, rates, clipping."""

from __future__ import annotations

from .data import accuracy, images
from .kit import dense
from .report import Report

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


REPORTS = (
    Report(
        name="rate-too-high-for-a-convolutional-net",
        source="?",
        kind="fit",
        wrong="Adam(0.1), which the dense net before it could bear",
        program=_rate_for_another_net,
        causes=("learning_rate_too_high",),
    ),
)
