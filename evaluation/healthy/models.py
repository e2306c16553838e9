"""Healthy programs with custom code, shared layers, frozen parts, or pretraining."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..bases import Knobs, datasets
from ..bases.base import bounded_accuracy, bounded_r_squared
from ..program import Program, Setup
from .case import base, healthy, on, setup

__all__ = ["PROGRAMS"]


@on("friedman")
def own_training_step(seed: int) -> Setup:
    """A ``train_step`` of its own."""
    data = base("friedman").data(seed)

    def build() -> Any:
        import keras
        import tensorflow as tf
        from keras import layers

        class Net(keras.Model):
            """A network that computes its own loss."""

            def train_step(self, batch: Any) -> Any:
                x, y = batch
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(tf.square(y - self(x, training=True)))
                gradients = tape.gradient(loss, self.trainable_variables)
                self.optimizer.apply(gradients, self.trainable_variables)
                return {"loss": loss}

        inputs = keras.Input((10,))
        hidden = layers.Dense(32, "relu")(inputs)
        model = Net(inputs, layers.Dense(1)(hidden))
        model.compile(keras.optimizers.Adam(0.01), "mse")
        return model

    return setup(data, build, bounded_r_squared, epochs=18)


@on("tumour-probability")
def subclassed(seed: int) -> Setup:
    """A subclassed model with a gate."""
    data = base("tumour-probability").data(seed)

    def build() -> Any:
        import keras
        from keras import layers

        class Gated(keras.Model):
            """A hidden layer gated by another."""

            def __init__(self) -> None:
                super().__init__()
                self.inner = layers.Dense(16, "tanh")
                self.gate = layers.Dense(16, "sigmoid")
                self.last = layers.Dense(1, "sigmoid")

            def call(self, x: Any) -> Any:
                return self.last(self.inner(x) * self.gate(x))

        model = Gated()
        model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
        return model

    return setup(data, build, bounded_accuracy, epochs=8)


@on("linear")
def solved_already(seed: int) -> Setup:
    """Weights start at the least-squares solution: nothing is left to learn."""
    data = base("linear").data(seed)

    def build() -> Any:
        import keras

        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
        design = np.concatenate([data.x, np.ones((len(data.x), 1))], axis=1)
        solution = np.linalg.lstsq(design, data.y, rcond=None)[0]
        model.set_weights([solution[:-1], solution[-1]])
        model.compile(keras.optimizers.Adam(0.0005), "mse")
        return model

    return setup(data, build, bounded_r_squared, epochs=5)


@on("tumour-logit")
def trained_before(seed: int) -> Setup:
    """A classifier that was trained to the end before, trained on."""
    start = base("tumour-logit").setup(seed)

    def build() -> Any:
        import keras

        model = start.build()
        model.fit(start.x, start.y, epochs=10, verbose=0)
        model.compile(keras.optimizers.SGD(0.01), model.loss)
        return model

    return replace(start, build=build, epochs=4)


@on("linear")
def nearly_solved(seed: int) -> Setup:
    """Fine-tuning: the start is the solution with a little noise."""
    data = base("linear").data(seed)

    def build() -> Any:
        import keras

        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
        solution = np.linalg.lstsq(data.x, data.y, rcond=None)[0]
        noise = 0.15 * np.random.default_rng(seed).standard_normal((5, 1))
        model.set_weights([solution + noise, np.zeros(1)])
        model.compile(keras.optimizers.Adam(0.003), "mse")
        return model

    return setup(data, build, bounded_r_squared, epochs=6)


@on("digits-logits")
def frozen_backbone(seed: int) -> Setup:
    """A frozen layer of principal components under a head that learns."""
    data = base("digits-logits").data(seed)

    def build() -> Any:
        import keras
        from keras import layers

        center = data.x.mean(axis=0)
        axes = np.linalg.svd(data.x - center, full_matrices=False)[2][:24].T
        backbone = layers.Dense(24, trainable=False)
        inputs = keras.Input((64,))
        hidden = layers.Dense(32, "relu")(backbone(inputs))
        model = keras.Model(inputs, layers.Dense(10, "softmax")(hidden))
        backbone.set_weights([axes, -center @ axes])
        model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
        return model

    return setup(data, build, bounded_accuracy, epochs=6)


@on("friedman")
def random_features(seed: int) -> Setup:
    """A frozen random layer of 300 units under a linear model."""
    data = base("friedman").data(seed)

    def build() -> Any:
        import keras
        from keras import layers

        model = keras.Sequential(
            [
                keras.Input((10,)),
                layers.Dense(300, "tanh", trainable=False),
                layers.Dense(1),
            ]
        )
        model.compile(keras.optimizers.Adam(0.005), "mse")
        return model

    return setup(data, build, bounded_r_squared, epochs=18)


@on("autoencoder")
def tied_autoencoder(seed: int) -> Setup:
    """The decoder is the encoder's kernel, transposed."""
    data = base("autoencoder").data(seed)

    def build() -> Any:
        import keras
        from keras import layers

        class Transposed(layers.Layer):
            """Decodes with the transposed kernel of another layer."""

            def __init__(self, encoder: Any) -> None:
                super().__init__()
                self.encoder = encoder

            def build(self, shape: Any) -> None:
                del shape
                self.bias = self.add_weight(shape=(64,), initializer="zeros")

            def call(self, code: Any) -> Any:
                kernel = keras.ops.transpose(self.encoder.kernel)
                return keras.ops.sigmoid(keras.ops.matmul(code, kernel) + self.bias)

        inputs, encoder = keras.Input((64,)), layers.Dense(24, "relu")
        model = keras.Model(inputs, Transposed(encoder)(encoder(inputs)))
        model.compile(keras.optimizers.Adam(0.01), "mse")
        return model

    return setup(data, build, bounded_r_squared, epochs=8)


@on("autoencoder")
def variational_autoencoder(seed: int) -> Setup:
    """A KL term by ``add_loss`` beside the reconstruction."""
    data = base("autoencoder").data(seed)

    def build() -> Any:
        import keras
        from keras import layers

        class Sampling(layers.Layer):
            """Samples the code and adds its KL divergence as a loss."""

            def __init__(self) -> None:
                super().__init__()
                self.seeds = keras.random.SeedGenerator(0)

            def call(self, moments: Any) -> Any:
                mean, log_variance = moments
                charge = keras.ops.exp(log_variance) + mean**2 - 1 - log_variance
                self.add_loss(0.0005 * keras.ops.mean(keras.ops.sum(charge, -1)))
                noise = keras.random.normal(keras.ops.shape(mean), seed=self.seeds)
                return mean + keras.ops.exp(0.5 * log_variance) * noise

        inputs = keras.Input((64,))
        hidden = layers.Dense(48, "relu")(inputs)
        code = Sampling()([layers.Dense(8)(hidden), layers.Dense(8)(hidden)])
        decoded = layers.Dense(48, "relu")(code)
        model = keras.Model(inputs, layers.Dense(64, "sigmoid")(decoded))
        model.compile(keras.optimizers.Adam(0.005), "mse")
        return model

    return setup(data, build, bounded_r_squared, epochs=10)


def _pairs(x: Any, y: Any, rows: int, generator: Any) -> tuple[Any, Any]:
    """Return pairs of digits, about half of the same class, and whether they differ."""
    first = generator.integers(0, len(x), rows)
    same = np.array([generator.choice(np.flatnonzero(y == y[it])) for it in first])
    second = np.where(generator.random(rows) < 0.5, same, generator.permutation(first))
    differ = (y[first] != y[second]).astype("float32").reshape(-1, 1)
    return [x[first], x[second]], differ


@on("digits-logits")
def siamese(seed: int) -> Setup:
    """A contrastive loss on the distance of two digits, with shared layers."""
    data = base("digits-logits").data(seed)
    generator = np.random.default_rng(seed)
    x, y = _pairs(data.x, data.y, 1200, generator)
    test = _pairs(data.test_x, data.test_y, 400, generator)

    def contrastive(y_true: Any, distance: Any) -> Any:
        from keras import ops

        apart = ops.square(ops.maximum(1.0 - distance, 0.0))
        return ops.mean((1 - y_true) * ops.square(distance) + y_true * apart, -1)

    def build() -> Any:
        import keras
        from keras import layers

        inputs = [keras.Input((64,)), keras.Input((64,))]
        shared = keras.Sequential([layers.Dense(32, "relu"), layers.Dense(8)])
        first, second = (shared(it) for it in inputs)
        square = keras.ops.sum(keras.ops.square(first - second), -1, keepdims=True)
        model = keras.Model(inputs, keras.ops.sqrt(square + 1e-6))
        model.compile(keras.optimizers.Adam(0.003), contrastive)
        return model

    return Setup(build=build, x=x, y=y, epochs=8, test=test, quality=bounded_accuracy)


@on("digits-logits")
def triplets(seed: int) -> Setup:
    """A margin between equal and other digits, all of it in ``add_loss``."""
    data = base("digits-logits").data(seed)
    generator = np.random.default_rng(seed)

    def drawn(x: Any, y: Any, rows: int) -> dict[str, Any]:
        anchor = generator.integers(0, len(x), rows)
        same = [generator.choice(np.flatnonzero(y == y[it])) for it in anchor]
        other = [generator.choice(np.flatnonzero(y != y[it])) for it in anchor]
        return {"anchor": x[anchor], "same": x[same], "other": x[other]}

    def build() -> Any:
        import keras
        from keras import layers

        class Margin(layers.Layer):
            """Adds a loss unless the other digit is farther away than the equal one."""

            def call(self, parts: Any) -> Any:
                anchor, same, other = parts
                near = keras.ops.sum(keras.ops.square(anchor - same), -1)
                far = keras.ops.sum(keras.ops.square(anchor - other), -1)
                charge = keras.ops.maximum(near - far + 1.0, 0.0)
                self.add_loss(keras.ops.mean(charge))
                return keras.ops.expand_dims(far - near, -1)

        inputs = {
            name: keras.Input((64,), name=name) for name in ("anchor", "same", "other")
        }
        shared = keras.Sequential([layers.Dense(32, "relu"), layers.Dense(8)])
        model = keras.Model(inputs, Margin()([shared(it) for it in inputs.values()]))
        model.compile(keras.optimizers.Adam(0.003))
        return model

    test = drawn(data.test_x, data.test_y, 400)
    return Setup(
        build=build,
        x=drawn(data.x, data.y, 1000),
        epochs=6,
        test=(test, np.ones((400, 1))),
        quality=lambda _, farther: float(np.mean(np.asarray(farther) > 0)),
    )


@healthy
def taste(seed: int) -> Setup:
    """Users and films as vectors; their product is the rating."""
    generator = np.random.default_rng(seed)
    latent = np.random.default_rng(5)
    people, films = latent.standard_normal((40, 3)), latent.standard_normal((30, 3))
    user, film = generator.integers(0, 40, 1600), generator.integers(0, 30, 1600)
    y = (people[user] * films[film]).sum(1) / 1.7 + 0.3 * generator.standard_normal(
        1600
    )
    x = np.stack([user, film], axis=1).astype("int32")

    def build() -> Any:
        import keras
        from keras import layers

        inputs = keras.Input((2,), dtype="int32")
        options = {"class_name": "RandomNormal", "config": {"stddev": 0.5}}
        one = layers.Embedding(40, 6, embeddings_initializer=options)(inputs[:, 0])
        other = layers.Embedding(30, 6, embeddings_initializer=options)(inputs[:, 1])
        model = keras.Model(inputs, layers.Dot(-1)([one, other]))
        model.compile(keras.optimizers.Adam(0.03), "mse")
        return model

    data = datasets.column(datasets.split(x, y, seed))
    return setup(data, build, bounded_r_squared, epochs=9)


@on("friedman")
def experts(seed: int) -> Setup:
    """A gate that weighs four small nets."""
    data = base("friedman").data(seed)

    def build() -> Any:
        import keras
        from keras import layers

        inputs = keras.Input((10,))
        hidden = [layers.Dense(12, "relu")(inputs) for _ in range(4)]
        said = layers.Concatenate()([layers.Dense(1)(it) for it in hidden])
        gate = layers.Dense(4, "softmax")(inputs)
        model = keras.Model(inputs, layers.Dot(-1)([said, gate]))
        model.compile(keras.optimizers.Adam(0.01), "mse")
        return model

    return setup(data, build, bounded_r_squared, epochs=18)


@on("embedding")
def attention_pooling(seed: int) -> Setup:
    """Words weighed by a learned query."""
    data = base("embedding").data(seed)

    def build() -> Any:
        import keras
        from keras import layers

        inputs = keras.Input((16,), dtype="int32")
        x = layers.Embedding(60, 8)(inputs)
        weight = layers.Softmax(axis=1)(layers.Dense(1)(x))
        pooled = layers.Flatten()(layers.Dot(1)([weight, x]))
        model = keras.Model(inputs, layers.Dense(1, "sigmoid")(pooled))
        model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
        return model

    return setup(data, build, bounded_accuracy, epochs=10)


@healthy
def temperature(seed: int) -> Setup:
    """Calibration: one scalar is all that learns, and little is to be had."""
    generator = np.random.default_rng(seed)
    scores = generator.standard_normal((800, 4)).astype("float32")
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    y = np.array([generator.choice(4, p=it / it.sum()) for it in chances])
    data = datasets.split(5 * scores, y, seed)

    def build() -> Any:
        import keras

        class Scale(keras.layers.Layer):
            """Multiplies by a trainable scalar."""

            def build(self, shape: Any) -> None:
                del shape
                self.factor = self.add_weight(shape=(), initializer="ones")

            def call(self, x: Any) -> Any:
                return x * self.factor

        model = keras.Sequential([keras.Input((4,)), Scale()])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.02), loss)
        return model

    def likelihood(y: Any, logits: Any) -> float:
        logits = np.asarray(logits, float)
        logits = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return float(np.mean(logits[np.arange(len(y)), y]))

    return setup(data, build, likelihood, epochs=6)


@on("multi-output")
def two_losses_unlike_in_size(seed: int) -> Setup:
    """Two outputs, one of whose losses is a hundred times the other's."""
    origin = base("multi-output")
    data = origin.data(seed)

    def build() -> Any:
        import keras

        model = origin.build(Knobs())
        weights = {"amount": 0.1, "kind": 10.0}
        model.compile(keras.optimizers.Adam(0.01), model.loss, loss_weights=weights)
        return model

    return setup(data, build, origin.quality, epochs=12)


PROGRAMS: tuple[Program, ...] = (
    own_training_step,
    subclassed,
    solved_already,
    trained_before,
    nearly_solved,
    frozen_backbone,
    random_features,
    tied_autoencoder,
    variational_autoencoder,
    siamese,
    triplets,
    taste,
    experts,
    attention_pooling,
    temperature,
    two_losses_unlike_in_size,
)
