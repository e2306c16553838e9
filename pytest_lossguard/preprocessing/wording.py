"""Texts that the relations share: for raw values, outputs and errors."""

from __future__ import annotations

import linecache
import sysconfig

import numpy as np

from ..core.checked import Line
from .raw import Column, Raw
from .table import Table, _format_cell

NO_SERVE = "no serving path was given (serve=)"


def format_raw_row(
    x: Raw, row: int, column: Column | None = None, most: int = 4
) -> str:
    """Return a raw row as short text, or one value of it."""
    columns = x.columns if column is None else (column,)
    cells = [_format_cell(x.get(it)[row]) for it in columns[:most]]
    more = len(columns) - len(cells)
    return ", ".join(cells) + (f", ... ({more} more)" if more else "")


def format_shape(made: Table) -> str:
    """Return the numbers of rows and columns in words."""
    rows, columns = (
        f"{count} {noun}{'' if count == 1 else 's'}"
        for count, noun in ((made.rows, "row"), (made.width, "column"))
    )
    return f"{rows} of {columns}"


def output_lines(
    came: Table, row: int, should: Table, row_of_should: int, notes: tuple[str, str]
) -> tuple[Line, ...]:
    """Return the lines of a message that compare two rows in the columns that differ.

    Args:
        came: The table with the actual row.
        row: The actual row.
        should: The table with the expected row.
        row_of_should: The expected row.
        notes: Notes on the actual and on the expected row.
    """
    if not came.fits(should):
        values = (f"{came.width} columns", f"{should.width} columns")
    else:
        differs = should.take([row_of_should]).cells(
            came.take([row]), np.minimum(should.spread, came.spread)
        )[0]
        if not differs.any():
            differs = should.take([row_of_should]).cells(
                came.take([row]), should.spread * 0
            )[0]
        columns = np.flatnonzero(differs) if differs.any() else range(should.width)
        if len(columns) == 1 < should.width:
            name = f"output {should.names[columns[0]]}"
            notes = (f"{notes[0]}, {name}".lstrip(", "), notes[1])
        values = (
            came.format_row(row, columns),
            should.format_row(row_of_should, columns),
        )
    return (
        Line(name="came out", value=values[0], note=notes[0]),
        Line(name="should be", value=values[1], note=notes[1]),
    )


def format_error(error: BaseException) -> str:
    """Return the type and the first line of an error, at most 160 characters."""
    lines = str(error).strip().splitlines() or [""]
    text = f"{type(error).__name__}: {lines[0]}".rstrip(": ")
    return text if len(text) <= 160 else f"{text[:157]}..."


def is_clear(error: BaseException) -> bool:
    """Whether an error was raised on purpose: by a ``raise`` in the project's own code,
    or as a `ValueError` by a ``raise`` in a library.
    """
    return is_own(error) or (isinstance(error, ValueError) and _is_raised(error))


def is_own(error: BaseException) -> bool:
    """Whether an error was raised by a ``raise`` in the project's own code."""
    file, _ = _place(error)
    stdlib = sysconfig.get_paths()["stdlib"]
    installed = file.startswith((stdlib, "<")) or "-packages" in file
    return _is_raised(error) and not installed


def _is_raised(error: BaseException) -> bool:
    file, line = _place(error)
    return linecache.getline(file, line).strip().startswith("raise")


def _place(error: BaseException) -> tuple[str, int]:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return ("", 0) if at is None else (at.tb_frame.f_code.co_filename, at.tb_lineno)
