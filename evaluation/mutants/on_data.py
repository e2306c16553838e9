"""Faults in the data: scaling, units, outliers, labels, balance, gaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..bases import Base, Data
from .operator import COMMON, FEWER, HIGH, LOW, Operator

__all__ = ["ON_DATA"]


def _numbers(x: Any, act: Callable[[Any], Any]) -> Any:
    """Apply a function to the numeric part of the inputs."""
    if isinstance(x, dict):
        return {**x, "table": act(x["table"])}
    return act(x)


def _generator(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 1])


def _raw(base: Base, seed: int) -> Data:
    return base.raw(seed)


def _both(act: Callable[[Any], Any]) -> Callable[[Base, int], Data]:
    """Return a data function that applies ``act`` to training and test inputs."""

    def change(base: Base, seed: int) -> Data:
        data = base.data(seed)
        x, test_x = (_numbers(it, act) for it in (data.x, data.test_x))
        return data._replace(x=x, test_x=test_x)

    return change


def _one_unit(x: Any) -> Any:
    x = np.array(x)
    x[..., x.shape[-1] // 3] *= 1000  # the first pixel is always 0
    return x


def _outlier(base: Base, seed: int) -> Data:
    data = base.data(seed)

    def act(x: Any) -> Any:
        x = np.array(x)
        x[_generator(seed).integers(len(x))] *= 1e4
        return x

    return data._replace(x=_numbers(data.x, act))


def _target_outlier(base: Base, seed: int) -> Data:
    data = base.data(seed)
    y = np.array(data.y)
    y[_generator(seed).integers(len(y))] = 1e4
    return data._replace(y=y)


def _targets_in_another_unit(base: Base, seed: int) -> Data:
    data = base.data(seed)
    return data._replace(y=data.y * 1000, test_y=data.test_y * 1000)


def _rows_of(y: Any, order: Any) -> Any:
    if isinstance(y, dict):
        return {name: it[order] for name, it in y.items()}
    return y[order]


def _count(y: Any) -> int:
    return len(next(iter(y.values())) if isinstance(y, dict) else y)


def _labels(order: Callable[[int, Any], Any]) -> Callable[[Base, int], Data]:
    """Return a data function that assigns training labels to other rows."""

    def change(base: Base, seed: int) -> Data:
        data = base.data(seed)
        rows = order(_count(data.y), _generator(seed))
        return data._replace(y=_rows_of(data.y, rows))

    return change


def _some_exchanged(rows: int, generator: Any) -> Any:
    """Exchange labels within a random two fifths of the rows."""
    order = np.arange(rows)
    chosen = generator.permutation(rows)[: int(0.4 * rows)]
    order[chosen] = np.roll(chosen, 1)
    return order


def _rolled(rows: int, generator: Any) -> Any:
    del generator
    return np.roll(np.arange(rows), 1)


def _one_class(base: Base, seed: int) -> Data:
    """Keep the first class and one in 25 rows of the others."""
    data = base.data(seed)
    labels = data.y.argmax(-1) if "one-hot" in base.traits else data.y.reshape(-1)
    left = (labels == 0) | (_generator(seed).random(len(labels)) < 0.04)
    return data._replace(x=data.x[left], y=data.y[left])


def _gaps(share: float, value: float) -> Callable[[Any, Any], Any]:
    def act(x: Any, generator: Any) -> Any:
        return np.where(generator.random(x.shape) < share, value, x)

    return act


def _unfilled(base: Base, seed: int) -> Data:
    data, gap = base.data(seed), _gaps(0.01, np.nan)
    return data._replace(x=_numbers(data.x, lambda it: gap(it, _generator(seed))))


def _filled(base: Base, seed: int) -> Data:
    generator, gap = _generator(seed), _gaps(0.05, -999.0)
    return _both(lambda it: gap(it, generator))(base, seed)


def _needs(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NOT_SCALED = (*HIGH, "unscaled_inputs")
_NO_SIGNAL = (*COMMON, "labels_carry_no_signal", "constant_predictions", "overfitting")

ON_DATA: tuple[Operator, ...] = (
    Operator(
        name="raw-inputs",
        share=70,
        fault="inputs not normalized",
        needs=_needs("raw"),
        data=_raw,
        fits=_NOT_SCALED,
        causes=("unscaled_inputs",),
    ),
    Operator(
        name="scaled-twice",
        share=45,
        fault="inputs normalized twice",
        needs=_needs("raw"),
        data=_both(lambda it: it * 0.004),
        fits=(*LOW, "unscaled_inputs", "vanishing_gradient"),
        causes=("unscaled_inputs",),
    ),
    Operator(
        name="unit-of-a-feature",
        share=60,
        fault="one feature in another unit",
        needs=_needs("table inputs"),
        data=_both(_one_unit),
        fits=_NOT_SCALED,
        causes=("unscaled_inputs",),
    ),
    Operator(
        name="outlier-row",
        fault="one row 10,000 times too large",
        needs=_needs("raw"),
        share=40,
        data=_outlier,
        fits=(*HIGH, "input_outliers"),
        causes=("input_outliers",),
    ),
    Operator(
        name="outlier-target",
        fault="one target of 10,000",
        needs=_needs("regression counts"),
        data=_target_outlier,
        fits=(*HIGH, "target_outliers", "unscaled_targets"),
        causes=("target_outliers",),
    ),
    Operator(
        name="unit-of-targets",
        fault="targets in another unit",
        needs=_needs("regression"),
        data=_targets_in_another_unit,
        fits=(*HIGH, "slow_convergence", "unscaled_targets"),
        causes=("unscaled_targets",),
    ),
    Operator(
        name="labels-noisy",
        fault="40 percent of the labels exchanged",
        bars=_needs("copy"),
        share=40,
        data=_labels(_some_exchanged),
        fits=_NO_SIGNAL,
        causes=("labels_carry_no_signal",),
        mistake=True,
    ),
    Operator(
        name="labels-shuffled",
        share=50,
        fault="labels shuffled apart from their rows",
        bars=_needs("copy"),
        data=_labels(lambda rows, generator: generator.permutation(rows)),
        fits=_NO_SIGNAL,
        causes=("labels_carry_no_signal",),
        mistake=True,
    ),
    Operator(
        name="labels-one-off",
        fault="labels one row off",
        bars=_needs("copy"),
        share=25,
        data=_labels(_rolled),
        fits=_NO_SIGNAL,
        causes=("labels_carry_no_signal",),
        mistake=True,
    ),
    Operator(
        name="one-class",
        fault="all but one class nearly absent",
        needs=_needs("binary classes"),
        share=40,
        data=_one_class,
        fits=(*FEWER, "class_imbalance", "constant_predictions"),
        causes=("class_imbalance",),
    ),
    Operator(
        name="missing-nan",
        fault="missing values left as NaN",
        needs=_needs("raw"),
        share=30,
        data=_unfilled,
        fits=("nonfinite_loss", "nonfinite_input", "missing_values"),
        causes=("missing_values",),
        mistake=True,
    ),
    Operator(
        name="missing-999",
        fault="missing values filled with -999",
        needs=_needs("raw"),
        share=40,
        data=_filled,
        fits=(*_NOT_SCALED, "input_outliers", "sentinel_values"),
        causes=("missing_values", "input_outliers", "unscaled_inputs"),
    ),
    Operator(
        name="integer-division",
        fault="gray levels divided as integers: all inputs 0",
        needs=_needs("pixels"),
        data=_both(np.zeros_like),
        fits=(
            *LOW,
            *("constant_inputs", "constant_feature", "labels_carry_no_signal"),
        ),
        causes=(
            *("constant_inputs", "unscaled_inputs", "labels_carry_no_signal"),
            "unknown",
        ),
        mistake=True,
    ),
)
