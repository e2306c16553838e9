"""Series in order of time: windows, lags, rolling statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .data import walk
from .preparation import Healthy

__all__ = ["SERIES"]

_FUTURE = {"future": True}


def _windows(width: int, horizon: int, split: bool = False, columns: int = 1) -> Any:
    def arguments() -> dict[str, Any]:
        def prepare(values: Any) -> Any:
            cut = len(values) * 3 // 4
            mean, std = values[:cut].mean(axis=0), values[:cut].std(axis=0)
            scaled = (values - mean) / std
            count = len(values) - width - horizon + 1
            x = np.stack([scaled[it : it + width] for it in range(count)])
            last = np.arange(count) + width + horizon - 1
            y = scaled[last] if columns == 1 else scaled[last, 0]
            if not split:
                return x, y
            return x[:cut], y[:cut], x[cut:], y[cut:]

        return {"prepare": prepare, "x": walk(columns=columns)}

    return arguments


def _lags(rolling: bool, scaled: bool) -> Any:
    def arguments() -> dict[str, Any]:
        def prepare(values: Any) -> Any:
            values = pd.Series(values)
            frame = pd.DataFrame({"now": values, "before": values.shift(1)})
            if rolling:
                frame["mean"] = values.rolling(5).mean()
                frame["spread"] = values.rolling(9).std()
            frame["next"] = values.shift(-1)
            frame = frame.dropna()
            if scaled:
                frame = (frame - frame.iloc[:200].mean()) / frame.iloc[:200].std()
            return frame.drop(columns="next").to_numpy(), frame["next"].to_numpy()

        return {"prepare": prepare, "x": walk()}

    return arguments


def _each_row(smoothed: bool) -> Any:
    """One row of features for each time, none dropped."""

    def arguments() -> dict[str, Any]:
        x = walk(columns=3)

        def prepare(values: Any, y: Any) -> Any:
            frame = pd.DataFrame(values)
            made = frame.ewm(5).mean() if smoothed else frame.expanding().mean()
            return np.hstack([values, made.to_numpy()]), y

        return {"prepare": prepare, "x": x, "y": np.roll(x[:, 0], -1)}

    return arguments


def _frame() -> dict[str, Any]:
    x = walk(columns=2)
    frame = pd.DataFrame(
        x, columns=["load", "heat"], index=pd.date_range("2024-01-01", periods=len(x))
    )

    def prepare(frame: Any) -> Any:
        made = frame.assign(
            lag=frame["load"].shift(1),
            mean=frame["heat"].rolling("7D").mean(),
            weekday=frame.index.dayofweek,
        )
        return made.dropna()

    return {"prepare": prepare, "x": frame}


SERIES = (
    Healthy(name="windows of 8", make=_windows(8, 1), keys=_FUTURE),
    Healthy(name="windows of 16, 4 ahead", make=_windows(16, 4), keys=_FUTURE),
    Healthy(name="windows, split", make=_windows(8, 1, True), keys=_FUTURE),
    Healthy(name="windows of columns", make=_windows(8, 1, columns=3), keys=_FUTURE),
    Healthy(name="windows, defaults", make=_windows(12, 1)),
    Healthy(name="lags", make=_lags(False, False), keys=_FUTURE),
    Healthy(name="lags scaled", make=_lags(False, True), keys=_FUTURE),
    Healthy(name="rolling", make=_lags(True, False), keys=_FUTURE),
    Healthy(name="rolling scaled", make=_lags(True, True), keys=_FUTURE),
    Healthy(name="rolling, defaults", make=_lags(True, True)),
    Healthy(name="smoothed", make=_each_row(True), keys=_FUTURE),
    Healthy(name="expanding", make=_each_row(False), keys=_FUTURE),
    Healthy(name="frame of times", make=_frame, keys=_FUTURE),
)
