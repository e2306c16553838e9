"""Faults in the model: activations, losses, initializers, size, regularization."""

from __future__ import annotations

from typing import Any

from ..bases import Base, Data
from .operator import COMMON, HIGH, LOW, Operator

__all__ = ["ON_MODEL"]


def _needs(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _of_class_indices(base: Base, seed: int) -> Data:
    """Return class indices as a column, as mean squared error takes them."""
    data = base.data(seed)
    return data._replace(y=data.y.reshape(-1, 1))


def _flat_labels(base: Base, seed: int) -> Data:
    data = base.data(seed)
    return data._replace(y=data.y[:, 0])


_MISMATCH = (
    *HIGH,
    "loss_output_mismatch",
    "labels_out_of_range",
    "unchanged_weights",
    "slow_convergence",
)
_HIDDEN = _needs("dense deep recurrent")
_SATURATED = (*LOW, "saturated_activations", "vanishing_gradient")


def _last(name: str, activation: str, fault: str, needs: str, **more: Any) -> Operator:
    return Operator(
        name=f"last-{name}",
        fault=fault,
        needs=_needs(needs),
        knobs={"last": activation},
        fits=_MISMATCH,
        causes=("loss_output_mismatch", "activation_choice"),
        mistake=True,
        **more,
    )


def _loss(name: str, loss: str, fault: str, needs: str, **more: Any) -> Operator:
    return Operator(
        name=f"loss-{name}",
        fault=fault,
        needs=_needs(needs),
        knobs={"loss": loss},
        fits=_MISMATCH,
        causes=("loss_output_mismatch",),
        mistake=name not in ("squares", "absolute"),
        **more,
    )


def _start(name: str, fault: str, fits: tuple[str, ...]) -> Operator:
    return Operator(
        name=f"start-{name}",
        fault=fault,
        share=40,
        knobs={"initializer": name},
        fits=fits,
        causes=("bad_initialization",),
    )


_ACTIVATIONS = (
    Operator(
        name="activation-dropped",
        fault="hidden activations missing",
        needs=_needs("dense deep"),
        share=45,
        knobs={"activation": "linear"},
        fits=COMMON,
        causes=("activation_choice", "insufficient_capacity"),
    ),
    Operator(
        name="activation-sigmoid",
        fault="sigmoid as hidden activation",
        needs=_HIDDEN,
        share=35,
        knobs={"activation": "sigmoid"},
        fits=_SATURATED,
        causes=("activation_choice", "vanishing_gradients"),
    ),
    Operator(
        name="activation-exponential",
        fault="exponential as hidden activation",
        needs=_HIDDEN,
        share=35,
        knobs={"activation": "exponential"},
        fits=HIGH,
        causes=("activation_choice", "gradient_clipping_needed"),
    ),
)

_OUTPUTS = (
    _last(
        *("dropped", "linear", "last activation missing", "probability counts"),
        share=80,
    ),
    _last(
        *("relu", "relu", "ReLU as last activation", "probability regression"),
        share=65,
    ),
    _last(
        *("softmax", "softmax", "softmax over one unit", "binary regression"),
    ),
    _last(
        *("softmax-of-tags", "softmax", "softmax where labels overlap", "several"),
    ),
    _last(
        *("tanh", "tanh", "tanh as last activation", "binary regression"),
        share=70,
    ),
    _last(
        *("sigmoid", "sigmoid", "sigmoid as last activation", "regression counts"),
    ),
)

_LOSSES = (
    _loss(
        *("squares", "mse", "mean squares for classes", "binary one-hot several"),
        bars=_needs("sequence"),
    ),
    _loss(
        *("squares-of-indices", "mse", "mean squares on class indices", "sparse"),
        data=_of_class_indices,
    ),
    _loss("absolute", "mae", "mean absolute error for classes", "one-hot several"),
    _loss(
        "crossentropy",
        "binary_crossentropy",
        "cross-entropy for a regression",
        "regression counts",
    ),
    _loss(
        "of-classes",
        "categorical_crossentropy",
        "categorical cross-entropy on one unit",
        "binary",
    ),
    _loss(
        "not-of-logits",
        "binary_crossentropy",
        "logits given as probabilities",
        "logits",
        bars=_needs("classes"),
    ),
    Operator(
        name="loss-summed",
        fault="the rows' losses summed, not averaged",
        share=40,
        bars=_needs("outputs"),
        knobs={"twist": "summed"},
        fits=HIGH,
        causes=("learning_rate_too_high", "gradient_clipping_needed"),
    ),
    Operator(
        name="loss-negative",
        fault="the loss's sign flipped",
        share=25,
        bars=_needs("outputs"),
        knobs={"twist": "negative"},
        fits=HIGH,
        causes=("loss_output_mismatch",),
        mistake=True,
    ),
    Operator(
        name="loss-broadcast",
        fault="labels of shape (n,) against outputs of shape (n, 1)",
        needs=_needs("regression"),
        knobs={"twist": "broadcast"},
        data=_flat_labels,
        fits=(*COMMON, "constant_predictions", "loss_output_mismatch"),
        causes=("loss_output_mismatch",),
        mistake=True,
    ),
)

_STARTS = (
    _start(
        "zeros",
        "all kernels start at zero",
        (*LOW, "symmetric_weights", "dead_units", "vanishing_gradient"),
    ),
    _start(
        "constant",
        "all weights start equal",
        (*HIGH, "symmetric_weights", "slow_convergence"),
    ),
    _start(
        "tiny",
        "weights start far too small",
        (*LOW, "vanishing_gradient", "dead_units"),
    ),
    _start("huge", "weights start far too large", (*HIGH, "slow_convergence")),
    _start("positive", "weights start positive", (*HIGH, "slow_convergence")),
)

_UNREACHED = (
    *COMMON,
    "slow_convergence",
    "disconnected_variable",
    "unchanged_weights",
    "vanishing_gradient",
)

_SHAPES = (
    Operator(
        name="frozen-first",
        fault="the first layer frozen",
        needs=_HIDDEN,
        share=30,
        knobs={"frozen": "first"},
        fits=_UNREACHED,
        causes=("disconnected_variables", "insufficient_capacity"),
    ),
    Operator(
        name="frozen-hidden",
        fault="all layers but the last frozen",
        needs=_HIDDEN,
        share=40,
        knobs={"frozen": "hidden"},
        fits=_UNREACHED,
        causes=("disconnected_variables", "insufficient_capacity"),
    ),
    Operator(
        name="cut",
        fault="no gradient reaches the first layer",
        needs=_HIDDEN,
        share=40,
        knobs={"cut": True},
        fits=_UNREACHED,
        causes=("disconnected_variables",),
    ),
    Operator(
        name="penalty-0.1",
        fault="L2 penalty of 0.1",
        share=35,
        knobs={"penalty": 0.1},
        fits=(*LOW, "penalty_dominates", "dead_units"),
        causes=("over_regularization",),
    ),
    Operator(
        name="penalty-1",
        fault="L2 penalty of 1",
        share=40,
        knobs={"penalty": 1.0},
        fits=(*LOW, "penalty_dominates", "dead_units"),
        causes=("over_regularization",),
    ),
    Operator(
        name="dropout-0.95",
        fault="dropout of 0.95",
        needs=_HIDDEN,
        share=40,
        knobs={"dropout": 0.95},
        fits=(*LOW, "noisy_loss"),
        causes=("over_regularization",),
    ),
    Operator(
        name="one-unit",
        fault="hidden layers of one unit",
        needs=_HIDDEN,
        bars=_needs("tokens"),
        share=40,
        knobs={"units": 1},
        fits=(*LOW, "dead_units"),
        causes=("insufficient_capacity",),
    ),
    Operator(
        name="too-deep",
        share=50,
        fault="20 sigmoid layers",
        needs=_needs("dense"),
        knobs={"depth": 20, "activation": "sigmoid"},
        fits=_SATURATED,
        causes=("vanishing_gradients", "activation_choice"),
    ),
)

ON_MODEL: tuple[Operator, ...] = (
    *_ACTIVATIONS,
    *_OUTPUTS,
    *_LOSSES,
    *_STARTS,
    *_SHAPES,
)
