"""Recent reports that no check was written for."""

from __future__ import annotations

from typing import Any

import numpy as np

from .data import accuracy, digits, friedman, r_squared
from .kit import dense
from .report import Report

__all__ = ["REPORTS"]


def _disks() -> tuple[Any, Any]:
    """Return noisy 16x16 images with a disk, and masks of 0 and 1."""
    generator = np.random.default_rng(0)
    centers = generator.uniform(3, 13, (400, 2, 1, 1))
    grid = np.mgrid[:16, :16][None]
    masks = (((grid - centers) ** 2).sum(1) < 9).astype("float32")[..., None]
    x = masks * 0.6 + 0.2 * generator.standard_normal(masks.shape)
    return x.astype("float32"), masks


def _flipped_apart(fixed: bool) -> float:
    """Image and mask are flipped at random independently of each other."""
    import keras
    import tensorflow as tf
    from keras import layers

    x, masks = _disks()

    def flipped(image: Any, mask: Any) -> tuple[Any, Any]:
        if fixed:
            both = tf.image.random_flip_left_right(tf.concat([image, mask], -1))
            return both[..., :1], both[..., 1:]
        flip = tf.image.random_flip_left_right
        return flip(image), flip(mask)

    rows = tf.data.Dataset.from_tensor_slices((x[:320], masks[:320])).shuffle(320)
    model = dense(
        (16, 16, 1),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.Conv2D(1, 1, activation="sigmoid"),
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    model.fit(rows.map(flipped).batch(16), epochs=10, verbose=0)
    found, kept = np.asarray(model(x[320:])) > 0.5, masks[320:] > 0.5
    return float((found & kept).sum() / (found | kept).sum())


def _targets_exchanged(fixed: bool) -> float:
    """Targets of two outputs as a list sorted by name, while the outputs have another
    order.
    """
    import keras
    from keras import layers

    rows = friedman()
    start = keras.Input((10,))
    inner = layers.Dense(32, "relu")(start)
    outputs = [layers.Dense(1, name=it)(inner) for it in ("total", "noise")]
    model = keras.Model(start, outputs)
    model.compile(keras.optimizers.Adam(0.01), ["mse", "mse"])
    targets = {"total": rows.y, "noise": rows.x[:, 5:6] * 0.5}
    names = ["total", "noise"] if fixed else sorted(targets)
    model.fit(rows.x, [targets[it] for it in names], epochs=16, verbose=0)
    return r_squared(lambda x, training: model(x, training=training)[0], rows)


def _noise_of_one_seed(fixed: bool) -> float:
    """``keras.random.normal(seed=7)`` in a layer: the same noise in each step."""
    import keras
    from keras import layers

    class Noise(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.seed = keras.random.SeedGenerator(7) if fixed else 7

        def call(self, x: Any, training: bool = False) -> Any:
            if not training:
                return x
            shape = keras.ops.shape(x)
            return x + keras.random.normal(shape, stddev=0.6, seed=self.seed)

    rows = digits()
    model = dense((64,), Noise(), layers.Dense(48, "relu"), layers.Dense(10, "softmax"))
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    model.fit(rows.x, rows.y, epochs=24, verbose=0)
    noise = np.random.default_rng(1).normal(0, 0.6, rows.held_x.shape)
    return accuracy(
        model, rows._replace(held_x=(rows.held_x + noise).astype("float32"))
    )


def _never_adapted(fixed: bool) -> float:
    """A `Normalization` layer without a call of ``adapt``, so that it does nothing."""
    import keras
    from keras import layers

    rows = friedman()
    size = np.array([1, 1000, 20, 5, 300, 1, 50, 2, 4000, 10], "float32")
    x, held_x = (it * size + 2 * size for it in (rows.x, rows.held_x))
    normalize = layers.Normalization()
    if fixed:
        normalize.adapt(x)
    model = dense((10,), normalize, layers.Dense(32, "relu"), layers.Dense(1))
    model.compile(keras.optimizers.Adam(0.005), "mse")
    model.fit(x, rows.y, epochs=30, verbose=0)
    return r_squared(model, rows._replace(held_x=held_x))


REPORTS = (
    Report(
        name="image-and-mask-flipped-apart",
        source="tensorflow/tensorflow#40787, keras-team/keras-preprocessing#236",
        kind="data",
        wrong="image and mask are each flipped at random",
        program=_flipped_apart,
        causes=("labels_carry_no_signal", "augmented_apart"),
    ),
    Report(
        name="targets-of-outputs-exchanged",
        source="keras-team/keras#20596, tensorflow/tensorflow#84278",
        kind="data",
        wrong="targets are in the order of their names, outputs in another",
        program=_targets_exchanged,
        causes=("loss_output_mismatch",),
        unseen="a test of what each output predicts",
    ),
    Report(
        name="noise-of-one-seed",
        source="keras-team/keras-io#1693",
        kind="layer",
        wrong="keras.random.normal with a number as seed: the same noise at each step",
        program=_noise_of_one_seed,
        causes=("repeated_batch",),
    ),
    Report(
        name="normalization-never-adapted",
        source="ageron/handson-ml3#198",
        kind="fit",
        wrong="adapt of a Normalization layer is not called",
        program=_never_adapted,
        causes=("unscaled_inputs",),
    ),
)
