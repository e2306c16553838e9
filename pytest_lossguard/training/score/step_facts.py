"""What the steps of a training were seen to do, as facts that a judge reads."""

from __future__ import annotations

from ...core.step_facts import StepFacts
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
    )
