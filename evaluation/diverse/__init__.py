"""Healthy programs as users write them, which were not used to tune the judge.

``python -m evaluation.diverse --seeds N`` trains each program in plain Keras, leaves
out runs whose held-out score is below the floor of the case, judges the others as the
marker does (by ``watch``, and by ``lossguard.fit`` if it can train the program) and
writes ``evaluation/DIVERSE.md``.
"""

from __future__ import annotations

from .case import Case

__all__ = ["Case", "cases"]


def cases() -> tuple[Case, ...]:
    """Return all cases, in a fixed order."""
    from . import (
        assorted,
        encoders,
        images,
        loops,
        relations,
        sequences,
        tables,
        uneven,
    )

    modules = (
        *(tables, images, sequences, encoders),
        *(uneven, relations, loops, assorted),
    )
    return tuple(case for module in modules for case in module.CASES)
