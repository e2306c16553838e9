"""Stack Overflow: too few steps, dead or saturated units, unscaled data."""

from __future__ import annotations

from ..keras_parts import Layer, Layers, Optimizer
from ..program import accuracy, r_squared
from . import data
from .case import Case, Training, drawn_wide, values_right

__all__ = ["CASES"]


_NORMAL = {"kernel_initializer": "random_normal"}
_THREE_SIGMOIDS = [Layer.Dense(8, "sigmoid", **_NORMAL)] * 3
_PACKET_NET = [
    Layer.Dense(12, "relu", **_NORMAL),
    Layer.Dense(12, "relu", **_NORMAL),
    Layer.Dense(1, "relu", **_NORMAL),
]


def _iris_net(last: str) -> Layers:
    return [Layer.Dense(4, "relu", **_NORMAL), Layer.Dense(3, last, **_NORMAL)]


CASES = (
    Case(
        id="SO-56452176",
        fault="a relu of one unit comes first, dead half of the time; ten updates",
        fits=(
            "dead_units constant_predictions worse_than_constant loss_not_decreasing "
            "unchanged_weights slow_convergence plateau"
        ),
        causes="dead_units too_few_steps insufficient_capacity activation_choice",
        seeds_that_fail=0.8,
        training=Training(
            data=data.halves,
            layers=["1 relu", "9 relu", "1 relu"],
            loss="mse",
            optimizer=Optimizer.Adam(0.01),
            epochs=10,
            quality=r_squared,
        ),
        fix={"layers": ["16 relu", "1 linear"], "epochs": 300},
    ),
    Case(
        id="SO-50306988",
        fault="35 steps at a low learning rate",
        fits=(
            "slow_convergence plateau constant_predictions loss_not_decreasing "
            "worse_than_constant"
        ),
        causes="too_few_steps learning_rate_too_low",
        training=Training(
            data=data.two_squares,
            layers=["2 sigmoid", "2 softmax"],
            loss="categorical_crossentropy",
            optimizer=Optimizer.Adam(0.001),
            epochs=5,
            quality=accuracy,
        ),
        fix={"optimizer": Optimizer.Adam(0.05), "epochs": 60},
    ),
    Case(
        id="SO-39217567",
        fault="three sigmoids that start near 0: their gradients vanish",
        fits=(
            "vanishing_gradient constant_predictions plateau loss_not_decreasing "
            "worse_than_constant slow_convergence"
        ),
        causes=(
            "vanishing_gradients activation_choice learning_rate_too_low "
            "optimizer_choice insufficient_capacity"
        ),
        training=Training(
            data=data.permuted_bytes,
            layers=_THREE_SIGMOIDS,
            loss="mse",
            optimizer=Optimizer.SGD(0.01),
            batch_size=50,
            epochs=1000,
            quality=values_right,
        ),
        fix={
            "layers": ["256 relu", "256 relu", "8 sigmoid"],
            "loss": "binary_crossentropy",
            "optimizer": Optimizer.Adam(0.001),
            "epochs": 300,
        },
    ),
    Case(
        id="SO-48385830",
        fault="no activations, weights of deviation 1 and a learning rate of 3",
        fits=(
            "nonfinite_loss nonfinite_gradient diverging_loss exploding_gradient "
            "loss_output_mismatch"
        ),
        causes=(
            "learning_rate_too_high activation_choice bad_initialization "
            "loss_output_mismatch"
        ),
        training=Training(
            data=data.digits,
            layers=[drawn_wide(30, "linear"), drawn_wide(10, "linear")],
            loss="mse",
            optimizer=Optimizer.SGD(3.0),
            batch_size=10,
            epochs=30,
            quality=accuracy,
        ),
        fix={"layers": [drawn_wide(30, "sigmoid"), drawn_wide(10, "sigmoid")]},
    ),
    Case(
        id="SO-46359741",
        fault="20 updates at a low learning rate, through two sigmoids",
        fits=(
            "slow_convergence plateau loss_not_decreasing worse_than_constant "
            "constant_predictions"
        ),
        causes="learning_rate_too_low too_few_steps",
        training=Training(
            data=data.two_points,
            layers=["1 sigmoid", "1 sigmoid"],
            loss="binary_crossentropy",
            optimizer=Optimizer.SGD(0.009, momentum=0.9, nesterov=True),
            epochs=20,
            quality=accuracy,
        ),
        fix={
            "layers": ["8 tanh", "1 sigmoid"],
            "optimizer": Optimizer.Adam(0.05),
            "epochs": 300,
        },
    ),
    Case(
        id="SO-48486598",
        fault="linear layers only: they fit no more than a line",
        fits="plateau worse_than_constant",
        causes="activation_choice",
        training=Training(
            data=data.bent_curve,
            layers=["1 linear", "5 linear", "1 linear"],
            loss="mean_absolute_error",
            optimizer=Optimizer.Adam(0.001),
            batch_size=10,
            epochs=150,
            quality=r_squared,
        ),
        fix={"layers": ["64 tanh", "64 tanh", "1 linear"], "epochs": 300},
    ),
    Case(
        id="SO-55328966",
        fault="gray levels up to 255 into sigmoids, sigmoid output, tiny learning rate",
        fits=(
            "unscaled_inputs saturated_activations loss_output_mismatch "
            "loss_not_decreasing worse_than_constant plateau slow_convergence "
            "vanishing_gradient"
        ),
        causes=(
            "learning_rate_too_low unscaled_inputs loss_output_mismatch "
            "activation_choice optimizer_choice"
        ),
        training=Training(
            data=data.digits_of_255,
            layers=["64 sigmoid", "50 sigmoid", "10 sigmoid"],
            loss="categorical_crossentropy",
            optimizer=Optimizer.SGD(0.0001),
            epochs=10,
            quality=accuracy,
        ),
        fix={
            "data": data.digits,
            "layers": ["64 relu", "50 relu", "10 softmax"],
            "optimizer": Optimizer.Adam(0.001),
        },
    ),
    Case(
        id="SO-44066044",
        fault="addresses of 3e9 among the features, and a relu as output",
        fits=(
            "unscaled_inputs loss_output_mismatch dead_units constant_predictions "
            "unchanged_weights worse_than_constant loss_not_decreasing"
        ),
        causes="unscaled_inputs loss_output_mismatch dead_units",
        training=Training(
            data=data.packets(scaled=False),
            layers=_PACKET_NET,
            loss="binary_crossentropy",
            optimizer=Optimizer.Adam(0.001),
            batch_size=5,
            epochs=100,
            quality=accuracy,
        ),
        fix={
            "data": data.packets(scaled=True),
            "layers": ["12 relu", "12 relu", "1 sigmoid"],
        },
    ),
    Case(
        id="SO-52800582",
        fault="targets up to 1e8, and features up to 100 into sigmoids",
        fits=(
            "unscaled_targets unscaled_inputs saturated_activations "
            "worse_than_constant loss_not_decreasing slow_convergence "
            "exploding_gradient"
        ),
        causes="unscaled_targets unscaled_inputs",
        training=Training(
            data=data.fourth_powers(scaled=False),
            layers=["50 sigmoid", "50 elu", "1 linear"],
            loss="mse",
            optimizer=Optimizer.Adam(0.001),
            batch_size=400,
            epochs=1000,
            quality=r_squared,
        ),
        fix={"data": data.fourth_powers(scaled=True)},
    ),
    # Two posts whose programs work.
    Case(
        id="NEG-58051767",
        broken=False,
        training=Training(
            data=data.two_classes(4, n_informative=3, n_redundant=0),
            layers=["12 relu", "8 relu", "1 sigmoid"],
            loss="binary_crossentropy",
            optimizer=Optimizer.Adam(0.001),
            batch_size=10,
            epochs=30,
            quality=accuracy,
        ),
    ),
    Case(
        id="NEG-51930566",
        fault="sigmoids under categorical crossentropy; Keras scores their logits",
        fits="loss_output_mismatch masked_loss",
        causes="loss_output_mismatch",
        broken=False,
        training=Training(
            data=data.irises,
            layers=_iris_net("sigmoid"),
            loss="categorical_crossentropy",
            optimizer=Optimizer.Adam(0.001),
            batch_size=5,
            epochs=120,
            quality=accuracy,
        ),
        fix={"layers": _iris_net("softmax")},
    ),
)
