"""The relations, each a function of a preparation and a parameter to an outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...core.checked import Outcome
from ..preparation import Preparation
from .information import kept, units
from .leaks import future, held_out, own_label
from .repeatable import deterministic, process
from .serving import alone, columns, requests
from .training_data import mixed, trained
from .values import missing, types, unseen, zeros

__all__ = ["RELATIONS", "Relation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One relation that a preparation must fulfill.

    Attributes:
        check: Checks the relation, from the preparation and the value of its key in
            the policy.
        compares: Whether the check compares runs, and so needs a deterministic
            preparation.
    """

    check: Callable[[Preparation, Any], Outcome]
    compares: bool = True

    @property
    def name(self) -> str:
        """The name of the relation, its key in the policy."""
        return self.check.__name__


RELATIONS: tuple[Relation, ...] = (
    Relation(check=deterministic, compares=False),
    Relation(check=alone),
    Relation(check=columns),
    Relation(check=unseen, compares=False),
    Relation(check=types),
    Relation(check=zeros, compares=False),
    Relation(check=missing, compares=False),
    Relation(check=process),
    Relation(check=trained),
    Relation(check=held_out),
    Relation(check=own_label),
    Relation(check=future),
    Relation(check=kept),
    Relation(check=mixed, compares=False),
    Relation(check=requests, compares=False),
    Relation(check=units),
)
