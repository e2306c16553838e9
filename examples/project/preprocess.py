"""Data as the models take it."""

import numpy as np
from sklearn.preprocessing import StandardScaler

Arrays = tuple[np.ndarray, np.ndarray]


def prepare_tumours(x: np.ndarray, y: np.ndarray) -> Arrays:
    """Every feature with mean 0 and standard deviation 1; labels 0 and 1."""
    return StandardScaler().fit_transform(x), y


def prepare_digits(images: np.ndarray, labels: np.ndarray) -> Arrays:
    """Gray levels from 0 to 1, with a channel axis; labels 0 to 9."""
    return images[..., np.newaxis] / 16, labels


def prepare_diabetes(x: np.ndarray, y: np.ndarray) -> Arrays:
    """Features and target with mean 0 and standard deviation 1."""
    return (
        StandardScaler().fit_transform(x),
        StandardScaler().fit_transform(y.reshape(-1, 1)),
    )
