"""A new optimizer again and again for the same variables: one training all the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.trace import Floats
from ..backend.tensors import variable_key
from .recording import LEAD, Recording

__all__ = ["join_restarted", "may_be_restarted"]

#: So many optimizers in a row are one training: two or three may be its phases.
_FEWEST = 4
#: How far a norm may be off the sum of what led to it: large variables are sampled.
_SLACK, _ROUNDING = 1.05, 1e-4


def may_be_restarted(recordings: list[Recording], keys: list[int]) -> bool:
    """Whether so many recordings are of the same variables that some may be joined."""
    same = (keys == list(map(variable_key, it.variables)) for it in recordings)
    return sum(same) >= _FEWEST - 1


def join_restarted(recordings: list[Recording]) -> None:
    """Join trainings that go on where the last one ended, with the same optimizer made
    anew; the first of them then has the rows of all. All rows must be collected.
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
    """Whether another goes on with the weights and the settings of one; a rate that
    follows a schedule may be meant to start anew.
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
    """All but the name, which Keras numbers."""
    return {**recording.optimizer.get_config(), "name": None}


def _has_schedule(settings: dict[str, Any]) -> bool:
    return not np.isscalar(settings.get("learning_rate"))


def _norms(recording: Recording, at: int) -> Floats:
    """Of gradients, weights and updates in the first row (0) or the last (-1)."""
    halves = recording.rows[at][at, LEAD:].reshape(3, len(recording.variables))
    return np.sqrt(2.0 * np.abs(halves))
