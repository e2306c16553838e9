"""Bugs before the model: files, windows, order, splits of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from .data import (
    Rows,
    accuracy,
    digits,
    friedman,
    images,
    in_class_order,
    r_squared,
    wave,
)
from .kit import classifier, dense, regressor
from .report import OUTSIDE, WRITTEN, Report

__all__ = ["REPORTS"]

_SPARSE = "sparse_categorical_crossentropy"


def _compiled(model: Any, loss: Any, rate: float = 0.005) -> Any:
    import keras

    model.compile(keras.optimizers.Adam(rate), loss)
    return model


def _shuffled_apart(fixed: bool) -> float:
    """Images and labels as two datasets, each shuffled separately, then zipped."""
    import tensorflow as tf

    rows, model = digits(), _compiled(classifier(), _SPARSE)
    x, y = (tf.data.Dataset.from_tensor_slices(it) for it in (rows.x, rows.y))
    if fixed:
        pairs = tf.data.Dataset.zip((x, y)).shuffle(700)
    else:
        pairs = tf.data.Dataset.zip((x.shuffle(700), y.shuffle(700)))
    model.fit(pairs.batch(32), epochs=16, verbose=0)
    return accuracy(model, rows)


def _window_of_itself(fixed: bool) -> float:
    """A forecast in which the target of a window is its own first value, not the next
    one.
    """
    import keras
    from keras import layers

    series, length = wave(), 24
    inputs = series[:600]
    targets = series[length:600] if fixed else inputs
    windows = keras.utils.timeseries_dataset_from_array(
        inputs, targets, sequence_length=length, batch_size=32, shuffle=True, seed=0
    )
    model = dense((length,), layers.Dense(32, "relu"), layers.Dense(1))
    _compiled(model, "mse", 0.01).fit(windows, epochs=16, verbose=0)
    held = np.lib.stride_tricks.sliding_window_view(series[620:], length + 1)
    return r_squared(model, Rows(None, None, held[:, :-1], held[:, -1]))


def _blobs() -> tuple[Any, Any]:
    """Return noisy 16x16 images with a disk, and masks of 0 and 1."""
    generator = np.random.default_rng(0)
    centers = generator.uniform(4, 12, (320, 2, 1, 1))
    grid = np.mgrid[:16, :16][None]
    masks = (((grid - centers) ** 2).sum(1) < 12).astype("float32")[..., None]
    x = masks * 0.6 + 0.2 * generator.standard_normal(masks.shape)
    return x.astype("float32"), masks


def _masks_of_bytes(fixed: bool) -> float:
    """Masks of 0 and 255, as read from a file."""
    from keras import layers

    x, masks = _blobs()
    y = masks if fixed else masks * 255
    model = dense(
        (16, 16, 1),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.Conv2D(1, 1, activation="sigmoid"),
    )
    _compiled(model, "binary_crossentropy", 0.01)
    model.fit(x[:240], y[:240], batch_size=16, epochs=8, verbose=0)
    found = np.asarray(model(x[240:])) > 0.5
    kept = masks[240:] > 0.5
    return float((found & kept).sum() / (found | kept).sum())


def _rescaled_twice(fixed: bool) -> float:
    """Inputs divided by 255 both before and in the model; the base is frozen."""
    from keras import layers

    rows = images()
    pixels = rows._replace(x=rows.x * 255, held_x=rows.held_x * 255)
    base = dense((8, 8, 1), layers.Conv2D(24, 3, activation="relu"), layers.Flatten())
    base.trainable = False
    scale = 1.0 if fixed else 1 / 255
    model = dense((8, 8, 1), layers.Rescaling(1 / 255), base, layers.Dense(10))
    import keras

    _compiled(model, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(pixels.x * scale, rows.y, epochs=16, verbose=0)
    return accuracy(model, rows._replace(held_x=pixels.held_x * scale))


def _autoencoder_of_counts(fixed: bool) -> float:
    """A sigmoid output for values 1, 2, 3."""
    from keras import layers

    generator = np.random.default_rng(0)
    codes = generator.integers(0, 3, (600, 3))
    x = (codes @ generator.integers(0, 3, (3, 12)) % 3 + 1).astype("float32")
    last = "linear" if fixed else "sigmoid"
    model = dense((12,), layers.Dense(32, "relu"), layers.Dense(12, last))
    _compiled(model, "mse", 0.01).fit(x, x, epochs=16, verbose=0)
    return -float(np.mean((np.asarray(model(x)) - x) ** 2))


def _few_steps_per_epoch(fixed: bool) -> float:
    """A dataset that restarts each epoch, of which four batches are used."""
    import tensorflow as tf

    rows, model = digits(), _compiled(classifier(), _SPARSE)
    batched = tf.data.Dataset.from_tensor_slices((rows.x, rows.y)).batch(32)
    for _ in range(20):
        model.fit(batched, epochs=1, steps_per_epoch=None if fixed else 4, verbose=0)
    return accuracy(model, rows)


def _first_batch_only(fixed: bool) -> float:
    """``next(iter(dataset))`` in the loop."""
    import tensorflow as tf

    rows, model = digits(), _compiled(classifier(), _SPARSE)
    batched = tf.data.Dataset.from_tensor_slices((rows.x, rows.y)).batch(32).repeat()
    each = iter(batched)
    for _ in range(160):
        x, y = next(each) if fixed else next(iter(batched))
        model.train_on_batch(x, y)
    return accuracy(model, rows)


def _generator_of_one_batch(fixed: bool) -> float:
    """A Python generator that yields the same batch again and again."""
    rows, model = digits(), _compiled(classifier(), _SPARSE)

    def generate() -> Any:
        at = 0
        while True:
            yield rows.x[at : at + 32], rows.y[at : at + 32]
            if fixed:
                at = (at + 32) % len(rows.x)

    model.fit(generate(), epochs=10, steps_per_epoch=20, verbose=0)
    return accuracy(model, rows)


def _small_buffer(fixed: bool) -> float:
    """Records sorted by class, and a shuffle buffer of one batch."""
    import tensorflow as tf

    rows, model = in_class_order(digits()), _compiled(classifier(), _SPARSE)
    records = tf.data.Dataset.from_tensor_slices((rows.x, rows.y))
    records = records.shuffle(640 if fixed else 32).batch(32)
    model.fit(records, epochs=10, verbose=0)
    return accuracy(model, rows)


def _shuffle_thrown_away(fixed: bool) -> float:
    """``dataset.shuffle(...)`` whose result is not used."""
    import tensorflow as tf

    rows, model = in_class_order(digits()), _compiled(classifier(), _SPARSE)
    records = tf.data.Dataset.from_tensor_slices((rows.x, rows.y))
    shuffled = records.shuffle(640)
    model.fit((shuffled if fixed else records).batch(32), epochs=10, verbose=0)
    return accuracy(model, rows)


def _oversampled_first(fixed: bool) -> float:
    """Rows of the rare class are copied before the split, so that most held-out rows
    are also training rows. Scored by how close the held-out accuracy is to that on
    unseen rows.
    """
    generator = np.random.default_rng(0)
    x = generator.standard_normal((700, 20)).astype("float32")
    y = (x[:, 0] + 1.5 * generator.standard_normal(700) > 2.2).astype("float32")
    new_x, new_y, x, y = x[500:], y[500:], x[:500], y[:500]

    def more(rows: Any) -> Any:
        rare = rows[y[rows] == 1]
        return np.concatenate([rows, generator.choice(rare, len(rows))])

    order = generator.permutation(500)
    if fixed:
        trained, held = more(order[:350]), order[350:]
    else:
        both = generator.permutation(more(order))
        trained, held = both[:700], both[700:]
    model = regressor(20)
    import keras

    model.compile(
        keras.optimizers.Adam(0.003),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    held_rows = (x[held], y[held])
    model.fit(x[trained], y[trained], validation_data=held_rows, epochs=12, verbose=0)
    scores = [
        np.mean((np.asarray(model(a))[:, 0] > 0) == b)
        for a, b in (held_rows, (new_x, new_y))
    ]
    return -float(abs(scores[0] - scores[1]))


def _target_among_columns(fixed: bool) -> float:
    """``df.drop`` whose result is not used: the target is among the input columns."""
    rows = friedman()

    def columns(x: Any, y: Any) -> Any:
        return np.concatenate([x, x[:, :1] if fixed else y], axis=1)

    model = _compiled(regressor(11), "mse", 0.01)
    model.fit(columns(rows.x, rows.y), rows.y, epochs=16, verbose=0)
    served = columns(rows.held_x, np.zeros_like(rows.held_y))
    return r_squared(model, rows._replace(held_x=served))


def _base() -> Any:
    """Return a network for features, which is not trained."""
    from keras import layers

    return dense((8, 8, 1), layers.Conv2D(16, 3, activation="relu"), layers.Flatten())


def _head_of_features(base: Any, features: Any, labels: Any, rows: Rows) -> float:
    import keras
    from keras import layers

    head = dense((576,), layers.Dense(48, "relu"), layers.Dense(10, "softmax"))
    _compiled(head, _SPARSE).fit(features, labels, epochs=16, verbose=0)
    return accuracy(keras.Sequential([base, head]), rows)


def _features_of_shuffled_files(fixed: bool) -> float:
    """Features predicted from a shuffling generator, with labels in file order."""
    import tensorflow as tf

    rows, base = images(), _base()
    made = tf.keras.preprocessing.image.ImageDataGenerator()
    files = made.flow(rows.x, batch_size=32, shuffle=not fixed, seed=0)
    return _head_of_features(base, base.predict(files, verbose=0), rows.y, rows)


def _features_of_shuffled_dataset(fixed: bool) -> float:
    """Features predicted from a shuffled dataset, with labels from a second pass over
    it.
    """
    import tensorflow as tf

    rows, base = images(), _base()
    data = tf.data.Dataset.from_tensor_slices((rows.x, rows.y))
    if not fixed:
        data = data.shuffle(700)
    data = data.batch(32)
    features = base.predict(data.map(lambda x, _: x), verbose=0)
    labels = np.concatenate([y for _, y in data])
    return _head_of_features(base, features, labels, rows)


def _features_in_another_order(fixed: bool) -> float:
    """Features and labels from two files that were written in different orders."""
    rows = digits()
    order = np.random.default_rng(0).permutation(len(rows.x))
    features = rows.x[order] * 2 - 1
    labels = rows.y[order] if fixed else rows.y
    model = _compiled(classifier(), _SPARSE)
    model.fit(features, labels, epochs=16, verbose=0)
    return accuracy(model, rows._replace(held_x=rows.held_x * 2 - 1))


def _split(x: Any, y: Any, fixed: bool) -> tuple[Any, Any, Any, Any]:
    """Augment and split rows; the broken version augments first, so that most held-out
    rows have copies in the training rows.
    """
    generator = np.random.default_rng(1)

    def augmented(rows: Any) -> tuple[Any, Any]:
        moved = x[rows] + 0.01 * generator.standard_normal((len(rows), x.shape[1]))
        wide = np.concatenate([x[rows], moved]).astype("float32")
        return wide, np.concatenate([y[rows], y[rows]])

    order = generator.permutation(len(x))
    kept = 2 * len(x) // 3
    if fixed:
        rest = order[kept:]
        return *augmented(order[:kept]), x[rest], y[rest]
    wide, labels = augmented(order)
    mixed = generator.permutation(len(wide))
    wide, labels = wide[mixed], labels[mixed]
    return wide[: 2 * kept], labels[: 2 * kept], wide[2 * kept :], labels[2 * kept :]


def _signs() -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    x = generator.standard_normal((500, 20)).astype("float32")
    return x, (x[:, 0] + generator.standard_normal(500) > 0).astype("float32")


def _augmented_first(fixed: bool) -> float:
    """Rows are augmented before the split. Scored as in `_oversampled_first`."""
    import keras

    x, y = _signs()
    kept, labels, *held = _split(x[:300], y[:300], fixed)
    model = dense((20,), *_wide())
    model.compile(
        keras.optimizers.Adam(0.005),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    model.fit(kept, labels, validation_data=tuple(held), epochs=12, verbose=0)
    scores = [
        np.mean((np.asarray(model(a))[:, 0] > 0) == b)
        for a, b in (held, (x[300:], y[300:]))
    ]
    return -float(abs(scores[0] - scores[1]))


def _rounded_rows_held_out(fixed: bool) -> float:
    """Held-out rows that are training rows, read from a file that keeps two decimals.
    Scored as in `_oversampled_first`.
    """
    import keras

    x, y = _signs()
    held = slice(200, 300) if fixed else slice(100, 200)
    rows = x[held].round(2), y[held]
    model = dense((20,), *_wide())
    model.compile(
        keras.optimizers.Adam(0.005),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    model.fit(x[:200], y[:200], validation_data=rows, epochs=24, verbose=0)
    scores = [
        np.mean((np.asarray(model(a))[:, 0] > 0) == b)
        for a, b in (rows, (x[300:], y[300:]))
    ]
    return -float(abs(scores[0] - scores[1]))


def _noise_of_one_trace(fixed: bool) -> float:
    """NumPy noise in ``dataset.map``: drawn once, when the function is traced."""
    import tensorflow as tf

    rows, model = digits(), _compiled(classifier(), _SPARSE)
    generator = np.random.default_rng(0)

    def noisy(x: Any, y: Any) -> Any:
        if fixed:
            return x + tf.random.normal((64,), stddev=0.6), y
        return x + generator.normal(0, 0.6, 64).astype("float32"), y

    records = tf.data.Dataset.from_tensor_slices((rows.x, rows.y)).shuffle(700)
    model.fit(records.map(noisy).batch(32), epochs=24, verbose=0)
    noise = np.random.default_rng(1).normal(0, 0.6, rows.held_x.shape)
    return accuracy(
        model, rows._replace(held_x=(rows.held_x + noise).astype("float32"))
    )


def _thrown_away(fixed: bool) -> float:
    """``dataset.map(augment)`` whose result is not used; test digits are shifted."""
    import tensorflow as tf

    rows, model = images(), _compiled(_shift_net(), _SPARSE)
    records = tf.data.Dataset.from_tensor_slices((rows.x, rows.y)).shuffle(700)

    def moved(x: Any, y: Any) -> Any:
        return tf.roll(x, tf.random.uniform((), -2, 3, tf.int32), axis=1), y

    augmented = records.map(moved)
    model.fit((augmented if fixed else records).batch(32), epochs=16, verbose=0)
    return accuracy(model, rows._replace(held_x=np.roll(rows.held_x, 2, axis=2)))


def _shift_net() -> Any:
    from keras import layers

    return dense(
        (8, 8, 1),
        layers.Flatten(),
        layers.Dense(64, "relu"),
        layers.Dense(10, "softmax"),
    )


def _wide() -> list[Any]:
    from keras import layers

    return [layers.Dense(128, "relu"), layers.Dense(1)]


REPORTS = (
    Report(
        name="images-and-labels-shuffled-apart",
        source="tensorflow/tensorflow#41334",
        kind="data",
        wrong="images and labels shuffled apart, then zipped",
        program=_shuffled_apart,
        causes=("labels_carry_no_signal", "zipped_apart"),
    ),
    Report(
        name="window-predicts-its-own-first-value",
        source="tensorflow/tensorflow#40343, keras-team/keras#14310",
        kind="data",
        wrong="timeseries_dataset_from_array(s, s): the target stands in the window",
        program=_window_of_itself,
        causes=("target_in_inputs",),
    ),
    Report(
        name="masks-of-0-and-255",
        source="hlamba28/UNET-TGS#8, qubvel/segmentation_models#95",
        kind="data",
        wrong="masks 0 and 255 with sigmoid and binary cross-entropy",
        program=_masks_of_bytes,
        causes=("loss_output_mismatch", "labels_out_of_range"),
    ),
    Report(
        name="rescaled-twice",
        source="tensorflow/tensorflow#42506, keras-team/keras-io#1549",
        kind="data",
        wrong="/255 before a model with Rescaling(1/255)",
        program=_rescaled_twice,
        causes=("unscaled_inputs", "constant_inputs"),
    ),
    Report(
        name="sigmoid-for-counts",
        source="https://stackoverflow.com/questions/44601367",
        kind="autoencoder",
        wrong="autoencoder with sigmoid output for values 1, 2, 3",
        program=_autoencoder_of_counts,
        causes=("labels_out_of_range", "loss_output_mismatch"),
    ),
    Report(
        name="few-steps-per-epoch",
        source="keras-team/keras#6549",
        kind="data",
        wrong="steps_per_epoch of 4 with a dataset of 20 batches, begun anew each time",
        program=_few_steps_per_epoch,
        causes=("repeated_batch",),
        only_warned=True,
    ),
    Report(
        name="first-batch-again-and-again",
        source=OUTSIDE,
        kind="data",
        wrong="next(iter(dataset)) inside the loop",
        program=_first_batch_only,
        causes=("repeated_batch",),
    ),
    Report(
        name="generator-yields-one-batch",
        source=OUTSIDE,
        kind="data",
        wrong="a generator that yields the same batch for ever",
        program=_generator_of_one_batch,
        causes=("repeated_batch",),
    ),
    Report(
        name="shuffle-buffer-of-one-batch",
        source=OUTSIDE,
        kind="data",
        wrong="records in class order, a buffer far smaller than a class",
        program=_small_buffer,
        causes=("rows_in_class_order",),
    ),
    Report(
        name="shuffle-thrown-away",
        source=OUTSIDE,
        kind="data",
        wrong="dataset.shuffle(...) whose result is not used",
        program=_shuffle_thrown_away,
        causes=("rows_in_class_order",),
    ),
    Report(
        name="oversampled-before-the-split",
        source="georgymh/ml-fraud-detection#1",
        kind="data",
        wrong="rows of the rare class copied before the split",
        program=_oversampled_first,
        causes=("validation_rows_trained_on",),
    ),
    Report(
        name="target-left-among-the-columns",
        source=WRITTEN,
        kind="data",
        wrong="the target column is one of the inputs",
        program=_target_among_columns,
        causes=("target_in_inputs",),
    ),
    Report(
        name="features-of-shuffled-files",
        source="keras-team/keras#7520",
        kind="data",
        wrong="predict_generator with shuffle=True beside labels in file order",
        program=_features_of_shuffled_files,
        causes=("labels_carry_no_signal",),
    ),
    Report(
        name="features-of-shuffled-dataset",
        source="tensorflow/tensorflow#57636",
        kind="data",
        wrong="model.predict(dataset) of a shuffled one beside labels of another pass",
        program=_features_of_shuffled_dataset,
        causes=("labels_carry_no_signal",),
    ),
    Report(
        name="features-in-another-order",
        source=WRITTEN,
        kind="data",
        wrong="features and labels come from two files in different orders",
        program=_features_in_another_order,
        causes=("labels_carry_no_signal",),
        only_warned=True,
    ),
    Report(
        name="augmented-before-the-split",
        source="robinreni96/Font_Recognition-DeepFont#2",
        kind="data",
        wrong="held-out rows are all but copies of rows that are trained on",
        program=_augmented_first,
        causes=("validation_rows_trained_on",),
    ),
    Report(
        name="rounded-rows-held-out",
        source=WRITTEN,
        kind="data",
        wrong="held-out rows are trained rows, read from a file of two digits",
        program=_rounded_rows_held_out,
        causes=("validation_rows_trained_on",),
    ),
    Report(
        name="noise-of-one-trace",
        source="tensorflow/tensorflow#60848",
        kind="data",
        wrong="np.random in dataset.map: the same noise for every row",
        program=_noise_of_one_trace,
        causes=("repeated_batch",),
        unseen="a test of the pipeline",
    ),
    Report(
        name="augmentation-thrown-away",
        source="EscVM/RAMS#15",
        kind="data",
        wrong="dataset.map(...) whose result is not used",
        program=_thrown_away,
        causes=("repeated_batch",),
        unseen="a test of the pipeline",
    ),
)
