"""How much the outputs of a net differ between rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How much the outputs of one net differ between rows that differ.

    Attributes:
        net: Name of the net.
        rows: Number of distinct rows.
        apart: Standard deviation of the outputs over the rows after the last update, as
            a share of their root mean square; 0 if all rows get the same output.
        kept: Standard deviation of the outputs after the last update, as a share of
            that before the first update.
        turned: Spread of the directions of the outputs after the last update: ``apart``
            of the outputs scaled to length 1.
        turned_before: ``turned`` before the first update.
        rebuilt: Standard deviation of the outputs as a share of that of the data which
            they have the shape of, as in an autoencoder; None if there are no such
            data.
        generates: Whether the net makes its outputs from random numbers.
        embeds: Whether the net maps each row to several numbers, in another shape, and
            the loss takes no labels.
    """

    net: str
    rows: int
    apart: float
    kept: float
    turned: float
    turned_before: float
    rebuilt: float | None = None
    generates: bool = False
    embeds: bool = False


def spread_of(
    net: str,
    rows: Floats,
    before: Sequence[Floats],
    after: Sequence[Floats],
    *,
    data: Floats | None = None,
    generates: bool = False,
    embeds: bool = False,
) -> Spread:
    """Measure how much the outputs of one net differ between rows; if it has several
    outputs, each measure is that of the output with the largest value.

    Args:
        net: Name of the net.
        rows: The inputs of the net, rows first.
        before: Its outputs before the first update, one array per output, rows first.
        after: Its outputs after the last update, in the same form.
        data: Rows that the net may reconstruct from the outputs of another net; None if
            there are none.
        generates: See `Spread`.
        embeds: See `Spread`.
    """

    def most(measure: Callable[[Floats], float], outputs: Sequence[Floats]) -> float:
        return max(map(measure, outputs), default=1.0)

    untrained, left = most(_deviation, before), most(_deviation, after)
    differ = 0.0 if data is None else _deviation(data)
    return Spread(
        net=net,
        rows=len(np.unique(rows.reshape(len(rows), -1), axis=0)),
        apart=most(_share, after),
        kept=left / untrained if untrained > 0 else 1.0,
        turned=most(_turned, after),
        turned_before=most(_turned, before),
        rebuilt=left / differ if differ > 0 else None,
        generates=generates,
        embeds=embeds,
    )


def _deviation(outputs: Floats) -> float:
    return float(np.sqrt(np.mean(outputs.var(axis=0))))


def _share(outputs: Floats) -> float:
    size = float(np.sqrt(np.mean(outputs**2)))
    return _deviation(outputs) / size if size > 0 else 0.0


def _turned(outputs: Floats) -> float:
    flat = outputs.reshape(len(outputs), -1)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return _share(flat / np.maximum(length, np.finfo(float).tiny))
