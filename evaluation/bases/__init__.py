"""The healthy programs that faults are injected into."""

from __future__ import annotations

from .base import Base, Data, Knobs
from .deep import DEEP
from .tabular import TABULAR

__all__ = ["BASES", "Base", "Data", "Knobs"]

BASES: tuple[Base, ...] = (*TABULAR, *DEEP)
