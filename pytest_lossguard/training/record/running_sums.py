"""Gradients that a loop adds up in Python and never begins anew.

Sums in lists are seen by their values alone, in loops that run eagerly: from update to
update what is applied grows by the gradients taken since, or by the same share of them.
A few numbers of one variable tell it, and the second update of any other loop ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.frameworks import tf
from ..backend.tensors import is_variable, variable_key

__all__ = ["RunningSums"]

#: Numbers of a gradient that are looked at, and the fewest that have a direction.
_MOST_NUMBERS, _FEWEST_NUMBERS = 64, 8
#: Updates that have to grow so.
_FEWEST_TIMES = 4
#: Share of a step that is rounding: a mean that fades by .999 is off by .001 and more.
_ROUNDING = 1e-4
#: How far the share of the gradients that a sum grows by may vary.
_SAME_SHARE = 0.01


@dataclass(slots=True)
class _Sum:
    """Of one variable: gradients since the last update, what that applied, the share
    of the gradients that it grew by, and how often.
    """

    taken: Any = 0.0
    applied: Any = None
    share: float | None = None
    grown: int = 0
    is_other: bool = False

    def apply(self, values: Any) -> None:
        """An update is made."""
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
    """What is applied beside what was taken."""

    def __init__(self) -> None:
        self._sums: dict[int, _Sum] = {}

    def clear(self) -> None:
        """Forget it."""
        self._sums.clear()

    def take(self, variables: Sequence[Any], gradients: Sequence[Any]) -> None:
        """Gradients as a tape gave them, each of a variable or None."""
        for variable, gradient in zip(variables, gradients, strict=False):
            if not (is_variable(variable) and _can_be_read(gradient)):
                continue
            known = self._sums.setdefault(variable_key(variable), _Sum())
            if not known.is_other:
                known.taken = known.taken + _numbers(gradient)
            return

    def apply(self, variables: Sequence[Any], gradients: Sequence[Any]) -> bool:
        """Gradients are given to an optimizer; whether they only ever grew."""
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
    """What share of a gradient something is; None where it is another."""
    size = float(gradient @ gradient)
    share = float(of @ gradient) / size if size > 0 else 0.0
    rest = np.linalg.norm(of - share * gradient)
    return share if share > 0 and rest <= _ROUNDING * np.linalg.norm(of) else None
