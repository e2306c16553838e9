"""Mixed precision and loss scaling."""

from __future__ import annotations

from typing import Any

from .data import accuracy, batches, digits
from .kit import classifier, descended
from .report import Report

__all__ = ["REPORTS"]


def _never_scaled(fixed: bool) -> float:
    """A loop with a loss-scaling optimizer: gradients are divided by 32,768."""
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


REPORTS = (
    Report(
        name="loss-never-scaled",
        source="keras-team/keras#19244, keras-team/keras#19479",
        kind="mixed precision",
        wrong="LossScaleOptimizer in a loop that does not scale its loss",
        program=_never_scaled,
        causes=("loss_not_scaled",),
    ),
)
