"""What the steps of a training were seen to do, as facts that a judge reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.step_facts import StepFacts
from ..backend.tensors import value_of
from ..record.recording import Recording

__all__ = ["step_facts"]


def step_facts(recording: Recording) -> StepFacts:
    """Of a finished recording."""
    layers, asked = recording.modes.never_in_training(recording.variables)
    taken = recording.taped.asked
    return StepFacts(
        inference_layers=tuple(layers),
        inference_asked=asked,
        gradients=taken,
        gradients_after=taken - recording.asked_by_last,
        restarts=recording.restarts,
        state_lost=recording.restarts > 0 and _has_state(recording.optimizer),
    )


def _has_state(optimizer: Any) -> bool:
    """Whether it keeps more than counts and rates: SGD without momentum does not."""
    kept = (value_of(it) for it in optimizer.variables if len(it.shape))
    return any(bool(np.any(it)) for it in kept)
