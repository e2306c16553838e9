"""Healthy programs that nobody tuned on, as users write them.

``python -m evaluation.diverse --seeds N`` trains each in plain Keras, leaves out the
runs whose held-out score is under the case's floor, judges the others as the marker
does (by watch, and by ``lossguard.fit`` where it can be given the program) and writes
``evaluation/DIVERSE.md``.
"""

from __future__ import annotations

from .case import Case

__all__ = ["Case", "cases"]


def cases() -> tuple[Case, ...]:
    """All of them, in a fixed order."""
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
