"""Faults from the literature, injected into the bases.

``CANDIDATES`` are all mutants that were tried. ``MUTANTS`` are the broken ones, which
`evaluation.mutant_labels` found measurably worse than their base, and the healthy ones,
which are no worse and whose operator is not always a mistake. The others are left out.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..bases import BASES, Base
from ..program import Program
from .on_data import ON_DATA
from .on_model import ON_MODEL
from .on_training import ON_TRAINING
from .operator import Operator

__all__ = [
    "CANDIDATES",
    "LABELS",
    "MUTANTS",
    "OPERATORS",
    "Candidate",
    "mutant_labels",
]

LABELS = Path(__file__).parent.parent / "labels.json"

OPERATORS: tuple[Operator, ...] = (*ON_TRAINING, *ON_DATA, *ON_MODEL)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A base with one fault, before its effect is measured."""

    base: Base
    operator: Operator

    @property
    def name(self) -> str:
        """The name, for example ``mutant/friedman/rate-x100``."""
        return f"mutant/{self.base.name}/{self.operator.name}"

    def program(self) -> Program:
        """Return the candidate as a broken program."""
        return Program(
            name=self.name,
            source="mutant",
            family=self.base.family,
            broken=True,
            setup=functools.partial(self.operator.setup, self.base),
            fault=self.operator.fault,
            fits=self.operator.fits,
            causes=self.operator.causes,
            fixed=self.base.setup,
        )

    def labeled(self, label: dict[str, Any]) -> Program | None:
        """Return the program with its measured label; None if neither broken nor
        healthy.
        """
        program = self.program()
        if label["broken"]:
            return replace(program, seeds_that_fail=label["seeds_that_fail"])
        if self.operator.mistake or not label["healthy"]:
            return None
        return replace(
            *(program,), broken=False, fits=(), causes=(), fixed=None, seeds_that_fail=0
        )


CANDIDATES: tuple[Candidate, ...] = tuple(
    Candidate(base=base, operator=operator)
    for base in BASES
    for operator in OPERATORS
    if operator.applies(base)
)


def mutant_labels() -> dict[str, dict[str, Any]]:
    """Return the label of each candidate from `evaluation.mutant_labels`, by name."""
    if not LABELS.exists():
        return {}
    labels: dict[str, dict[str, Any]] = json.loads(LABELS.read_text(encoding="utf-8"))[
        "mutants"
    ]
    return labels


def _labeled() -> tuple[Program, ...]:
    labels = mutant_labels()
    found = [it.labeled(labels[it.name]) for it in CANDIDATES if it.name in labels]
    return tuple(it for it in found if it is not None)


MUTANTS: tuple[Program, ...] = _labeled()
