"""Preparations as users write them, made after the relations were done: mixed columns,
groups, dates, images, windows, objects of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    LabelEncoder,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from .data import reviews, table, walk
from .preparation import Healthy

__all__ = ["FURTHER"]

Arguments = dict[str, Any]


def _rides(rows: int = 300) -> tuple[pd.DataFrame, Any]:
    """Rides of a city: a time, a place, a weather, a distance, a fare."""
    draw = np.random.default_rng(21)
    frame = pd.DataFrame(
        {
            "at": pd.Timestamp("2024-03-01")
            + pd.to_timedelta(np.sort(draw.integers(0, 60 * 24 * 90, rows)), unit="m"),
            "place": draw.choice(["north", "south", "east", "west", "center"], rows),
            "weather": draw.choice(["dry", "rain", "snow"], rows, p=[0.7, 0.2, 0.1]),
            "km": draw.gamma(2, 3, rows).round(2),
            "riders": draw.integers(1, 5, rows),
            "is_member": draw.random(rows) < 0.4,
        }
    )
    minutes = 4 + 2.5 * frame["km"] + 6 * (frame["weather"] != "dry")
    return frame, (minutes + draw.normal(0, 2, rows)).to_numpy()


def _with_holes(name: str) -> tuple[Any, Any]:
    x, y = table(name)
    x = np.array(x, dtype=float)
    x[np.random.default_rng(22).random(x.shape) < 0.05] = np.nan
    return x, y


def _made(target: Callable[[], Any], name: str, holes: bool = False) -> Any:
    def arguments() -> Arguments:
        x, y = _with_holes(name) if holes else table(name)
        return {"prepare": target(), "x": x, "y": y}

    return arguments


def _of_rides(transformer: Callable[[], Any]) -> Any:
    def arguments() -> Arguments:
        x, y = _rides()
        return {"prepare": transformer(), "x": x, "y": y}

    return arguments


def _hours(frame: pd.DataFrame) -> Any:
    at = frame["at"].dt
    turn = 2 * np.pi * (at.hour + at.minute / 60) / 24
    return np.column_stack([np.sin(turn), np.cos(turn), at.dayofweek])


def _all_columns() -> Any:
    return ColumnTransformer(
        [
            ("hours", FunctionTransformer(_hours), ["at"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["place", "weather"]),
            ("numbers", StandardScaler(), ["km", "riders"]),
            ("flags", "passthrough", ["is_member"]),
        ]
    )


def _by_selector() -> Any:
    return ColumnTransformer(
        [
            (
                "words",
                make_pipeline(
                    SimpleImputer(strategy="most_frequent"),
                    OneHotEncoder(
                        handle_unknown="infrequent_if_exist", max_categories=4
                    ),
                ),
                ["place", "weather"],
            ),
            (
                "numbers",
                make_pipeline(SimpleImputer(), SplineTransformer(4), StandardScaler()),
                make_column_selector(dtype_include="number"),
            ),
        ],
        sparse_threshold=0.0,
    )


def _target_encoded() -> Any:
    return ColumnTransformer(
        [
            ("place", TargetEncoder(random_state=0), ["place"]),
            (
                "codes",
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                ["weather"],
            ),
            ("km", PolynomialFeatures(2), ["km", "riders"]),
        ]
    )


def _texts(transformer: Callable[[], Any]) -> Any:
    def arguments() -> Arguments:
        x, y = reviews()
        return {"prepare": transformer(), "x": x, "y": y}

    return arguments


# Functions


def _four(name: str, stratified: bool) -> Any:
    """As in a thousand notebooks: split, fit, transform; the scaler is kept."""

    def arguments() -> Arguments:
        x, y = table(name)
        kept: dict[str, Any] = {}

        def prepare(x: Any, y: Any) -> Any:
            x_train, x_test, y_train, y_test = train_test_split(
                x, y, test_size=0.2, random_state=42, stratify=y if stratified else None
            )
            kept["scaler"] = StandardScaler()
            x_train = kept["scaler"].fit_transform(x_train)
            return x_train, y_train, kept["scaler"].transform(x_test), y_test

        return {
            "prepare": prepare,
            "x": x,
            "y": y,
            "serve": lambda x: kept["scaler"].transform(x),
        }

    return arguments


def _four_rides() -> Arguments:
    x, y = _rides()
    kept: dict[str, Any] = {}

    def prepare(x: Any, y: Any) -> Any:
        x_train, x_test, y_train, y_test = train_test_split(
            x, y, test_size=0.25, random_state=0
        )
        kept["columns"] = _all_columns().fit(x_train, y_train)
        kept["mean"], kept["std"] = y_train.mean(), y_train.std()
        return (
            kept["columns"].transform(x_train),
            (y_train - kept["mean"]) / kept["std"],
            kept["columns"].transform(x_test),
            (y_test - kept["mean"]) / kept["std"],
        )

    return {
        "prepare": prepare,
        "x": x,
        "y": y,
        "serve": lambda x: kept["columns"].transform(x),
        "labels": lambda y: (y - kept["mean"]) / kept["std"],
    }


def _named_labels() -> Arguments:
    x, y = table("iris")
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    encoder, scaler = LabelEncoder(), StandardScaler()

    def prepare(x: Any, y: Any) -> Any:
        return scaler.fit_transform(x), encoder.fit_transform(y)

    return {
        "prepare": prepare,
        "x": x,
        "y": names,
        "serve": scaler.transform,
        "labels": encoder.transform,
    }


def _fixed_dummies(categorical: bool) -> Any:
    def arguments() -> Arguments:
        x, y = _rides()
        places = ["center", "east", "north", "south", "west"]
        kinds = ["dry", "rain", "snow"]

        def features(frame: Any) -> Any:
            frame = frame.drop(columns="at")
            if categorical:
                frame["place"] = pd.Categorical(frame["place"], categories=places)
                frame["weather"] = pd.Categorical(frame["weather"], categories=kinds)
                return pd.get_dummies(frame, dtype="float32")
            made = pd.get_dummies(frame, dtype="float32")
            columns = ["km", "riders", "is_member"]
            columns += [f"place_{it}" for it in places]
            columns += [f"weather_{it}" for it in kinds]
            return made.reindex(columns=columns, fill_value=0.0).astype("float32")

        def prepare(frame: Any, y: Any) -> Any:
            return features(frame), y

        return {
            "prepare": prepare,
            "x": x,
            "y": y,
            "serve": features,
        }

    return arguments


def _grouped() -> Arguments:
    """Means of groups of the training part, joined by name."""
    x, y = _rides()
    kept: dict[str, Any] = {}

    def features(frame: Any) -> Any:
        mean = frame["place"].map(kept["km"]).fillna(kept["all"])
        return pd.DataFrame(
            {
                "km": frame["km"],
                "beside": frame["km"] / mean,
                "riders": frame["riders"],
                "rain": (frame["weather"] == "rain").astype(float),
                "snow": (frame["weather"] == "snow").astype(float),
                "is_member": frame["is_member"].astype(float),
                "hour": frame["at"].dt.hour,
            }
        ).to_numpy()

    def prepare(frame: Any, y: Any) -> Any:
        cut = int(0.8 * len(frame))
        train, test = frame.iloc[:cut], frame.iloc[cut:]
        kept["km"] = train.groupby("place")["km"].mean()
        kept["all"] = train["km"].mean()
        return features(train), y[:cut], features(test), y[cut:]

    return {"prepare": prepare, "x": x, "y": y, "serve": features}


def _running_groups() -> Arguments:
    """What each place had before, in order of time."""
    x, _ = _rides()

    def prepare(frame: Any) -> Any:
        before = frame.groupby("place")["km"]
        made = pd.DataFrame(
            {
                "last": before.shift(1),
                "mean": before.transform(lambda it: it.shift(1).expanding().mean()),
                "count": before.cumcount(),
                "riders": frame["riders"],
            }
        )
        return made.fillna(0.0).to_numpy(), frame["km"].to_numpy()

    return {"prepare": prepare, "x": x}


def _returns() -> Arguments:
    """Logarithmic returns of a price, and what follows."""
    frame = pd.DataFrame({"close": 100 * np.exp(0.02 * (walk(300) - 20))})

    def prepare(frame: Any) -> Any:
        made = np.log(frame["close"]).diff()
        table = pd.DataFrame(
            {f"lag{it}": made.shift(it) for it in range(1, 6)} | {"next": made}
        ).dropna()
        return table.drop(columns="next").to_numpy(), table["next"].to_numpy()

    return {"prepare": prepare, "x": frame}


def _clipped_quantiles() -> Arguments:
    x, y = table("cancer")
    kept: dict[str, Any] = {}

    def serve(x: Any) -> Any:
        clipped = np.clip(x, kept["low"], kept["high"])
        return (clipped - kept["mean"]) / kept["std"]

    def prepare(x: Any, y: Any) -> Any:
        kept["low"], kept["high"] = np.quantile(x, [0.01, 0.99], axis=0)
        clipped = np.clip(x, kept["low"], kept["high"])
        kept["mean"], kept["std"] = clipped.mean(axis=0), clipped.std(axis=0)
        return serve(x), y

    return {"prepare": prepare, "x": x, "y": y, "serve": serve}


class Columns:
    """What a team writes for itself: fit, transform, and both at once."""

    def fit(self, frame: Any) -> Any:
        self.middle = frame[["km", "riders"]].median()
        self.width = frame[["km", "riders"]].std()
        self.places = sorted(frame["place"].unique())
        return self

    def transform(self, frame: Any) -> Any:
        numbers = (frame[["km", "riders"]] - self.middle) / self.width
        places = [(frame["place"] == it).to_numpy() for it in self.places]
        rest = [
            frame["is_member"],
            frame["weather"] == "rain",
            frame["weather"] == "snow",
        ]
        return np.column_stack([numbers, *places, *rest, frame["at"].dt.hour])

    def fit_transform(self, frame: Any) -> Any:
        return self.fit(frame).transform(frame)


def _own_object(bound: bool) -> Any:
    def arguments() -> Arguments:
        x, _ = _rides()
        made = Columns()
        if bound:
            return {"prepare": made.fit_transform, "x": x, "serve": made.transform}
        return {"prepare": made, "x": x}

    return arguments


def _records() -> Arguments:
    """A list of dictionaries, as they come from a queue."""
    frame, y = _rides(120)
    rows = frame.drop(columns="at").to_dict("records")
    weather = {"dry": 0, "rain": 1, "snow": 2}

    def serve(rows: Any) -> Any:
        return np.array(
            [[it["km"] / 10, it["riders"] / 5, weather[it["weather"]]] for it in rows]
        )

    return {"prepare": lambda x, y: (serve(x), y), "x": rows, "y": y, "serve": serve}


def _padded(before: bool) -> Any:
    """Texts of several lengths, as token ids."""

    def arguments() -> Arguments:
        x, y = reviews()
        kept: dict[str, int] = {}

        def serve(texts: Any) -> Any:
            made = np.zeros((len(texts), 10), dtype="int32")
            for row, text in enumerate(texts):
                ids = [kept.get(it, 1) for it in text.lower().split()][:10]
                if ids:
                    made[row, -len(ids) if before else 0 :][: len(ids)] = ids
            return made

        def prepare(texts: Any, y: Any) -> Any:
            words = sorted({it for text in texts for it in text.lower().split()})
            kept.update({it: place + 2 for place, it in enumerate(words)})
            return serve(texts), y

        return {"prepare": prepare, "x": x, "y": y, "serve": serve}

    return arguments


# Keras and tf.data


def _letters(layer: Callable[[Any], Any]) -> Any:
    def arguments() -> Arguments:
        import keras

        draw = np.random.default_rng(23)
        x = draw.choice(["red", "green", "blue", "gray"], (120, 1))
        made = layer(keras)
        prepare = made if hasattr(made, "adapt") else (lambda x: made(x))
        serve = {} if hasattr(made, "adapt") else {"serve": lambda x: made(x)}
        return {"prepare": prepare, "x": x, **serve}

    return arguments


def _pictures(served: Callable[[Any], Any], trained: Callable[[Any], Any]) -> Any:
    """Photographs of one size; training may do more than serving."""

    def arguments() -> Arguments:
        import keras

        draw = np.random.default_rng(24)
        x = draw.integers(0, 256, (48, 12, 12, 3)).astype(np.uint8)
        y = draw.integers(0, 3, 48)
        serve, augment = served(keras), trained(keras)

        def prepare(x: Any, y: Any) -> Any:
            return augment(serve(x)), y

        return {"prepare": prepare, "x": x, "y": y, "serve": lambda x: serve(x)}

    return arguments


def _same(_: Any) -> Any:
    return lambda x: x


def _scaled(keras: Any) -> Any:
    return keras.layers.Rescaling(1 / 127.5, offset=-1)


def _resized(keras: Any) -> Any:
    return keras.Sequential(
        [keras.layers.Resizing(8, 8), keras.layers.Rescaling(1 / 255)]
    )


def _flipped(keras: Any) -> Any:
    def flipped(x: Any) -> Any:
        return keras.layers.RandomFlip("horizontal", seed=1)(x, training=True)

    return flipped


def _crossed() -> Arguments:
    import keras

    draw = np.random.default_rng(25)
    x = {
        "a": draw.choice(["x", "y", "z"], 100),
        "b": draw.choice(["u", "v"], 100),
    }
    layer = keras.layers.HashedCrossing(num_bins=12, output_mode="one_hot")

    def serve(x: Any) -> Any:
        return layer((x["a"], x["b"]))

    return {"prepare": lambda x: serve(x), "x": x, "serve": serve}


def _bins() -> Arguments:
    import keras

    x, y = table("diabetes")
    layer = keras.layers.Discretization([-0.05, 0.0, 0.05], output_mode="int")

    def serve(x: Any) -> Any:
        return layer(x.astype("float32"))

    return {"prepare": lambda x, y: (serve(x), y), "x": x, "y": y, "serve": serve}


def _windowed(batched: bool) -> Any:
    """Windows by `tf.data`, next value the target."""

    def arguments() -> Arguments:
        import tensorflow as tf

        x = walk(200).astype("float32")

        def prepare(values: Any) -> Any:
            made = tf.data.Dataset.from_tensor_slices(np.asarray(values, "float32"))
            made = made.window(9, shift=1, drop_remainder=True)
            made = made.flat_map(lambda it: it.batch(9))
            made = made.map(lambda it: (it[:-1], it[-1]))
            return made.batch(16).prefetch(1) if batched else made

        return {"prepare": prepare, "x": x}

    return arguments


def _timeseries() -> Arguments:
    import keras

    x = walk(200).astype("float32")

    def prepare(values: Any) -> Any:
        values = np.asarray(values, "float32")
        return keras.utils.timeseries_dataset_from_array(
            values[:-8], values[8:], sequence_length=8, batch_size=32
        )

    return {"prepare": prepare, "x": x}


def _piped() -> Arguments:
    """Images through a dataset with caching, shuffling, augmentation."""
    import tensorflow as tf

    draw = np.random.default_rng(26)
    x = draw.integers(0, 256, (60, 8, 8, 1)).astype(np.uint8)
    y = draw.integers(0, 3, 60)

    def serve(x: Any) -> Any:
        return tf.cast(x, tf.float32) / 255.0

    def prepare(x: Any, y: Any) -> Any:
        made = tf.data.Dataset.from_tensor_slices((x, y)).cache()
        made = made.shuffle(100, seed=3).map(lambda a, b: (serve(a), b))
        return made.batch(16).prefetch(tf.data.AUTOTUNE)

    return {"prepare": prepare, "x": x, "y": y, "serve": serve}


def _two_sets() -> Arguments:
    """Training and validation as two datasets."""
    import tensorflow as tf

    x, y = table("wine")

    def serve(x: Any) -> Any:
        return tf.math.log1p(tf.cast(x, tf.float32))

    def prepare(x: Any, y: Any) -> Any:
        order = np.random.default_rng(0).permutation(len(x))
        cut = int(0.8 * len(x))
        parts = []
        for rows in (order[:cut], order[cut:]):
            made = tf.data.Dataset.from_tensor_slices((x[rows], y[rows]))
            parts.append(made.map(lambda a, b: (serve(a), b)).batch(32))
        return tuple(parts)

    return {"prepare": prepare, "x": x, "y": y, "serve": serve}


def _sequence_of_digits() -> Arguments:
    import keras

    x, y = reviews()

    layer = keras.layers.TextVectorization(output_sequence_length=8)

    def prepare(texts: Any, y: Any) -> Any:
        layer.adapt(np.asarray(texts))
        return layer(np.asarray(texts)), keras.utils.to_categorical(y)

    return {
        "prepare": prepare,
        "x": x,
        "y": y,
        "serve": lambda texts: layer(np.asarray(texts)),
    }


_FUTURE = {"future": True}
FURTHER = (
    Healthy(name="further all columns", make=_of_rides(_all_columns)),
    Healthy(name="further by selector", make=_of_rides(_by_selector)),
    Healthy(name="further target-encoded", make=_of_rides(_target_encoded)),
    *(
        Healthy(name=f"further {name} of {data}", make=_made(make, data, holes))
        for name, make, data, holes in (
            ("bins", lambda: KBinsDiscretizer(5, encode="onehot-dense"), "wine", False),
            ("splines", lambda: SplineTransformer(5), "iris", False),
            (
                "powers",
                lambda: make_pipeline(PolynomialFeatures(3), StandardScaler()),
                "iris",
                False,
            ),
            (
                "neighbors",
                lambda: make_pipeline(KNNImputer(), StandardScaler()),
                "wine",
                True,
            ),
            ("iterated", lambda: IterativeImputer(random_state=0), "iris", True),
            (
                "indicated",
                lambda: make_union(SimpleImputer(), MissingIndicator(features="all")),
                "wine",
                True,
            ),
            (
                "logarithms",
                lambda: FunctionTransformer(np.log1p, np.expm1),
                "counts",
                False,
            ),
        )
    ),
    Healthy(
        name="further words and pairs",
        make=_texts(lambda: TfidfVectorizer(ngram_range=(1, 2), min_df=2)),
    ),
    Healthy(
        name="further letters",
        make=_texts(lambda: TfidfVectorizer(analyzer="char_wb", max_features=60)),
    ),
    Healthy(name="further notebook of iris", make=_four("iris", True)),
    Healthy(name="further notebook of diabetes", make=_four("diabetes", False)),
    Healthy(name="further notebook of rides", make=_four_rides),
    Healthy(name="further named labels", make=_named_labels),
    Healthy(
        name="further categories",
        make=_fixed_dummies(True),
        keys={"unused": ("at",)},
    ),
    Healthy(
        name="further dummies", make=_fixed_dummies(False), keys={"unused": ("at",)}
    ),
    Healthy(name="further groups", make=_grouped),
    Healthy(name="further running groups", make=_running_groups, keys=_FUTURE),
    Healthy(name="further returns", make=_returns, keys=_FUTURE),
    Healthy(name="further clipped quantiles", make=_clipped_quantiles),
    Healthy(name="further own object", make=_own_object(False)),
    Healthy(name="further own methods", make=_own_object(True)),
    Healthy(name="further records", make=_records),
    Healthy(name="further padded before", make=_padded(True)),
    Healthy(name="further padded behind", make=_padded(False)),
    Healthy(
        name="further Keras lookup",
        make=_letters(
            lambda keras: keras.layers.StringLookup(
                vocabulary=["red", "green", "blue", "gray"], output_mode="one_hot"
            )
        ),
    ),
    Healthy(
        name="further Keras hashing",
        make=_letters(
            lambda keras: keras.layers.Hashing(num_bins=8, output_mode="one_hot")
        ),
    ),
    Healthy(name="further Keras crossing", make=_crossed),
    Healthy(name="further Keras bins", make=_bins),
    Healthy(name="further Keras pictures", make=_pictures(_scaled, _same)),
    Healthy(name="further Keras resized", make=_pictures(_resized, _same)),
    Healthy(
        name="further Keras flipped",
        make=_pictures(_scaled, _flipped),
        keys={"trained": 0.9},
    ),
    Healthy(name="further Keras texts", make=_sequence_of_digits),
    Healthy(name="further windows by tf.data", make=_windowed(False), keys=_FUTURE),
    Healthy(name="further windows in batches", make=_windowed(True), keys=_FUTURE),
    Healthy(name="further windows by Keras", make=_timeseries, keys=_FUTURE),
    Healthy(name="further piped images", make=_piped),
    Healthy(name="further two datasets", make=_two_sets),
)
