"""What the steps of a training were seen to do, as facts that a judge reads."""

from __future__ import annotations

from ...core.step_facts import StepFacts
from ..record.recording import Recording

__all__ = ["step_facts"]


def step_facts(recording: Recording) -> StepFacts:
    """Of a finished recording."""
    layers, asked = recording.modes.never_in_training(recording.variables)
    return StepFacts(inference_layers=tuple(layers), inference_asked=asked)
