"""One healthy preparation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Healthy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """A preparation that nothing is wrong with.

    Attributes:
        name: Unique.
        make: The arguments of `pytest_lossguard.contracts`, made anew.
        keys: Those of the mark, as its author would set them.
    """

    name: str
    make: Callable[[], dict[str, Any]]
    keys: dict[str, Any] = field(default_factory=dict)

    @property
    def is_held_out(self) -> bool:
        """Whether no rule was changed for it: `drawn.py` says which these are."""
        return self.name.startswith("drawn ") and int(self.name[6:]) >= 140
