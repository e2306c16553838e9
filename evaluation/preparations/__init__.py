"""Healthy preparations of data: no relation of their contracts may break."""

from __future__ import annotations

from .drawn import DRAWN
from .frames import FRAMES
from .functions import FUNCTIONS
from .further import FURTHER
from .layers import LAYERS
from .preparation import Healthy
from .series import SERIES
from .texts import TEXTS
from .transformers import TRANSFORMERS

__all__ = ["PREPARATIONS", "Healthy"]

PREPARATIONS: tuple[Healthy, ...] = (
    *TRANSFORMERS,
    *FUNCTIONS,
    *FRAMES,
    *TEXTS,
    *SERIES,
    *LAYERS,
    *DRAWN,
    *FURTHER,
)
