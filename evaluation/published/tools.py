"""Bugs that repair tools were evaluated on: AutoTrainer's, and numbered ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..program import accuracy, r_squared
from . import data
from .case import Case, Training, adam, constant, drawn_wide, sgd

__all__ = ["CASES"]

Layers = Callable[[Any], list[Any]]


def _he(depth: int, units: int, activation: str) -> Callable[[Any], list[Any]]:
    """Hidden layers that start as He et al. advise."""

    def layers(k: Any) -> list[Any]:
        start = {"kernel_initializer": "he_uniform"}
        return [k.Dense(units, activation, **start) for _ in range(depth)]

    return layers


def _crossentropy_by_hand(y: Any, p: Any) -> Any:
    """Right for probabilities; a logarithm of anything else is not a number."""
    from keras import ops

    terms = -y * ops.log(p) - (1 - y) * ops.log(1 - p)
    return ops.mean(ops.sum(terms, axis=-1))


def _line(**options: Any) -> Layers:
    """One linear unit that starts at 0."""
    return lambda k: [k.Dense(1, kernel_initializer="zeros", **options)]


CASES = (
    Case(
        id="AT-relu-negative",
        fault="inputs below 0 and weights above: every relu is 0; random labels",
        fits=(
            "dead_units",
            "labels_carry_no_signal",
            "constant_predictions",
            "unchanged_weights",
            "symmetric_weights",
            "vanishing_gradient",
            "loss_not_decreasing",
            "worse_than_constant",
            "plateau",
        ),
        causes=("dead_units", "bad_initialization", "labels_carry_no_signal"),
        training=Training(
            data=data.coins,
            test=data.other_coins,
            layers=lambda k: [
                k.Dense(50, "relu", kernel_initializer=constant(0.1)),
                k.Dense(50, "relu", kernel_initializer=constant(0.1)),
                k.Dense(1, "sigmoid"),
            ],
            loss="binary_crossentropy",
            optimizer=sgd(0.1),
            batch_size=64,
            epochs=15,
            quality=accuracy,
        ),
    ),
    Case(
        id="AT-circle-exp10",
        fault="ten layers of exponentials overflow in the first forward pass",
        fits=("nonfinite_loss", "nonfinite_gradient"),
        causes=("activation_choice",),
        training=Training(
            data=data.circles,
            layers=lambda k: [
                *_he(10, 5, "exponential")(k),
                k.Dense(1, "sigmoid", kernel_initializer="he_uniform"),
            ],
            loss="binary_crossentropy",
            optimizer=adam(0.001),
            batch_size=128,
            epochs=30,
            quality=accuracy,
        ),
        fix={
            "layers": lambda k: [*_he(2, 16, "relu")(k), k.Dense(1, "sigmoid")],
            "optimizer": adam(0.005),
            "epochs": 100,
        },
    ),
    Case(
        id="AT-blob-oscillate",
        fault="batches of one row, and momentum makes the rate ten times as high",
        fits=("noisy_loss", "oscillating_loss", "plateau", "worse_than_constant"),
        causes=("learning_rate_too_high", "batch_size_too_small", "momentum_too_high"),
        training=Training(
            data=data.blobs,
            layers=lambda k: [
                *_he(1, 50, "relu")(k),
                k.Dense(3, "softmax", kernel_initializer="he_uniform"),
            ],
            loss="categorical_crossentropy",
            optimizer=sgd(0.01, momentum=0.9),
            batch_size=1,
            epochs=15,
            quality=accuracy,
        ),
        fix={"batch_size": 32},
    ),
    Case(
        id="AT-blob-relu_out",
        fault="relu output under crossentropy",
        fits=(
            "loss_output_mismatch",
            "worse_than_constant",
            "dead_units",
            "nonfinite_loss",
            "nonfinite_gradient",
            "loss_not_decreasing",
            "constant_predictions",
        ),
        causes=("loss_output_mismatch", "dead_units"),
        training=Training(
            data=data.blobs,
            layers=lambda k: [*_he(4, 50, "relu")(k), k.Dense(3, "relu")],
            loss="categorical_crossentropy",
            optimizer=adam(0.0001),
            batch_size=256,
            epochs=100,
            quality=accuracy,
        ),
        fix={
            "layers": lambda k: [*_he(2, 50, "relu")(k), k.Dense(3, "softmax")],
            "optimizer": adam(0.001),
        },
    ),
    Case(
        id="IPS-4",
        fault="weights of deviation 1 in wide layers: logits of ten thousand",
        fits=(
            "exploding_gradient",
            "worse_than_constant",
            "noisy_loss",
            "oscillating_loss",
        ),
        causes=("bad_initialization",),
        training=Training(
            data=data.digits,
            layers=lambda _: [
                drawn_wide(500, "relu"),
                drawn_wide(500, "relu"),
                drawn_wide(500, "relu"),
                drawn_wide(10),
            ],
            loss="categorical_crossentropy",
            logits=True,
            optimizer=adam(0.003),
            batch_size=100,
            epochs=10,
            quality=accuracy,
        ),
        fix={
            "layers": lambda k: [*_he(3, 500, "relu")(k), k.Dense(10)],
            "optimizer": adam(0.001),
        },
    ),
    Case(
        id="IPS-5",
        fault="the learning rate is above 2 / curvature: every step overshoots more",
        fits=(
            "diverging_loss",
            "nonfinite_loss",
            "nonfinite_gradient",
            "exploding_gradient",
            "loss_not_decreasing",
            "worse_than_constant",
        ),
        causes=("learning_rate_too_high", "unscaled_inputs"),
        training=Training(
            data=data.eight_points,
            layers=_line(),
            loss="mse",
            optimizer=sgd(0.1),
            batch_size=8,
            epochs=60,
            quality=r_squared,
        ),
        fix={"optimizer": sgd(0.01), "epochs": 300},
    ),
    Case(
        id="IPS-15",
        fault="a feature from 0 to 99 at a learning rate of 0.5",
        fits=(
            "diverging_loss",
            "nonfinite_loss",
            "nonfinite_gradient",
            "exploding_gradient",
            "loss_not_decreasing",
            "worse_than_constant",
            "unscaled_inputs",
        ),
        causes=("learning_rate_too_high", "unscaled_inputs"),
        training=Training(
            data=data.ramp(scaled=False),
            layers=_line(use_bias=False),
            loss="mse",
            optimizer=sgd(0.5),
            batch_size=100,
            epochs=60,
            quality=r_squared,
        ),
        fix={"data": data.ramp(scaled=True), "optimizer": sgd(0.2), "epochs": 200},
    ),
    Case(
        id="IPS-7",
        fault="crossentropy by hand takes the logarithm of logits",
        fits=("nonfinite_loss", "nonfinite_gradient", "loss_output_mismatch"),
        causes=("loss_output_mismatch",),
        training=Training(
            data=data.digits,
            layers=lambda _: [
                drawn_wide(512, "sigmoid", bias=False),
                drawn_wide(10, bias=False),
            ],
            loss=_crossentropy_by_hand,
            optimizer=sgd(0.05),
            batch_size=100,
            epochs=3,
            quality=accuracy,
        ),
        fix={
            "loss": "binary_crossentropy",
            "logits": True,
            "optimizer": adam(0.003),
            "epochs": 10,
        },
    ),
)
