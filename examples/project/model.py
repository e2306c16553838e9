"""The models, compiled."""

import keras
from keras import layers


def build_tumour_model(optimizer: str | keras.Optimizer = "adam") -> keras.Model:
    """Malignant or benign: the probability of class 1 from 30 features."""
    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(16, "relu"),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return model


def build_digit_model() -> keras.Model:
    """Which digit: ten probabilities from 8x8 gray levels."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def build_diabetes_model(learning_rate: float = 0.001) -> keras.Model:
    """Progression of the disease after a year, from 10 features."""
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(32, "relu"),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(learning_rate), "mse")
    return model
