"""Autoencoders, variational autoencoders, and other models without labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..keras_parts import Layer, Optimizer, Regularizer
from . import data as of
from .case import Case, Split, net
from .scores import auc, predicted

__all__ = ["CASES"]

_PIXELS = of.encoded(of.digits())
_IMAGES = of.encoded(of.digits((8, 8, 1)))
_BINARY = "binary_crossentropy"


def _restored(model: Any, split: Split) -> float:
    """Return the share of variance explained, around the mean of each value."""
    truth = np.asarray(split.held_y, float)
    rest = np.sum((truth - predicted(model, split.held_x)) ** 2)
    return float(1 - rest / np.sum((truth - truth.mean(axis=0)) ** 2))


def _noisy(make: of.Make, deviation: float) -> of.Make:
    def changed(seed: int) -> Split:
        generator, split = np.random.default_rng(seed), make(seed)
        x, held_x = (
            np.clip(it + deviation * generator.standard_normal(it.shape), 0, 1).astype(
                "float32"
            )
            for it in (split.x, split.held_x)
        )
        return replace(split, x=x, held_x=held_x)

    return changed


def _healthy_tumours(seed: int) -> Split:
    """Train on benign tumors only; the malignant ones should have a higher error."""
    split = of.standard(of.shipped("breast_cancer"))(seed)
    benign = split.x[split.y == 1]
    return Split(
        x=benign, y=benign, held_x=split.held_x, held_y=(split.held_y == 0) * 1.0
    )


def _stands_out(model: Any, split: Split) -> float:
    def away(x: Any, training: bool = False) -> Any:
        return np.abs(predicted(model, x) - x).mean(axis=1)

    return auc(away, split)


def _flat_patches(seed: int) -> Split:
    split = of.patches(6, 1000)(seed)
    x, held_x = (
        it.mean(axis=-1).reshape(len(it), -1) for it in (split.x, split.held_x)
    )
    return Split(x=x, held_x=held_x, y=x, held_y=held_x)


def _spike_windows(seed: int) -> Split:
    split = of.windows(24, channel=True)(seed)
    return Split(x=split.x, held_x=split.held_x, y=split.x, held_y=split.held_x)


class _Sampling:
    """Makes the reparameterization layer of the Keras examples."""

    @staticmethod
    def layer() -> Any:
        import keras

        class Sampling(keras.layers.Layer):
            def __init__(self) -> None:
                super().__init__()
                self.seeds = keras.random.SeedGenerator(1337)

            def call(self, inputs: Any) -> Any:
                mean, log_variance = inputs
                noise = keras.random.normal(keras.ops.shape(mean), seed=self.seeds)
                return mean + keras.ops.exp(0.5 * log_variance) * noise

        return Sampling()


def _coders(last: str = "sigmoid") -> tuple[Any, Any]:
    import keras
    from keras import layers

    inputs = keras.Input((64,))
    x = layers.Dense(48, "relu")(inputs)
    mean, log_variance = layers.Dense(6)(x), layers.Dense(6)(x)
    encoder = keras.Model(
        inputs, [mean, log_variance, _Sampling.layer()([mean, log_variance])]
    )
    code = keras.Input((6,))
    x = layers.Dense(48, "relu")(code)
    return encoder, keras.Model(code, layers.Dense(64, last)(x))


def _vae_of_the_guide(split: Split) -> Any:
    """A custom ``train_step`` as in keras.io/examples/generative/vae."""
    import keras
    import tensorflow as tf

    class VAE(keras.Model):
        def __init__(self, encoder: Any, decoder: Any) -> None:
            super().__init__()
            self.encoder, self.decoder = encoder, decoder
            self.total = keras.metrics.Mean(name="loss")

        @property
        def metrics(self) -> list[Any]:
            return [self.total]

        def call(self, x: Any, training: bool = False) -> Any:
            return self.decoder(self.encoder(x)[0])

        def train_step(self, data: Any) -> Any:
            with tf.GradientTape() as tape:
                mean, log_variance, code = self.encoder(data)
                outputs = self.decoder(code)
                restored = 64 * keras.ops.mean(
                    keras.losses.binary_crossentropy(data, outputs)
                )
                divergence = -0.5 * (
                    1
                    + log_variance
                    - keras.ops.square(mean)
                    - keras.ops.exp(log_variance)
                )
                loss = restored + keras.ops.mean(keras.ops.sum(divergence, axis=1))
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(
                zip(gradients, self.trainable_weights, strict=True)
            )
            self.total.update_state(loss)
            return {"loss": self.total.result()}

    model = VAE(*_coders())
    model.compile(keras.optimizers.Adam(0.003))
    return model


def _vae_by_add_loss(split: Split) -> Any:
    """KL divergence as the loss of a layer, reconstruction as that of the model."""
    import keras

    class Divergence(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            mean, log_variance = inputs
            each = (
                1 + log_variance - keras.ops.square(mean) - keras.ops.exp(log_variance)
            )
            self.add_loss(-0.5 * keras.ops.mean(keras.ops.sum(each, axis=1)))
            return mean

    encoder, decoder = _coders()

    class VAE(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = encoder, decoder
            self.divergence = Divergence()

        def call(self, x: Any, training: bool = False) -> Any:
            mean, log_variance, code = self.encoder(x)
            self.divergence([mean, log_variance])
            return self.decoder(code if training else mean)

    model = VAE()

    def restored(truth: Any, outputs: Any) -> Any:
        return keras.ops.sum(keras.ops.square(truth - outputs), axis=-1) * 4

    model.compile(keras.optimizers.Adam(0.003), restored)
    return model


def _fits_only_x(epochs: int) -> Callable[[Any, Split], None]:
    def train(model: Any, split: Split) -> None:
        model.fit(split.x, epochs=epochs, batch_size=32, verbose=0)

    return train


def _masked(seed: int) -> Split:
    """Hide half of the pixels; all pixels are the targets."""
    generator, split = np.random.default_rng(seed), _PIXELS(seed)
    x, held_x = (
        it * (generator.random(it.shape) < 0.5).astype("float32")
        for it in (split.x, split.held_x)
    )
    return replace(split, x=x, held_x=held_x)


_SPARSE = {"activity_regularizer": Regularizer.L1(1e-4)}

_pixels_case = partial(Case, data=_PIXELS, score=_restored, floor=0.4)
_restored_case = partial(Case, score=_restored, floor=0.4)

CASES = (
    _pixels_case(
        name="autoencoder-of-the-blog",
        model=net(["16 relu", "64 sigmoid"], "adam", _BINARY),
        fit={"epochs": 15},
    ),
    _pixels_case(
        name="autoencoder-deep",
        model=net(
            ["48 relu", "12 relu", "48 relu", "64 sigmoid"],
            Optimizer.Adam(0.003),
            _BINARY,
        ),
        fit={"epochs": 15},
    ),
    _pixels_case(
        name="autoencoder-sparse",
        model=net(
            [Layer.Dense(32, "relu", **_SPARSE), "64 sigmoid"],
            Optimizer.Adam(0.005),
            "mse",
        ),
        fit={"epochs": 30},
        floor=0.25,
    ),
    _pixels_case(
        name="autoencoder-linear-mse",
        model=net(["12 linear", "64 linear"], Optimizer.Adam(0.005), "mse"),
        fit={"epochs": 12},
        floor=0.5,
    ),
    _restored_case(
        name="autoencoder-denoising",
        data=_noisy(_PIXELS, 0.3),
        model=net(["32 relu", "64 sigmoid"], Optimizer.Adam(0.005), _BINARY),
        fit={"epochs": 15},
    ),
    _restored_case(
        name="autoencoder-convolutional",
        data=_IMAGES,
        model=net(
            [
                Layer.Conv2D(12, 3, strides=2, padding="same", activation="relu"),
                Layer.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
                Layer.Conv2DTranspose(
                    12, 3, strides=2, padding="same", activation="relu"
                ),
                Layer.Conv2DTranspose(
                    1, 3, strides=2, padding="same", activation="sigmoid"
                ),
            ],
            Optimizer.Adam(0.005),
            _BINARY,
        ),
        fit={"epochs": 8},
    ),
    _restored_case(
        name="autoencoder-of-half-the-pixels",
        data=_masked,
        model=net(["64 relu", "64 sigmoid"], Optimizer.Adam(0.003), "mse"),
        fit={"epochs": 15},
    ),
    Case(
        name="autoencoder-of-benign-tumours",
        data=_healthy_tumours,
        model=net(
            ["16 relu", "6 relu", "16 relu", "30 linear"], Optimizer.Adam(0.005), "mae"
        ),
        fit={"epochs": 40},
        score=_stands_out,
        floor=0.85,
    ),
    Case(
        name="autoencoder-of-a-series",
        data=_spike_windows,
        model=net(
            [
                Layer.Conv1D(12, 5, strides=2, padding="same", activation="relu"),
                Layer.Conv1D(6, 5, strides=2, padding="same", activation="relu"),
                Layer.Conv1DTranspose(
                    12, 5, strides=2, padding="same", activation="relu"
                ),
                Layer.Conv1DTranspose(1, 5, strides=2, padding="same"),
            ],
            Optimizer.Adam(0.005),
            "mse",
        ),
        fit={"epochs": 10},
        score=_restored,
        floor=0.5,
    ),
    Case(
        name="autoencoder-of-a-photo",
        data=_flat_patches,
        model=net(["12 relu", "36 sigmoid"], Optimizer.Adam(0.005), _BINARY),
        fit={"epochs": 15},
        score=_restored,
        floor=0.6,
    ),
    Case(
        name="vae-of-the-guide",
        data=of.digits(),
        model=_vae_of_the_guide,
        train=_fits_only_x(15),
        score=lambda model, split: _restored(
            model, replace(split, held_y=split.held_x)
        ),
        floor=0.25,
    ),
    _pixels_case(
        name="vae-by-add-loss", model=_vae_by_add_loss, fit={"epochs": 15}, floor=0.3
    ),
)
