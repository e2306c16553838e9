"""Relations on serving: rows alone, columns in another order, recorded requests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ...core.checked import KEPT, Broken, Line, Outcome, Skipped
from ...core.numbers import format_names
from ...core.rows import evenly_spaced
from ..preparation import Preparation
from ..raw import Array, Raw
from ..table import NotComparable, Table, table_of
from ..thresholds import BY_REQUEST, CHANCE, MOST_OUTSIDE, RANGE_MARGIN
from ..wording import (
    NO_SERVE,
    format_error,
    format_raw_row,
    format_shape,
    output_lines,
)

#: The numbers of rows of the requests that are tried.
_SIZES = (1, 2, 3, 5, 8)
#: The most rows that are used to try columns in another order.
_TURNED = 50
#: Maximum number of names of columns in a line.
_MOST_NAMED = 4


def alone(preparation: Preparation, asked: Any) -> Outcome:
    """Check that a row served alone, or in another order, comes out the same as among
    all rows.
    """
    del asked
    if not preparation.has_serve:
        return Skipped(NO_SERVE)
    found = _alone(
        preparation,
        preparation.x,
        preparation.serve,
        lambda: preparation.base_served,
        "served",
    )
    labels = preparation.subject.labels
    if isinstance(found, Broken) or preparation.y is None or labels is None:
        return found

    def serve_labels(y: Raw) -> Table:
        return table_of(preparation.serve_raw(lambda _: labels(y)))

    y = preparation.y
    return _alone(preparation, y, serve_labels, lambda: serve_labels(y), "label")


def _alone(
    preparation: Preparation,
    x: Raw,
    serve: Callable[[Raw], Table],
    serve_all: Callable[[], Table],
    what: str,
) -> Outcome:
    try:
        whole = serve_all()
    except NotComparable as error:
        return Skipped(str(error), applies=True)
    except Exception as error:
        return Broken(
            fact=f"serving the sample raises {type(error).__name__}",
            lines=(Line(name="came out", value=format_error(error)),),
            meaning="These are rows that training took: the service must take them.",
        )
    if whole.rows != x.rows:
        return Skipped(
            f"serving makes {whole.rows} rows of {x.rows}, not one of each",
            applies=True,
        )
    spread = BY_REQUEST * whole.spread
    sizes = [it for it in (*_SIZES, x.rows) if it <= x.rows]
    starts = _starts(x.rows)

    def request(draw: tuple[int, ...]) -> Array:
        size, start, is_turned = draw
        rows: Array = (starts[start] + np.arange(sizes[size])) % x.rows
        return rows[::-1] if is_turned else rows

    def breaks(draw: tuple[int, ...]) -> bool:
        rows = request(draw)
        try:
            made = serve(x.take(rows))
        except Exception:
            return True
        if made.rows != len(rows) or not made.fits(whole):
            return True
        return bool(whole.take(rows).differing(made, spread).any())

    last = len(starts) - 1
    spread_out = [(0, last * it // 3, 0) for it in (1, 2, 3)]
    draw = preparation.smallest(breaks, (len(sizes) - 1, last, 1), also=spread_out)
    if draw is None:
        return KEPT
    return _describe_alone(x, request(draw), serve, whole, what)


def _starts(rows: int) -> Array:
    """Return the first rows of requests, spread over a sample that may be sorted."""
    return evenly_spaced(rows, 64)


def _describe_alone(
    x: Raw, rows: Array, serve: Callable[[Raw], Table], whole: Table, what: str
) -> Broken:
    size = "alone" if len(rows) == 1 else f"in a request of {len(rows)}"
    broken = partial(
        Broken,
        rows=tuple(int(it) for it in rows[:20]),
        meaning="A row must come out the same no matter which rows are served with it."
        f" The whole sample is {x.rows} rows; a service gets few at a time.",
    )
    row = int(rows[0])
    whose = f"row {row}" if what == "served" else f"the label of row {row}"
    raw = Line(name="raw row", value=format_raw_row(x, row))
    try:
        made = serve(x.take(rows))
    except Exception as error:
        return broken(
            fact=f"{whose} cannot be served {size}: {type(error).__name__}",
            lines=(
                raw,
                Line(name="came out", value=format_error(error)),
                Line(
                    name="should be", value=whole.format_row(row), note="among all rows"
                ),
            ),
        )
    if made.rows != len(rows) or not made.fits(whole):
        return broken(
            fact=f"{whose} served {size} has another shape than among others",
            lines=(
                raw,
                Line(name="came out", value=format_shape(made), note=size),
                Line(
                    name="should be",
                    value=format_shape(whole.take(rows)),
                    note=f"as among {x.rows} rows",
                ),
            ),
        )
    spread = BY_REQUEST * whole.spread
    at = int(np.flatnonzero(whole.take(rows).differing(made, spread))[0])
    row = int(rows[at])
    return broken(
        fact=f"row {row} served {size} comes out differently"
        if what == "served"
        else f"row {row}: its label {size} comes out differently",
        lines=(
            Line(name="raw row", value=format_raw_row(x, row)),
            *output_lines(made, at, whole, row, (size, f"among {x.rows} rows")),
        ),
    )


def columns(preparation: Preparation, asked: Any) -> Outcome:
    """Check that columns in another order give the same output, or an error."""
    del asked
    x = preparation.x
    widest = max((it.shape[1] for it in x.frames), default=0)
    if widest < 2:
        return Skipped("the sample has no named columns that could change their order")
    if not preparation.has_serve and not preparation.is_rowwise:
        return Skipped(NO_SERVE)
    rows = x.take(np.arange(min(x.rows, _TURNED)))
    try:
        usual = preparation.path(rows)
    except Exception as error:
        return Skipped(
            f"serving part of the sample raises {format_error(error)}", applies=True
        )

    def turned(turn: int) -> Table | None:
        try:
            return _by_name(preparation.path(rows.with_columns_turned(turn)), usual)
        except Exception:
            return None

    def breaks(draw: tuple[int, ...]) -> bool:
        made = turned(draw[0] + 1)
        return made is not None and not usual.is_same(made)

    draw = preparation.smallest(breaks, (widest - 2,), examples=2)
    if draw is None:
        return KEPT
    made = turned(draw[0] + 1)
    assert made is not None
    frame, other = rows.frames[0], rows.with_columns_turned(draw[0] + 1).frames[0]
    lines: tuple[Line, ...] = ()
    row = 0
    if made.rows == usual.rows and made.fits(usual):
        row = int(np.flatnonzero(usual.differing(made))[0])
        lines = output_lines(made, row, usual, row, ("", ""))
    else:
        lines = (
            Line(name="came out", value=format_shape(made)),
            Line(name="should be", value=format_shape(usual)),
        )
    return Broken(
        fact="the same columns in another order give other numbers, without an error",
        column=str(other.columns[0]),
        rows=(row,),
        lines=(
            Line(
                name="trained", value=format_names(map(str, frame.columns), _MOST_NAMED)
            ),
            Line(
                name="served", value=format_names(map(str, other.columns), _MOST_NAMED)
            ),
            *lines,
        ),
        meaning="Columns are taken by place, not by name: a query that returns them in"
        " another order feeds each feature to another one's weights.",
    )


def _by_name(made: Table, usual: Table) -> Table:
    """Return a table with its columns in the order of another, if both have the same
    names.
    """
    names = made.names
    if made.others.shape[1] or set(names) != set(usual.names):
        return made
    if len(set(names)) != len(names) or len(names) != made.numbers.shape[1]:
        return made
    order = [names.index(it) for it in usual.names]
    return Table(
        numbers=made.numbers[:, order],
        others=made.others,
        names=usual.names,
        is_whole=made.is_whole,
    )


def requests(preparation: Preparation, asked: Any) -> Outcome:
    """Check that recorded requests come out finite, in range, and varied as trained."""
    del asked
    if preparation.requests is None:
        return Skipped("no recorded requests were given (requests=)")
    if not preparation.has_serve:
        return Skipped(NO_SERVE)
    raw = Raw.of(preparation.requests, "requests")
    trained = preparation.base.x
    try:
        made = preparation.serve(raw)
    except NotComparable as error:
        return Skipped(str(error), applies=True)
    except Exception as error:
        return Broken(
            fact=f"serving the recorded requests raises {type(error).__name__}",
            lines=(Line(name="came out", value=format_error(error)),),
            meaning="Real requests must be answered.",
        )
    if not made.fits(trained):
        return Broken(
            fact=f"requests are served {made.width} columns wide, trained rows"
            f" {trained.width}",
            meaning="The model gets a different input than it was trained on.",
        )
    return _finite(raw, made, trained) or _varied(made, trained) or KEPT


def _finite(raw: Raw, made: Table, trained: Table) -> Broken | None:
    numbers = trained.numbers
    bad = ~np.isfinite(made.numbers) & np.isfinite(numbers).all(axis=0)
    if bad.any():
        row, column = (int(it) for it in np.argwhere(bad)[0])
        return Broken(
            fact=f"request {row} comes out as {made.format_row(row, [column])}",
            column=made.names[column],
            rows=(row,),
            lines=(
                Line(name="raw", value=format_raw_row(raw, row)),
                Line(name="came out", value=made.format_row(row, [column])),
            ),
            meaning="The model returns NaN for it.",
        )
    low = np.nanmin(numbers, axis=0, initial=np.inf)
    high = np.nanmax(numbers, axis=0, initial=-np.inf)
    margin = RANGE_MARGIN * (high - low) + 1e-9
    with np.errstate(invalid="ignore"):
        outside = (made.numbers < low - margin) | (made.numbers > high + margin)
    share = outside.mean(axis=0)
    if made.rows == 0 or share.max(initial=0.0) <= MOST_OUTSIDE:
        return None
    column = int(share.argmax())
    row = int(np.flatnonzero(outside[:, column])[0])
    return Broken(
        fact=f"{share[column]:.0%} of the requests lie outside of the trained range",
        column=made.names[column],
        rows=(row,),
        lines=(
            Line(name="raw", value=format_raw_row(raw, row)),
            Line(name="came out", value=made.format_row(row, [column])),
            Line(
                name="should be",
                value=f"{low[column]:.4g} to {high[column]:.4g}",
                note=f"as trained, {made.names[column]}",
            ),
        ),
        meaning="The model was never trained on such numbers.",
    )


def _varied(made: Table, trained: Table) -> Broken | None:
    """Find a column that is constant in the requests, and would hardly be by chance."""
    if made.rows < 2:
        return None
    for column in range(made.numbers.shape[1]):
        ours = made.numbers[:, column]
        if not (ours == ours[0]).all():
            continue
        _, counts = np.unique(trained.numbers[:, column], return_counts=True)
        if (counts.max() / trained.rows) ** made.rows < CHANCE:
            return Broken(
                fact=f"{made.names[column]} is the same in all {made.rows} requests",
                column=made.names[column],
                rows=(0,),
                lines=(
                    Line(name="came out", value=made.format_row(0, [column])),
                    Line(
                        name="should be",
                        value=f"{len(counts)} different values",
                        note=f"as in {trained.rows} trained rows",
                    ),
                ),
                meaning="The model learned from something that the service does not"
                " have: a column made from the target, or one that is filled in.",
            )
    return None
