"""Stack Overflow: output layer, loss and labels that do not match."""

from __future__ import annotations

from ..keras_parts import Initializer, Layer, Layers, Optimizer, Part
from ..program import accuracy, r_squared
from . import data
from .case import Case, Training, values_right

__all__ = ["CASES"]


def _dropped_out(last: str) -> Layers:
    """Return 256 ReLU units with dropout 0.5, and an output layer."""
    return [
        Layer.Dense(256, "relu", bias_initializer=Initializer.Constant(0.1)),
        Layer.Dropout(0.5),
        f"10 {last}",
    ]


def _xor_net(last: str) -> Layers:
    return [Layer.LSTM(10, return_sequences=True), Layer.LSTM(10), f"2 {last}"]


def _sequence_net(last: str) -> Layers:
    return [Layer.LSTM(10, return_sequences=True), "50 tanh", f"1 {last}"]


def _sigmoids(units: int) -> Part:
    return Layer.Dense(units, "sigmoid", kernel_initializer="random_normal")


_FIVE_SIGMOIDS = [
    _sigmoids(28),
    _sigmoids(200),
    Layer.Dropout(0.5),
    _sigmoids(300),
    Layer.Dropout(0.5),
    _sigmoids(300),
    Layer.Dropout(0.5),
    _sigmoids(150),
    Layer.Dropout(0.4),
    Layer.Dense(1, kernel_initializer="random_normal"),
]


def _tag_net(last: str) -> Layers:
    return [
        "20 relu",
        Layer.Dropout(0.5),
        "20 relu",
        Layer.Dropout(0.5),
        f"3 {last}",
    ]


CASES = (
    Case(
        id="SO-41596619",
        fault="four classes as numbers, fed to one sigmoid",
        fits=(
            "labels_out_of_range impossible_loss loss_output_mismatch "
            "constant_predictions worse_than_constant slow_convergence"
        ),
        causes="loss_output_mismatch",
        training=Training(
            data=data.eleven_rows,
            layers=[
                Layer.Dense(3, "relu", kernel_initializer="random_uniform"),
                Layer.Dense(1, "sigmoid", kernel_initializer="random_uniform"),
            ],
            loss="binary_crossentropy",
            optimizer=Optimizer.SGD(0.001),
            epochs=150,
            quality=accuracy,
        ),
        fix={
            "data": data.eleven_rows_one_hot,
            "layers": ["16 relu", "4 softmax"],
            "loss": "categorical_crossentropy",
            "optimizer": Optimizer.Adam(0.02),
        },
    ),
    Case(
        id="SO-50338865",
        fault="absolute error and linear output for classes; 50 updates",
        fits=(
            "loss_output_mismatch plateau slow_convergence worse_than_constant "
            "loss_not_decreasing constant_predictions"
        ),
        causes="too_few_steps learning_rate_too_low loss_output_mismatch",
        training=Training(
            data=data.xor_as_sequences,
            layers=_xor_net("linear"),
            loss="mae",
            optimizer=Optimizer.Adam(0.001),
            epochs=50,
            quality=accuracy,
        ),
        fix={
            "layers": _xor_net("softmax"),
            "loss": "categorical_crossentropy",
            "optimizer": Optimizer.Adam(0.02),
            "epochs": 300,
        },
    ),
    Case(
        id="SO-56774954",
        fault="softmax and Poisson loss for targets of both signs, in the hundreds",
        fits=(
            "labels_out_of_range impossible_loss loss_output_mismatch "
            "saturated_activations unscaled_targets worse_than_constant"
        ),
        causes="loss_output_mismatch unscaled_targets",
        training=Training(
            data=data.linear(10, 3, scaled=False),
            layers=["100 sigmoid", "80 sigmoid", "3 softmax"],
            loss="poisson",
            optimizer=Optimizer.Adam(0.001),
            epochs=30,
            quality=r_squared,
        ),
        fix={
            "data": data.linear(10, 3, scaled=True),
            "layers": ["100 relu", "80 relu", "3 linear"],
            "loss": "mse",
        },
    ),
    Case(
        id="SO-47352366",
        fault="relu output under crossentropy",
        fits=(
            "loss_output_mismatch nonfinite_loss nonfinite_gradient dead_units "
            "worse_than_constant loss_not_decreasing"
        ),
        causes="loss_output_mismatch dead_units",
        training=Training(
            data=data.digits,
            layers=_dropped_out("relu"),
            loss="categorical_crossentropy",
            optimizer=Optimizer.Adam(0.001),
            batch_size=50,
            epochs=10,
            quality=accuracy,
        ),
        fix={"layers": _dropped_out("softmax")},
    ),
    Case(
        id="SO-58572274",
        fault="relu output under crossentropy, relus of two units, ten updates",
        fits=(
            "loss_output_mismatch dead_units constant_predictions loss_not_decreasing "
            "worse_than_constant unchanged_weights plateau slow_convergence"
        ),
        causes="loss_output_mismatch dead_units too_few_steps activation_choice",
        training=Training(
            data=data.xor,
            layers=["2 relu", "2 relu", "1 relu"],
            loss="binary_crossentropy",
            optimizer=Optimizer.Adam(0.001),
            epochs=10,
            quality=accuracy,
        ),
        fix={
            "layers": ["8 tanh", "1 sigmoid"],
            "optimizer": Optimizer.Adam(0.05),
            "epochs": 300,
        },
    ),
    Case(
        id="SO-59078187",
        fault="a softmax of ten units for a single value up to 100",
        fits=(
            "loss_output_mismatch labels_out_of_range constant_predictions "
            "loss_not_decreasing worse_than_constant plateau"
        ),
        causes="loss_output_mismatch",
        training=Training(
            data=data.squares,
            layers=["128 relu", Layer.Dropout(0.2), "10 softmax"],
            loss="mse",
            optimizer=Optimizer.Adam(0.001),
            epochs=5,
            quality=r_squared,
        ),
        fix={
            "layers": ["64 relu", "64 relu", "1 linear"],
            "optimizer": Optimizer.Adam(0.005),
            "epochs": 60,
        },
    ),
    Case(
        id="SO-54811239",
        fault="tanh output for targets from 7 to 12",
        fits=(
            "labels_out_of_range loss_output_mismatch saturated_activations "
            "constant_predictions worse_than_constant plateau"
        ),
        causes="loss_output_mismatch",
        training=Training(
            data=data.two_sequences,
            layers=_sequence_net("tanh"),
            loss="mse",
            optimizer=Optimizer.Adam(0.001),
            epochs=100,
            quality=r_squared,
        ),
        fix={
            "layers": _sequence_net("linear"),
            "optimizer": Optimizer.Adam(0.02),
            "epochs": 300,
        },
    ),
    Case(
        id="SO-57407973",
        fault="linear output under crossentropy, below it five sigmoids",
        fits=(
            "loss_output_mismatch vanishing_gradient constant_predictions "
            "worse_than_constant plateau loss_not_decreasing"
        ),
        causes="loss_output_mismatch vanishing_gradients activation_choice",
        training=Training(
            data=data.two_classes(28),
            layers=_FIVE_SIGMOIDS,
            loss="binary_crossentropy",
            optimizer=Optimizer.Adam(0.001),
            epochs=15,
            quality=accuracy,
        ),
        fix={"layers": ["64 relu", "64 relu", "1 sigmoid"]},
    ),
    Case(
        id="SO-38648195",
        fault="softmax for tags that do not exclude each other",
        fits="loss_output_mismatch labels_out_of_range plateau worse_than_constant",
        causes="loss_output_mismatch",
        training=Training(
            data=data.tags,
            layers=_tag_net("softmax"),
            loss="mse",
            optimizer=Optimizer.SGD(0.01),
            batch_size=20,
            epochs=20,
            quality=values_right,
        ),
        fix={"layers": _tag_net("sigmoid"), "loss": "binary_crossentropy"},
    ),
    Case(
        id="SO-59758722",
        fault="relu output for targets of both signs, in the hundreds; 13 epochs",
        fits=(
            "labels_out_of_range loss_output_mismatch unscaled_targets "
            "slow_convergence plateau worse_than_constant dead_units"
        ),
        causes="loss_output_mismatch unscaled_targets too_few_steps",
        training=Training(
            data=data.linear(4, 1, scaled=False),
            layers=["30 relu", "30 relu", "1 relu"],
            loss="mse",
            optimizer=Optimizer.RMSprop(0.001),
            batch_size=128,
            epochs=13,
            quality=r_squared,
        ),
        fix={
            "data": data.linear(4, 1, scaled=True),
            "layers": ["30 relu", "30 relu", "1 linear"],
            "epochs": 40,
        },
    ),
    Case(
        id="SO-44758894",
        fault="relu output for labels of 0 and 1: on some seeds it dies",
        fits=(
            "loss_output_mismatch dead_units constant_predictions loss_not_decreasing "
            "worse_than_constant unchanged_weights"
        ),
        causes="loss_output_mismatch dead_units",
        seeds_that_fail=0.15,
        training=Training(
            data=data.two_classes(7),
            layers=["16 relu", Layer.Activation("relu"), "1 relu"],
            loss="mse",
            optimizer=Optimizer.SGD(0.01),
            epochs=5,
            quality=accuracy,
        ),
        fix={
            "layers": ["16 relu", "1 sigmoid"],
            "loss": "binary_crossentropy",
            "epochs": 20,
        },
    ),
    Case(
        id="SO-62313327",
        fault="sigmoid output for targets of both signs, behind a relu of one unit",
        fits="labels_out_of_range loss_output_mismatch plateau dead_units",
        causes="loss_output_mismatch",
        training=Training(
            data=data.one_feature_of_thirty,
            layers=["1 relu", "1 sigmoid"],
            loss="mse",
            optimizer=Optimizer.Adam(0.01),
            epochs=20,
            quality=r_squared,
        ),
        fix={"layers": ["8 tanh", "1 linear"]},
    ),
)
