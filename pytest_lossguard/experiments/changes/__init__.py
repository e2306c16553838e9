"""The changes that a re-run can make, each with its description and its cause.

The code that applies a change is in ``training/rerun``, in the file of the same name.
"""

from __future__ import annotations

from ...core.change import ActsOn, Change, ModelFacts
from ...core.trace import Trace
from . import data_changes, model_changes, optimizer_changes
from .kind import ChangeKind, Proposal, Words

__all__ = ["CHANGES", "acts_on", "cause_of", "describe", "kind_of", "remedy_of"]

#: All kinds of changes, in the order in which changes of equal weight are tried.
CHANGES: tuple[ChangeKind, ...] = (
    *data_changes.KINDS,
    *optimizer_changes.KINDS,
    *model_changes.KINDS,
)
_BY_NAME = {it.name: it for it in CHANGES}


def kind_of(change: Change) -> ChangeKind:
    """Return the kind of a change."""
    return _BY_NAME[change.kind]


def acts_on(change: Change) -> ActsOn:
    """Return what a change acts on, and so what has to be rebuilt for it."""
    return kind_of(change).acts_on


def cause_of(change: Change) -> str:
    """Return the cause that a change proves if it makes a training converge."""
    cause = kind_of(change).cause
    return cause if isinstance(cause, str) else cause(change)


def remedy_of(change: Change, trace: Trace, facts: ModelFacts) -> str:
    """Return what the user should do, with the value to try."""
    return _in_words(kind_of(change).remedy, change, trace, facts)


def describe(change: Change, trace: Trace, facts: ModelFacts) -> str:
    """Return a change in the user's terms, as ``"learning rate 10 -> 0.01"``."""
    return _in_words(kind_of(change).describe, change, trace, facts)


def _in_words(
    words: str | Words, change: Change, trace: Trace, facts: ModelFacts
) -> str:
    if isinstance(words, str):
        return words
    return words(Proposal(change=change, trace=trace, facts=facts))
