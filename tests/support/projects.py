"""A user's project, for tests through pytester."""

PROJECT = """
import keras
import numpy as np
import pytest


def load(rows=64):
    generator = np.random.default_rng(0)
    x = generator.standard_normal((rows, 4)).astype("float32")
    return x, x @ np.array([[1.0], [2.0], [-1.0], [0.5]], dtype="float32")


def build(rate=0.01):
    layers = [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model


def train(rate=0.01, epochs=5, scale=1.0):
    x, y = load()
    model = build(rate)
    model.fit(x * scale, y, epochs=epochs, batch_size=16, verbose=0)
    return model
"""
