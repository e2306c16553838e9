"""One bug as somebody reported it, as a broken and a fixed program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..program import Part, part_of

__all__ = ["OUTSIDE", "WRITTEN", "Report"]

#: Sources of those that no public report is named for.
OUTSIDE = "one of the programs that are kept outside this repository"
WRITTEN = "no report: written for a kind of fault that the literature names"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """One reported bug.

    Attributes:
        name: Unique; it alone decides which half the report belongs to.
        source: Where it was reported, as ``owner/repo#number`` or an address.
        kind: What sort of program it is.
        wrong: What is wrong with the broken one.
        program: Trains, and gives how good the result is, by a measure that no loss
            enters: higher is better. It is given whether to do it right.
        causes: Findings, and causes of a diagnosis, that tell the truth.
        only_warned: What is seen may be meant: a warning is all that it should get.
        unseen: What sees it instead, where a recording of the training cannot.
        check: Calls that, `check_model` or `contracts`, where it is one of them; it is
            given whether to do it right, too.
        seen_as: The kind of finding that is true of it there.
    """

    name: str
    source: str
    kind: str
    wrong: str
    program: Callable[[bool], float]
    causes: tuple[str, ...]
    only_warned: bool = False
    unseen: str = ""
    check: Callable[[bool], object] | None = None
    seen_as: str = ""

    @property
    def half(self) -> Part:
        """Whether limits may be set by looking at it, or it only reports."""
        return part_of(f"reported/{self.name}")
