"""Stack Overflow: softmax over one unit, which is always 1.

With binary cross-entropy, Keras computes the loss from the logit, so that the reported
loss may fall as with a sigmoid, while all predictions stay 1.
"""

from __future__ import annotations

from ..keras_parts import Layer, Layers, Optimizer
from ..program import accuracy, r_squared
from . import data
from .case import Case, Training

__all__ = ["CASES"]

_OUTPUT = "loss_output_mismatch labels_out_of_range worse_than_constant"
_MASKED = f"{_OUTPUT} masked_loss constant_predictions"
_FROZEN = f"{_OUTPUT} constant_predictions loss_not_decreasing unchanged_weights"


def _two_relus(last: str) -> Layers:
    return ["32 relu", "32 relu", f"1 {last}"]


def _two_dropouts(last: str) -> Layers:
    return [
        "50 relu",
        Layer.Dropout(0.2),
        "50 relu",
        Layer.Dropout(0.2),
        f"1 {last}",
    ]


def _two_grus(last: str) -> Layers:
    return [
        Layer.GRU(10, return_sequences=True),
        Layer.GRU(10, return_sequences=True),
        f"1 {last}",
    ]


_UNIFORM = {"kernel_initializer": "random_uniform"}
_THREE_TANHS = [
    Layer.Dense(3, "tanh", **_UNIFORM),
    Layer.Dropout(0.5),
    Layer.Dense(2, "tanh", **_UNIFORM),
    Layer.Dropout(0.5),
    Layer.Dense(1, "softmax", **_UNIFORM),
]

CASES = (
    Case(
        id="SO-66407123",
        fault="softmax over one unit",
        fits=_MASKED,
        causes="loss_output_mismatch",
        training=Training(
            data=data.two_classes(5),
            layers=_two_relus("softmax"),
            loss="binary_crossentropy",
            optimizer=Optimizer.SGD(0.01),
            batch_size=64,
            epochs=30,
            quality=accuracy,
        ),
        fix={"layers": _two_relus("sigmoid"), "optimizer": Optimizer.SGD(0.1)},
    ),
    Case(
        id="SO-45442843",
        fault="softmax over one unit under absolute error; one feature of 20,000",
        fits=f"{_FROZEN} unscaled_inputs saturated_activations",
        causes="loss_output_mismatch unscaled_inputs",
        training=Training(
            data=data.numbers_below_20000(scaled=False),
            layers=[
                "1 sigmoid",
                Layer.Dense(1, "softmax", kernel_initializer="random_normal"),
            ],
            loss="mean_absolute_error",
            optimizer=Optimizer.RMSprop(0.001),
            batch_size=200,
            epochs=100,
            quality=accuracy,
        ),
        fix={
            "data": data.numbers_below_20000(scaled=True),
            "layers": ["4 tanh", "1 sigmoid"],
            "loss": "binary_crossentropy",
            "optimizer": Optimizer.Adam(0.02),
        },
    ),
    Case(
        id="SO-31880720",
        fault="softmax over one unit",
        fits=_MASKED,
        causes="loss_output_mismatch",
        training=Training(
            data=data.ones_or_zeros,
            layers=_two_dropouts("softmax"),
            loss="binary_crossentropy",
            optimizer=Optimizer.RMSprop(0.001),
            epochs=5,
            quality=accuracy,
        ),
        fix={"layers": _two_dropouts("sigmoid")},
    ),
    Case(
        id="SO-52983831",
        fault="softmax over one unit at each time step",
        fits=_MASKED,
        causes="loss_output_mismatch",
        training=Training(
            data=data.parity,
            layers=_two_grus("softmax"),
            loss="binary_crossentropy",
            optimizer=Optimizer.Adam(0.001),
            epochs=200,
            quality=accuracy,
        ),
        fix={
            "layers": _two_grus("sigmoid"),
            "optimizer": Optimizer.Adam(0.02),
            "epochs": 400,
        },
    ),
    Case(
        id="SO-33969059",
        fault="softmax over one unit for targets up to 35,000; nothing scaled",
        fits=f"{_FROZEN} unscaled_targets unscaled_inputs saturated_activations",
        causes="loss_output_mismatch unscaled_targets unscaled_inputs",
        training=Training(
            data=data.plane(10_000),
            layers=_THREE_TANHS,
            loss="mse",
            optimizer=Optimizer.SGD(0.1, momentum=0.9, nesterov=True),
            epochs=20,
            quality=r_squared,
        ),
        fix={
            "data": data.plane(1),
            "layers": ["3 tanh", "2 tanh", "1 linear"],
            "optimizer": Optimizer.SGD(0.05),
        },
    ),
)
