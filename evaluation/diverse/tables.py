"""Tables: classes, values, counts, and losses and optimizers for them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..keras_parts import Layer, Loss, Optimizer, Schedule
from . import data as of
from .case import Case, Split, net
from .scores import accuracy, auc, below_constant, class_score, r_squared

__all__ = ["CASES"]

_IRIS = of.standard(of.shipped("iris"))
_WINE = of.one_hot(of.standard(of.shipped("wine")))
_CANCER = of.columns(of.standard(of.shipped("breast_cancer")))
_DIABETES = of.columns(of.standard_targets(of.standard(of.shipped("diabetes"))))
_SPARSE = "sparse_categorical_crossentropy"
_BINARY = "binary_crossentropy"
_FRIEDMAN = of.columns(
    of.standard_targets(of.generated("friedman1", n_samples=700, noise=0.5))
)
_LINEAR = of.columns(
    of.standard_targets(
        of.generated("regression", n_samples=500, n_features=8, noise=10.0)
    )
)


_COSINE = Optimizer.SGD(Schedule.CosineDecay(0.2, decay_steps=400), momentum=0.9)
_STAIRCASE = Optimizer.Adam(Schedule.ExponentialDecay(0.02, 50, 0.8, staircase=True))


def _early(split: Split) -> dict[str, Any]:
    import keras

    stop = keras.callbacks.EarlyStopping(patience=4, restore_best_weights=True)
    return {"epochs": 30, "validation_split": 0.2, "callbacks": [stop]}


def _on_plateau(split: Split) -> dict[str, Any]:
    import keras

    slower = keras.callbacks.ReduceLROnPlateau(factor=0.3, patience=3)
    return {
        "epochs": 25,
        "validation_data": (split.held_x, split.held_y),
        "callbacks": [slower],
    }


def _by_callback(split: Split) -> dict[str, Any]:
    import keras

    rates = keras.callbacks.LearningRateScheduler(
        lambda epoch, rate: rate if epoch < 5 else rate * 0.9
    )
    return {"epochs": 20, "callbacks": [rates]}


def _normalized(rate: float, units: int, output: str, loss: str) -> Any:
    """Return a builder of a network with an adapted Normalization layer."""

    def build(split: Split) -> Any:
        import keras

        first = keras.layers.Normalization()
        first.adapt(split.x)
        layers = [first, f"{units} relu", f"{units} relu", output]
        return net(layers, Optimizer.Adam(rate), loss)(split)

    return build


def _quantile(truth: Any, predictions: Any) -> Any:
    import keras

    error = keras.ops.cast(truth, predictions.dtype) - predictions
    return keras.ops.mean(keras.ops.maximum(0.9 * error, -0.1 * error), axis=-1)


def _pinball(truth: Any, predictions: Any) -> Any:
    error = truth - predictions
    return np.maximum(0.9 * error, -0.1 * error)


def _skewed(seed: int) -> Split:
    """A linear signal with skewed noise that grows with the first feature."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(-1, 1, (900, 3)).astype("float32")
    y = 2 * x[:, 1] + (1.2 + x[:, 0]) * generator.exponential(1.0, 900)
    return of.columns(lambda at: of.halves(x, y, at))(seed)


def _counts(seed: int) -> Split:
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((800, 5)).astype("float32")
    mean = np.exp(0.8 + x @ np.array([0.5, -0.4, 0.3, 0.0, 0.2]))
    y = generator.poisson(mean)
    return of.columns(lambda at: of.halves(x, y, at))(seed)


def _poisson_deviance(truth: Any, predictions: Any) -> Any:
    known = np.maximum(truth, 1e-9)
    return truth * np.log(known / np.maximum(predictions, 1e-9)) - truth + predictions


def _outliers(share: float, size: float) -> of.Make:
    """A smooth signal with large errors in some of the training targets."""

    def make(seed: int) -> Split:
        generator = np.random.default_rng(seed)
        x = generator.uniform(-1, 1, (800, 4)).astype("float32")
        y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * x[:, 3]
        y += 0.05 * generator.standard_normal(800)
        split = of.columns(lambda at: of.halves(x, y, at))(seed)
        wrong = generator.random(len(split.y)) < share
        split.y[wrong] += size * generator.standard_normal((wrong.sum(), 1))
        return split

    return make


def _student(seed: int) -> Split:
    """A linear signal with noise of a t distribution with two degrees of freedom."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((800, 4)).astype("float32")
    y = x @ np.array([1.0, -1.0, 0.5, 0.0])
    split = of.columns(lambda at: of.halves(x, y, at))(seed)
    split.y[:] += 0.3 * generator.standard_t(2, split.y.shape)
    return split


def _sine(seed: int) -> Split:
    generator = np.random.default_rng(seed)
    x = generator.uniform(-3, 3, (400, 1)).astype("float32")
    y = np.sin(x) + 0.1 * generator.standard_normal(x.shape)
    return of.columns(lambda at: of.halves(x, y, at))(seed)


def _prices(seed: int) -> Split:
    """Prices from 1 to some hundred, whose logarithm is linear in the features."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((800, 6)).astype("float32")
    y = np.exp(3 + x @ np.array([0.5, 0.3, -0.4, 0.0, 0.2, 0.1]))
    y *= np.exp(0.1 * generator.standard_normal(800))
    return of.columns(lambda at: of.halves(x, y, at))(seed)


def _log_r_squared(model: Any, split: Split) -> float:
    from .scores import predicted

    found = np.log1p(np.maximum(predicted(model, split.held_x), 0))
    truth = np.log1p(split.held_y)
    return float(1 - np.sum((truth - found) ** 2) / np.sum((truth - truth.mean()) ** 2))


def _xor(seed: int) -> Split:
    generator = np.random.default_rng(seed)
    x = generator.uniform(-1, 1, (600, 2)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype("float32")
    return of.columns(lambda at: of.halves(x, y, at))(seed)


def _wide_and_deep(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((split.x.shape[1],))
    deep = layers.Dense(16, "relu")(layers.Dense(32, "relu")(inputs))
    outputs = layers.Dense(1)(layers.concatenate([inputs, deep]))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.005), "mse")
    return model


def _residual(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((split.x.shape[1],))
    x = layers.Dense(32)(inputs)
    for _ in range(3):
        inner = layers.Dense(32, "gelu")(layers.LayerNormalization()(x))
        x = layers.add([x, layers.Dense(32)(inner)])
    outputs = layers.Dense(1)(layers.LayerNormalization()(x))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.AdamW(0.003, weight_decay=0.01), "mse")
    return model


def _subclassed(split: Split) -> Any:
    import keras

    class Classifier(keras.Model):
        """A subclassed model as in the guides."""

        def __init__(self) -> None:
            super().__init__()
            self.hidden = keras.layers.Dense(24, activation="relu")
            self.drop = keras.layers.Dropout(0.2)
            self.out = keras.layers.Dense(3, activation="softmax")

        def call(self, x: Any, training: bool = False) -> Any:
            return self.out(self.drop(self.hidden(x), training=training))

    model = Classifier()
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy")
    return model


def _mixed_columns(seed: int) -> Split:
    """A table with two numeric and two categorical columns."""
    generator = np.random.default_rng(seed)
    age = generator.normal(40, 12, 900)
    hours = generator.normal(38, 8, 900)
    job = generator.integers(0, 6, 900)
    town = generator.integers(0, 10, 900)
    effect = generator.normal(0, 1.2, 6)[job] + generator.normal(0, 0.8, 10)[town]
    signal = 0.05 * (age - 40) + 0.08 * (hours - 38) + effect
    y = (signal + 0.5 * generator.standard_normal(900) > 0).astype("float32")
    numbers = np.stack([(age - 40) / 12, (hours - 38) / 8], axis=1).astype("float32")
    x = {"numbers": numbers, "job": job.astype("int32"), "town": town.astype("int32")}
    one, other = slice(0, 650), slice(650, None)
    return Split(
        x={key: value[one] for key, value in x.items()},
        held_x={key: value[other] for key, value in x.items()},
        y=y[one, None],
        held_y=y[other, None],
    )


def _with_embeddings(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = {
        "numbers": keras.Input((2,), name="numbers"),
        "job": keras.Input((), dtype="int32", name="job"),
        "town": keras.Input((), dtype="int32", name="town"),
    }
    x = layers.concatenate(
        [
            inputs["numbers"],
            layers.Embedding(6, 4)(inputs["job"]),
            layers.Embedding(10, 4)(inputs["town"]),
        ]
    )
    outputs = layers.Dense(1, "sigmoid")(layers.Dense(32, "relu")(x))
    model = keras.Model(inputs, outputs)
    model.compile("rmsprop", _BINARY, metrics=["accuracy"])
    return model


_digits_case = partial(Case, data=of.digits(), score=accuracy, floor=0.85)
_cancer_case = partial(Case, data=_CANCER, score=accuracy, floor=0.88)
_friedman_case = partial(Case, data=_FRIEDMAN, score=r_squared, floor=0.6)
_diabetes_case = partial(Case, data=_DIABETES, score=r_squared, floor=0.3)
_wine_case = partial(Case, data=_WINE, score=accuracy, floor=0.85)
_iris_case = partial(Case, data=_IRIS, score=accuracy, floor=0.85)

CASES = (
    _iris_case(
        name="iris-softmax",
        model=net(["16 relu", "3 softmax"], Optimizer.Adam(0.01), _SPARSE),
        fit={"epochs": 40, "batch_size": 16},
    ),
    _iris_case(
        name="iris-logistic-sgd",
        model=net(["3 softmax"], Optimizer.SGD(0.1), _SPARSE),
        fit={"epochs": 40, "batch_size": 16},
        floor=0.8,
    ),
    _wine_case(
        name="wine-momentum",
        model=net(
            ["16 relu", "3 softmax"],
            Optimizer.SGD(0.05, momentum=0.9),
            "categorical_crossentropy",
        ),
        fit={"epochs": 25, "batch_size": 16},
    ),
    _wine_case(
        name="wine-subclassed", model=_subclassed, fit={"epochs": 25, "batch_size": 16}
    ),
    _wine_case(
        name="wine-label-smoothing",
        model=net(
            ["24 relu", "3 linear"],
            Optimizer.Adam(0.01),
            Loss.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        ),
        fit={"epochs": 25, "batch_size": 16},
    ),
    _cancer_case(
        name="cancer-defaults",
        model=net(["16 relu", "16 relu", "1 sigmoid"], "adam", _BINARY),
        fit={"epochs": 15},
    ),
    _cancer_case(
        name="cancer-rmsprop",
        model=net(["16 relu", "16 relu", "1 sigmoid"], "rmsprop", _BINARY),
        fit={"epochs": 20, "batch_size": 64},
    ),
    Case(
        name="cancer-logits-adamw-batchnorm",
        data=_CANCER,
        model=net(
            [
                Layer.Dense(16, use_bias=False),
                Layer.BatchNormalization(),
                Layer.Activation("relu"),
                "1 linear",
            ],
            Optimizer.AdamW(0.01, weight_decay=0.001),
            Loss.BinaryCrossentropy(from_logits=True),
        ),
        fit={"epochs": 20, "batch_size": 32},
        score=class_score(0.0),
        floor=0.88,
    ),
    _cancer_case(
        name="cancer-dropout-penalty",
        model=net(
            [
                Layer.Dense(32, "relu", kernel_regularizer="l2"),
                Layer.Dropout(0.5),
                "1 sigmoid",
            ],
            Optimizer.Adam(0.005),
            _BINARY,
        ),
        fit={"epochs": 25, "batch_size": 32},
    ),
    _cancer_case(
        name="cancer-early-stopping",
        model=net(["32 relu", "1 sigmoid"], Optimizer.Adam(0.005), _BINARY),
        fit=_early,
    ),
    Case(
        name="cancer-normalization-layer",
        data=of.columns(of.shipped("breast_cancer")),
        model=_normalized(0.005, 16, "1 sigmoid", _BINARY),
        fit={"epochs": 15},
        score=accuracy,
        floor=0.88,
    ),
    Case(
        name="cancer-hinge",
        data=lambda seed: (
            lambda split: Split(
                x=split.x, held_x=split.held_x, y=2 * split.y - 1, held_y=split.held_y
            )
        )(_CANCER(seed)),
        model=net(
            [Layer.Dense(1, kernel_regularizer="l2")], Optimizer.SGD(0.05), "hinge"
        ),
        fit={"epochs": 20, "batch_size": 32},
        score=class_score(0.0),
        floor=0.88,
    ),
    Case(
        name="moons-tanh-nadam",
        data=of.columns(of.generated("moons", n_samples=500, noise=0.15)),
        model=net(["24 tanh", "24 tanh", "1 sigmoid"], Optimizer.Nadam(0.01), _BINARY),
        fit={"epochs": 30},
        score=accuracy,
        floor=0.9,
    ),
    Case(
        name="circles-full-batch",
        data=of.columns(
            of.generated("circles", n_samples=400, noise=0.08, factor=0.45)
        ),
        model=net(["16 relu", "16 relu", "1 sigmoid"], Optimizer.Adam(0.02), _BINARY),
        fit={"epochs": 150, "batch_size": 280},
        score=accuracy,
        floor=0.9,
    ),
    Case(
        name="blobs-lion",
        data=of.standard(of.generated("blobs", n_samples=600, centers=5)),
        model=net(["32 relu", "5 softmax"], Optimizer.Lion(0.003), _SPARSE),
        fit={"epochs": 20},
        score=accuracy,
        floor=0.7,
    ),
    Case(
        name="classification-ftrl",
        data=of.columns(
            of.generated(
                "classification",
                n_samples=600,
                n_features=12,
                n_informative=6,
                class_sep=1.5,
                flip_y=0.02,
            )
        ),
        model=net(["1 sigmoid"], Optimizer.Ftrl(0.1), _BINARY),
        fit={"epochs": 20},
        score=auc,
        floor=0.8,
    ),
    Case(
        name="classification-noisy-labels",
        data=of.generated(
            "classification",
            n_samples=900,
            n_features=10,
            n_informative=8,
            n_classes=3,
            flip_y=0.2,
            class_sep=1.5,
        ),
        model=net(["32 relu", "32 relu", "3 softmax"], Optimizer.Adam(0.003), _SPARSE),
        fit={"epochs": 15},
        score=accuracy,
        floor=0.65,
    ),
    Case(
        name="gaussian-quantiles-elu",
        data=of.generated(
            "gaussian_quantiles", n_samples=900, n_features=3, n_classes=3
        ),
        model=net(
            [
                Layer.Dense(32, "elu", kernel_initializer="he_normal"),
                Layer.Dense(32, "elu", kernel_initializer="he_normal"),
                "3 softmax",
            ],
            Optimizer.Adam(0.01),
            _SPARSE,
        ),
        fit={"epochs": 20},
        score=accuracy,
        floor=0.8,
    ),
    Case(
        name="hastie-swish",
        data=of.columns(
            lambda seed: (
                lambda split: Split(
                    x=split.x,
                    held_x=split.held_x,
                    y=(split.y > 0).astype("float32"),
                    held_y=(split.held_y > 0).astype("float32"),
                )
            )(of.generated("hastie_10_2", n_samples=1500)(seed))
        ),
        model=net(["48 swish", "48 swish", "1 sigmoid"], Optimizer.Adam(0.01), _BINARY),
        fit={"epochs": 15, "batch_size": 64},
        score=accuracy,
        floor=0.8,
    ),
    Case(
        name="xor-mse-sigmoid",
        data=_xor,
        model=net(["16 relu", "1 sigmoid"], Optimizer.Adam(0.03), "mse"),
        fit={"epochs": 40},
        score=accuracy,
        floor=0.9,
    ),
    Case(
        name="census-embeddings",
        data=_mixed_columns,
        model=_with_embeddings,
        fit={"epochs": 20},
        score=accuracy,
        floor=0.75,
    ),
    _digits_case(
        name="digits-mlp",
        model=net(["64 relu", "10 softmax"], "adam", _SPARSE),
        fit={"epochs": 12},
    ),
    _digits_case(
        name="digits-mlp-cosine-momentum",
        model=net(["64 relu", "10 softmax"], _COSINE, _SPARSE),
        fit={"epochs": 10},
    ),
    _digits_case(
        name="digits-mlp-staircase",
        model=net(["32 relu", "10 softmax"], _STAIRCASE, _SPARSE),
        fit={"epochs": 8},
    ),
    _digits_case(
        name="digits-validation-split",
        model=net(
            ["64 relu", "64 relu", "10 softmax"], "adam", _SPARSE, metrics=["accuracy"]
        ),
        fit=lambda split: {"epochs": 15, "validation_split": 0.2, "batch_size": 64},
    ),
    _digits_case(
        name="digits-reduce-on-plateau",
        model=net(["64 relu", "10 softmax"], Optimizer.Adam(0.01), _SPARSE),
        fit=_on_plateau,
    ),
    _digits_case(
        name="digits-rate-callback",
        model=net(
            ["48 relu", "10 softmax"],
            Optimizer.SGD(0.1, momentum=0.9, nesterov=True),
            _SPARSE,
        ),
        fit=_by_callback,
    ),
    _digits_case(
        name="digits-layernorm-gelu",
        model=net(
            [
                "64 linear",
                Layer.LayerNormalization(),
                Layer.Activation("gelu"),
                "10 linear",
            ],
            Optimizer.AdamW(0.003),
            Loss.SparseCategoricalCrossentropy(from_logits=True),
        ),
        fit={"epochs": 10},
    ),
    _digits_case(
        name="digits-batchnorm-dropout-sgd",
        model=net(
            ["64 relu", Layer.BatchNormalization(), Layer.Dropout(0.3), "10 softmax"],
            Optimizer.SGD(0.05, momentum=0.9),
            _SPARSE,
        ),
        fit={"epochs": 10, "batch_size": 64},
    ),
    _digits_case(
        name="digits-dropout-half-twice",
        model=net(
            [
                "128 relu",
                Layer.Dropout(0.5),
                "128 relu",
                Layer.Dropout(0.5),
                "10 softmax",
            ],
            "rmsprop",
            _SPARSE,
        ),
        fit={"epochs": 12, "batch_size": 64},
    ),
    _digits_case(
        name="digits-large-batch-sgd",
        model=net(["64 relu", "10 softmax"], Optimizer.SGD(0.5), _SPARSE),
        fit={"epochs": 40, "batch_size": 256},
    ),
    Case(
        name="digits-batch-of-four",
        data=of.digits(rows=600),
        model=net(["32 relu", "10 softmax"], Optimizer.SGD(0.05), _SPARSE),
        fit={"epochs": 5, "batch_size": 4},
        score=accuracy,
        floor=0.8,
    ),
    _diabetes_case(
        name="diabetes-mse",
        model=net(["16 relu", "1 linear"], Optimizer.Adam(0.005), "mse"),
        fit={"epochs": 20},
    ),
    _diabetes_case(
        name="diabetes-ridge-sgd",
        model=net(
            [Layer.Dense(1, kernel_regularizer="l2")], Optimizer.SGD(0.02), "mse"
        ),
        fit={"epochs": 25},
    ),
    _diabetes_case(
        name="diabetes-lasso",
        model=net(
            [Layer.Dense(1, kernel_regularizer="l1")], Optimizer.Adam(0.02), "mse"
        ),
        fit={"epochs": 20},
    ),
    Case(
        name="regression-linear-sgd",
        data=_LINEAR,
        model=net(["1 linear"], Optimizer.SGD(0.01), "mse"),
        fit={"epochs": 20},
        score=r_squared,
        floor=0.7,
    ),
    Case(
        name="regression-three-targets",
        data=of.standard_targets(
            of.generated(
                "regression", n_samples=500, n_features=6, n_targets=3, noise=5.0
            )
        ),
        model=net(["32 relu", "3 linear"], Optimizer.Adam(0.01), "mse"),
        fit={"epochs": 20},
        score=r_squared,
        floor=0.7,
    ),
    Case(
        name="regression-many-columns-penalty",
        data=of.columns(
            of.standard_targets(
                of.generated(
                    "regression", n_samples=400, n_features=100, n_informative=8
                )
            )
        ),
        model=net(
            [Layer.Dense(1, kernel_regularizer="l1")], Optimizer.Adam(0.02), "mse"
        ),
        fit={"epochs": 40},
        score=r_squared,
        floor=0.6,
    ),
    _friedman_case(
        name="friedman-mae",
        model=net(["32 relu", "32 relu", "1 linear"], Optimizer.Adam(0.01), "mae"),
        fit={"epochs": 25},
    ),
    _friedman_case(
        name="friedman-huber-wide-deep", model=_wide_and_deep, fit={"epochs": 20}
    ),
    Case(
        name="friedman-residual-adamw",
        data=of.standard(_FRIEDMAN),
        model=_residual,
        fit={"epochs": 15},
        score=r_squared,
        floor=0.6,
    ),
    Case(
        name="friedman-raw-targets",
        data=of.columns(of.generated("friedman1", n_samples=700, noise=0.5)),
        model=net(["64 relu", "64 relu", "1 linear"], Optimizer.Adam(0.01), "mse"),
        fit={"epochs": 20},
        score=r_squared,
        floor=0.5,
    ),
    Case(
        name="friedman2-normalization-layer",
        data=of.columns(of.standard_targets(of.generated("friedman2", n_samples=700))),
        model=_normalized(0.01, 32, "1 linear", "mse"),
        fit={"epochs": 15},
        score=r_squared,
        floor=0.7,
    ),
    Case(
        name="friedman3-logcosh",
        data=of.standard(
            of.columns(of.standard_targets(of.generated("friedman3", n_samples=800)))
        ),
        model=net(["32 relu", "32 relu", "1 linear"], Optimizer.Adam(0.01), "log_cosh"),
        fit={"epochs": 20},
        score=r_squared,
        floor=0.4,
    ),
    Case(
        name="quantile-90",
        data=_skewed,
        model=net(["32 relu", "1 linear"], Optimizer.Adam(0.01), _quantile),
        fit={"epochs": 25},
        score=below_constant(_pinball, lambda y: np.quantile(y, 0.9)),
        floor=0.25,
    ),
    Case(
        name="counts-poisson",
        data=_counts,
        model=net(["16 relu", "1 exponential"], Optimizer.Adam(0.01), "poisson"),
        fit={"epochs": 20},
        score=below_constant(_poisson_deviance, np.mean),
        floor=0.4,
    ),
    Case(
        name="counts-poisson-linear-sgd",
        data=_counts,
        model=net(["1 exponential"], Optimizer.SGD(0.01), "poisson"),
        fit={"epochs": 15},
        score=below_constant(_poisson_deviance, np.mean),
        floor=0.4,
    ),
    Case(
        name="outliers-huber",
        data=_outliers(0.05, 20.0),
        model=net(["32 relu", "1 linear"], Optimizer.Adam(0.01), "huber"),
        fit={"epochs": 30},
        score=r_squared,
        floor=0.6,
    ),
    Case(
        name="outliers-absolute",
        data=_outliers(0.02, 100.0),
        model=net(["32 relu", "1 linear"], Optimizer.Adam(0.01), "mae"),
        fit={"epochs": 30},
        score=r_squared,
        floor=0.6,
    ),
    Case(
        name="student-noise-huber",
        data=_student,
        model=net(["1 linear"], Optimizer.SGD(0.05), "huber"),
        fit={"epochs": 20},
        score=r_squared,
        floor=0.8,
    ),
    Case(
        name="sine-tanh",
        data=_sine,
        model=net(["32 tanh", "32 tanh", "1 linear"], Optimizer.Adam(0.01), "mse"),
        fit={"epochs": 40},
        score=r_squared,
        floor=0.85,
    ),
    Case(
        name="prices-squared-log",
        data=_prices,
        model=net(
            ["32 relu", Layer.Dense(1, "exponential", bias_initializer="ones")],
            Optimizer.Adam(0.01),
            "mean_squared_logarithmic_error",
        ),
        fit={"epochs": 25},
        score=_log_r_squared,
        floor=0.6,
    ),
    Case(
        name="swiss-roll",
        data=of.columns(
            of.standard_targets(
                of.standard(of.generated("swiss_roll", n_samples=800, noise=0.1))
            )
        ),
        model=net(["48 relu", "48 relu", "1 linear"], Optimizer.Adam(0.01), "mse"),
        fit={"epochs": 25},
        score=r_squared,
        floor=0.7,
    ),
    Case(
        name="s-curve-adamax",
        data=of.columns(
            of.standard_targets(of.generated("s_curve", n_samples=800, noise=0.05))
        ),
        model=net(["32 relu", "32 relu", "1 linear"], Optimizer.Adamax(0.02), "mse"),
        fit={"epochs": 20},
        score=r_squared,
        floor=0.7,
    ),
    _friedman_case(
        name="friedman-averaged-weights",
        model=net(
            ["32 relu", "32 relu", "1 linear"],
            Optimizer.Adam(0.01, use_ema=True, clipnorm=1.0),
            "mse",
        ),
        fit={"epochs": 25},
    ),
)
