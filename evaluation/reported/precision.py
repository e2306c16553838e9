"""Loss scaling, saving, serving."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np

from pytest_lossguard import check_model

from .data import accuracy, batches, digits
from .kit import classifier, dense, descended
from .report import Report

__all__ = ["REPORTS"]


def _never_scaled(fixed: bool) -> float:
    """A loop with a `LossScaleOptimizer` and an unscaled loss: gradients are divided by
    32,768.
    """
    import keras

    rows, model = digits(), classifier()
    loss_fn = keras.losses.SparseCategoricalCrossentropy()
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.2))

    def loss_of(x: Any, y: Any) -> Any:
        loss = loss_fn(y, model(x, training=True))
        return optimizer.scale_loss(loss) if fixed else loss

    data = batches(rows, epochs=8)
    descended(loss_of, model.trainable_variables, data, optimizer)
    return accuracy(model, rows)


def _dropping(fixed: bool) -> Any:
    """Return a model with custom dropout; the broken one ignores ``training``."""
    import keras
    import tensorflow as tf
    from keras import layers

    @keras.saving.register_keras_serializable(package=f"reported_{fixed}")
    class Drop(layers.Layer):
        def call(self, x: Any, training: bool = False) -> Any:
            return tf.nn.dropout(x, 0.5) if training or not fixed else x

    model = dense((64,), layers.Dense(64, "relu"), Drop(), layers.Dense(10, "softmax"))
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    return model


def _drops_when_served(fixed: bool) -> float:
    """Custom dropout in inference; scored by how little two predictions differ."""
    rows, model = digits(), _dropping(fixed)
    model.fit(rows.x, rows.y, epochs=12, verbose=0)
    twice = [np.asarray(model(rows.held_x, training=False)) for _ in range(2)]
    return -float(np.abs(twice[0] - twice[1]).max())


def _shifting(fixed: bool) -> Any:
    """Return a model with a constant in a layer attribute; the broken one does not save
    it.
    """
    import keras
    from keras import layers

    @keras.saving.register_keras_serializable(package=f"reported_{fixed}")
    class Shifted(layers.Layer):
        def __init__(self, shift: float = 0.0, **options: Any) -> None:
            super().__init__(**options)
            self.shift = shift

        def call(self, x: Any) -> Any:
            return x - self.shift

        def get_config(self) -> dict[str, Any]:
            own = {"shift": self.shift} if fixed else {}
            return {**super().get_config(), **own}

    model = dense(
        (64,), Shifted(0.9), layers.Dense(48, "relu"), layers.Dense(10, "softmax")
    )
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    return model


def _not_saved(fixed: bool) -> float:
    """A layer constant that is not saved; scored by the accuracy after loading the
    model.
    """
    import keras

    rows, model = digits(), _shifting(fixed)
    model.fit(rows.x, rows.y, epochs=12, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.keras"
        model.save(path)
        loaded = keras.saving.load_model(path)
    return accuracy(loaded, rows)


REPORTS = (
    Report(
        name="loss-never-scaled",
        source="keras-team/keras#19244, keras-team/keras#19479",
        kind="mixed precision",
        wrong="LossScaleOptimizer in a loop that does not scale its loss",
        program=_never_scaled,
        causes=("loss_not_scaled",),
    ),
    Report(
        name="dropout-that-never-rests",
        source="huggingface/transformers#33844 (TrainCheck's TF-33844)",
        kind="serving",
        wrong="dropout by hand, active in inference too",
        program=_drops_when_served,
        causes=("serves_as_trained",),
        unseen="model_checks: serves_as_trained",
        check=lambda fixed: check_model(lambda: _dropping(fixed), *digits()[:2]),
        seen_as="check_serves_as_trained",
    ),
    Report(
        name="number-left-out-of-the-config",
        source="keras-team/keras#6642",
        kind="saving",
        wrong="get_config leaves out what a layer needs",
        program=_not_saved,
        causes=("saves_and_loads",),
        unseen="model_checks: saves_and_loads",
        check=lambda fixed: check_model(lambda: _shifting(fixed), *digits()[:2]),
        seen_as="check_saves_and_loads",
    ),
)
