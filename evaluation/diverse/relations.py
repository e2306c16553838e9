"""Ranking, recommendation, and contrastive learning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..keras_parts import Optimizer
from . import data as of
from .case import Case, Split, net
from .scores import accuracy, predicted, r_squared, rank_correlation

__all__ = ["CASES"]


def _quality(x: Any) -> Any:
    return x @ np.array([1.0, -0.7, 0.5, 0.3, 0.0, 0.0]) + 0.5 * x[:, 0] * x[:, 1]


def _pairs(seed: int) -> Split:
    """Pairs of items, and which of the two was preferred."""
    generator = np.random.default_rng(seed)
    one, other = generator.standard_normal((2, 900, 6)).astype("float32")
    noise = 0.3 * generator.standard_normal(900)
    better = (_quality(one) - _quality(other) + noise > 0).astype("float32")
    held = generator.standard_normal((300, 6)).astype("float32")
    return Split(x=[one, other], y=better[:, None], held_x=held, held_y=_quality(held))


def _ranker(split: Split) -> Any:
    import keras
    from keras import layers

    scorer = keras.Sequential(
        [keras.Input((6,)), layers.Dense(24, "relu"), layers.Dense(1)]
    )
    one, other = keras.Input((6,)), keras.Input((6,))
    outputs = layers.Activation("sigmoid")(scorer(one) - scorer(other))
    model = keras.Model([one, other], outputs)
    model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy")
    return model


def _scored(model: Any, split: Split) -> float:
    scorer = next(it for it in model.layers if it.name.startswith("sequential"))
    return rank_correlation(scorer, split)


def _lists(seed: int) -> Split:
    """Lists of eight graded items, for a softmax over each list."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((500, 8, 6)).astype("float32")
    worth = _quality(x.reshape(-1, 6)).reshape(500, 8)
    worth += 0.3 * generator.standard_normal(worth.shape)
    chosen = worth.argmax(axis=1)
    return of.halves(x, chosen, seed)


def _list_ranker(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((8, 6))
    scores = layers.Dense(1)(layers.Dense(24, "relu")(inputs))
    model = keras.Model(inputs, layers.Reshape((8,))(scores))
    model.compile(
        keras.optimizers.Adam(0.005),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def _ratings(seed: int) -> Split:
    """Ratings of items by users: latent factors in two dimensions and biases."""
    generator = np.random.default_rng(seed)
    users, items = generator.normal(0, 0.8, (60, 2)), generator.normal(0, 0.8, (40, 2))
    bias = generator.normal(0, 0.6, 60)[:, None] + generator.normal(0, 0.6, 40)
    table = 3 + users @ items.T + bias
    at = generator.choice(60 * 40, 1800, replace=False)
    x = np.stack([at // 40, at % 40], axis=1).astype("int32")
    y = table[x[:, 0], x[:, 1]] + 0.2 * generator.standard_normal(len(x))
    return of.columns(lambda _: of.halves(x, y, seed))(seed)


def _recommender(scale: float, optimizer: str, rate: float) -> Any:
    def build(split: Split) -> Any:
        import keras
        from keras import layers

        inputs = keras.Input((2,), dtype="int32")
        user, item = inputs[:, 0], inputs[:, 1]
        small = keras.regularizers.L2(1e-5)

        def table(rows: int, width: int) -> Any:
            return layers.Embedding(
                rows, width, "he_normal", embeddings_regularizer=small
            )

        dot = layers.Dot(1)([table(60, 6)(user), table(40, 6)(item)])
        outputs = dot + table(60, 1)(user) + table(40, 1)(item) + scale
        model = keras.Model(inputs, outputs)
        chosen = getattr(keras.optimizers, optimizer)(rate)
        model.compile(chosen, "mse")
        return model

    return build


def _views(seed: int) -> Split:
    """Two noisy views of each object, to be matched with each other."""
    generator = np.random.default_rng(seed)
    thing = generator.standard_normal((1200, 5))
    maps = generator.standard_normal((2, 5, 10)) / 2
    one, other = (
        (thing @ each + 0.1 * generator.standard_normal((1200, 10))).astype("float32")
        for each in maps
    )
    return Split(
        x=[one[:900], other[:900]],
        held_x=[one[900:1000], other[900:1000]],
        y=np.zeros((900, 1), "float32"),
    )


def _towers(split: Split) -> Any:
    """Two towers and a softmax over the batch, in a custom ``train_step``."""
    import keras
    import tensorflow as tf
    from keras import layers

    def tower() -> Any:
        return keras.Sequential(
            [keras.Input((10,)), layers.Dense(32, "relu"), layers.Dense(12)]
        )

    class Towers(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.item = tower(), tower()

        def call(self, x: Any, training: bool = False) -> Any:
            one, other = self.query(x[0]), self.item(x[1])
            return keras.ops.matmul(one, keras.ops.transpose(other)) / 3.0

        def train_step(self, data: Any) -> Any:
            x = data[0]
            with tf.GradientTape() as tape:
                scores = self(x, training=True)
                own = keras.ops.arange(keras.ops.shape(scores)[0])
                loss = keras.ops.mean(
                    keras.losses.sparse_categorical_crossentropy(
                        own, scores, from_logits=True
                    )
                )
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    model = Towers()
    model.compile(keras.optimizers.Adam(0.005))
    return model


def _found(model: Any, split: Split) -> float:
    """Return the share of queries whose item is among the first five of a hundred."""
    scores = predicted(model, split.held_x)
    own = np.diag(scores)[:, None]
    return float(np.mean((scores > own).sum(axis=1) < 5))


def _digit_pairs(seed: int) -> Split:
    """Pairs of digits, half of them of the same class."""
    split = of.digits()(seed)
    generator = np.random.default_rng(seed)

    def paired(x: Any, y: Any, count: int) -> tuple[list[Any], Any]:
        one = generator.integers(0, len(x), count)
        same = generator.random(count) < 0.5
        other = generator.integers(0, len(x), count)
        for at in np.flatnonzero(same):
            other[at] = generator.choice(np.flatnonzero(y == y[one[at]]))
        alike = (y[one] == y[other]).astype("float32")
        return [x[one], x[other]], alike[:, None]

    x, y = paired(split.x, split.y, 1500)
    held_x, held_y = paired(split.held_x, split.held_y, 400)
    return Split(x=x, y=y, held_x=held_x, held_y=held_y)


def _encoder(units: int) -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [keras.Input((64,)), layers.Dense(64, "relu"), layers.Dense(units)]
    )


def _siamese(loss: str) -> Any:
    def build(split: Split) -> Any:
        import keras
        from keras import layers, ops

        encoder = _encoder(16)
        one, other = keras.Input((64,)), keras.Input((64,))
        apart = encoder(one) - encoder(other)
        if loss == "crossentropy":
            outputs = layers.Dense(1, "sigmoid")(ops.absolute(apart))
            model = keras.Model([one, other], outputs)
            model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy")
            return model
        away = ops.sqrt(ops.sum(ops.square(apart), axis=1, keepdims=True) + 1e-7)
        model = keras.Model([one, other], away)

        def contrastive(truth: Any, distance: Any) -> Any:
            near = ops.square(ops.maximum(1.0 - distance, 0.0))
            return ops.mean(truth * ops.square(distance) + (1 - truth) * near)

        model.compile(keras.optimizers.Adam(0.003), contrastive)
        return model

    return build


def _distinguished(sign: float) -> Any:
    def score(model: Any, split: Split) -> float:
        from sklearn.metrics import roc_auc_score

        found = sign * predicted(model, split.held_x)
        return float(roc_auc_score(split.held_y.ravel(), found.ravel()))

    return score


def _triplets(seed: int) -> Split:
    split = of.digits()(seed)
    generator = np.random.default_rng(seed)
    classes = [np.flatnonzero(split.y == it) for it in range(10)]
    anchor = generator.integers(0, len(split.x), 1500)
    other = (split.y[anchor] + generator.integers(1, 10, 1500)) % 10
    positive = [generator.choice(classes[it]) for it in split.y[anchor]]
    negative = [generator.choice(classes[it]) for it in other]
    x = np.stack([split.x[anchor], split.x[positive], split.x[negative]], axis=1)
    return Split(
        x=x, y=np.zeros((1500, 1), "float32"), held_x=split.held_x, held_y=split.held_y
    )


def _triplet_model(split: Split) -> Any:
    import keras
    from keras import layers, ops

    inputs = keras.Input((3, 64))
    codes = layers.Dense(16)(layers.Dense(64, "relu")(inputs))
    codes = layers.UnitNormalization()(codes)
    model = keras.Model(inputs, codes)

    def triplet(truth: Any, codes: Any) -> Any:
        near = ops.sum(ops.square(codes[:, 0] - codes[:, 1]), axis=-1)
        far = ops.sum(ops.square(codes[:, 0] - codes[:, 2]), axis=-1)
        return ops.mean(ops.maximum(near - far + 0.5, 0.0))

    model.compile(keras.optimizers.Adam(0.003), triplet)
    return model


def _neighbors(model: Any, split: Split) -> float:
    """Return the accuracy of the nearest neighbor among the other held-out rows."""
    codes = predicted(model, np.repeat(split.held_x[:, None], 3, axis=1))[:, 0]
    away = ((codes[:, None] - codes) ** 2).sum(axis=-1)
    np.fill_diagonal(away, np.inf)
    return float(np.mean(split.held_y[away.argmin(axis=1)] == split.held_y))


def _word_pairs(seed: int) -> Split:
    """Skip-grams with negative samples: words of the same group occur together."""
    generator = np.random.default_rng(seed)
    groups = generator.permutation(60) % 6
    one, other = generator.integers(0, 60, (2, 4000))
    positive = np.arange(4000) % 2 == 0
    for at in np.flatnonzero(positive):
        other[at] = generator.choice(np.flatnonzero(groups == groups[one[at]]))
    x = np.stack([one, other], axis=1).astype("int32")
    split = of.halves(x, positive.astype("float32")[:, None], seed)
    same = groups[split.held_x[:, 0]] == groups[split.held_x[:, 1]]
    return replace(split, held_y=same.astype("float32")[:, None])


def _word_vectors(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((2,), dtype="int32")
    target = layers.Embedding(60, 12)(inputs[:, 0])
    context = layers.Embedding(60, 12)(inputs[:, 1])
    model = keras.Model(inputs, layers.Dot(1)([target, context]))
    model.compile(
        keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True)
    )
    return model


def _unit_targets(seed: int) -> Split:
    """Unit vectors as targets, scored by the cosine."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((700, 6)).astype("float32")
    y = np.tanh(x @ generator.standard_normal((6, 4)))
    y = (y / np.linalg.norm(y, axis=1, keepdims=True)).astype("float32")
    return of.halves(x, y, seed)


def _cosine(model: Any, split: Split) -> float:
    found = predicted(model, split.held_x)
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    return float(np.mean((found * split.held_y).sum(axis=1)))


CASES = (
    Case(
        name="ranking-pairs",
        data=_pairs,
        model=_ranker,
        fit={"epochs": 10},
        score=_scored,
        floor=0.75,
    ),
    Case(
        name="ranking-lists",
        data=_lists,
        model=_list_ranker,
        fit={"epochs": 20},
        score=accuracy,
        floor=0.55,
    ),
    Case(
        name="ratings-factorized",
        data=_ratings,
        model=_recommender(3.0, "Adam", 0.01),
        fit={"epochs": 15, "batch_size": 64},
        score=r_squared,
        floor=0.4,
    ),
    Case(
        name="ratings-factorized-zero-mean-unknown",
        data=_ratings,
        model=_recommender(0.0, "Adam", 0.03),
        fit={"epochs": 20, "batch_size": 64},
        score=r_squared,
        floor=0.4,
    ),
    Case(
        name="towers-in-batch",
        data=_views,
        model=_towers,
        fit={"epochs": 12, "batch_size": 50},
        score=_found,
        floor=0.6,
    ),
    Case(
        name="siamese-contrastive",
        data=_digit_pairs,
        model=_siamese("contrastive"),
        fit={"epochs": 10},
        score=_distinguished(-1.0),
        floor=0.85,
    ),
    Case(
        name="siamese-crossentropy",
        data=_digit_pairs,
        model=_siamese("crossentropy"),
        fit={"epochs": 10},
        score=_distinguished(1.0),
        floor=0.85,
    ),
    Case(
        name="triplets",
        data=_triplets,
        model=_triplet_model,
        fit={"epochs": 8},
        score=_neighbors,
        floor=0.85,
    ),
    Case(
        name="word-vectors",
        data=_word_pairs,
        model=_word_vectors,
        fit={"epochs": 12, "batch_size": 64},
        score=_distinguished(1.0),
        floor=0.75,
    ),
    Case(
        name="directions-cosine",
        data=_unit_targets,
        model=net(["32 relu", "4 linear"], Optimizer.Adam(0.005), "cosine_similarity"),
        fit={"epochs": 15},
        score=_cosine,
        floor=0.8,
    ),
)
