"""Healthy trainings that a practitioner accepts, most of them hard to judge."""

from __future__ import annotations

from ..bases import BASES
from ..program import Program
from . import data, inputs, layers, losses, models, optimizers

__all__ = ["HEALTHY"]

HEALTHY: tuple[Program, ...] = (
    *(it.program() for it in BASES),
    *optimizers.PROGRAMS,
    *losses.PROGRAMS,
    *data.PROGRAMS,
    *layers.PROGRAMS,
    *inputs.PROGRAMS,
    *models.PROGRAMS,
)
