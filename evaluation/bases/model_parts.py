"""Builds layers, optimizers and losses according to knobs."""

from __future__ import annotations

from typing import Any

from .base import Knobs

__all__ = ["STARTS", "ModelParts", "make_loss"]

#: Badly chosen initializers.
STARTS = {
    "constant": ("Constant", {"value": 0.5}),
    "tiny": ("RandomNormal", {"stddev": 1e-6}),
    "huge": ("RandomNormal", {"stddev": 10.0}),
    "positive": ("RandomUniform", {"minval": 0.0, "maxval": 1.0}),
}

_CLASSES = {
    "binary_crossentropy": "BinaryCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "mse": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "poisson": "Poisson",
}


class ModelParts:
    """Makes the parts of one model.

    Args:
        knobs: Changes to the base.
    """

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self._last: list[Any] = []
        self._cut = False

    def options(self) -> dict[str, Any]:
        """Return the keywords of every layer that has a kernel."""
        import keras

        knobs, options = self.knobs, {}
        if knobs.initializer:
            name, config = STARTS.get(knobs.initializer, (knobs.initializer, {}))
            start = {"class_name": name, "config": config}
            options["kernel_initializer"] = keras.initializers.get(start)
        if knobs.penalty:
            options["kernel_regularizer"] = keras.regularizers.L2(knobs.penalty)
        return options

    def activation(self, own: str) -> str:
        """Return the activation of a hidden layer; ``own`` is that of the base."""
        return self.knobs.activation or own

    def hidden(
        self, x: Any, units: int, activation: str = "relu", depth: int = 1
    ) -> Any:
        """Apply a stack of dense layers."""
        from keras import layers

        for _ in range(self.knobs.depth or depth):
            layer = layers.Dense(
                self.knobs.units or units, self.activation(activation), **self.options()
            )
            x = self.after(layer(x))
        return x

    def after(self, x: Any) -> Any:
        """Apply dropout, and after the first hidden layer the gradient cut."""
        import keras

        if self.knobs.cut and not self._cut:
            self._cut = True
            x = keras.ops.stop_gradient(x)
        if self.knobs.dropout:
            x = keras.layers.Dropout(self.knobs.dropout)(x)
        return x

    def output(
        self,
        x: Any,
        units: int,
        activation: str = "linear",
        name: str | None = None,
    ) -> Any:
        """Apply the last layer."""
        from keras import layers

        last = layers.Dense(
            units, self.knobs.last or activation, name=name, **self.options()
        )
        self._last.append(last)
        return last(x)

    def model(
        self, inputs: Any, outputs: Any, optimizer: Any, loss: Any, logits: bool = False
    ) -> Any:
        """Return the compiled model.

        Args:
            inputs: Tensors, or a nested structure of them.
            outputs: Tensors, or a nested structure of them.
            optimizer: ``("adam", 0.01)`` or ``("sgd", 0.1, 0.9)``, with momentum.
            loss: The base's own loss by name, or a dictionary of names.
            logits: Whether the outputs are logits.
        """
        import keras

        model = keras.Model(inputs, outputs)
        self._freeze(model)
        if isinstance(loss, dict):
            chosen: Any = {it: self._loss(own, logits) for it, own in loss.items()}
        else:
            chosen = self._loss(loss, logits)
        model.compile(self._optimizer(*optimizer), chosen)
        return model

    def _freeze(self, model: Any) -> None:
        plain = [it for it in model.layers if it.weights and it not in self._last]
        chosen = {None: [], "first": plain[:1], "hidden": plain}[self.knobs.frozen]
        for layer in chosen:
            layer.trainable = False

    def _optimizer(self, kind: str, rate: float, momentum: float = 0.0) -> Any:
        import keras

        knobs = self.knobs
        options: dict[str, Any] = {"clipnorm": knobs.clip}
        speed: Any = rate * knobs.rate
        if knobs.schedule == "decays":
            speed = keras.optimizers.schedules.ExponentialDecay(speed, 1, 0.5)
        if kind == "adam":
            if knobs.momentum is not None:
                options["beta_1"] = knobs.momentum
            return keras.optimizers.Adam(speed, **options)
        options["momentum"] = momentum if knobs.momentum is None else knobs.momentum
        return keras.optimizers.SGD(speed, **options)

    def _loss(self, own: str, logits: bool) -> Any:
        knobs = self.knobs
        logits = logits and knobs.loss is None
        return make_loss(knobs.loss or own, logits=logits, twist=knobs.twist)


def make_loss(name: str, *, logits: bool = False, twist: str | None = None) -> Any:
    """Return a loss by name.

    Args:
        name: Keras name in snake case.
        logits: Whether the loss takes logits.
        twist: See `Knobs`.
    """
    import keras

    if twist == "broadcast":
        return _broadcasting()
    config: dict[str, Any] = {"from_logits": True} if logits else {}
    if twist == "summed":
        config["reduction"] = "sum"
    if not config and twist is None:
        return name
    loss = keras.losses.get({"class_name": _CLASSES[name], "config": config})
    return _negative(loss) if twist == "negative" else loss


def _negative(loss: Any) -> Any:
    import keras

    class Negative(keras.losses.Loss):
        """A negated loss, as if a likelihood were passed to a minimizing optimizer."""

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return -loss.call(y_true, y_pred)

    return Negative()


def _broadcasting() -> Any:
    import keras

    class Squares(keras.losses.Loss):
        """A mean squared error that broadcasts without checking shapes."""

        def call(self, y_true: Any, y_pred: Any) -> Any:
            difference = keras.ops.cast(y_true, y_pred.dtype) - y_pred
            return keras.ops.mean(keras.ops.square(difference))

    return Squares()
