"""49 published bugs of Keras programs and their fixes, reimplemented."""

from __future__ import annotations

from ..program import Program
from . import injected, output_layer, softmax_of_one, steps_and_scale, tools

__all__ = ["PUBLISHED"]

#: Each program with a bug, followed by the fixed program if there is a fix. Cases of
#: one family may share their fixed training: the same program under several names.
PUBLISHED: tuple[Program, ...] = tuple(
    program
    for cases in (tools, steps_and_scale, output_layer, softmax_of_one, injected)
    for case in cases.CASES
    for program in case.programs()
)
