"""Rare classes, weights, several outputs, soft targets, likelihoods."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..keras_parts import Layer, Loss, Optimizer
from . import data as of
from .case import Case, Split, net
from .scores import accuracy, auc, predicted, r_squared, rank_correlation

__all__ = ["CASES"]

_BINARY = "binary_crossentropy"
_SPARSE = "sparse_categorical_crossentropy"


def _rare(share: float, rows: int = 3000) -> of.Make:
    """A rare class that differs in some features, as in fraud data."""

    def make(seed: int) -> Split:
        generator = np.random.default_rng(seed)
        y = (generator.random(rows) < share).astype("float32")
        x = generator.standard_normal((rows, 10))
        x[:, :4] += 1.6 * y[:, None]
        return of.columns(lambda at: of.halves(x.astype("float32"), y, at, stratify=y))(
            seed
        )

    return make


def _weights(y: Any) -> dict[int, float]:
    """Return class weights as in the tutorial on imbalanced data."""
    positive = float(np.mean(y))
    return {0: 0.5 / (1 - positive), 1: 0.5 / positive}


def _weighted(make: of.Make) -> of.Make:
    def changed(seed: int) -> Split:
        split = make(seed)
        weights = _weights(split.y)
        each = np.where(split.y.ravel() > 0.5, weights[1], weights[0])
        return replace(split, weight=each.astype("float32"))

    return changed


def _by_class(epochs: int, batch_size: int) -> Any:
    return lambda split: {
        "epochs": epochs,
        "batch_size": batch_size,
        "class_weight": _weights(split.y),
    }


def _started(split: Split) -> Any:
    """Initialize the last bias to the log odds of the rare class."""
    import keras

    odds = float(np.log(split.y.mean() / (1 - split.y.mean())))
    start = keras.initializers.Constant(odds)
    return net(
        [
            "16 relu",
            Layer.Dropout(0.3),
            Layer.Dense(1, "sigmoid", bias_initializer=start),
        ],
        Optimizer.Adam(0.005),
        _BINARY,
    )(split)


_PLAIN = net(["16 relu", "1 sigmoid"], Optimizer.Adam(0.005), _BINARY)


def _dropping(rate: float) -> Any:
    return net(
        ["16 relu", Layer.Dropout(0.5), "1 sigmoid"], Optimizer.Adam(rate), _BINARY
    )


def _resampled(seed: int) -> Split:
    """Rare rows repeated until both classes have the same number of rows."""
    split = _rare(0.05, 1500)(seed)
    rare = np.flatnonzero(split.y.ravel() > 0.5)
    others = np.flatnonzero(split.y.ravel() <= 0.5)
    again = np.random.default_rng(seed).choice(rare, len(others))
    rows = np.concatenate([others, again])
    return replace(split, x=split.x[rows], y=split.y[rows])


def _uneven_classes(seed: int) -> Split:
    """Digits of which three classes keep 15 % of their rows."""
    split = of.digits()(seed)
    generator = np.random.default_rng(seed)
    kept = (split.y < 7) | (generator.random(len(split.y)) < 0.15)
    return replace(split, x=split.x[kept], y=split.y[kept])


def _digit_weights(split: Split) -> dict[str, Any]:
    counts = np.bincount(split.y, minlength=10)
    weights = {at: float(len(split.y) / 10 / it) for at, it in enumerate(counts)}
    return {"epochs": 12, "class_weight": weights}


def _labels(seed: int) -> Split:
    from sklearn.datasets import make_multilabel_classification

    x, y = make_multilabel_classification(
        900, n_features=20, n_classes=5, random_state=seed
    )
    split = of.halves(x.astype("float32"), y.astype("float32"), seed)
    return of.standard(lambda _: split)(seed)


def _rare_labels(seed: int) -> Split:
    """Eight rarely set labels, each of which depends on two features."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((1500, 16)).astype("float32")
    drive = x[:, ::2] + x[:, 1::2] + 0.3 * generator.standard_normal((1500, 8))
    return of.halves(x, (drive > 2.2).astype("float32"), seed)


def _parity_and_size(seed: int) -> Split:
    split = of.digits()(seed)

    def targets(y: Any) -> dict[str, Any]:
        return {"digit": y, "odd": (y % 2).astype("float32")[:, None]}

    return replace(split, y=targets(split.y), held_y=targets(split.held_y))


def _two_heads(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((64,))
    x = layers.Dense(48, "relu")(inputs)
    outputs = {
        "digit": layers.Dense(10, "softmax", name="digit")(x),
        "odd": layers.Dense(1, "sigmoid", name="odd")(x),
    }
    model = keras.Model(inputs, outputs)
    model.compile(
        "adam",
        {"digit": _SPARSE, "odd": _BINARY},
        loss_weights={"digit": 1.0, "odd": 0.5},
    )
    return model


def _both_heads(model: Any, split: Split) -> float:
    found = predicted(model, split.held_x)
    digit = np.mean(found["digit"].argmax(axis=1) == split.held_y["digit"])
    odd = np.mean((found["odd"] > 0.5) == (split.held_y["odd"] > 0.5))
    return float(min(digit, odd))


def _price_and_sale(seed: int) -> Split:
    """A value and a class from the same columns."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((800, 6)).astype("float32")
    price = x @ np.array([1.0, 0.5, -0.5, 0.3, 0.0, 0.0]) + 0.2 * x[:, 0] * x[:, 1]
    sold = (price + x[:, 5] + 0.3 * generator.standard_normal(800) > 0) * 1.0
    both = np.stack([price, sold], axis=1).astype("float32")
    split = of.halves(x, both, seed)
    y, held_y = ([it[:, :1], it[:, 1:]] for it in (split.y, split.held_y))
    return replace(split, y=y, held_y=held_y)


def _value_and_class(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((6,))
    x = layers.Dense(32, "relu")(inputs)
    model = keras.Model(inputs, [layers.Dense(1)(x), layers.Dense(1, "sigmoid")(x)])
    model.compile(
        keras.optimizers.Adam(0.005), ["mse", _BINARY], loss_weights=[1.0, 2.0]
    )
    return model


def _value_learned(model: Any, split: Split) -> float:
    value, kind = predicted(model, split.held_x)
    rest = np.sum((value - split.held_y[0]) ** 2)
    learned = 1 - rest / np.sum((split.held_y[0] - split.held_y[0].mean()) ** 2)
    right = np.mean((kind > 0.5) == (split.held_y[1] > 0.5))
    return float(min(learned, right))


def _softened(temperature: float) -> of.Make:
    """Soft targets: the softened probabilities of a logistic regression."""

    def make(seed: int) -> Split:
        from sklearn.linear_model import LogisticRegression

        split = of.digits()(seed)
        teacher = LogisticRegression(max_iter=300).fit(split.x, split.y)
        scores = teacher.decision_function(split.x) / temperature
        soft = np.exp(scores - scores.max(axis=1, keepdims=True))
        soft /= soft.sum(axis=1, keepdims=True)
        return replace(split, y=soft.astype("float32"))

    return make


def _voted(seed: int) -> Split:
    """Labels that are the share of seven annotators who said yes."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((900, 8)).astype("float32")
    chance = 1 / (1 + np.exp(-(x @ np.array([1, -1, 0.5, 0.5, 0, 0, 0, 0]) * 1.5)))
    votes = generator.binomial(7, chance) / 7
    return of.columns(lambda at: of.halves(x, votes, at))(seed)


def _mixed_up(seed: int) -> Split:
    """Mixup: convex combinations of pairs of training rows and labels."""
    split = of.one_hot(of.digits())(seed)
    generator = np.random.default_rng(seed)
    share = generator.beta(0.4, 0.4, (len(split.x), 1)).astype("float32")
    other = generator.permutation(len(split.x))
    x = share * split.x + (1 - share) * split.x[other]
    return replace(split, x=x, y=share * split.y + (1 - share) * split.y[other])


def _grades(seed: int) -> Split:
    """Ordinal grades 0 to 4, encoded as four bits: above 0, above 1, ..."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((900, 6)).astype("float32")
    hidden = x @ np.array([1.0, 0.7, -0.5, 0.3, 0, 0])
    hidden += 0.3 * generator.standard_normal(900)
    grade = np.digitize(hidden, [-1.5, -0.5, 0.5, 1.5])
    y = (grade[:, None] > np.arange(4)).astype("float32")
    return of.halves(x, y, seed)


def _graded(model: Any, split: Split) -> float:
    def grade(x: Any, training: bool = False) -> Any:
        return predicted(model, x).sum(axis=1)

    return rank_correlation(grade, replace(split, held_y=split.held_y.sum(axis=1)))


def _spread(seed: int) -> Split:
    """A signal whose noise depends on the position."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(-1, 1, (900, 2)).astype("float32")
    deviation = 0.1 + 0.4 * (x[:, 1] > 0)
    y = np.sin(3 * x[:, 0]) + deviation * generator.standard_normal(900)
    return of.columns(lambda at: of.halves(x, y, at))(seed)


def _gaussian(truth: Any, outputs: Any) -> Any:
    """Return minus the log likelihood, with the constant term."""
    from keras import ops

    mean, deviation = outputs[:, :1], ops.softplus(outputs[:, 1:]) + 1e-3
    distance = (ops.cast(truth, "float32") - mean) / deviation
    return ops.mean(
        0.5 * ops.square(distance) + ops.log(deviation) + 0.9189385, axis=-1
    )


def _mean_of(model: Any, split: Split) -> float:
    def mean(x: Any, training: bool = False) -> Any:
        return predicted(model, x)[:, :1]

    return r_squared(mean, split)


def _two_branches(seed: int) -> Split:
    """Targets with two branches: plus or minus a line."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(-1, 1, (900, 1)).astype("float32")
    side = np.where(generator.random((900, 1)) < 0.5, 1, -1)
    y = side * (1.5 + x) + 0.15 * generator.standard_normal((900, 1))
    return of.columns(lambda at: of.halves(x, y, at))(seed)


def _mixture(truth: Any, outputs: Any) -> Any:
    from keras import ops

    chance, mean, scale = outputs[:, :2], outputs[:, 2:4], outputs[:, 4:]
    deviation = ops.softplus(scale) + 1e-2
    each = (
        ops.log_softmax(chance)
        - 0.5 * ops.square((truth - mean) / deviation)
        - ops.log(deviation)
        - 0.9189385
    )
    return -ops.logsumexp(each, axis=-1)


def _likelier(model: Any, split: Split) -> float:
    """Return the gain in nats per row over one normal distribution for all rows."""
    found = np.mean(np.asarray(_mixture(split.held_y, predicted(model, split.held_x))))
    deviation = float(split.y.std())
    return float(np.log(deviation) + 0.5 + 0.9189385 - found)


_rare_case = partial(Case, data=_rare(0.02), score=auc, floor=0.85)
_ranked_case = partial(Case, score=auc, floor=0.85)
_classes_case = partial(Case, score=accuracy, floor=0.8)

CASES = (
    _rare_case(name="rare-class-weight", model=_PLAIN, fit=_by_class(10, 64)),
    _ranked_case(
        name="rare-class-weight-one-percent",
        data=_rare(0.01, 5000),
        model=_dropping(0.001),
        fit=_by_class(8, 64),
    ),
    _ranked_case(
        name="rare-sample-weight",
        data=_weighted(_rare(0.02)),
        model=_PLAIN,
        fit={"epochs": 10, "batch_size": 64},
    ),
    _rare_case(
        name="rare-without-weights", model=_PLAIN, fit={"epochs": 10, "batch_size": 64}
    ),
    _ranked_case(
        name="rare-three-percent-sgd",
        data=_rare(0.03),
        model=net(["1 sigmoid"], Optimizer.SGD(0.1), _BINARY),
        fit={"epochs": 12, "batch_size": 32},
    ),
    _ranked_case(
        name="rare-zero-bias",
        data=_rare(0.01, 5000),
        model=_dropping(0.005),
        fit={"epochs": 12, "batch_size": 64},
    ),
    _rare_case(
        name="rare-bias-started", model=_started, fit={"epochs": 10, "batch_size": 64}
    ),
    _ranked_case(
        name="rare-focal-loss",
        data=_rare(0.04),
        model=net(
            ["16 relu", "1 sigmoid"],
            Optimizer.Adam(0.005),
            Loss.BinaryFocalCrossentropy(),
        ),
        fit={"epochs": 12, "batch_size": 64},
    ),
    _ranked_case(
        name="rare-resampled", data=_resampled, model=_PLAIN, fit={"epochs": 8}
    ),
    Case(
        name="digits-uneven",
        data=_uneven_classes,
        model=net(["48 relu", "10 softmax"], Optimizer.Adam(0.003), _SPARSE),
        fit={"epochs": 12},
        score=accuracy,
        floor=0.7,
    ),
    Case(
        name="digits-uneven-class-weight",
        data=_uneven_classes,
        model=net(["48 relu", "10 softmax"], Optimizer.Adam(0.003), _SPARSE),
        fit=_digit_weights,
        score=accuracy,
        floor=0.75,
    ),
    Case(
        name="labels-several",
        data=_labels,
        model=net(["32 relu", "5 sigmoid"], Optimizer.Adam(0.005), _BINARY),
        fit={"epochs": 20},
        score=auc,
        floor=0.75,
    ),
    _ranked_case(
        name="labels-several-rare",
        data=_rare_labels,
        model=net(["48 relu", "8 sigmoid"], Optimizer.Adam(0.005), _BINARY),
        fit={"epochs": 15},
    ),
    Case(
        name="digits-two-heads",
        data=_parity_and_size,
        model=_two_heads,
        fit={"epochs": 12},
        score=_both_heads,
        floor=0.85,
    ),
    Case(
        name="value-and-class-heads",
        data=_price_and_sale,
        model=_value_and_class,
        fit={"epochs": 15},
        score=_value_learned,
        floor=0.65,
    ),
    Case(
        name="digits-smoothed-labels",
        data=of.one_hot(of.digits()),
        model=net(
            ["64 relu", "10 softmax"],
            Optimizer.Adam(0.003),
            Loss.CategoricalCrossentropy(label_smoothing=0.2),
        ),
        fit={"epochs": 10},
        score=accuracy,
        floor=0.85,
    ),
    _classes_case(
        name="digits-distilled-divergence",
        data=_softened(1.0),
        model=net(["24 relu", "10 softmax"], Optimizer.Adam(0.005), "kl_divergence"),
        fit={"epochs": 12},
    ),
    _classes_case(
        name="digits-distilled-soft",
        data=_softened(3.0),
        model=net(
            ["24 relu", "10 softmax"], Optimizer.Adam(0.005), "categorical_crossentropy"
        ),
        fit={"epochs": 12},
    ),
    Case(
        name="votes-as-labels",
        data=_voted,
        model=net(["16 relu", "1 sigmoid"], Optimizer.Adam(0.005), _BINARY),
        fit={"epochs": 12},
        score=r_squared,
        floor=0.5,
    ),
    Case(
        name="digits-mixed-up",
        data=_mixed_up,
        model=net(
            ["64 relu", "10 softmax"], Optimizer.Adam(0.003), "categorical_crossentropy"
        ),
        fit={"epochs": 12},
        score=lambda model, split: accuracy(model, split),
        floor=0.8,
    ),
    Case(
        name="grades-ordinal",
        data=_grades,
        model=net(["16 relu", "4 sigmoid"], Optimizer.Adam(0.005), _BINARY),
        fit={"epochs": 12},
        score=_graded,
        floor=0.75,
    ),
    Case(
        name="mean-and-deviation",
        data=_spread,
        model=net(["32 relu", "2 linear"], Optimizer.Adam(0.01), _gaussian),
        fit={"epochs": 25},
        score=_mean_of,
        floor=0.5,
    ),
    Case(
        name="mixture-density",
        data=_two_branches,
        model=net(["32 tanh", "6 linear"], Optimizer.Adam(0.01), _mixture),
        fit={"epochs": 25},
        score=_likelier,
        floor=0.3,
    ),
)
