"""Handmade traces for tests of code that uses traces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pytest_lossguard.core.trace import ColumnStats, LayerStats, Probe, StepTable, Trace


def falling(start: float = 1.0, end: float = 0.1, steps: int = 400) -> list[float]:
    """Return a loss curve that falls geometrically."""
    return list(np.geomspace(start, end, steps))


def make_trace(
    loss: Any,
    *,
    start: float | None = None,
    end: float | None = None,
    constant: float | None = None,
    data_loss: Any = None,
    reported: float | None = None,
    spread: float = 1.0,
    layers: tuple[LayerStats, ...] = (),
    grad_norm: Any = None,
    update_norm: Any = None,
    variables: tuple[str, ...] = ("net/dense/kernel", "net/dense_1/kernel"),
    **rest: Any,
) -> Trace:
    """Return a trace with this loss curve; ``start`` and ``end`` add the two probes."""
    loss = np.asarray(loss, dtype=np.float64)
    shape = (len(loss), len(variables))
    norms = np.ones(shape) if grad_norm is None else np.broadcast_to(grad_norm, shape)
    updates = (
        np.full(shape, 5e-4)
        if update_norm is None
        else np.broadcast_to(update_norm, shape)
    )
    steps = StepTable(
        loss=loss,
        data_loss=loss if data_loss is None else np.asarray(data_loss, np.float64),
        loss_seen=np.ones(len(loss), bool),
        data_loss_seen=np.full(len(loss), data_loss is not None),
        grad_norm=np.asarray(norms, np.float64),
        weight_norm=np.ones(shape),
        update_norm=np.asarray(updates, np.float64),
    )
    before = None if start is None else Probe(loss=start, reported=start, spread=1.0)
    after = None
    if end is not None:
        shown = end if reported is None else reported
        after = Probe(loss=end, reported=shown, spread=spread, layers=layers)
    trace = Trace(
        source="fit",
        model="net",
        variables=variables,
        sizes=(100,) * len(variables),
        steps=steps,
        before=before,
        after=after,
        constant_loss=constant,
        targets=(column("target", std=1.0),),
        seed=0,
    )
    return replace(trace, **rest)


def column(name: str, **given: Any) -> ColumnStats:
    """Return statistics of a typical column, with some values replaced."""
    arrays = {"mean": 0.0, "std": 1.0, "low": -3.0, "high": 3.0, "median": 0.0}
    fields = {
        key: np.atleast_1d(np.asarray(given.pop(key, value), np.float64))
        for key, value in arrays.items()
    }
    return ColumnStats(**{"name": name, "rows": 100, **fields, **given})
