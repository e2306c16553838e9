"""Programs with custom loops: gradient tapes, several calls of fit, changing data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..keras_parts import Loss, Optimizer
from . import data as of
from .case import Case, Split, net
from .scores import accuracy, predicted, r_squared

__all__ = ["CASES"]

_SPARSE = "sparse_categorical_crossentropy"
_DIGITS = of.digits()
_FRIEDMAN = of.columns(
    of.standard_targets(of.generated("friedman1", n_samples=700, noise=0.5))
)


_CLASSIFIER = net(
    ["48 relu", "10 linear"],
    Optimizer.Adam(0.005),
    Loss.SparseCategoricalCrossentropy(from_logits=True),
)
_SOFTMAX = net(["48 relu", "10 softmax"], Optimizer.Adam(0.003), _SPARSE)
_REGRESSOR = net(["32 relu", "1 linear"], Optimizer.Adam(0.01), "mse")


def _batches(split: Split, size: int, epochs: int) -> Any:
    import tensorflow as tf

    rows = tf.data.Dataset.from_tensor_slices((split.x, split.y))
    return rows.shuffle(2000, seed=3).batch(size, drop_remainder=True).repeat(epochs)


def _eager(model: Any, split: Split) -> None:
    """An eager loop as in the guide on writing a training loop from scratch."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(0.01)
    loss_fn = keras.losses.MeanSquaredError()
    for x, y in _batches(split, 32, 12):
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply(gradients, model.trainable_weights)


def _graph(model: Any, split: Split) -> None:
    """A loop with the step as a `tf.function`, as in the same guide."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(0.005)
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def train_step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        return loss

    for x, y in _batches(split, 64, 10):
        train_step(x, y)


def _raw_variables(model: Any, split: Split) -> None:
    """Linear regression as in TensorFlow's guide on training loops."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.SGD(0.1)
    for _ in range(60):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(split.y - model(split.x)))
        gradients = tape.gradient(loss, model.variables)
        optimizer.apply_gradients(zip(gradients, model.variables, strict=True))


def _linear_module(split: Split) -> Any:
    import tensorflow as tf

    class Linear(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable(tf.zeros((split.x.shape[1], 1)))
            self.b = tf.Variable(0.0)

        def __call__(self, x: Any, training: bool = False) -> Any:
            return x @ self.w + self.b

    return Linear()


def _accumulated(model: Any, split: Split) -> None:
    """Sums of the gradients of four batches per update."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(0.01)
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    sums = [tf.Variable(tf.zeros_like(it)) for it in model.trainable_variables]

    @tf.function
    def add(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True)) / 4
        gradients = tape.gradient(loss, model.trainable_variables)
        for total, gradient in zip(sums, gradients, strict=True):
            total.assign_add(gradient)

    @tf.function
    def update() -> None:
        optimizer.apply(list(sums), model.trainable_variables)
        for total in sums:
            total.assign(tf.zeros_like(total))

    for at, (x, y) in enumerate(_batches(split, 16, 8), start=1):
        add(x, y)
        if at % 4 == 0:
            update()


def _on_batches(model: Any, split: Split) -> None:
    generator = np.random.default_rng(0)
    for _ in range(150):
        rows = generator.integers(0, len(split.x), 64)
        model.train_on_batch(split.x[rows], split.y[rows])


def _half(split: Split) -> Any:
    import keras
    from keras import layers

    half = {"dtype": "mixed_float16"}
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(48, "relu", **half),
            layers.Dense(48, "relu", **half),
            layers.Dense(10, **half),
            layers.Activation("softmax", dtype="float32"),
        ]
    )
    inner = keras.optimizers.Adam(0.003)
    model.compile(keras.optimizers.LossScaleOptimizer(inner), _SPARSE)
    return model


def _own_step(split: Split) -> Any:
    """A custom ``train_step`` as in the guide on customizing fit."""
    import keras
    import tensorflow as tf

    class CustomModel(keras.Model):
        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
            return {it.name: it.result() for it in self.metrics}

    inputs = keras.Input((split.held_x.shape[1],))
    x = keras.layers.Dense(32, "relu")(inputs)
    model = CustomModel(inputs, keras.layers.Dense(1)(x))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def _endless(model: Any, split: Split) -> None:
    import tensorflow as tf

    rows = tf.data.Dataset.from_tensor_slices((split.x, split.y))
    rows = rows.repeat().shuffle(1000, seed=2).batch(32)
    model.fit(rows, epochs=6, steps_per_epoch=30, verbose=0)


def _generator(model: Any, split: Split) -> None:
    import keras

    class Rows(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(split.x) // 32

        def __getitem__(self, at: int) -> Any:
            rows = slice(32 * at, 32 * at + 32)
            return split.x[rows], split.y[rows]

    model.fit(Rows(), epochs=10, verbose=0)


def _self_training(model: Any, split: Split) -> None:
    """Self-training: 150 labels, then also the model's own confident predictions."""
    known, others = slice(0, 150), slice(150, None)
    x, y = split.x[known], split.y[known]
    for _ in range(4):
        model.fit(x, y, epochs=10, verbose=0)
        chances = predicted(model, split.x[others])
        sure = chances.max(axis=1) > 0.9
        x = np.concatenate([split.x[known], split.x[others][sure]])
        y = np.concatenate([split.y[known], chances[sure].argmax(axis=1)])


def _curriculum(model: Any, split: Split) -> None:
    """Curriculum learning: first the easy rows, near the mean of their class."""
    means = np.stack([split.x[split.y == it].mean(axis=0) for it in range(10)])
    easy_first = np.argsort(((split.x - means[split.y]) ** 2).sum(axis=1))
    for share in (0.25, 0.5, 0.75, 1.0):
        rows = easy_first[: int(share * len(easy_first))]
        model.fit(split.x[rows], split.y[rows], epochs=4, verbose=0)


def _class_by_class(model: Any, split: Split) -> None:
    """Three or four more classes at each stage."""
    for classes in (3, 6, 10):
        rows = split.y < classes
        model.fit(split.x[rows], split.y[rows], epochs=6, verbose=0)


def _fresh_rows(model: Any, split: Split) -> None:
    """A loop of fit calls, each on a new sample with new noise."""
    generator = np.random.default_rng(1)
    for _ in range(12):
        rows = generator.integers(0, len(split.x), 320)
        noise = 0.1 * generator.standard_normal((320, split.x.shape[1]))
        x = (split.x[rows] + noise).astype("float32")
        model.fit(x, split.y[rows], epochs=1, batch_size=32, verbose=0)


def _chunks(model: Any, split: Split) -> None:
    """Data that come in chunks, each trained on for six epochs."""
    for rows in np.array_split(np.arange(len(split.x)), 6):
        model.fit(split.x[rows], split.y[rows], epochs=6, batch_size=16, verbose=0)


def _warm(model: Any, split: Split) -> None:
    """A second fit at a lower learning rate."""
    import keras

    model.fit(split.x, split.y, epochs=10, verbose=0)
    model.compile(keras.optimizers.Adam(0.001), "mse")
    model.fit(split.x, split.y, epochs=8, verbose=0)


def _folds(model: Any, split: Split) -> Any:
    """Cross-validation with a new model for each of three folds; the last one is
    scored.
    """
    from sklearn.model_selection import KFold

    for kept, _ in KFold(3).split(split.x):
        fresh = _SOFTMAX(split)
        fresh.fit(split.x[kept], split.y[kept], epochs=8, verbose=0)
    return fresh


class _Mean:
    """Averages the outputs of several models."""

    def __init__(self, models: list[Any]) -> None:
        self.models = models

    def __call__(self, x: Any, training: bool = False) -> Any:
        return np.mean([predicted(it, x) for it in self.models], axis=0)


def _ensemble(model: Any, split: Split) -> Any:
    models = [model, _REGRESSOR(split)]
    for each in models:
        each.fit(split.x, split.y, epochs=15, verbose=0)
    return _Mean(models)


def _adversarial(model: Any, split: Split) -> None:
    """Adversarial training: each batch together with an adversarial version of it."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(0.005)
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = loss_fn(y, model(x, training=True))
        moved = x + 0.05 * tf.sign(tape.gradient(loss, x))
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
            loss += loss_fn(y, model(moved, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)

    for x, y in _batches(split, 64, 10):
        step(tf.cast(x, tf.float32), y)


def _equation(model: Any, split: Split) -> None:
    """A physics-informed network: y' = -2 y, y(0) = 1, on points from 0 to 2."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(0.01)

    @tf.function
    def step(t: Any) -> None:
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(t)
                y = model(t, training=True)
            slope = inner.gradient(y, t)
            start = model(tf.zeros((1, 1)), training=True)
            loss = tf.reduce_mean(tf.square(slope + 2 * y))
            loss += tf.reduce_mean(tf.square(start - 1.0))
        gradients = outer.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)

    for _ in range(300):
        step(tf.constant(split.x))


def _decay(seed: int) -> Split:
    generator = np.random.default_rng(seed)
    x = generator.uniform(0, 2, (64, 1)).astype("float32")
    held_x = np.linspace(0, 2, 100, dtype="float32")[:, None]
    return Split(x=x, held_x=held_x, held_y=np.exp(-2 * held_x))


def _transitions(seed: int) -> Split:
    """Random moves in a corridor of eight cells; reaching the last one is rewarded."""
    generator = np.random.default_rng(seed)
    at = generator.integers(0, 8, 600)
    action = generator.integers(0, 2, 600)
    then = np.clip(at + 2 * action - 1, 0, 7)
    rows = np.eye(8, dtype="float32")
    more = {"action": action, "then": rows[then], "reward": (then == 7) * 1.0}
    return Split(x=rows[at], held_x=rows, more=more)


def _q_learning(sync: int) -> Callable[[Any, Split], None]:
    """Q-learning with a target network that is updated every ``sync`` steps."""

    def train(model: Any, split: Split) -> None:
        import keras

        target = keras.models.clone_model(model)
        target.set_weights(model.get_weights())
        more, generator = split.more, np.random.default_rng(0)
        for update in range(300):
            if update % sync == 0:
                target.set_weights(model.get_weights())
            rows = generator.integers(0, len(split.x), 64)
            best = predicted(target, more["then"][rows]).max(axis=1)
            values = predicted(model, split.x[rows]).copy()
            values[np.arange(64), more["action"][rows]] = more["reward"][
                rows
            ] + 0.8 * best * (more["reward"][rows] == 0)
            model.train_on_batch(split.x[rows], values)

    return train


def _walks_right(model: Any, split: Split) -> float:
    values = predicted(model, split.held_x)[:7]
    return float(np.mean(values[:, 1] > values[:, 0]))


def _fitted_q(model: Any, split: Split) -> None:
    """Fitted Q iteration: one call of fit per round of targets."""
    more = split.more
    for _ in range(15):
        best = predicted(model, more["then"]).max(axis=1)
        values = predicted(model, split.x).copy()
        values[np.arange(len(values)), more["action"]] = more["reward"] + 0.8 * best * (
            more["reward"] == 0
        )
        model.fit(split.x, values, epochs=3, verbose=0)


def _contexts(seed: int) -> Split:
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((1500, 4)).astype("float32")
    worth = x @ generator.standard_normal((4, 3))
    return Split(x=x[:1200], held_x=x[1200:], y=worth[:1200], held_y=worth[1200:])


def _bandit(model: Any, split: Split) -> None:
    """A bandit that mostly chooses the best arm and learns from its reward only."""
    generator = np.random.default_rng(0)
    for rows in np.array_split(np.arange(len(split.x)), 20):
        x = split.x[rows]
        arms = predicted(model, x).argmax(axis=1)
        explore = generator.random(len(rows)) < 0.3
        arms = np.where(explore, generator.integers(0, 3, len(rows)), arms)
        values = predicted(model, x).copy()
        reward = split.y[rows, arms] + 0.2 * generator.standard_normal(len(rows))
        values[np.arange(len(rows)), arms] = reward
        model.fit(x, values, epochs=6, verbose=0)


def _best_arm(model: Any, split: Split) -> float:
    arms = predicted(model, split.held_x).argmax(axis=1)
    return float(np.mean(arms == split.held_y.argmax(axis=1)))


def _policy(model: Any, split: Split) -> None:
    """A policy gradient: the loss is minus the log probability times the advantage."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(0.02)
    worth = tf.constant(split.y, tf.float32)

    @tf.function
    def step(x: Any, rewards: Any) -> None:
        with tf.GradientTape() as tape:
            scores = model(x, training=True)
            arms = tf.random.categorical(scores, 1, seed=4)[:, 0]
            reward = tf.gather(rewards, arms, batch_dims=1)
            log_chance = tf.gather(tf.nn.log_softmax(scores), arms, batch_dims=1)
            advantage = reward - tf.reduce_mean(reward)
            loss = -tf.reduce_mean(log_chance * tf.stop_gradient(advantage))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)

    generator = np.random.default_rng(0)
    for _ in range(200):
        rows = generator.integers(0, len(split.x), 128)
        step(tf.constant(split.x[rows]), tf.gather(worth, rows))


def _ring(seed: int) -> Split:
    """Points of a normal distribution not centered at 0, for a generator to match."""
    generator = np.random.default_rng(seed)
    x = np.array([2.0, -1.0]) + 0.5 * generator.standard_normal((1000, 2))
    return Split(x=x.astype("float32"), held_x=x[:200].astype("float32"))


def _gan(split: Split) -> Any:
    """A GAN as in the guide on customizing fit."""
    import keras
    import tensorflow as tf
    from keras import layers

    class GAN(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.generator = keras.Sequential(
                [keras.Input((4,)), layers.Dense(24, "relu"), layers.Dense(2)]
            )
            self.discriminator = keras.Sequential(
                [keras.Input((2,)), layers.Dense(24, "leaky_relu"), layers.Dense(1)]
            )
            self.seeds = keras.random.SeedGenerator(11)

        def call(self, x: Any, training: bool = False) -> Any:
            return self.generator(x)

        def compile(self, g: Any, d: Any, loss_fn: Any) -> None:
            super().compile()
            self.g, self.d, self.loss_fn = g, d, loss_fn

        def train_step(self, real: Any) -> Any:
            rows = keras.ops.shape(real)[0]
            fake = self.generator(keras.random.normal((rows, 4), seed=self.seeds))
            both = keras.ops.concatenate([fake, real], axis=0)
            labels = keras.ops.concatenate(
                [keras.ops.ones((rows, 1)), keras.ops.zeros((rows, 1))], axis=0
            )
            with tf.GradientTape() as tape:
                d_loss = self.loss_fn(labels, self.discriminator(both))
            weights = self.discriminator.trainable_weights
            self.d.apply(tape.gradient(d_loss, weights), weights)
            noise = keras.random.normal((rows, 4), seed=self.seeds)
            with tf.GradientTape() as tape:
                judged = self.discriminator(self.generator(noise))
                g_loss = self.loss_fn(keras.ops.zeros((rows, 1)), judged)
            weights = self.generator.trainable_weights
            self.g.apply(tape.gradient(g_loss, weights), weights)
            return {"d_loss": d_loss, "g_loss": g_loss}

    model = GAN()
    model.compile(
        keras.optimizers.Adam(0.003, beta_1=0.5),
        keras.optimizers.Adam(0.003, beta_1=0.5),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    return model


def _fits_only_x(model: Any, split: Split) -> None:
    model.fit(split.x, epochs=15, batch_size=64, verbose=0)


def _matches(model: Any, split: Split) -> float:
    """Return minus the distance of the mean of generated points from the real mean."""
    noise = np.random.default_rng(0).standard_normal((300, 4)).astype("float32")
    made = predicted(model.generator, noise).mean(axis=0)
    return float(-np.linalg.norm(made - split.held_x.mean(axis=0)))


def _distilled(split: Split) -> Any:
    """A student that learns from labels and from a teacher, as in keras.io."""
    import keras
    import tensorflow as tf

    teacher = _CLASSIFIER(split)
    teacher.fit(split.x, split.y, epochs=6, verbose=0)
    teacher.trainable = False

    class Distiller(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.teacher = teacher
            self.student = keras.Sequential(
                [
                    keras.Input((64,)),
                    keras.layers.Dense(16, "relu"),
                    keras.layers.Dense(10),
                ]
            )

        def call(self, x: Any, training: bool = False) -> Any:
            return self.student(x, training=training)

        def train_step(self, data: Any) -> Any:
            x, y = data
            wanted = keras.ops.softmax(self.teacher(x, training=False) / 3.0)
            with tf.GradientTape() as tape:
                scores = self.student(x, training=True)
                of_labels = keras.losses.sparse_categorical_crossentropy(
                    y, scores, from_logits=True
                )
                of_teacher = keras.losses.kl_divergence(
                    wanted, keras.ops.softmax(scores / 3.0)
                )
                loss = keras.ops.mean(0.3 * of_labels + 0.7 * 9 * of_teacher)
            weights = self.student.trainable_variables
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            return {"loss": loss}

    model = Distiller()
    model.compile(keras.optimizers.Adam(0.005))
    return model


def _augmented_pipeline(model: Any, split: Split) -> None:
    """Noise added in a `tf.data` pipeline, equal for all rows due to a fixed seed."""
    import tensorflow as tf

    rows = tf.data.Dataset.from_tensor_slices((split.x, split.y)).shuffle(1500, seed=5)
    rows = rows.map(
        lambda x, y: (x + 0.1 * tf.random.stateless_normal((64,), (1, 2)), y)
    )
    model.fit(rows.batch(32), epochs=8, verbose=0)


def _momentum_views(model: Any, split: Split) -> None:
    """Contrastive pretraining, then a linear probe on the features."""
    import keras
    import tensorflow as tf

    base, optimizer = model.layers[0], keras.optimizers.Adam(0.003)

    @tf.function
    def step(one: Any, other: Any) -> None:
        with tf.GradientTape() as tape:
            codes = [tf.math.l2_normalize(base(it), axis=1) for it in (one, other)]
            scores = tf.matmul(codes[0], codes[1], transpose_b=True) / 0.2
            own = tf.range(tf.shape(scores)[0])
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(own, scores)
            )
        weights = base.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)

    generator = np.random.default_rng(0)
    for _ in range(100):
        x = split.x[generator.integers(0, len(split.x), 128)]
        noise = 0.15 * generator.standard_normal((2, *x.shape))
        step(*(tf.constant((x + it).astype("float32")) for it in noise))
    base.trainable = False
    model.compile(keras.optimizers.Adam(0.01), _SPARSE)
    model.fit(split.x, split.y, epochs=8, verbose=0)


_digits_case = partial(Case, data=_DIGITS, score=accuracy, floor=0.8)
_friedman_case = partial(Case, data=_FRIEDMAN, score=r_squared, floor=0.5)
_corridor_case = partial(Case, data=_transitions, score=_walks_right, floor=0.8)
_arms_case = partial(Case, data=_contexts, score=_best_arm, floor=0.7)

CASES = (
    _friedman_case(name="loop-eager", model=_REGRESSOR, train=_eager),
    _digits_case(name="loop-graph", model=_CLASSIFIER, train=_graph),
    Case(
        name="loop-raw-variables",
        data=of.columns(
            of.standard_targets(
                of.generated("regression", n_samples=400, n_features=5, noise=10.0)
            )
        ),
        model=_linear_module,
        train=_raw_variables,
        score=r_squared,
        floor=0.7,
    ),
    _digits_case(name="loop-accumulated", model=_CLASSIFIER, train=_accumulated),
    _digits_case(name="loop-train-on-batch", model=_SOFTMAX, train=_on_batches),
    _digits_case(name="loop-adversarial", model=_CLASSIFIER, train=_adversarial),
    _digits_case(name="digits-mixed-precision", model=_half, fit={"epochs": 10}),
    _friedman_case(name="friedman-own-step", model=_own_step, fit={"epochs": 15}),
    _digits_case(name="digits-endless-dataset", model=_SOFTMAX, train=_endless),
    _digits_case(name="digits-py-dataset", model=_SOFTMAX, train=_generator),
    _digits_case(
        name="digits-noisy-pipeline", model=_SOFTMAX, train=_augmented_pipeline
    ),
    _digits_case(
        name="digits-self-training", model=_SOFTMAX, train=_self_training, floor=0.75
    ),
    _digits_case(name="digits-curriculum", model=_SOFTMAX, train=_curriculum),
    _digits_case(name="digits-class-by-class", model=_SOFTMAX, train=_class_by_class),
    _friedman_case(
        name="friedman-fresh-rows", model=_REGRESSOR, train=_fresh_rows, floor=0.4
    ),
    _friedman_case(
        name="friedman-in-chunks", model=_REGRESSOR, train=_chunks, floor=0.4
    ),
    _friedman_case(name="friedman-warm-start", model=_REGRESSOR, train=_warm),
    _digits_case(name="digits-three-folds", model=_SOFTMAX, train=_folds),
    _friedman_case(name="friedman-ensemble", model=_REGRESSOR, train=_ensemble),
    Case(
        name="equation-informed",
        data=_decay,
        model=net(["24 tanh", "1 linear"], shape=(1,)),
        train=_equation,
        score=r_squared,
        floor=0.85,
    ),
    _corridor_case(
        name="corridor-q-learning",
        model=net(["24 relu", "2 linear"], Optimizer.Adam(0.01), "mse"),
        train=_q_learning(20),
    ),
    _corridor_case(
        name="corridor-fitted-q",
        model=net(["24 relu", "2 linear"], Optimizer.Adam(0.01), "mse"),
        train=_fitted_q,
    ),
    _arms_case(
        name="bandit-of-three-arms",
        model=net(["24 relu", "3 linear"], Optimizer.Adam(0.01), "mse"),
        train=_bandit,
    ),
    _arms_case(
        name="policy-gradient", model=net(["24 relu", "3 linear"]), train=_policy
    ),
    Case(
        name="gan-of-the-guide",
        data=_ring,
        model=_gan,
        train=_fits_only_x,
        score=_matches,
        floor=-0.8,
    ),
    _digits_case(
        name="digits-distiller", model=_distilled, fit=lambda split: {"epochs": 8}
    ),
    _digits_case(
        name="digits-contrastive-probe",
        model=lambda split: _pretrained(split),
        train=_momentum_views,
        floor=0.75,
    ),
)


def _pretrained(split: Split) -> Any:
    import keras
    from keras import layers

    base = keras.Sequential(
        [keras.Input((64,)), layers.Dense(64, "relu"), layers.Dense(32)]
    )
    return keras.Sequential([base, layers.Dense(10, "softmax")])
