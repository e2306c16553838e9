"""The only module that imports TensorFlow and Keras, with errors if it cannot."""

from __future__ import annotations

import os
from typing import Any

from ...core.errors import TensorFlowMissing, UsageError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

try:
    import tensorflow as tf
except ImportError as error:
    raise TensorFlowMissing(
        "pytest-lossguard watches TensorFlow trainings and TensorFlow cannot be"
        f" imported here ({error}): install it with"
        " pip install 'pytest-lossguard[tensorflow-cpu]', or [tensorflow] for a GPU"
    ) from None
import keras

if keras.backend.backend() != "tensorflow":
    raise UsageError(
        f"Keras runs on the {keras.backend.backend()} backend here and"
        " pytest-lossguard watches TensorFlow only: set KERAS_BACKEND=tensorflow"
    )

__all__ = ["has_own_step", "is_of_keras", "keras", "noise_layers", "tf"]


def is_of_keras(thing: Any) -> bool:
    """Whether a class, function or object is defined by Keras itself."""
    module = getattr(thing, "__module__", None) or type(thing).__module__
    return module.partition(".")[0] == "keras"


def has_own_step(model: Any) -> bool:
    """Whether a model trains by a user-defined ``train_step`` or ``compute_loss``."""
    return not (is_of_keras(model.train_step) and is_of_keras(model.compute_loss))


def noise_layers() -> tuple[type, ...]:
    """Return the Keras layers that draw random numbers in training mode only."""
    layers = vars(keras.layers)
    names = ["Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout"]
    names += [it for it in layers if it.startswith("Random")]
    found = [layers[it] for it in names]
    return tuple(it for it in found if issubclass(it, keras.layers.Layer))
