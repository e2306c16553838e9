"""Tell weights that are as an initializer draws them from weights that were trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .rows import evenly_spaced

#: Most values whose distribution is compared.
_MOST_VALUES = 1 << 14
#: Most rows or columns of an orthogonal matrix that are multiplied.
_MOST_VECTORS = 32
#: Rounding of a bound, and of the products of orthogonal vectors.
_ROUNDING, _OF_PRODUCTS = 1e-5, 1e-3
#: A truncated normal distribution ends at this many standard deviations.
_CUT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A distribution that an initializer draws weights from.

    Attributes:
        name: Kind of the distribution.
        center: Its mean; 0 for orthogonal matrices.
        width: Half the range if uniform, the standard deviation if normal (before
            values are cut off), the length of the vectors if orthogonal.
    """

    name: Literal["uniform", "normal", "truncated_normal", "orthogonal"]
    center: float = 0.0
    width: float

    @property
    def is_bounded(self) -> bool:
        """Whether a small change of all values shows in some of them."""
        return self.name != "normal"

    @property
    def reach(self) -> float:
        """Farthest that a value is from the center."""
        known = {"uniform": self.width, "truncated_normal": _CUT * self.width}
        return known.get(self.name, math.inf)


def misfit(values: NDArray[Any], draw: Draw) -> float:
    """Return how far values are from a random draw.

    Args:
        values: The weights.
        draw: The distribution of their initializer.

    Returns:
        The Kolmogorov statistic, which is about 0.9 for random values and exceeds 2.2
        for one draw in 8,000. Infinity for values beyond the bounds of the distribution
        and for vectors that are not orthogonal; 0 for those that are.
    """
    if not values.size or draw.width <= 0 or not np.isfinite(values).all():
        return math.inf
    if draw.name == "orthogonal":
        return 0.0 if _is_orthogonal(values, draw.width) else math.inf
    farthest = max(values.max() - draw.center, draw.center - values.min())
    if farthest > draw.reach * (1 + _ROUNDING) + _ROUNDING * abs(draw.center):
        return math.inf
    flat = values.reshape(-1)
    some = np.sort(flat[evenly_spaced(flat.size, _MOST_VALUES)].astype(np.float64))
    expected = _share_below((some - draw.center) / draw.width, draw)
    ranks = np.arange(len(some) + 1) / len(some)
    above, below = ranks[1:] - expected, expected - ranks[:-1]
    return float(max(above.max(), below.max()) * math.sqrt(len(some)))


def _share_below(at: NDArray[Any], draw: Draw) -> NDArray[Any]:
    """Return the share of a distribution below each place, in units of its width."""
    if draw.name == "uniform":
        return np.clip((at + 1) / 2, 0.0, 1.0)
    below = np.array([math.erf(it / math.sqrt(2)) for it in at])
    if draw.name == "truncated_normal":
        below = np.clip(below / math.erf(_CUT / math.sqrt(2)), -1.0, 1.0)
    shares: NDArray[Any] = (below + 1) / 2
    return shares


def _is_orthogonal(values: NDArray[Any], length: float) -> bool:
    matrix = values.reshape(-1, values.shape[-1])
    vectors = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    some = vectors[evenly_spaced(len(vectors), _MOST_VECTORS)].astype(np.float64)
    products = some @ some.T / length**2
    return bool(np.abs(products - np.eye(len(some))).max() < _OF_PRODUCTS)
