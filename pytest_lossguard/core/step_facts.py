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
    """

    inference_layers: tuple[str, ...] = ()
    inference_asked: bool = False
