"""Faults injected into two healthy programs: digits and diabetes.

The authors of TheDeepChecker put one fault each into a classifier and a regression
network. All programs of one network share its data, so they are one family.
"""

from __future__ import annotations

from typing import Any

from ..keras_parts import Initializer, Layer, Layers, Optimizer, Regularizer
from ..program import accuracy, r_squared
from . import data
from .case import Case, Training

__all__ = ["CASES"]


def _digit_net(**options: Any) -> Layers:
    """Return 128 ReLU units and a softmax, with options for both layers."""
    first = {"kernel_initializer": "he_uniform", **options}
    hidden = Layer.Dense(128, "relu", **first)
    return [hidden, Layer.Dense(10, "softmax", **options)]


def _diabetes_net(last: str = "linear") -> Layers:
    """Return two layers of 64 ReLU units with an L2 penalty, and an output layer with
    the penalty if it is linear.
    """
    penalty = {"kernel_regularizer": Regularizer.L2(1e-5)}
    hidden = Layer.Dense(64, "relu", kernel_initializer="he_uniform", **penalty)
    output = Layer.Dense(1, last, **(penalty if last == "linear" else {}))
    return [hidden, hidden, output]


def _minus_mse(y_true: Any, y_pred: Any) -> Any:
    """A loss with the wrong sign: minimizing it increases the error."""
    import keras

    return -keras.ops.mean(keras.ops.square(y_true - y_pred))


def _sum_of_squares(y_true: Any, y_pred: Any) -> Any:
    import keras

    return keras.ops.sum(keras.ops.square(y_true - y_pred))


CLEAN_DIGITS = Training(
    data=data.digits,
    layers=_digit_net(),
    loss="categorical_crossentropy",
    optimizer=Optimizer.SGD(0.1),
    epochs=15,
    quality=accuracy,
)

CLEAN_DIABETES = Training(
    data=data.diabetes,
    layers=_diabetes_net(),
    loss="mse",
    optimizer=Optimizer.Adam(0.001),
    epochs=60,
    quality=r_squared,
)


def _in_digits(name: str, fault: str, fits: str, causes: str, **change: Any) -> Case:
    return Case(
        id=f"baseCNN-{name}",
        family="digits-cnn",
        fault=fault,
        fits=fits,
        causes=causes,
        training=CLEAN_DIGITS.but(**change),
        fix=CLEAN_DIGITS,
    )


def _in_diabetes(
    name: str,
    fault: str,
    fits: str,
    causes: str,
    fix: Training = CLEAN_DIABETES,
    **change: Any,
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
        "class_imbalance",
        "class_imbalance",
        # Measured on the training rows, the fault is hidden: rare classes hardly count.
        data=data.unbalanced_digits,
        test=data.digits_left_out,
    ),
    _in_digits(
        "const_init",
        "all weights of a layer start equal",
        "symmetric_weights plateau slow_convergence loss_not_decreasing",
        "bad_initialization",
        layers=_digit_net(kernel_initializer=Initializer.Constant(0.01)),
    ),
    _in_digits(
        "low_lr",
        "the learning rate is a hundred times too low",
        "slow_convergence plateau",
        "learning_rate_too_low",
        optimizer=Optimizer.SGD(0.001),
    ),
    _in_digits(
        "mse_classif",
        "squared error for classes",
        "loss_output_mismatch slow_convergence plateau",
        "loss_output_mismatch",
        loss="mse",
    ),
    _in_digits(
        "over_reg",
        "an L2 penalty of 0.1 outweighs the data",
        "penalty_dominates plateau slow_convergence",
        "over_regularization",
        layers=_digit_net(kernel_regularizer=Regularizer.L2(0.1)),
    ),
    _in_diabetes(
        "flip_sign",
        "the loss has the wrong sign",
        "impossible_loss loss_output_mismatch exploding_gradient",
        "loss_output_mismatch",
        loss=_minus_mse,
    ),
    _in_diabetes(
        "wrong_labels",
        "the features were shuffled, the targets not",
        "labels_carry_no_signal plateau",
        "labels_carry_no_signal",
        data=data.diabetes_of_other_patients,
        test=data.diabetes,
    ),
    _in_diabetes(
        "low_lr",
        "the learning rate is a hundred times too low",
        "slow_convergence plateau worse_than_constant",
        "learning_rate_too_low",
        optimizer=Optimizer.Adam(1e-5),
    ),
    _in_diabetes(
        "sum_loss",
        "targets of thousands, and squares summed instead of averaged",
        "unscaled_targets exploding_gradient slow_convergence",
        "unscaled_targets loss_output_mismatch",
        data=data.diabetes_times_ten,
        loss=_sum_of_squares,
    ),
    _in_diabetes(
        "inapp_act",
        "sigmoid output for targets from -1 to 1",
        (
            "labels_out_of_range loss_output_mismatch saturated_activations "
            "worse_than_constant plateau"
        ),
        "loss_output_mismatch",
        data=data.diabetes_between_ones,
        layers=_diabetes_net("sigmoid"),
        fix=CLEAN_DIABETES.but(data=data.diabetes_between_ones),
    ),
    _in_diabetes(
        "double_norm",
        "scaled twice: no feature is above 0.004",
        "unscaled_inputs slow_convergence plateau",
        "unscaled_inputs",
        data=data.diabetes_scaled_twice,
    ),
    _in_diabetes(
        "miss_norm",
        "neither features nor targets scaled",
        (
            "unscaled_inputs unscaled_targets slow_convergence plateau "
            "exploding_gradient"
        ),
        "unscaled_targets unscaled_inputs",
        data=data.diabetes_as_it_comes,
    ),
)
