"""How far the outputs of a net for different rows lie apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spread", "spread_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Of one net on some rows that differ.

    Attributes:
        net: Its name.
        rows: How many different ones.
        apart: Share of the size of its outputs by which they differ from row to row
            after the last update; 0 where all rows get the same.
        kept: How far they differ then, as a share of how far they differed before the
            first update.
        turned: Share of their length by which the directions of its outputs differ,
            after the last update.
        turned_before: The same before the first one.
        rebuilt: How far its outputs differ, as a share of how far the rows do that they
            are of one shape with; None where there are none, or it is given them.
        generates: Whether it makes random numbers into something.
        embeds: Whether it makes several numbers of each row, of another shape, and no
            label goes into the loss.
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
    """Of outputs of one net, one array per output, rows first; of several the one that
    tells rows apart best.

    Args:
        net: Its name.
        rows: What it was called with.
        before: Its outputs before the first update.
        after: Those after the last.
        data: Rows that it may make again from what another net makes of them.
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
