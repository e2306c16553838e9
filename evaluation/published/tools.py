"""Bugs that repair tools were evaluated on: those of AutoTrainer, and numbered ones."""

from __future__ import annotations

from typing import Any

from ..keras_parts import Initializer, Layer, Layers, Loss, Optimizer, Part
from ..program import accuracy, r_squared
from . import data
from .case import Case, Training, drawn_wide

__all__ = ["CASES"]


def _he(units: int, activation: str) -> Part:
    """Return a dense layer with He initialization."""
    return Layer.Dense(units, activation, kernel_initializer="he_uniform")


def _crossentropy_by_hand(y: Any, p: Any) -> Any:
    """A cross-entropy that is right for probabilities, and NaN for anything else."""
    from keras import ops

    terms = -y * ops.log(p) - (1 - y) * ops.log(1 - p)
    return ops.mean(ops.sum(terms, axis=-1))


def _line(**options: Any) -> Layers:
    """Return one linear unit whose weights start at 0."""
    return [Layer.Dense(1, kernel_initializer="zeros", **options)]


CASES = (
    Case(
        id="AT-relu-negative",
        fault="inputs below 0 and weights above: every relu is 0; random labels",
        fits=(
            "dead_units labels_carry_no_signal constant_predictions unchanged_weights "
            "symmetric_weights vanishing_gradient loss_not_decreasing "
            "worse_than_constant plateau"
        ),
        causes="dead_units bad_initialization labels_carry_no_signal",
        training=Training(
            data=data.coins,
            test=data.other_coins,
            layers=[
                Layer.Dense(50, "relu", kernel_initializer=Initializer.Constant(0.1)),
                Layer.Dense(50, "relu", kernel_initializer=Initializer.Constant(0.1)),
                "1 sigmoid",
            ],
            loss="binary_crossentropy",
            optimizer=Optimizer.SGD(0.1),
            batch_size=64,
            epochs=15,
            quality=accuracy,
        ),
    ),
    Case(
        id="AT-circle-exp10",
        fault="ten layers of exponentials overflow in the first forward pass",
        fits="nonfinite_loss nonfinite_gradient",
        causes="activation_choice",
        training=Training(
            data=data.circles,
            layers=[
                *[_he(5, "exponential")] * 10,
                Layer.Dense(1, "sigmoid", kernel_initializer="he_uniform"),
            ],
            loss="binary_crossentropy",
            optimizer=Optimizer.Adam(0.001),
            batch_size=128,
            epochs=30,
            quality=accuracy,
        ),
        fix={
            "layers": [*[_he(16, "relu")] * 2, "1 sigmoid"],
            "optimizer": Optimizer.Adam(0.005),
            "epochs": 100,
        },
    ),
    Case(
        id="AT-blob-oscillate",
        fault="batches of one row, and momentum makes the rate ten times as high",
        fits="noisy_loss oscillating_loss plateau worse_than_constant",
        causes="learning_rate_too_high batch_size_too_small momentum_too_high",
        training=Training(
            data=data.blobs,
            layers=[
                _he(50, "relu"),
                Layer.Dense(3, "softmax", kernel_initializer="he_uniform"),
            ],
            loss="categorical_crossentropy",
            optimizer=Optimizer.SGD(0.01, momentum=0.9),
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
            "loss_output_mismatch worse_than_constant dead_units nonfinite_loss "
            "nonfinite_gradient loss_not_decreasing constant_predictions"
        ),
        causes="loss_output_mismatch dead_units",
        training=Training(
            data=data.blobs,
            layers=[*[_he(50, "relu")] * 4, "3 relu"],
            loss="categorical_crossentropy",
            optimizer=Optimizer.Adam(0.0001),
            batch_size=256,
            epochs=100,
            quality=accuracy,
        ),
        fix={
            "layers": [*[_he(50, "relu")] * 2, "3 softmax"],
            "optimizer": Optimizer.Adam(0.001),
        },
    ),
    Case(
        id="IPS-4",
        fault="weights of deviation 1 in wide layers: logits of ten thousand",
        fits="exploding_gradient worse_than_constant noisy_loss oscillating_loss",
        causes="bad_initialization",
        training=Training(
            data=data.digits,
            layers=[
                drawn_wide(500, "relu"),
                drawn_wide(500, "relu"),
                drawn_wide(500, "relu"),
                drawn_wide(10),
            ],
            loss=Loss.CategoricalCrossentropy(from_logits=True),
            optimizer=Optimizer.Adam(0.003),
            batch_size=100,
            epochs=10,
            quality=accuracy,
        ),
        fix={
            "layers": [*[_he(500, "relu")] * 3, "10 linear"],
            "optimizer": Optimizer.Adam(0.001),
        },
    ),
    Case(
        id="IPS-5",
        fault="the learning rate is above 2 / curvature: every step overshoots more",
        fits=(
            "diverging_loss nonfinite_loss nonfinite_gradient exploding_gradient "
            "loss_not_decreasing worse_than_constant"
        ),
        causes="learning_rate_too_high unscaled_inputs",
        training=Training(
            data=data.eight_points,
            layers=_line(),
            loss="mse",
            optimizer=Optimizer.SGD(0.1),
            batch_size=8,
            epochs=60,
            quality=r_squared,
        ),
        fix={"optimizer": Optimizer.SGD(0.01), "epochs": 300},
    ),
    Case(
        id="IPS-15",
        fault="a feature from 0 to 99 at a learning rate of 0.5",
        fits=(
            "diverging_loss nonfinite_loss nonfinite_gradient exploding_gradient "
            "loss_not_decreasing worse_than_constant unscaled_inputs"
        ),
        causes="learning_rate_too_high unscaled_inputs",
        training=Training(
            data=data.ramp(scaled=False),
            layers=_line(use_bias=False),
            loss="mse",
            optimizer=Optimizer.SGD(0.5),
            batch_size=100,
            epochs=60,
            quality=r_squared,
        ),
        fix={
            "data": data.ramp(scaled=True),
            "optimizer": Optimizer.SGD(0.2),
            "epochs": 200,
        },
    ),
    Case(
        id="IPS-7",
        fault="crossentropy by hand takes the logarithm of logits",
        fits="nonfinite_loss nonfinite_gradient loss_output_mismatch",
        causes="loss_output_mismatch",
        training=Training(
            data=data.digits,
            layers=[drawn_wide(512, "sigmoid", bias=False), drawn_wide(10, bias=False)],
            loss=_crossentropy_by_hand,
            optimizer=Optimizer.SGD(0.05),
            batch_size=100,
            epochs=3,
            quality=accuracy,
        ),
        fix={
            "loss": Loss.BinaryCrossentropy(from_logits=True),
            "optimizer": Optimizer.Adam(0.003),
            "epochs": 10,
        },
    ),
)
