"""Preprocessing bugs known from real projects, each with a correct counterpart.

Every pair has the arguments of `contracts`. ``relation`` is the relation that the bad
program must break; None if only a training can detect the bug.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    StandardScaler,
    TargetEncoder,
)

Arguments = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A bug and its correct counterpart; ``keys`` are the keywords of the marker."""

    name: str
    relation: str | None
    good: Callable[[], Arguments]
    bad: Callable[[], Arguments]
    keys: dict[str, Any] = field(default_factory=dict)


def split(rows, share=0.25, seed=0):
    order = np.random.default_rng(seed).permutation(rows)
    cut = int(rows * share)
    return np.sort(order[cut:]), np.sort(order[:cut])


class Scaled:
    """Splits, scales by the training rows, and serves with the same scaler."""

    def __init__(self, before=lambda x: x, scaler=None):
        self.scaler, self.before = scaler or StandardScaler(), before

    def prepare(self, x, y):
        train, held = split(len(x))
        self.scaler.fit(self.before(x[train]))
        return self.serve(x[train]), y[train], self.serve(x[held]), y[held]

    def serve(self, x):
        return self.scaler.transform(self.before(x))

    def arguments(self, x, y, **others):
        return {"prepare": self.prepare, "x": x, "y": y, "serve": self.serve, **others}


def wine():
    return load_wine(return_X_y=True)


def cancer():
    x, y = load_breast_cancer(return_X_y=True)
    return x[:300], y[:300]


def towns(rows=240):
    draw = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "size": draw.normal(90, 30, rows).round(1),
            "age": draw.integers(1, 80, rows),
            "city": draw.choice(["Rome", "Oslo", "Lima", "Bonn", "Cork"], rows),
        }
    )
    price = frame["size"] * 3 + frame["city"].map(len) * 20 - frame["age"]
    return frame, price.to_numpy()


def series(rows=300):
    draw = np.random.default_rng(2)
    return np.cumsum(draw.normal(0, 1, rows)) + 0.2 * draw.normal(0, 1, rows)


# Serving that differs from training


def colors(bgr):
    draw = np.random.default_rng(3)
    x = draw.integers(0, 256, (80, 6, 6, 3)).astype(np.uint8)
    y = draw.integers(0, 3, 80)

    def prepare(x, y):
        return x.astype("float32") / 255, y

    def serve(x):
        return (x if bgr else x[..., ::-1]).astype("float32") / 255

    return {
        "prepare": prepare,
        "x": x,
        "y": y,
        "serve": serve,
        "served": lambda x: x[..., ::-1],
    }


def dummies(of_request):
    known: list[str] = []

    def features(frame):
        made = pd.get_dummies(frame[["size", "city"]], columns=["city"], dtype=float)
        made["size"] = (made["size"] - 90) / 30
        return made

    def prepare(frame, y):
        made = features(frame)
        known[:] = made.columns
        return made, y

    def serve(frame):
        made = features(frame)
        return made if of_request else made.reindex(columns=known, fill_value=0.0)

    x, y = towns()
    return {"prepare": prepare, "x": x[["size", "city"]], "y": y, "serve": serve}


def refit(on_request):
    made = Scaled()

    def serve(x):
        return made.scaler.fit_transform(x) if on_request else made.serve(x)

    x, y = wine()
    return {"prepare": made.prepare, "x": x, "y": y, "serve": serve}


def rescaled(training_only):
    x, y = load_digits(return_X_y=True)
    x = (x[:200] * 255 / 16).astype(np.uint8)

    def prepare(x, y):
        return x / 255.0, y

    def serve(x):
        return x * 1.0 if training_only else x / 255.0

    return {"prepare": prepare, "x": x, "y": y[:200], "serve": serve}


def holes():
    x, y = wine()
    x = x.copy()
    x[np.random.default_rng(4).random(len(x)) < 0.15, 3] = np.nan
    return x, y


def nan_at_serving(filled):
    state: dict[str, Any] = {}

    def prepare(x, y):
        whole = ~np.isnan(x).any(axis=1)
        state["scaler"] = StandardScaler().fit(x[whole])
        return state["scaler"].transform(x[whole]), y[whole]

    def serve(x):
        if filled:
            x = np.where(np.isnan(x), state["scaler"].mean_, x)
        return state["scaler"].transform(x)

    x, y = holes()
    return {"prepare": prepare, "x": x, "y": y, "serve": serve}


def labels_shifted(shifted):
    state: dict[str, Any] = {}

    def prepare(x, y):
        whole = ~np.isnan(x).any(axis=1)
        state["scaler"] = StandardScaler().fit(x[whole])
        kept = y[: whole.sum()] if shifted else y[whole]
        return state["scaler"].transform(x[whole]), kept

    x, y = holes()
    order = np.random.default_rng(5).permutation(len(x))
    serve = lambda x: state["scaler"].transform(x)  # noqa: E731
    return {"prepare": prepare, "x": x[order], "y": y[order], "serve": serve}


def unseen_category(ignored):
    how = "ignore" if ignored else "error"
    encoder = OneHotEncoder(handle_unknown=how, sparse_output=False)
    x, _ = towns()
    return {"prepare": encoder, "x": x[["city"]]}


def buckets(salted):
    def bucket(word):
        return (hash(word) if salted else zlib.crc32(word.encode())) % 16

    def prepare(frame, y):
        return serve(frame), y

    def serve(frame):
        return np.eye(16)[[bucket(it) for it in frame["city"]]]

    x, y = towns()
    return {"prepare": prepare, "x": x[["city"]], "y": y, "serve": serve}


# Information that is lost


def clipped(first):
    made = Scaled(before=(lambda x: np.clip(x, 0, 1)) if first else lambda x: x)
    x, y = wine()
    return made.arguments(x, y)


def float16(early):
    draw = np.random.default_rng(6)
    x = 20_000 + draw.normal(0, 12, (200, 4))
    y = x.sum(axis=1)
    state: dict[str, Any] = {}

    def serve(x):
        if early:
            x = x.astype(np.float16) - np.float16(state["mean"])
            return x.astype("float32") / 12
        return (x - state["mean"]).astype(np.float16).astype("float32") / 12

    def prepare(x, y):
        state["mean"] = 20_000.0
        return serve(x), y

    return {"prepare": prepare, "x": x, "y": y, "serve": serve}


def ids(as_float32):
    draw = np.random.default_rng(7)
    base = 2**30
    x = (base + draw.permutation(200)).reshape(-1, 1)
    y = (x[:, 0] % 7).astype(float)

    def serve(x):
        x = x.astype(np.float32) if as_float32 else x.astype(np.float64)
        return (x - base) / 100

    def prepare(x, y):
        return serve(x), y

    return {"prepare": prepare, "x": x, "y": y, "serve": serve}


def gray(divided):
    x, y = load_digits(return_X_y=True)
    x = np.round(x[:200] * 250 / 16).astype(np.uint8)

    def serve(x):
        return (x // 255).astype("float32") if divided else x.astype("float32") / 255

    def prepare(x, y):
        return serve(x), y

    unused = [it for it in range(64) if len(np.unique(x[:, it])) == 1]
    del unused
    return {"prepare": prepare, "x": x, "y": y[:200], "serve": serve}


TEXTS = [
    f"{a} {b} {c}"
    for a in ("good", "bad", "fine", "poor")
    for b in ("film", "book", "song")
    for c in ("today", "again", "indeed", "never")
]


def vocabulary(upper):
    words = sorted({it for text in TEXTS for it in text.split()})
    places = {it.upper() if upper else it: i + 1 for i, it in enumerate(words)}

    def serve(texts):
        return np.array(
            [[places.get(it, 0) for it in (*t.split(), "", "", "")[:3]] for t in texts]
        )

    def prepare(texts):
        return serve(texts)

    return {"prepare": prepare, "x": list(TEXTS), "serve": serve}


# Information that must not be used


def all_rows_scaled(leaks):
    def prepare(x, y):
        train, held = split(len(x))
        scaler = StandardScaler().fit(x if leaks else x[train])
        return scaler.transform(x[train]), y[train], scaler.transform(x[held]), y[held]

    x, y = wine()
    return {"prepare": prepare, "x": x, "y": y}


def selection(leaks):
    draw = np.random.default_rng(8)
    x, y = draw.normal(0, 1, (100, 200)), draw.integers(0, 2, 100)

    def prepare(x, y):
        train, held = split(len(x))
        chosen = SelectKBest(f_classif, k=20)
        chosen.fit(x, y) if leaks else chosen.fit(x[train], y[train])
        return chosen.transform(x[train]), y[train], chosen.transform(x[held]), y[held]

    return {"prepare": prepare, "x": x, "y": y}


def target_encoding(own_row):
    draw = np.random.default_rng(9)
    x = pd.DataFrame(
        {
            "shop": draw.choice([f"s{it}" for it in range(60)], 200),
            "size": draw.normal(0, 1, 200),
        }
    )
    y = draw.normal(0, 1, 200)

    def prepare(frame, y):
        train, held = split(len(frame))
        if own_row:
            mean = pd.Series(y).groupby(frame["shop"].to_numpy()).mean()
            made = np.stack([frame["shop"].map(mean), frame["size"]], axis=1)
            return made[train], y[train], made[held], y[held]
        encoder = TargetEncoder(random_state=0)
        part = encoder.fit_transform(frame[["shop"]].iloc[train], y[train])
        rest = encoder.transform(frame[["shop"]].iloc[held])
        size = frame[["size"]].to_numpy()
        return (
            np.hstack([part, size[train]]),
            y[train],
            np.hstack([rest, size[held]]),
            y[held],
        )

    return {"prepare": prepare, "x": x, "y": y}


def rolling(centered):
    def prepare(values):
        values = pd.Series(values)
        mean = values.rolling(7, center=centered, min_periods=1).mean()
        frame = pd.DataFrame({"now": values, "mean": mean, "next": values.shift(-1)})
        frame = frame.dropna()
        return frame[["now", "mean"]].to_numpy(), frame["next"].to_numpy()

    return {"prepare": prepare, "x": series()}


def target_in_features(kept_in):
    x, y = wine()
    grade = y + np.random.default_rng(10).normal(0, 0.1, len(y))
    frame = pd.DataFrame(x[:, :4], columns=["a", "b", "c", "d"]).assign(grade=grade)
    columns = ["a", "b", "c", "d"] + (["grade"] if kept_in else [])
    scaler = StandardScaler()

    def prepare(frame, y):
        return scaler.fit_transform(frame[columns]), y

    def serve(frame):
        return scaler.transform(frame.reindex(columns=columns, fill_value=0.0))

    return {
        "prepare": prepare,
        "x": frame,
        "y": y,
        "serve": serve,
        "requests": frame[["a", "b", "c", "d"]].iloc[::7],
    }


# Values and order


def log_of_zero(plain):
    x, y = cancer()
    x = x[(x > 0).all(axis=1)]
    made = Scaled(before=np.log if plain else np.log1p)
    return made.arguments(x, y[: len(x)])


class Batches:
    """A stand-in for a `tf.data.Dataset` with the attributes that identify one."""

    def __init__(self, x, y):
        self.x, self.y, self.element_spec = x, y, ()

    def cardinality(self):
        return len(self.x)

    def as_numpy_iterator(self):
        return iter(zip(self.x, self.y, strict=True))


def shuffle_buffer(small):
    def prepare(x, y):
        rows, order, draw = list(range(len(x))), [], np.random.default_rng(0)
        buffer = rows[: 16 if small else len(x)]
        for row in [*rows[len(buffer) :], *[None] * len(buffer)]:
            order.append(buffer.pop(draw.integers(len(buffer))))
            buffer += [] if row is None else [row]
        return Batches(x[order].astype("float32"), y[order])

    x, y = load_iris(return_X_y=True)
    return {"prepare": prepare, "x": x, "y": y}


# Bugs that only a training, a baseline or a look at the data can detect


def no_contract(change, **others):
    made = Scaled(before=change)
    x, y = wine()
    return made.arguments(x, y, **others)


def same(x):
    return x


def wrong_axis(wrong):
    def rows(x):
        spread = x.std(axis=1, keepdims=True)
        return (x - x.mean(axis=1, keepdims=True)) / spread

    return no_contract(rows if wrong else same)


def codes(as_numbers):
    draw = np.random.default_rng(11)
    x, y = draw.integers(0, 8, (160, 1)), draw.normal(0, 1, 160)
    serve = (lambda x: x / 8.0) if as_numbers else (lambda x: np.eye(8)[x[:, 0]])
    return {"prepare": lambda x, y: (serve(x), y), "x": x, "y": y, "serve": serve}


def epoch_seconds(raw):
    x = 1_700_000_000 + 3600.0 * np.arange(200).reshape(-1, 1)
    serve = (lambda x: x * 1.0) if raw else (lambda x: (x % 86_400) / 86_400)
    y = np.sin(np.arange(200))
    return {"prepare": lambda x, y: (serve(x), y), "x": x, "y": y, "serve": serve}


def digits(serve):
    x, y = load_digits(return_X_y=True)
    x = x[:150].reshape(-1, 8, 8)
    return {
        "prepare": lambda x, y: (serve(x), y),
        "x": x,
        "y": y[:150],
        "serve": serve,
    }


def channels(reshaped):
    draw = np.random.default_rng(12)
    x = draw.normal(0, 1, (60, 3, 4, 4)).astype("float32")
    serve = (
        (lambda x: x.reshape(-1, *x.shape[2:], 3))
        if reshaped
        else (lambda x: x.transpose(0, 2, 3, 1))
    )
    return {"prepare": serve, "x": x, "serve": serve}


def forgotten(bare):
    return Scaled(scaler=FunctionTransformer() if bare else None).arguments(*wine())


def sentinel(kept_in):
    x, y = wine()
    x = x.copy()
    x[::9, 2] = -999
    change = same if kept_in else (lambda x: np.where(x == -999, 2.4, x))
    return Scaled(before=change).arguments(x, y)


def truncated(behind):
    def serve(texts):
        words = [it.split() for it in texts]
        return np.array(
            [
                [zlib.crc32(w.encode()) % 97 for w in (it[:2] if behind else it[-2:])]
                for it in words
            ]
        )

    return {"prepare": serve, "x": list(TEXTS), "serve": serve}


def weights(inverted):
    x, y = wine()
    made = Scaled().arguments(x, y)
    made["weights"] = inverted
    made.pop("weights")
    return made


def pair(name, relation, make, good, bad, **keys):
    return Pair(
        name=name,
        relation=relation,
        keys=keys,
        good=lambda: make(good),
        bad=lambda: make(bad),
    )


PAIRS = (
    pair("bgr_at_serving", "trained", colors, False, True),
    pair("clipped_before_scaling", "kept", clipped, False, True),
    pair("codes_as_numbers", None, codes, False, True),
    pair("dummies_of_request", "alone", dummies, False, True),
    pair("epoch_seconds", None, epoch_seconds, False, True),
    pair("float16_resolution", "kept", float16, False, True),
    pair("float32_ids", "kept", ids, False, True),
    pair("future_rolling_mean", "future", rolling, False, True, future=True),
    pair("integer_division", "kept", gray, False, True),
    pair("labels_shifted", "trained", labels_shifted, False, True),
    pair("log_of_zero", "zeros", log_of_zero, False, True),
    pair("nan_at_serving", "missing", nan_at_serving, True, False, missing=True),
    pair("python_hash", "process", buckets, False, True),
    pair("rescale_training_only", "trained", rescaled, False, True),
    pair("rescaled_twice", None, digits, lambda x: x / 16, lambda x: x / 16 / 255),
    pair("reshape_not_transpose", None, channels, False, True),
    pair("scaler_fit_on_all_rows", "held_out", all_rows_scaled, False, True),
    pair("scaler_forgotten", None, forgotten, False, True),
    pair("scaler_refit_on_request", "alone", refit, False, True),
    pair("selection_on_all_rows", "held_out", selection, False, True),
    pair("sentinel_999", None, sentinel, False, True),
    pair("shuffle_buffer", "mixed", shuffle_buffer, False, True),
    pair("target_encoding_own_row", "own_label", target_encoding, False, True),
    pair("target_in_features", "requests", target_in_features, False, True),
    pair("truncation", None, truncated, False, True),
    pair("unseen_category", "unseen", unseen_category, True, False),
    pair("vocabulary_case", "kept", vocabulary, False, True),
    pair("weights_inverted", None, weights, False, True),
    pair("wrong_axis", None, wrong_axis, False, True),
)
