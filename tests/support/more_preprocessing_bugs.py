"""Further preprocessing bugs, from reports and the literature, with correct
counterparts; written after the relations were finished.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from tests.support.preprocessing_bugs import pair, towns


def trips(rows=200):
    draw = np.random.default_rng(31)
    at = pd.Timestamp("2024-05-01 00:30") + pd.to_timedelta(np.arange(rows) * 7, "h")
    frame = pd.DataFrame(
        {
            "at": at,
            "km": draw.gamma(2, 4, rows).round(1) + 0.5,
            "city": draw.choice(["Rome", "Oslo", "Lima", "Bonn"], rows),
            "seats": draw.integers(1, 6, rows),
        }
    )
    return frame, (frame["km"] * 3 + draw.normal(0, 1, rows)).to_numpy()


def unit_at_serving(meters):
    """The service sends meters; the training data have kilometers."""
    x, y = trips()
    scaler, columns = StandardScaler(), ["km", "seats"]

    def serve(frame):
        frame = frame[columns].copy()
        if meters:
            frame["km"] = frame["km"] * 1000
        return scaler.transform(frame)

    def prepare(frame, y):
        return scaler.fit_transform(frame[columns]), y

    return {"prepare": prepare, "x": x[columns], "y": y, "serve": serve}


def column_dropped(dropped):
    """The service does not know the column of seats and fills in zeros."""
    x, y = trips()
    scaler, columns = StandardScaler(), ["km", "seats"]

    def serve(frame):
        if dropped:
            frame = frame[["km"]].reindex(columns=columns, fill_value=0)
        return scaler.transform(frame[columns])

    def prepare(frame, y):
        return scaler.fit_transform(frame[columns]), y

    return {"prepare": prepare, "x": x[columns], "y": y, "serve": serve}


def labels_refit(refit):
    """The service fits the label encoder again on the labels that it gets."""
    x, y = load_wine(return_X_y=True)
    names = np.array(["red", "rose", "white"])[y]
    scaler, encoder = StandardScaler(), LabelEncoder()

    def prepare(x, y):
        return scaler.fit_transform(x), encoder.fit_transform(y)

    labels = (lambda y: LabelEncoder().fit_transform(y)) if refit else encoder.transform
    paths = {"serve": scaler.transform, "labels": labels}
    return {"prepare": prepare, "x": x, "y": names, **paths}


def log_twice(twice):
    """Training takes the logarithm in the loader; serving does so there and in the
    pipeline.
    """
    x, y = load_wine(return_X_y=True)

    def serve(x):
        return np.log1p(np.log1p(x)) if twice else np.log1p(x)

    return {"prepare": lambda x, y: (np.log1p(x), y), "x": x, "y": y, "serve": serve}


def group_mean(leaks):
    """The mean of the target by city, over all rows or the training rows only."""
    x, y = towns()

    def prepare(frame, y):
        train, test = train_test_split(np.arange(len(frame)), random_state=1)
        frame = frame.assign(price=y)
        known = frame if leaks else frame.iloc[train]
        mean = known.groupby("city")["price"].mean()
        made = np.column_stack([frame["size"], frame["age"], frame["city"].map(mean)])
        return made[train], y[train], made[test], y[test]

    return {"prepare": prepare, "x": x, "y": y}


def filled_by_group(leaks):
    """Missing values filled with the mean of their city, before or after the split."""
    x, y = towns()
    x = x.copy()
    x.loc[::6, "size"] = np.nan

    def prepare(frame, y):
        cut = 180
        known = frame if leaks else frame.iloc[:cut]
        mean = known.groupby("city")["size"].mean()
        size = frame["size"].fillna(frame["city"].map(mean)).fillna(mean.mean())
        made = np.column_stack([size, frame["age"]])
        return made[:cut], y[:cut], made[cut:], y[cut:]

    return {"prepare": prepare, "x": x[["size", "age", "city"]], "y": y}


def resized(otherwise):
    """Images halved by averaging four pixels; the service takes every second pixel."""
    x = np.random.default_rng(32).integers(0, 256, (60, 8, 8)).astype(np.uint8)
    y = np.arange(60) % 3

    def mean(x):
        return x.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)) / 255

    def serve(x):
        return x[:, ::2, ::2] / 255 if otherwise else mean(x)

    return {"prepare": lambda x, y: (mean(x), y), "x": x, "y": y, "serve": serve}


def padded(otherwise):
    """Training pads before the words, serving after them."""
    words = ["good", "bad", "fine", "film", "song", "book", "today", "never"]
    draw = np.random.default_rng(33)
    texts = [" ".join(draw.choice(words, draw.integers(2, 6))) for _ in range(80)]
    y = np.array(["good" in it for it in texts]).astype(int)

    def ids(texts, before):
        made = np.zeros((len(texts), 6), dtype=int)
        for row, text in enumerate(texts):
            found = [words.index(it) + 2 if it in words else 1 for it in text.split()]
            place = slice(6 - len(found), 6) if before else slice(0, len(found))
            made[row, place] = found
        return made

    def serve(texts):
        return ids(texts, not otherwise)

    return {
        "prepare": lambda x, y: (ids(x, True), y),
        "x": texts,
        "y": y,
        "serve": serve,
    }


def first_dropped(on_request):
    """One-hot columns without the first category; the service uses those of the
    request.
    """
    x, y = trips()
    encoder = OneHotEncoder(drop="first", sparse_output=False, handle_unknown="ignore")

    def prepare(frame, y):
        return encoder.fit_transform(frame), y

    def serve(frame):
        if on_request:
            return OneHotEncoder(drop="first", sparse_output=False).fit_transform(frame)
        return encoder.transform(frame)

    return {"prepare": prepare, "x": x[["city"]], "y": y, "serve": serve}


def timezone(shifted):
    """Hours in local time in training, in UTC in serving."""
    x, y = trips()

    def hours(at):
        turn = 2 * np.pi * at.dt.hour / 24
        return np.column_stack([np.sin(turn), np.cos(turn), at.dt.dayofweek])

    def prepare(frame, y):
        return hours(frame["at"]), y

    def serve(frame):
        return hours(frame["at"] - pd.Timedelta(hours=2 if shifted else 0))

    return {"prepare": prepare, "x": x[["at"]], "y": y, "serve": serve}


def filled_by_request(by_request):
    """Missing values filled with the mean of the rows in the same request."""
    x, y = load_wine(return_X_y=True)
    x = x[:, :5].copy()
    x[::7, 2] = np.nan
    kept = {}

    def prepare(x, y):
        kept["mean"] = np.nanmean(x, axis=0)
        return np.where(np.isnan(x), kept["mean"], x), y

    def serve(x):
        mean = np.nanmean(x, axis=0) if by_request else kept["mean"]
        return np.where(np.isnan(x), mean, x)

    return {"prepare": prepare, "x": x, "y": y, "serve": serve}


def lowercase(only_in_training):
    """Words are lowercased in training; the service looks them up unchanged."""
    draw = np.random.default_rng(34)
    words = ["good", "bad", "fine", "film", "song", "book"]
    texts = [" ".join(draw.choice(words, 4)).capitalize() for _ in range(60)]
    y = np.array([it.lower().startswith("good") for it in texts]).astype(int)

    def ids(texts):
        known = {it: place + 1 for place, it in enumerate(words)}
        found = [[known.get(it, 0) for it in text.split()] for text in texts]
        return np.array([(it + [0] * 4)[:4] for it in found])

    def serve(texts):
        return ids(texts if only_in_training else [it.lower() for it in texts])

    def prepare(texts, y):
        return ids([it.lower() for it in texts]), y

    return {"prepare": prepare, "x": texts, "y": y, "serve": serve}


def columns_of_a_set(unordered):
    """The columns are a set, whose order differs between processes."""
    x, y = towns()
    frame = x.assign(rooms=x["age"] % 5, floor=x["age"] % 7, garden=x["size"] * 2)
    names = ["size", "age", "rooms", "floor", "garden"]

    def serve(frame):
        return frame[list(set(names)) if unordered else names].to_numpy(dtype=float)

    def prepare(frame, y):
        return serve(frame), y

    return {"prepare": prepare, "x": frame[names], "y": y, "serve": serve}


def oversampled_first(first):
    """Rare rows are copied before the split, and so are on both sides of it."""
    x, y = load_wine(return_X_y=True)
    y = (y == 2).astype(int)

    def copied(x, y):
        rare = np.flatnonzero(y)
        rows = np.concatenate([np.arange(len(y)), rare, rare])
        return x[rows], y[rows]

    def prepare(x, y):
        if first:
            x, y = copied(x, y)
        parts = train_test_split(x, y, random_state=0)
        train_x, test_x, train_y, test_y = parts
        if not first:
            train_x, train_y = copied(train_x, train_y)
        return train_x, train_y, test_x, test_y

    return {"prepare": prepare, "x": x, "y": y}


def interpolated(both_ways):
    """Gaps of a series filled from both sides, or from the past only."""
    x = pd.DataFrame({"level": np.cumsum(np.random.default_rng(35).normal(0, 1, 200))})
    x.loc[5::4, "level"] = np.nan

    def prepare(frame):
        level = frame["level"]
        level = level.interpolate() if both_ways else level.ffill()
        made = pd.concat([level.shift(it) for it in range(4)], axis=1).iloc[3:]
        return made.to_numpy()

    return {"prepare": prepare, "x": x}


MORE_PAIRS = (
    pair("unit_at_serving", "trained", unit_at_serving, False, True),
    pair("column_dropped", "trained", column_dropped, False, True),
    pair("labels_refit", "alone", labels_refit, False, True),
    pair("log_twice", "trained", log_twice, False, True),
    pair("group_mean", "held_out", group_mean, False, True),
    pair("filled_by_group", "held_out", filled_by_group, False, True),
    pair("resized", "trained", resized, False, True),
    pair("padded", "trained", padded, False, True),
    pair("first_dropped", "alone", first_dropped, False, True),
    pair("timezone", "trained", timezone, False, True),
    pair("filled_by_request", "alone", filled_by_request, False, True),
    pair("lowercase", "trained", lowercase, False, True),
    pair("columns_of_a_set", "process", columns_of_a_set, False, True),
    pair("oversampled_first", "held_out", oversampled_first, False, True),
    pair("interpolated", "future", interpolated, False, True, future=True),
)
