"""What a training step was seen to do, beside the numbers of each update."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["StepFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """Facts of the steps of one training; each is empty where nothing was seen.

    Attributes:
        inference_layers: Names of the layers that behave otherwise in training and were
            called under a tape, but never in training mode.
        inference_asked: Whether the loop itself passed ``training=False``.
        gradients: How often gradients of its variables were taken.
        gradients_after: How often of those after its last update.
        restarts: How often the same optimizer was made anew, and trained on.
        state_lost: Whether it had a state to lose, as momentum.
    """

    inference_layers: tuple[str, ...] = ()
    inference_asked: bool = False
    gradients: int = 0
    gradients_after: int = 0
    restarts: int = 0
    state_lost: bool = False
