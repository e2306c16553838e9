"""Two ways to train: Keras' own, and a loop written by hand."""

import keras
import numpy as np
import tensorflow as tf


def train(
    model: keras.Model, x: np.ndarray, y: np.ndarray, epochs: int = 5
) -> keras.Model:
    """Train with `Model.fit`, a fifth of the rows held out."""
    model.fit(x, y, epochs=epochs, validation_split=0.2, verbose=0)
    return model


def train_by_hand(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    loss: keras.Loss,
    epochs: int = 5,
) -> keras.Model:
    """Train with one `tf.function` per step."""
    optimizer = model.optimizer

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)

    batches = tf.data.Dataset.from_tensor_slices((x.astype("float32"), y))
    for _ in range(epochs):
        for batch in batches.shuffle(len(x)).batch(32):
            step(*batch)
    return model
