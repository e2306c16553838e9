"""Images: small convolutional networks, transformers, segmentation, transfer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..keras_parts import Layer, Optimizer
from . import data as of
from .case import Case, Split, net
from .scores import accuracy, predicted, r_squared

__all__ = ["CASES"]

_SPARSE = "sparse_categorical_crossentropy"
_IMAGES = of.digits((8, 8, 1))


def _gray_levels(seed: int) -> Split:
    """Digits with pixels from 0 to 16, which the model scales."""
    split = _IMAGES(seed)
    return replace(split, x=split.x * 16, held_x=split.held_x * 16)


def _residual(split: Split) -> Any:
    import keras
    from keras import layers

    def block(x: Any, filters: int) -> Any:
        y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        return layers.Activation("relu")(layers.add([x, y]))

    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(12, 3, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D()(block(x, 12))
    x = layers.GlobalAveragePooling2D()(block(x, 12))
    model = keras.Model(inputs, layers.Dense(10, "softmax")(x))
    model.compile(keras.optimizers.Adam(0.01), _SPARSE)
    return model


def _patch_transformer(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(24, 2, strides=2)(inputs)
    x = layers.Reshape((16, 24))(x)
    places = layers.Embedding(16, 24)(keras.ops.arange(16))
    x = x + places
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, 12)(y, y)
        y = layers.Dense(48, "gelu")(layers.LayerNormalization()(x))
        x = x + layers.Dense(24)(y)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    model = keras.Model(inputs, layers.Dense(10)(x))
    model.compile(
        keras.optimizers.AdamW(0.005, weight_decay=1e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def _mixer(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((8, 8))
    x = inputs
    for _ in range(2):
        y = layers.Permute((2, 1))(layers.LayerNormalization()(x))
        x = x + layers.Permute((2, 1))(layers.Dense(8)(layers.Dense(24, "gelu")(y)))
        y = layers.LayerNormalization()(x)
        x = x + layers.Dense(8)(layers.Dense(24, "gelu")(y))
    outputs = layers.Dense(10, "softmax")(layers.Flatten()(x))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.01), _SPARSE)
    return model


def _shapes(seed: int) -> Split:
    """Noisy 16x16 images of a disk, a square or a cross, with its mask."""
    generator = np.random.default_rng(seed)
    rows, size = 700, 16
    kind = generator.integers(0, 3, rows)
    at = generator.integers(5, 11, (rows, 2))
    reach = generator.integers(3, 5, rows)
    down, right = np.mgrid[:size, :size]
    away = np.stack(
        [abs(down - at[:, :1, None]), abs(right - at[:, 1:, None])], axis=-1
    )
    far = reach[:, None, None]
    masks = np.stack(
        [
            (away**2).sum(axis=-1) <= far**2,
            away.max(axis=-1) <= far - 1,
            (away.min(axis=-1) <= 0) & (away.max(axis=-1) <= far),
        ]
    )[kind, np.arange(rows)]
    x = masks * generator.uniform(0.5, 1, (rows, 1, 1))
    x = (x + 0.15 * generator.standard_normal(x.shape)).astype("float32")[..., None]
    more = {"masks": masks.astype("float32")[..., None], "centers": at / size}
    split = of.halves(x, kind, seed)
    order = of.halves(np.arange(rows), kind, seed)
    chosen = {key: (it[order.x], it[order.held_x]) for key, it in more.items()}
    return replace(split, more=chosen)


def _targets(name: str) -> of.Make:
    def make(seed: int) -> Split:
        split = _shapes(seed)
        y, held_y = (it.astype("float32") for it in split.more[name])
        return replace(split, y=y, held_y=held_y)

    return make


def _unet(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((16, 16, 1))
    fine = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(fine)
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.concatenate([x, fine])
    outputs = layers.Conv2D(1, 1, activation="sigmoid")(x)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model


def _overlap(model: Any, split: Split) -> float:
    """Return the intersection over union."""
    found, truth = predicted(model, split.held_x) > 0.5, split.held_y > 0.5
    return float((found & truth).sum() / max(1, (found | truth).sum()))


def _noisy_patches(seed: int) -> Split:
    generator = np.random.default_rng(seed)
    split = of.patches(8, 800)(seed)
    x, held_x = (
        (it + 0.1 * generator.standard_normal(it.shape)).astype("float32")
        for it in (split.x, split.held_x)
    )
    return Split(x=x, held_x=held_x, y=split.x, held_y=split.held_x)


def _small_patches(seed: int) -> Split:
    split = of.patches(8, 800)(seed)
    x, held_x = (
        it.reshape(-1, 4, 2, 4, 2, 3).mean(axis=(2, 4))
        for it in (split.x, split.held_x)
    )
    return Split(x=x, held_x=held_x, y=split.x, held_y=split.held_x)


def _denoiser(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    outputs = inputs - layers.Conv2D(3, 3, padding="same")(x)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.005), "mse")
    return model


def _pixel_places(seed: int) -> Split:
    """A small picture as a function of the position, as in NeRF."""
    generator = np.random.default_rng(seed)
    down, right = (it.ravel() / 32 for it in np.mgrid[:32, :32])
    phase = generator.uniform(0, 6.28, 2)
    value = np.sin(6 * down + phase[0]) * np.cos(5 * right + phase[1])
    waves = [
        f(2**k * np.pi * it)
        for k in range(3)
        for it in (down, right)
        for f in (np.sin, np.cos)
    ]
    x = np.stack([down, right, *waves], axis=1).astype("float32")
    return of.columns(lambda at: of.halves(x, value, at))(seed)


def _frozen_base(model: Any, split: Split) -> Any:
    """Train on the digits 0 to 4, then on 5 to 9 with the features frozen."""
    import keras

    first = split.y < 5
    model.fit(split.x[first], split.y[first], epochs=8, verbose=0)
    base = model.layers[0]
    base.trainable = False
    inputs = keras.Input((8, 8, 1))
    outputs = keras.layers.Dense(5, "softmax")(base(inputs, training=False))
    second = keras.Model(inputs, outputs)
    second.compile(keras.optimizers.Adam(0.01), _SPARSE)
    second.fit(split.x[~first], split.y[~first] - 5, epochs=12, verbose=0)
    return second


def _fine_tuned(model: Any, split: Split) -> Any:
    """Train like `_frozen_base`, then fine-tune the features at a low learning rate."""
    import keras

    second = _frozen_base(model, split)
    second.trainable = True
    second.compile(keras.optimizers.Adam(1e-3), _SPARSE)
    later = split.y >= 5
    second.fit(split.x[later], split.y[later] - 5, epochs=4, verbose=0)
    return second


def _based(split: Split) -> Any:
    import keras
    from keras import layers

    base = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(32, "relu"),
        ]
    )
    model = keras.Sequential([base, layers.Dense(5, "softmax")])
    model.compile(keras.optimizers.Adam(0.005), _SPARSE)
    return model


def _later_digits(model: Any, split: Split) -> float:
    later = split.held_y >= 5
    truth, x = split.held_y[later] - 5, split.held_x[later]
    return accuracy(model, replace(split, held_x=x, held_y=truth))


_image_case = partial(Case, data=_IMAGES, score=accuracy, floor=0.8)
_values_case = partial(Case, score=r_squared, floor=0.8)

CASES = (
    _image_case(
        name="digits-convnet",
        model=net(
            [
                Layer.Conv2D(16, 3, activation="relu"),
                Layer.MaxPooling2D(2),
                Layer.Conv2D(32, 2, activation="relu"),
                Layer.Flatten(),
                Layer.Dropout(0.5),
                "10 softmax",
            ],
            Optimizer.Adam(0.003),
            _SPARSE,
        ),
        fit={"epochs": 8},
        floor=0.85,
    ),
    Case(
        name="digits-convnet-gray-levels",
        data=_gray_levels,
        model=net(
            [
                Layer.Rescaling(1 / 16),
                Layer.Conv2D(12, 3, activation="relu"),
                Layer.Flatten(),
                "10 softmax",
            ],
            Optimizer.Adam(0.005),
            _SPARSE,
        ),
        fit={"epochs": 6},
        score=accuracy,
        floor=0.85,
    ),
    _image_case(
        name="digits-convnet-batchnorm",
        model=net(
            [
                Layer.Conv2D(12, 3, use_bias=False),
                Layer.BatchNormalization(),
                Layer.Activation("relu"),
                Layer.Conv2D(24, 3, use_bias=False),
                Layer.BatchNormalization(),
                Layer.Activation("relu"),
                Layer.GlobalAveragePooling2D(),
                "10 softmax",
            ],
            Optimizer.Adam(0.01),
            _SPARSE,
        ),
        fit={"epochs": 8},
    ),
    _image_case(name="digits-residual", model=_residual, fit={"epochs": 6}),
    _image_case(
        name="digits-separable",
        model=net(
            [
                Layer.SeparableConv2D(16, 3, activation="relu"),
                Layer.SeparableConv2D(32, 3, activation="relu"),
                Layer.Flatten(),
                "10 softmax",
            ],
            Optimizer.Adam(0.01),
            _SPARSE,
        ),
        fit={"epochs": 8},
    ),
    _image_case(
        name="digits-depthwise-sgd",
        model=net(
            [
                Layer.Conv2D(12, 3, activation="relu"),
                Layer.DepthwiseConv2D(3, activation="relu"),
                Layer.Conv2D(24, 1, activation="relu"),
                Layer.Flatten(),
                "10 softmax",
            ],
            Optimizer.SGD(0.05, momentum=0.9),
            _SPARSE,
        ),
        fit={"epochs": 8},
    ),
    _image_case(
        name="digits-augmented",
        model=net(
            [
                Layer.RandomTranslation(0.1, 0.1, fill_mode="constant"),
                Layer.RandomRotation(0.03, fill_mode="constant"),
                Layer.Conv2D(24, 3, activation="relu"),
                Layer.Flatten(),
                "48 relu",
                "10 softmax",
            ],
            Optimizer.Adam(0.005),
            _SPARSE,
        ),
        fit={"epochs": 8},
    ),
    _image_case(
        name="digits-vision-transformer",
        model=_patch_transformer,
        fit={"epochs": 6},
        floor=0.75,
    ),
    Case(
        name="digits-mixer",
        data=of.digits((8, 8)),
        model=_mixer,
        fit={"epochs": 8},
        score=accuracy,
        floor=0.8,
    ),
    Case(
        name="digits-rows-by-lstm",
        data=of.digits((8, 8), 900),
        model=net([Layer.LSTM(32), "10 softmax"], Optimizer.Adam(0.01), _SPARSE),
        fit={"epochs": 10},
        score=accuracy,
        floor=0.8,
    ),
    _image_case(
        name="digits-rate-a-bit-high",
        model=net(
            [
                Layer.Conv2D(12, 3, activation="relu"),
                Layer.Flatten(),
                "32 relu",
                "10 softmax",
            ],
            Optimizer.Adam(0.02),
            _SPARSE,
        ),
        fit={"epochs": 8, "batch_size": 64},
        floor=0.85,
    ),
    Case(
        name="shapes-convnet",
        data=_shapes,
        model=net(
            [
                Layer.Conv2D(12, 3, activation="relu"),
                Layer.MaxPooling2D(),
                Layer.Conv2D(24, 3, activation="relu"),
                Layer.GlobalMaxPooling2D(),
                "3 softmax",
            ],
            Optimizer.Adam(0.01),
            _SPARSE,
        ),
        fit={"epochs": 12},
        score=accuracy,
        floor=0.8,
    ),
    Case(
        name="shapes-centers",
        data=_targets("centers"),
        model=net(
            [
                Layer.Conv2D(12, 3, strides=2, activation="relu"),
                Layer.Flatten(),
                "32 relu",
                "2 linear",
            ],
            Optimizer.Adam(0.003),
            "mse",
        ),
        fit={"epochs": 12},
        score=r_squared,
        floor=0.7,
    ),
    Case(
        name="shapes-masks",
        data=_targets("masks"),
        model=_unet,
        fit={"epochs": 6},
        score=_overlap,
        floor=0.7,
    ),
    Case(
        name="photo-denoiser",
        data=_noisy_patches,
        model=_denoiser,
        fit={"epochs": 6},
        score=r_squared,
        floor=0.85,
    ),
    _values_case(
        name="photo-super-resolution",
        data=_small_patches,
        model=net(
            [
                Layer.Conv2D(16, 3, padding="same", activation="relu"),
                Layer.Conv2DTranspose(3, 4, strides=2, padding="same"),
            ],
            Optimizer.Adam(0.01),
            "mae",
        ),
        fit={"epochs": 10},
    ),
    _values_case(
        name="picture-of-places",
        data=_pixel_places,
        model=net(["48 relu", "48 relu", "1 tanh"], Optimizer.Adam(0.005), "mse"),
        fit={"epochs": 15},
    ),
    Case(
        name="digits-transfer-frozen",
        data=_IMAGES,
        model=_based,
        train=_frozen_base,
        score=_later_digits,
        floor=0.75,
    ),
    Case(
        name="digits-fine-tuned",
        data=_IMAGES,
        model=_based,
        train=_fine_tuned,
        score=_later_digits,
        floor=0.75,
    ),
)
