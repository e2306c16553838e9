"""Frames: columns by name, categories, holes, dates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from .data import customers, houses
from .preparation import Healthy

__all__ = ["FRAMES"]

_NUMBERS, _WORDS = ["area", "rooms", "built"], ["city", "state"]


def _one_hot(**how: Any) -> Any:
    return OneHotEncoder(handle_unknown="ignore", sparse_output=False, **how)


def _columns(encoder: Any, scaler: Any = StandardScaler, **how: Any) -> Any:
    def arguments() -> dict[str, Any]:
        x, y = houses()
        made = make_column_transformer(
            (scaler(), _NUMBERS),
            (encoder(), _WORDS),
            ("passthrough", ["garden"]),
            **how,
        )
        return {"prepare": made, "x": x, "y": y}

    return arguments


def _ordinal() -> Any:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


def _as_frame() -> dict[str, Any]:
    arguments = _columns(_one_hot, verbose_feature_names_out=False)()
    arguments["prepare"].set_output(transform="pandas")
    return arguments


def _with_holes() -> dict[str, Any]:
    x, y = customers()
    x = x.drop(columns="since")
    made = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(SimpleImputer(), StandardScaler()),
                ["age", "income", "visits"],
            ),
            ("words", _one_hot(), ["plan", "country"]),
        ]
    )
    return {"prepare": made, "x": x, "y": y}


def _target_encoded() -> dict[str, Any]:
    x, y = houses()
    made = make_column_transformer(
        (StandardScaler(), _NUMBERS), (OrdinalEncoder(), ["garden"])
    )

    def prepare(frame: Any, y: Any) -> Any:
        a, b, c, d = train_test_split(frame, y, random_state=0)
        encoder = TargetEncoder(random_state=0)
        train = np.hstack([made.fit_transform(a), encoder.fit_transform(a[_WORDS], c)])
        held = np.hstack([made.transform(b), encoder.transform(b[_WORDS])])
        return train, c, held, d

    return {"prepare": prepare, "x": x, "y": y}


class Dummies:
    """One column for each category that training knew, by pandas."""

    def __init__(self) -> None:
        self.columns: list[str] = []

    def features(self, frame: Any) -> Any:
        made = pd.get_dummies(frame, columns=_WORDS, dtype=float)
        return made.assign(
            area=frame["area"] / 100,
            built=(frame["built"] - 1950) / 50,
            garden=frame["garden"].astype(float),
        )

    def prepare(self, frame: Any, y: Any) -> Any:
        made = self.features(frame)
        self.columns = list(made.columns)
        return made, y

    def serve(self, frame: Any) -> Any:
        return self.features(frame).reindex(columns=self.columns, fill_value=0.0)


def _dummies() -> dict[str, Any]:
    made, (x, y) = Dummies(), houses()
    return {"prepare": made.prepare, "x": x, "y": y, "serve": made.serve}


def _by_hand() -> dict[str, Any]:
    x, y = customers()
    state: dict[str, Any] = {}
    plans = {"free": 0, "plus": 1, "pro": 2}

    def serve(frame: Any) -> Any:
        days = (frame["since"] - pd.Timestamp("2020-01-01")).dt.days
        country = frame["country"].map(state["countries"]).fillna(0)
        return np.column_stack(
            [
                frame["age"].fillna(state["age"]) / 50,
                np.log1p(frame["income"]) / 10,
                frame["visits"] / 5,
                frame["plan"].astype(object).map(plans).fillna(-1).astype(float),
                country,
                days / 1000,
            ]
        )

    def prepare(frame: Any, y: Any) -> Any:
        state["age"] = frame["age"].median()
        known = sorted(frame["country"].unique())
        state["countries"] = {it: index + 1 for index, it in enumerate(known)}
        return serve(frame), (y == "stays").astype(int)

    return {"prepare": prepare, "x": x, "y": y, "serve": serve}


def _numbers_only(scaler: Any) -> Any:
    def arguments() -> dict[str, Any]:
        x, y = houses()
        return {"prepare": scaler(), "x": x[_NUMBERS], "y": y}

    return arguments


def _ignoring() -> dict[str, Any]:
    x, y = houses()
    x = x.assign(number=np.arange(len(x)))

    def serve(frame: Any) -> Any:
        return (frame[_NUMBERS] - [100, 4, 1950]) / [50, 2, 50]

    return {
        "prepare": lambda frame, y: (serve(frame), y),
        "x": x[[*_NUMBERS, "number"]],
        "y": y,
        "serve": serve,
    }


def _dropping_holes() -> dict[str, Any]:
    """Training drops rows with holes, serving fills them: as training never saw."""
    x, y = customers()
    x = x[["age", "income", "visits"]]
    state: dict[str, Any] = {}

    def prepare(frame: Any, y: Any) -> Any:
        whole = frame.notna().all(axis=1)
        state["mean"], state["std"] = frame[whole].mean(), frame[whole].std()
        return serve(frame[whole]), (y[whole] == "stays").astype(float)

    def serve(frame: Any) -> Any:
        return (frame.fillna(state["mean"]) - state["mean"]) / state["std"]

    return {"prepare": prepare, "x": x, "y": y, "serve": serve}


FRAMES = (
    Healthy(name="frame one-hot", make=_columns(_one_hot)),
    Healthy(name="frame one-hot min-max", make=_columns(_one_hot, MinMaxScaler)),
    Healthy(name="frame one-hot robust", make=_columns(_one_hot, RobustScaler)),
    Healthy(name="frame codes", make=_columns(_ordinal)),
    Healthy(
        name="frame rare categories",
        make=_columns(lambda: _one_hot(min_frequency=5)),
    ),
    Healthy(
        name="frame sparse",
        make=_columns(lambda: OneHotEncoder(handle_unknown="ignore")),
    ),
    Healthy(
        name="frame refusing the unknown",
        make=_columns(OneHotEncoder),
        keys={"unseen": "raises"},
    ),
    Healthy(name="frame to frame", make=_as_frame),
    Healthy(name="frame with holes", make=_with_holes, keys={"missing": True}),
    Healthy(name="frame with holes, defaults", make=_with_holes),
    Healthy(name="frame target-encoded", make=_target_encoded),
    Healthy(name="frame dummies", make=_dummies),
    Healthy(name="frame by hand", make=_by_hand),
    Healthy(name="frame standard", make=_numbers_only(StandardScaler)),
    Healthy(name="frame min-max", make=_numbers_only(MinMaxScaler)),
    Healthy(name="frame ignoring", make=_ignoring, keys={"unused": ("number",)}),
    Healthy(name="frame dropping holes", make=_dropping_holes, keys={"missing": True}),
)
