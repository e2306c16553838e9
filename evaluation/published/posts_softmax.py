"""Stack Overflow: softmax over one unit, which is always 1.

Under binary crossentropy Keras scores the logit behind it, so that the reported loss
may fall like that of a sigmoid, while all predictions stay 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..program import accuracy, r_squared
from . import data
from .case import Case, Training, adam, rmsprop, sgd

__all__ = ["CASES"]

Layers = Callable[[Any], list[Any]]

_OUTPUT = ("loss_output_mismatch", "labels_out_of_range", "worse_than_constant")
_MASKED = (*_OUTPUT, "masked_loss", "constant_predictions")
_FROZEN = (*_OUTPUT, "constant_predictions", "loss_not_decreasing")


def _two_relus(last: str) -> Layers:
    return lambda k: [k.Dense(32, "relu"), k.Dense(32, "relu"), k.Dense(1, last)]


def _two_dropouts(last: str) -> Layers:
    return lambda k: [
        k.Dense(50, "relu"),
        k.Dropout(0.2),
        k.Dense(50, "relu"),
        k.Dropout(0.2),
        k.Dense(1, last),
    ]


def _two_grus(last: str) -> Layers:
    return lambda k: [
        k.GRU(10, return_sequences=True),
        k.GRU(10, return_sequences=True),
        k.Dense(1, last),
    ]


def _three_tanhs(k: Any) -> list[Any]:
    start = {"kernel_initializer": "random_uniform"}
    return [
        k.Dense(3, "tanh", **start),
        k.Dropout(0.5),
        k.Dense(2, "tanh", **start),
        k.Dropout(0.5),
        k.Dense(1, "softmax", **start),
    ]


CASES = (
    Case(
        id="SO-66407123",
        fault="softmax over one unit",
        fits=_MASKED,
        causes=("loss_output_mismatch",),
        training=Training(
            data=data.two_classes(5),
            layers=_two_relus("softmax"),
            loss="binary_crossentropy",
            optimizer=sgd(0.01),
            batch_size=64,
            epochs=30,
            quality=accuracy,
        ),
        fix={"layers": _two_relus("sigmoid"), "optimizer": sgd(0.1)},
    ),
    Case(
        id="SO-45442843",
        fault="softmax over one unit under absolute error; one feature of 20,000",
        fits=(
            *_FROZEN,
            "unchanged_weights",
            "unscaled_inputs",
            "saturated_activations",
        ),
        causes=("loss_output_mismatch", "unscaled_inputs"),
        training=Training(
            data=data.numbers_below_20000(scaled=False),
            layers=lambda k: [
                k.Dense(1, "sigmoid"),
                k.Dense(1, "softmax", kernel_initializer="random_normal"),
            ],
            loss="mean_absolute_error",
            optimizer=rmsprop(0.001),
            batch_size=200,
            epochs=100,
            quality=accuracy,
        ),
        fix={
            "data": data.numbers_below_20000(scaled=True),
            "layers": lambda k: [k.Dense(4, "tanh"), k.Dense(1, "sigmoid")],
            "loss": "binary_crossentropy",
            "optimizer": adam(0.02),
        },
    ),
    Case(
        id="SO-31880720",
        fault="softmax over one unit",
        fits=_MASKED,
        causes=("loss_output_mismatch",),
        training=Training(
            data=data.ones_or_zeros,
            layers=_two_dropouts("softmax"),
            loss="binary_crossentropy",
            optimizer=rmsprop(0.001),
            epochs=5,
            quality=accuracy,
        ),
        fix={"layers": _two_dropouts("sigmoid")},
    ),
    Case(
        id="SO-52983831",
        fault="softmax over one unit at each time step",
        fits=_MASKED,
        causes=("loss_output_mismatch",),
        training=Training(
            data=data.parity,
            layers=_two_grus("softmax"),
            loss="binary_crossentropy",
            optimizer=adam(0.001),
            epochs=200,
            quality=accuracy,
        ),
        fix={"layers": _two_grus("sigmoid"), "optimizer": adam(0.02), "epochs": 400},
    ),
    Case(
        id="SO-33969059",
        fault="softmax over one unit for targets up to 35,000; nothing scaled",
        fits=(
            *_FROZEN,
            "unchanged_weights",
            "unscaled_targets",
            "unscaled_inputs",
            "saturated_activations",
        ),
        causes=("loss_output_mismatch", "unscaled_targets", "unscaled_inputs"),
        training=Training(
            data=data.plane(10_000),
            layers=_three_tanhs,
            loss="mse",
            optimizer=sgd(0.1, momentum=0.9, nesterov=True),
            epochs=20,
            quality=r_squared,
        ),
        fix={
            "data": data.plane(1),
            "layers": lambda k: [k.Dense(3, "tanh"), k.Dense(2, "tanh"), k.Dense(1)],
            "optimizer": sgd(0.05),
        },
    ),
)
