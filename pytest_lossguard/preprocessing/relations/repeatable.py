"""Relations on repetition: the same output again, in this process and another."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.checked import KEPT, Broken, Line, Outcome, Skipped
from ..other_process import CannotHandOver, OtherProcess
from ..preparation import Preparation
from ..subject import Prepared
from ..table import Table
from ..wording import format_error, format_shape, output_lines

#: The number of rows that are served in the other process.
_SERVED = 64


def deterministic(preparation: Preparation, asked: Any) -> Outcome:
    """Check that two runs from the same seed have the same output."""
    del asked
    text = preparation.repeats
    if not text:
        return KEPT
    first, second = preparation.base, preparation.prepare()
    lines = _difference(first, second, ("the first time", "the second time"))
    return Broken(
        fact=text,
        lines=lines,
        meaning="Every other contract compares two runs. If the numbers change at"
        " random, none of them can be checked.",
    )


def process(preparation: Preparation, asked: Any) -> Outcome:
    """Check that another process with another hash seed has the same output."""
    del asked
    try:
        there = OtherProcess.shared().run(preparation, _SERVED)
    except CannotHandOver as error:
        return Skipped(str(error), applies=True)
    if isinstance(there, str):
        return Skipped(f"in another process it raised {there}", applies=True)
    prepared, served = there
    meaning = (
        "The service runs in another process. Whatever depends on hash(), on the order"
        " of a set, or on earlier actions of this process comes out differently there."
    )
    notes = ("in another process", "in this one")
    if not preparation.base.is_same(prepared):
        return Broken(
            fact="another process prepares other numbers for the same rows",
            lines=_difference(prepared, preparation.base, notes),
            meaning=meaning,
        )
    if served is None:
        return KEPT
    try:
        rows = np.arange(min(_SERVED, preparation.x.rows))
        here = preparation.serve(preparation.x.take(rows))
    except Exception as error:
        return Skipped(f"serving the sample raises {format_error(error)}", applies=True)
    if here.is_same(served):
        return KEPT
    return Broken(
        fact="another process serves other numbers for the same rows",
        lines=_of_tables(served, here, notes),
        meaning=meaning,
    )


def _difference(
    came: Prepared, should: Prepared, notes: tuple[str, str]
) -> tuple[Line, ...]:
    for one, other in (
        (came.x, should.x),
        (came.y, should.y),
        (came.held_x, should.held_x),
        (came.held_y, should.held_y),
    ):
        if one is not None and other is not None and not one.is_same(other):
            return _of_tables(one, other, notes)
    return ()


def _of_tables(came: Table, should: Table, notes: tuple[str, str]) -> tuple[Line, ...]:
    if came.rows != should.rows or not came.fits(should):
        return (
            Line(
                name="came out",
                value=format_shape(came),
                note=notes[0],
            ),
            Line(
                name="should be",
                value=format_shape(should),
                note=notes[1],
            ),
        )
    row = int(np.flatnonzero(should.differing(came))[0])
    at = (f"row {row} {notes[0]}", notes[1])
    return output_lines(came, row, should, row, at)
