"""All programs of the corpus."""

from __future__ import annotations

from .program import Program

__all__ = ["programs"]


def programs() -> tuple[Program, ...]:
    """Return published bugs with their fixes, healthy programs, and mutants."""
    from .healthy import HEALTHY
    from .mutants import MUTANTS
    from .published import PUBLISHED

    return (*PUBLISHED, *HEALTHY, *MUTANTS)
