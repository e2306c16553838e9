"""One reported bug, as a broken and a fixed program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..program import Part, part_of

__all__ = ["OUTSIDE", "WRITTEN", "Report"]

#: Values of ``source`` without a public report.
OUTSIDE = "one of the programs that are kept outside this repository"
WRITTEN = "no report: written for a kind of fault that the literature names"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """One reported bug.

    Attributes:
        name: Unique; it alone decides which half the report belongs to.
        source: Where the bug was reported: ``owner/repo#number`` or an address.
        kind: Kind of program.
        wrong: What is wrong with the broken program.
        program: Trains the fixed program if its argument is true, else the broken one,
            and returns the quality of the result; higher is better. The measure does
                not
            depend on the loss.
        causes: Findings and causes of a diagnosis that are true of the broken program.
        only_warned: Whether the bug may be intended, so that only a warning is right.
        unseen: What can detect the bug if a recording of the training cannot.
        check: Calls `check_model` or `contracts`, with the same argument as
            ``program``;
            None if neither applies.
        seen_as: Kind of finding of ``check`` that is true of the broken program.
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
        """The half of the report: only ``"tune"`` may be used to set limits."""
        return part_of(f"reported/{self.name}")
