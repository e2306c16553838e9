"""Custom training loops and training steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from .data import Rows, accuracy, batches, digits, friedman, r_squared
from .kit import classifier, dense, descended, regressor
from .report import OUTSIDE, WRITTEN, Report

__all__ = ["REPORTS"]


def _sparse(**how: Any) -> Any:
    import keras

    return keras.losses.SparseCategoricalCrossentropy(**how)


def _accumulating(fixed: bool) -> float:
    """Four batches per update; the broken count is a Python number, not a variable."""
    import keras
    import tensorflow as tf

    class Accumulating(keras.Model):
        def __init__(self, *parts: Any) -> None:
            super().__init__(*parts)
            self.seen = 0
            self.count = tf.Variable(0, trainable=False)
            self.sums = [
                tf.Variable(tf.zeros_like(it), trainable=False)
                for it in self.trainable_variables
            ]

        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True)) / 4
            gradients = tape.gradient(loss, self.trainable_variables)
            for total, gradient in zip(self.sums, gradients, strict=True):
                total.assign_add(gradient)
            if fixed:
                self.count.assign_add(1)
                tf.cond(self.count % 4 == 0, self.update, lambda: None)
            else:
                self.seen += 1
                if self.seen % 4 == 0:
                    self.update()
            return {"loss": 4 * loss}

        def update(self) -> None:
            self.optimizer.apply(list(self.sums), self.trainable_variables)
            for total in self.sums:
                total.assign(tf.zeros_like(total))

    rows, inner = digits(), classifier()
    model = Accumulating(inner.inputs, inner.outputs)
    model.compile(keras.optimizers.Adam(0.005), _sparse())
    model.optimizer.build(model.trainable_variables)
    model.fit(rows.x, rows.y, epochs=16, verbose=0)
    return accuracy(model, rows)


def _compiled_again(fixed: bool) -> float:
    """The model is compiled anew before each epoch."""
    import keras

    rows, model = digits(), classifier()
    for epoch in range(12):
        if epoch == 0 or not fixed:
            model.compile(keras.optimizers.SGD(0.01, momentum=0.95), _sparse())
        model.fit(rows.x, rows.y, epochs=1, batch_size=160, verbose=0)
    return accuracy(model, rows)


def _optimizer_in_the_step(fixed: bool) -> float:
    """A new Adam in every step, so that each step is a first step of full size."""
    import keras
    import tensorflow as tf

    rows, model = friedman(), regressor()
    loss_fn, kept = keras.losses.MeanSquaredError(), keras.optimizers.Adam(0.06)
    for x, y in batches(rows, epochs=10):
        optimizer = kept if fixed else keras.optimizers.Adam(0.06)
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
    return r_squared(model, rows)


def _normalized() -> Any:
    from keras import layers

    return dense(
        (64,),
        layers.Dense(48, use_bias=False),
        layers.BatchNormalization(momentum=0.8),
        layers.ReLU(),
        layers.Dense(10, "softmax"),
    )


def _without_training_mode(fixed: bool) -> float:
    """Batch normalization whose moving statistics keep their initial values."""
    import keras

    rows, model, loss_fn = digits(), _normalized(), _sparse()
    descended(
        lambda x, y: loss_fn(y, model(x, training=True) if fixed else model(x)),
        model.trainable_variables,
        batches(rows, epochs=8),
        keras.optimizers.Adam(0.005),
    )
    return accuracy(model, rows)


def _without_dropout(fixed: bool) -> float:
    """A small data set with dropout against overfitting that is never active."""
    import keras
    from keras import layers

    rows, loss_fn = digits(160), _sparse()
    model = dense(
        (64,),
        layers.Dense(256, "relu"),
        layers.Dropout(0.6),
        layers.Dense(10, "softmax"),
    )
    descended(
        lambda x, y: loss_fn(y, model(x, training=True) if fixed else model(x)),
        model.trainable_variables,
        batches(rows, epochs=24),
        keras.optimizers.Adam(0.003),
    )
    return accuracy(model, rows)


def _penalty_left_out(fixed: bool) -> float:
    """Weight regularization missing from the loss of a loop; scored by weight norms."""
    import keras
    from keras import layers, regularizers

    rows, loss_fn = digits(), _sparse()
    penalty = regularizers.L2(0.02)
    model = dense(
        (64,),
        layers.Dense(48, "relu", kernel_regularizer=penalty),
        layers.Dense(10, "softmax", kernel_regularizer=penalty),
    )

    def loss_of(x: Any, y: Any) -> Any:
        loss = loss_fn(y, model(x, training=True))
        return loss + sum(model.losses) if fixed else loss

    descended(
        loss_of,
        model.trainable_variables,
        batches(rows, epochs=8),
        keras.optimizers.Adam(0.005),
    )
    sizes = [float((it.numpy() ** 2).sum()) for it in model.trainable_variables]
    return -sum(sizes) / 100


def _one_axis_too_few(fixed: bool) -> float:
    """Labels of shape (n,) and predictions of shape (n, 1) are broadcast to (n, n)."""
    import keras
    import tensorflow as tf

    rows, model = friedman(), regressor()

    def loss_of(x: Any, y: Any) -> Any:
        y = y if fixed else y[:, 0]
        return tf.reduce_mean((y - model(x, training=True)) ** 2)

    descended(
        loss_of,
        model.trainable_variables,
        batches(rows, epochs=8),
        keras.optimizers.Adam(0.01),
    )
    return r_squared(model, rows)


def _loss_function_in_the_step(fixed: bool) -> float:
    """A hand-written loss in ``train_step`` that broadcasts labels of a different
    shape.
    """
    import keras
    import tensorflow as tf

    class Own(keras.Model):
        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                found = self(x, training=True)
                found = found[:, 0] if fixed else found
                loss = tf.reduce_mean(tf.abs(y - found))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    rows, inner = friedman(), regressor()
    model = Own(inner.inputs, inner.outputs)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(rows.x, rows.y[:, 0], epochs=8, verbose=0)
    return r_squared(model, rows)


def _softmax_over_the_rows(fixed: bool) -> float:
    """``tf.nn.softmax(scores, axis=0)``."""
    import keras
    import tensorflow as tf

    rows, model = digits(), classifier(activation=None)

    def loss_of(x: Any, y: Any) -> Any:
        chances = tf.nn.softmax(model(x, training=True), axis=1 if fixed else 0)
        chosen = tf.reduce_sum(chances * tf.one_hot(y, 10), axis=1)
        return -tf.reduce_mean(tf.math.log(chosen + 1e-7))

    descended(
        loss_of,
        model.trainable_variables,
        batches(rows, epochs=8),
        keras.optimizers.Adam(0.01),
    )
    return accuracy(model, rows)


def _never_set_to_zero(fixed: bool) -> float:
    """Accumulated gradients that are applied but never reset."""
    import keras
    import tensorflow as tf

    rows, model, loss_fn = digits(), classifier(), _sparse()
    optimizer = keras.optimizers.SGD(0.05)
    variables = model.trainable_variables
    sums = [tf.Variable(tf.zeros_like(it)) for it in variables]

    @tf.function
    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        for total, slope in zip(sums, tape.gradient(loss, variables), strict=True):
            total.assign_add(slope)

    @tf.function
    def update() -> None:
        optimizer.apply(list(sums), variables)
        if fixed:
            for total in sums:
                total.assign(tf.zeros_like(total))

    for at, (x, y) in enumerate(batches(rows, size=16, epochs=8), start=1):
        step(tf.constant(x), tf.constant(y))
        if at % 2 == 0:
            update()
    return accuracy(model, rows)


def _class_weight_dropped(fixed: bool) -> float:
    """A custom ``train_step`` that unpacks the class weights and ignores them. Scored
    by the mean accuracy of both classes, of which one is rare.
    """
    import keras
    import numpy as np
    import tensorflow as tf

    class Own(keras.Model):
        def train_step(self, data: Any) -> Any:
            x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
            with tf.GradientTape() as tape:
                loss = self.compute_loss(
                    y=y,
                    y_pred=self(x, training=True),
                    sample_weight=weights if fixed else None,
                )
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    draw = np.random.default_rng(0)
    x = draw.standard_normal((1600, 8)).astype("float32")
    y = (x[:, 0] + x[:, 1] + draw.standard_normal(1600) > 2.4).astype("int32")
    inner = regressor(8)
    model = Own(inner.inputs, inner.outputs)
    model.compile(
        keras.optimizers.Adam(0.005),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    weights = {0: 1.0, 1: float(np.mean(y == 0) / np.mean(y == 1))}
    model.fit(x[:800], y[:800, None], epochs=8, class_weight=weights, verbose=0)
    found = np.asarray(model(x[800:]))[:, 0] > 0
    return float(np.mean([np.mean(found[y[800:] == it] == it) for it in (0, 1)]))


def _labels_left_out(fixed: bool) -> float:
    """A loss that sharpens the predictions and ignores the labels."""
    import keras
    import tensorflow as tf

    rows, model = digits(), classifier()

    def loss_of(x: Any, y: Any) -> Any:
        chances = model(x, training=True)
        wanted = tf.one_hot(y if fixed else tf.argmax(chances, 1), 10)
        return -tf.reduce_mean(tf.reduce_sum(wanted * tf.math.log(chances + 1e-7), 1))

    descended(
        loss_of,
        model.trainable_variables,
        batches(rows, epochs=8),
        keras.optimizers.Adam(0.005),
    )
    return accuracy(model, rows)


def _own_activation(fixed: bool) -> float:
    """An activation whose custom gradient has the wrong sign."""
    import keras
    import tensorflow as tf
    from keras import layers

    @tf.custom_gradient
    def bent(x: Any) -> Any:
        y = tf.tanh(x)

        def slope(upstream: Any) -> Any:
            return upstream * (1 - y**2 if fixed else y**2 - 1)

        return y, slope

    rows = friedman()
    model = dense(
        (10,),
        layers.Dense(8),
        layers.Lambda(bent),
        layers.Dense(1),
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(rows.x, rows.y, epochs=10, verbose=0)
    return r_squared(model, rows)


def _half_mislabeled() -> tuple[Rows, Any]:
    """Return digits with sample weights; half have a wrong label and weight 0."""
    rows = digits()
    out = np.random.default_rng(1).random(len(rows.y)) < 0.5
    wrong = np.where(out, (rows.y + 1) % 10, rows.y).astype("int32")
    return rows._replace(y=wrong), np.where(out, 0.0, 1.0).astype("float32")


def _mean_of_a_batch(fixed: bool) -> float:
    """A loss function that returns a scalar, so that Keras cannot weight the rows."""
    import keras
    import tensorflow as tf

    def loss(y: Any, found: Any) -> Any:
        each = keras.losses.sparse_categorical_crossentropy(y, found)
        return each if fixed else tf.reduce_mean(each)

    (rows, weights), model = _half_mislabeled(), classifier()
    model.compile(keras.optimizers.Adam(0.005), loss)
    model.fit(rows.x, rows.y, sample_weight=weights, epochs=16, verbose=0)
    return accuracy(model, rows)


def _one_pass_unweighted(fixed: bool) -> float:
    """Sharpness-aware training with sample weights in the first of two passes only."""
    import keras
    import tensorflow as tf

    class Sharp(keras.Model):
        def train_step(self, data: Any) -> Any:
            x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
            moved = self.trainable_variables
            with tf.GradientTape() as tape:
                loss = self.compute_loss(x, y, self(x, training=True), weights)
            slopes = tape.gradient(loss, moved)
            size = tf.linalg.global_norm(slopes) + 1e-6
            for variable, slope in zip(moved, slopes, strict=True):
                variable.assign_add(0.05 * slope / size)
            with tf.GradientTape() as tape:
                given = weights if fixed else None
                second = self.compute_loss(x, y, self(x, training=True), given)
            last = tape.gradient(second, moved)
            for variable, slope in zip(moved, slopes, strict=True):
                variable.assign_sub(0.05 * slope / size)
            self.optimizer.apply(last, moved)
            return {"loss": loss}

    (rows, weights), inner = _half_mislabeled(), classifier()
    model = Sharp(inner.inputs, inner.outputs)
    model.compile(keras.optimizers.Adam(0.005), _sparse())
    model.fit(rows.x, rows.y, sample_weight=weights, epochs=16, verbose=0)
    return accuracy(model, rows)


def _softmax_twice(fixed: bool) -> float:
    """The model ends with softmax, and the loss of ``tf.nn`` takes logits."""
    import keras
    import tensorflow as tf

    rows, model = digits(), classifier(activation=None if fixed else "softmax")
    descended(
        lambda x, y: tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(
                tf.cast(y, tf.int32), model(x, training=True)
            )
        ),
        model.trainable_variables,
        batches(rows, 10),
        keras.optimizers.SGD(0.05),
    )
    return accuracy(model, rows)


REPORTS = (
    Report(
        name="accumulation-condition-traced-once",
        source="tensorflow/tensorflow#55478",
        kind="custom step",
        wrong="the `if` that applies summed gradients is traced once, never true",
        program=_accumulating,
        causes=("update_skipped",),
    ),
    Report(
        name="softmax-in-the-model-and-in-the-loss",
        source="NVIDIA/DeepLearningExamples#468",
        kind="custom loop",
        wrong="the model ends with softmax, the loss of tf.nn takes logits",
        program=_softmax_twice,
        causes=("activated_twice", "loss_output_mismatch"),
    ),
    Report(
        name="compiled-again-every-epoch",
        source="pythoncymetric/cymetric#4",
        kind="fit in a loop",
        wrong="the momentum starts anew with every epoch",
        program=_compiled_again,
        causes=("optimizer_restarted",),
    ),
    Report(
        name="optimizer-made-in-the-step",
        source=OUTSIDE,
        kind="custom loop",
        wrong="a new Adam for every step",
        program=_optimizer_in_the_step,
        causes=("optimizer_restarted",),
    ),
    Report(
        name="loop-without-training-mode",
        source="tensorflow/tensorflow#32864",
        kind="custom loop",
        wrong="batch normalization called without training=True",
        program=_without_training_mode,
        causes=("inference_mode",),
    ),
    Report(
        name="loop-without-dropout",
        source="tensorflow/tensorflow#31184",
        kind="custom loop",
        wrong="dropout called without training=True",
        program=_without_dropout,
        causes=("inference_mode",),
    ),
    Report(
        name="penalty-left-out-of-the-loop",
        source="hunglc007/tensorflow-yolov4-tflite#369",
        kind="custom loop",
        wrong="kernel regularizers, and a loss without model.losses",
        program=_penalty_left_out,
        causes=("penalty_left_out",),
    ),
    Report(
        name="class-weight-dropped-in-the-step",
        source="tensorflow/tensorflow#43902",
        kind="custom step",
        wrong="train_step unpacks class_weight and drops it",
        program=_class_weight_dropped,
        causes=("sample_weight_ignored",),
    ),
    Report(
        name="loss-is-one-number-for-all-rows",
        source="tensorflow/tensorflow#42446",
        kind="custom loss",
        wrong="a loss function that returns the mean: rows of weight 0 count",
        program=_mean_of_a_batch,
        causes=("sample_weight_ignored",),
    ),
    Report(
        name="weights-in-one-of-two-passes",
        source="Jannoshh/simple-sam#6",
        kind="custom step",
        wrong="sample_weight is used in one of the two passes of a step",
        program=_one_pass_unweighted,
        causes=("sample_weight_ignored",),
    ),
    Report(
        name="labels-with-one-axis-too-few",
        source="tensorflow/tensorflow#28901",
        kind="custom loop",
        wrong="labels (n,) minus predictions (n, 1) are (n, n)",
        program=_one_axis_too_few,
        causes=("rows_mixed",),
    ),
    Report(
        name="loss-function-in-the-train-step",
        source="keras-team/keras#16836",
        kind="custom step",
        wrong="a hand-written loss in train_step, labels (n,), predictions (n, 1)",
        program=_loss_function_in_the_step,
        causes=("rows_mixed",),
    ),
    Report(
        name="softmax-over-the-rows",
        source="JayChanHoi/Lattice_LSTM#5",
        kind="custom loop",
        wrong="softmax over the batch axis",
        program=_softmax_over_the_rows,
        causes=("rows_mixed",),
    ),
    Report(
        name="sums-never-set-to-zero",
        source="https://stackoverflow.com/questions/60335387 (SO-60335387)",
        kind="custom loop",
        wrong="accumulated gradients are applied and never reset",
        program=_never_set_to_zero,
        causes=("update_skipped", "gradients_never_reset"),
    ),
    Report(
        name="labels-left-out-of-the-loss",
        source=WRITTEN,
        kind="custom loop",
        wrong="the loss is computed from the predictions alone",
        program=_labels_left_out,
        causes=("labels_ignored", "predictions_ignore_inputs"),
    ),
    Report(
        name="gradient-written-by-hand",
        source=WRITTEN,
        kind="custom gradient",
        wrong="a tf.custom_gradient with the sign wrong",
        program=_own_activation,
        causes=("custom_gradient_wrong",),
        only_warned=True,
    ),
)
