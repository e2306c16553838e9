"""Images whose axes were brought to another order by a reshape, which moves no value:
the pixels are scrambled, and neighbors stand where the other order has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .data_facts import MixedAxes
from .explanation import Limit
from .rows import evenly_spaced, input_name

#: Fewest images that show anything; fewest and most that are compared, and the number
#: of values from which on fewer are taken.
_FEWEST_ROWS, _FEW, _MOST_ROWS, _MOST_VALUES = 16, 4, 64, 1 << 20
#: Smallest height and width, and the numbers of channels of a color image.
_SMALLEST, _CHANNELS = 8, range(2, 5)

NEARER = Limit(
    0.9,
    "Pixels that are neighbors in the other order of the axes differ by at most"
    " {limit:.0%} of how neighbors in the given order differ.",
    set_by="Photos, gray photos, digits and drawn shapes of 8 to 128 pixels whose axes"
    " were reshaped reach 26% to 77%, noise 100%. Photos with their axes in order"
    " reach 140% and more.",
)
STANDS_OUT = Limit(
    0.75,
    "A pixel differs from the one in the next row, as the other order has rows, by at"
    " most {limit:.0%} of how it differs from those half a row before and after.",
    set_by="Of the same images those that were reshaped reach 8% to 63%, those in"
    " order 98% and more. Signals folded into rows reach 100% and more, except those"
    " with a period as long as a row of the other order, which reach 26%: exchanged"
    " sides are a warning only.",
)
ALIKE = Limit(
    2.0,
    "For channels: the next value in memory differs as much after each channel, by a"
    " factor of {limit} at most.",
    set_by="Of the same images those that were reshaped stay below 1.03, small spots in"
    " four channels of 16 pixels at 1.4. Photos in order start at 2.5, gray ones with"
    " three equal channels reach infinity.",
)


@dataclass(frozen=True, slots=True)
class _Order:
    """How far apart the neighbors of an image are in memory.

    Attributes:
        row, column: Distance of the next row and of the next column, in values.
    """

    row: int
    column: int


def mixed_axes(inputs: Sequence[NDArray[Any]]) -> MixedAxes | None:
    """Find images ``(rows, H, W, C)`` whose memory holds another order of the axes.

    Args:
        inputs: Arrays of inputs, rows first.

    Returns:
        The first such input; None if there is none.
    """
    for index, array in enumerate(inputs):
        if not _are_images(array):
            continue
        flat = _flat(array)
        if flat is None:
            continue
        for held in ("channels first", "width first"):
            nearer = _nearer(flat, array.shape[1:], held)
            if nearer is not None:
                return MixedAxes(
                    where=input_name(index, inputs),
                    shape=array.shape[1:],
                    held=held,
                    nearer=nearer,
                    rows=len(flat),
                )
    return None


def _are_images(array: NDArray[Any]) -> bool:
    return (
        array.ndim == 4
        and array.dtype.kind in "fiu"
        and len(array) >= _FEWEST_ROWS
        and min(array.shape[1:3]) >= _SMALLEST
        and array.shape[3] < _SMALLEST
    )


def _flat(array: NDArray[Any]) -> NDArray[np.float32] | None:
    """Return some images as rows of values; None if one is not finite."""
    most = max(_FEW, min(_MOST_ROWS, _MOST_VALUES // array[0].size))
    chosen = array[evenly_spaced(len(array), most)]
    flat = chosen.reshape(len(chosen), -1).astype(np.float32)
    return flat if np.isfinite(flat).all() else None


def _nearer(
    flat: NDArray[np.float32],
    shape: tuple[int, ...],
    held: Literal["channels first", "width first"],
) -> float | None:
    """Return the difference of neighbors in another order as a share of that in the
    given order; None unless the other order is certain.
    """
    height, width, channels = shape
    given = _Order(width * channels, channels)
    if held == "width first":
        if height == width:
            return None
        other = _Order(height * channels, channels)
    elif channels in _CHANNELS:
        other = _Order(width, 1)
    else:
        return None
    row, given_row = _difference(flat, other.row), _difference(flat, given.row)
    if not 0 < row <= NEARER * given_row or not _stands_out(flat, other, row):
        return None
    if held == "width first":
        return row / given_row
    column, given_column = _difference(flat, 1), _difference(flat, channels)
    if not 0 < column <= NEARER * given_column or not _alike(flat, channels):
        return None
    return max(row / given_row, column / given_column)


def _difference(flat: NDArray[np.float32], apart: int) -> float:
    """Return the mean difference of values that far apart in memory."""
    return float(np.mean(np.abs(flat[:, apart:] - flat[:, :-apart]), dtype=np.float64))


def _stands_out(flat: NDArray[np.float32], order: _Order, row: float) -> bool:
    """Whether the rows of an order begin where values are near each other again."""
    half = order.row // order.column // 2 * order.column
    around = (_difference(flat, it) for it in (half, order.row + half))
    return row <= STANDS_OUT * min(around)


def _alike(flat: NDArray[np.float32], channels: int) -> bool:
    """Whether a step to the next value is as large from each channel."""
    step = np.abs(np.diff(flat, axis=1))
    sizes = [float(step[:, it::channels].mean()) for it in range(channels)]
    return min(sizes) > 0 and max(sizes) <= ALIKE * min(sizes)
