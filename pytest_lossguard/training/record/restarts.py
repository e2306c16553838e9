"""Join trainings that repeatedly create a new optimizer for the same variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.trace import Floats
from ..backend.tensors import variable_key
from .recording import LEAD, Recording

#: Fewest optimizers in a row that are one training: two or three may be phases.
_FEWEST = 4
#: Factor and relative error allowed for the change of a norm between two recordings:
#: norms of large variables are estimated from samples.
_SLACK, _ROUNDING = 1.05, 1e-4


def may_be_restarted(recordings: list[Recording], keys: list[int]) -> bool:
    """Whether enough recordings have these variables that one more may join them."""
    same = (keys == list(map(variable_key, it.variables)) for it in recordings)
    return sum(same) >= _FEWEST - 1


def join_restarted(recordings: list[Recording]) -> None:
    """Join trainings that each continue the last with a new, equal optimizer.

    The first of them then has the rows of all. The caller must collect all rows before.
    """
    for first in list(recordings):
        chain = [first]
        for other in recordings[recordings.index(first) + 1 :]:
            if _same_variables(first, other):
                if not _continues(chain[-1], other):
                    break
                chain.append(other)
        if sum(1 + it.restarts for it in chain) >= _FEWEST:
            for other in chain[1:]:
                _absorb(first, other)
                recordings[:] = [it for it in recordings if it is not other]
            return


def _absorb(first: Recording, other: Recording) -> None:
    first.restarts += 1 + other.restarts
    first.rows += other.rows
    for name in ("optimizer", "taped", "buffer", "unread", "last_good", "last_loss"):
        setattr(first, name, getattr(other, name))
    for name in ("end", "ended", "asked_by_last", "never_unscaled", "sums"):
        setattr(first, name, getattr(other, name))


def _same_variables(one: Recording, other: Recording) -> bool:
    keys = (list(map(variable_key, it.variables)) for it in (one, other))
    return next(keys) == next(keys)


def _continues(one: Recording, other: Recording) -> bool:
    """Whether ``other`` continues with the weights and the settings of ``one``.

    False if the learning rate follows a schedule, which may be restarted on purpose.
    """
    if not (one.rows and other.rows) or type(one.optimizer) is not type(
        other.optimizer
    ):
        return False
    settings = _settings(one)
    if settings != _settings(other) or _has_schedule(settings):
        return False
    (_, before, _), (_, after, moved) = _norms(one, -1), _norms(other, 0)
    limit = _SLACK * moved + _ROUNDING * (1.0 + before)
    return bool((np.abs(after - before) <= limit).all())


def _settings(recording: Recording) -> dict[str, Any]:
    """Return an optimizer's settings without its name, which Keras numbers."""
    return {**recording.optimizer.get_config(), "name": None}


def _has_schedule(settings: dict[str, Any]) -> bool:
    return not np.isscalar(settings.get("learning_rate"))


def _norms(recording: Recording, at: int) -> Floats:
    """Return the norms of the first row (``at=0``) or the last one (``at=-1``).

    Their shape is ``(3, variables)``: gradients, weights and updates.
    """
    halves = recording.rows[at][at, LEAD:].reshape(3, len(recording.variables))
    return np.sqrt(2.0 * np.abs(halves))
