"""Detect gradients that an eager loop adds up in Python and never resets.

Such sums are recognized by their values: from update to update, what is applied grows
by the gradients taken since, or by a constant share of them. A few values of one
variable are enough, and any other loop is ruled out at its second update.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.frameworks import tf
from ..backend.tensors import is_variable, variable_key

#: Values of a gradient that are compared, and fewest values it must have.
_MOST_NUMBERS, _FEWEST_NUMBERS = 64, 8
#: Fewest updates that must grow in this way.
_FEWEST_TIMES = 4
#: Relative rounding error allowed: a moving average that decays by .999 is off by .001
#: and more.
_ROUNDING = 1e-4
#: Relative variation allowed in the share of the gradients that a sum grows by.
_SAME_SHARE = 0.01


@dataclass(slots=True)
class _Sum:
    """The gradients of one variable, taken and applied.

    Attributes:
        taken: Sum of the gradients taken since the last update.
        applied: Gradient applied by the last update; None before the first.
        share: Share of the taken gradients by which ``applied`` last grew.
        grown: Number of updates compared with the one before.
        is_other: Whether the variable is ruled out as a sum that is never reset.
    """

    taken: Any = 0.0
    applied: Any = None
    share: float | None = None
    grown: int = 0
    is_other: bool = False

    def apply(self, values: Any) -> None:
        """Compare the gradient of an update with that of the last one."""
        if self.applied is not None:
            share = _share(values - self.applied, self.taken)
            begun = _share(values, self.taken) is not None
            self.is_other |= begun or share is None or not self._is_usual(share)
            self.share, self.grown = share, self.grown + 1
        self.applied, self.taken = values, 0.0

    def _is_usual(self, share: float) -> bool:
        usual = share if self.share is None else self.share
        return bool(np.isclose(share, usual, rtol=_SAME_SHARE))


class RunningSums:
    """Compares the gradients that are applied with those that were taken."""

    def __init__(self) -> None:
        self._sums: dict[int, _Sum] = {}

    def clear(self) -> None:
        """Forget all variables."""
        self._sums.clear()

    def take(self, variables: Sequence[Any], gradients: Sequence[Any]) -> None:
        """Note the gradients that a tape returned.

        Args:
            variables: Sources of the gradients, variables or other tensors.
            gradients: Gradient of each source, or None.
        """
        for variable, gradient in zip(variables, gradients, strict=False):
            if not (is_variable(variable) and _can_be_read(gradient)):
                continue
            known = self._sums.setdefault(variable_key(variable), _Sum())
            if not known.is_other:
                known.taken = known.taken + _numbers(gradient)
            return

    def apply(self, variables: Sequence[Any], gradients: Sequence[Any]) -> bool:
        """Note the gradients given to an optimizer, and tell if they only ever grew."""
        grows = False
        for variable, gradient in zip(variables, gradients, strict=False):
            known = self._sums.get(variable_key(variable))
            if known is None or known.is_other:
                continue
            if not _can_be_read(gradient) or not np.ndim(known.taken):
                known.is_other = True
                continue
            known.apply(_numbers(gradient))
            grows |= not known.is_other and known.grown >= _FEWEST_TIMES
        return grows


def _can_be_read(gradient: Any) -> bool:
    if not isinstance(gradient, tf.Tensor) or not hasattr(gradient, "numpy"):
        return False
    size = gradient.shape.num_elements()
    return size is not None and size >= _FEWEST_NUMBERS


def _numbers(gradient: Any) -> Any:
    part = tf.reshape(gradient, [-1])[:_MOST_NUMBERS]
    return np.asarray(part, np.float64)


def _share(of: Any, gradient: Any) -> float | None:
    """Return the share of ``gradient`` that ``of`` is, or None if not proportional."""
    size = float(gradient @ gradient)
    share = float(of @ gradient) / size if size > 0 else 0.0
    rest = np.linalg.norm(of - share * gradient)
    return share if share > 0 and rest <= _ROUNDING * np.linalg.norm(of) else None
