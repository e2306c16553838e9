"""Faults injected into two healthy programs: digits and diabetes.

TheDeepChecker's authors put one fault each into a classifier and a regression net.
All programs of one net share its data, so they are one family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..program import accuracy, r_squared
from . import data
from .case import Case, Training, adam, constant, l2, sgd

__all__ = ["CASES"]

Layers = Callable[[Any], list[Any]]


def _digit_net(*, penalty: float = 0.0, start: float | None = None) -> Layers:
    """128 relus and a softmax; ``start`` is the value of all their weights."""

    def layers(k: Any) -> list[Any]:
        first: dict[str, Any] = {"kernel_initializer": "he_uniform"}
        last: dict[str, Any] = {}
        if start is not None:
            first = last = {"kernel_initializer": constant(start)}
        if penalty:
            first = {**first, "kernel_regularizer": l2(penalty)}
            last = {**last, "kernel_regularizer": l2(penalty)}
        return [k.Dense(128, "relu", **first), k.Dense(10, "softmax", **last)]

    return layers


def _diabetes_net(last: str = "linear") -> Layers:
    """Twice 64 relus under a light penalty; a sigmoid at the end goes without."""

    def layers(k: Any) -> list[Any]:
        penalty = {"kernel_regularizer": l2(1e-5)}
        hidden = {"kernel_initializer": "he_uniform", **penalty}
        return [
            k.Dense(64, "relu", **hidden),
            k.Dense(64, "relu", **hidden),
            k.Dense(1, last, **(penalty if last == "linear" else {})),
        ]

    return layers


def _minus_mse(y_true: Any, y_pred: Any) -> Any:
    """The sign is wrong: minimizing it makes the error grow."""
    import keras

    return -keras.ops.mean(keras.ops.square(y_true - y_pred))


def _sum_of_squares(y_true: Any, y_pred: Any) -> Any:
    import keras

    return keras.ops.sum(keras.ops.square(y_true - y_pred))


CLEAN_DIGITS = Training(
    data=data.digits,
    layers=_digit_net(),
    loss="categorical_crossentropy",
    optimizer=sgd(0.1),
    epochs=15,
    quality=accuracy,
)

CLEAN_DIABETES = Training(
    data=data.diabetes,
    layers=_diabetes_net(),
    loss="mse",
    optimizer=adam(0.001),
    epochs=60,
    quality=r_squared,
)


def _in_digits(
    name: str,
    fault: str,
    change: Mapping[str, Any],
    *,
    fits: tuple[str, ...],
    cause: str,
) -> Case:
    return Case(
        id=f"baseCNN-{name}",
        family="digits-cnn",
        fault=fault,
        fits=fits,
        causes=(cause,),
        training=CLEAN_DIGITS.but(**change),
        fix=CLEAN_DIGITS,
    )


def _in_diabetes(
    name: str,
    fault: str,
    change: Mapping[str, Any],
    *,
    fits: tuple[str, ...],
    causes: tuple[str, ...],
    fix: Training = CLEAN_DIABETES,
) -> Case:
    return Case(
        id=f"regrNN-{name}",
        family="diabetes-mlp",
        fault=fault,
        fits=fits,
        causes=causes,
        training=CLEAN_DIABETES.but(**change),
        fix=fix,
    )


CASES = (
    Case(
        id="NEG-clean_baseCNN", family="digits-cnn", broken=False, training=CLEAN_DIGITS
    ),
    _in_digits(
        "unbalanced",
        "each class half as frequent as the last: 170, 85, 42, ... 3 rows",
        # The figures of the training rows hide it: rare classes hardly count there.
        {"data": data.unbalanced_digits, "test": data.digits_left_out},
        fits=("class_imbalance",),
        cause="class_imbalance",
    ),
    _in_digits(
        "const_init",
        "all weights of a layer start equal",
        {"layers": _digit_net(start=0.01)},
        fits=(
            "symmetric_weights",
            "plateau",
            "slow_convergence",
            "loss_not_decreasing",
        ),
        cause="bad_initialization",
    ),
    _in_digits(
        "low_lr",
        "the learning rate is a hundred times too low",
        {"optimizer": sgd(0.001)},
        fits=("slow_convergence", "plateau"),
        cause="learning_rate_too_low",
    ),
    _in_digits(
        "mse_classif",
        "squared error for classes",
        {"loss": "mse"},
        fits=("loss_output_mismatch", "slow_convergence", "plateau"),
        cause="loss_output_mismatch",
    ),
    _in_digits(
        "over_reg",
        "an L2 penalty of 0.1 outweighs the data",
        {"layers": _digit_net(penalty=0.1)},
        fits=("penalty_dominates", "plateau", "slow_convergence"),
        cause="over_regularization",
    ),
    _in_diabetes(
        "flip_sign",
        "the loss has the wrong sign",
        {"loss": _minus_mse},
        fits=("impossible_loss", "loss_output_mismatch", "exploding_gradient"),
        causes=("loss_output_mismatch",),
    ),
    _in_diabetes(
        "wrong_labels",
        "the features were shuffled, the targets not",
        {"data": data.diabetes_of_other_patients, "test": data.diabetes},
        fits=("labels_carry_no_signal", "plateau"),
        causes=("labels_carry_no_signal",),
    ),
    _in_diabetes(
        "low_lr",
        "the learning rate is a hundred times too low",
        {"optimizer": adam(1e-5)},
        fits=("slow_convergence", "plateau", "worse_than_constant"),
        causes=("learning_rate_too_low",),
    ),
    _in_diabetes(
        "sum_loss",
        "targets of thousands, and squares summed instead of averaged",
        {"data": data.diabetes_times_ten, "loss": _sum_of_squares},
        fits=("unscaled_targets", "exploding_gradient", "slow_convergence"),
        causes=("unscaled_targets", "loss_output_mismatch"),
    ),
    _in_diabetes(
        "inapp_act",
        "sigmoid output for targets from -1 to 1",
        {"data": data.diabetes_between_ones, "layers": _diabetes_net("sigmoid")},
        fits=(
            "labels_out_of_range",
            "loss_output_mismatch",
            "saturated_activations",
            "worse_than_constant",
            "plateau",
        ),
        causes=("loss_output_mismatch",),
        fix=CLEAN_DIABETES.but(data=data.diabetes_between_ones),
    ),
    _in_diabetes(
        "double_norm",
        "scaled twice: no feature is above 0.004",
        {"data": data.diabetes_scaled_twice},
        fits=("unscaled_inputs", "slow_convergence", "plateau"),
        causes=("unscaled_inputs",),
    ),
    _in_diabetes(
        "miss_norm",
        "neither features nor targets scaled",
        {"data": data.diabetes_as_it_comes},
        fits=(
            "unscaled_inputs",
            "unscaled_targets",
            "slow_convergence",
            "plateau",
            "exploding_gradient",
        ),
        causes=("unscaled_targets", "unscaled_inputs"),
    ),
)
