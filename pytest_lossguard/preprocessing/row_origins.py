"""Finding the raw row that each prepared row comes from, by experiment.

Splitting and shuffling happen in the user's code. The preparation is therefore run a
few times with some raw rows exchanged, to see which prepared rows change. Each raw row
has a code, the set of runs in which it is exchanged; a prepared row comes from the raw
row whose code matches its changes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..core.rows import evenly_spaced
from .raw import Array, Raw
from .subject import Prepared
from .table import Table

#: The changes of a row must fit the best code better than any other, by this multiple
#: of the range of its changes.
_CLEAR = 0.4
#: The largest share of prepared rows whose origin may stay unknown, and the share of
#: known origins that ends the search.
_MOST_UNKNOWN, _ENOUGH = 0.2, 0.95
#: The number of runs that verify the origins, and the least share of pairs that they
#: must order correctly, where chance gives 0.5.
_PROOFS, _PROVED = 2, 0.9
#: The most columns that are evaluated one by one.
_COLUMNS = 24
#: The origins of samples with more raw rows are not searched.
_MOST_ROWS = 2000


def origins_of(
    x: Raw,
    y: Raw | None,
    base: Prepared,
    prepare: Callable[[Raw], Prepared],
    seed: int,
) -> tuple[Array | None, Array | None]:
    """Find the raw row of each training row and of each held-out row.

    Args:
        x: The raw rows.
        y: The raw labels, None without any.
        base: The prepared sample.
        prepare: Runs the preparation on other raw rows.
        seed: The seed for the choice of rows to exchange.

    Returns:
        The row numbers of training rows and of held-out rows, each with -1 for unknown
        rows, or None where the origins cannot be found.
    """
    rows = x.rows
    if rows > _MOST_ROWS or rows < 8:
        return None, None
    wanted = _codes(rows, seed)
    orders = [_exchanged(x, y, np.flatnonzero(code)) for code in wanted.T]
    codes = np.stack([it != np.arange(rows) for it in orders], axis=1)
    train, held = [], []
    for order in orders:
        try:
            made = prepare(_in_place(x, order))
        except Exception:
            return None, None
        if not _alike(base.x, made.x) or not _alike(base.held_x, made.held_x):
            return None, None
        train.append(np.minimum(base.x.changes(made.x), 1.0))
        if base.held_x is not None and made.held_x is not None:
            held.append(np.minimum(base.held_x.changes(made.held_x), 1.0))
    found = _decoded(codes, np.stack(train))
    if found is not None and base.held_x is None and len(found) == rows:
        in_order = np.arange(rows)
        if ((found == in_order) | (found < 0)).all():  # unknown rows are in order too
            found = in_order
    return found, _decoded(codes, np.stack(held)) if held else None


def _alike(one: Table | None, other: Table | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.rows == other.rows and one.fits(other)


def _codes(rows: int, seed: int) -> Array:
    """Return a code of 0 and 1 for each row, of shape ``(rows, runs)``.

    Each code has half of the runs, and any two codes differ by at least two runs each
    where possible, else by one. The last `_PROOFS` runs are random, to verify the
    result.
    """
    runs = 12 if rows <= 64 else 16 if rows <= 320 else 20
    draw = np.random.default_rng(seed)
    codes = np.zeros((rows, runs), dtype=np.int8)
    known = tries = 0
    while known < rows:
        tries += 1
        code = np.zeros(runs, dtype=np.int8)
        code[draw.permutation(runs)[: runs // 2]] = 1
        shared = (codes[:known] @ code).max(initial=0)
        if shared <= runs // 2 - 2 or (tries > 20 * rows and shared < runs // 2):
            codes[known] = code
            known += 1
    proof = draw.integers(0, 2, (rows, _PROOFS), dtype=np.int8)
    return np.concatenate([codes, proof], axis=1)


def _exchanged(x: Raw, y: Raw | None, rows: Array) -> Array:
    """Return an order of all rows in which these rows are exchanged within their class,
    so that labels, and a split by labels, stay the same.
    """
    order = np.arange(x.rows)
    for group in _groups(x, y, rows):
        order[group] = np.roll(group, len(group) // 2)
    return order


def _in_place(x: Raw, order: Array) -> Raw:
    """Return the rows in another order, under the old index."""
    made = x.take(order)
    return Raw(
        parts=tuple(
            it.set_axis(old.index) if hasattr(it, "iloc") else it
            for it, old in zip(made.parts, x.parts, strict=True)
        ),
        nest=x.nest,
        keys=x.keys,
    )


def _groups(x: Raw, y: Raw | None, rows: Array) -> list[Array]:
    """Group rows by their class and by the columns with missing values, so that an
    exchange within a group does not change which rows a preparation drops.
    """
    holes, labels = _holes(x), np.zeros(x.rows, dtype=int)
    if y is not None and len(y.columns) == 1:
        given = y.get(y.columns[0]).astype(str)
        kinds, inverse = np.unique(given, return_inverse=True)
        if len(kinds) <= max(20, x.rows // 10):
            labels = inverse
    groups: dict[tuple[int, bytes], list[int]] = {}
    for row in rows:
        key = (int(labels[row]), holes[row].tobytes())
        groups.setdefault(key, []).append(int(row))
    return [np.array(it) for it in groups.values()]


def _holes(x: Raw) -> Array:
    """Return where values are missing, as flags of shape ``(rows, columns)``."""
    found = []
    for column in x.columns:
        values = x.get(column)
        if values.dtype.kind in "iub":
            continue
        if values.dtype.kind == "f":
            found.append(np.isnan(values))
        else:
            found.append(np.array([it is None or it != it for it in values]))
    if not found:
        return np.zeros((x.rows, 0), dtype=bool)
    return np.ascontiguousarray(np.stack(found, axis=1))


def _decoded(codes: Array, changes: Array) -> Array | None:
    """Return the raw row of each prepared row; None where too few are known.

    All columns are evaluated together, then some one by one: a column that is fitted
    to other rows (a mean of the target, a selection) may hide what another column
    shows.
    """
    width = changes.shape[2]
    single = evenly_spaced(width, _COLUMNS)
    views = [changes.max(axis=2, initial=0.0), *(changes[:, :, it] for it in single)]
    found, best_share = None, 1.0 - _MOST_UNKNOWN
    for view in views:
        rows = _rows_by_code(codes, view)
        share = float((rows >= 0).mean()) if len(rows) else 0.0
        if share > best_share:
            found, best_share = rows, share
        if share > _ENOUGH:
            break
    return found


def _rows_by_code(codes: Array, changes: Array) -> Array:
    """Return for each prepared row the raw row whose code fits its changes, -1 if none
    does; -1 for all rows if the last runs do not confirm the result.
    """
    # The square root makes it count more that a row changed than by how much. A change
    # above the middle is evidence for an exchange, below it against one.
    made = np.sqrt(changes[:-_PROOFS])
    low, high = made.min(axis=0), made.max(axis=0)
    moved = codes[:, :-_PROOFS].astype(float)
    fit = moved @ (made - (low + high) / 2)  # (raw rows, prepared rows)
    fit[moved.sum(axis=1) < 2] = -np.inf
    best, two = fit.argmax(axis=0), np.partition(fit, -2, axis=0)[-2:]
    clear = (two[1] > 0) & (two[1] - two[0] > _CLEAR * (high - low))
    rows = np.where(clear, best, -1)
    for run in range(1, _PROOFS + 1):
        change = changes[-run][rows >= 0]
        was = codes[rows[rows >= 0], -run]
        if _order(change[was], change[~was]) < _PROVED:
            return np.full(len(rows), -1)
    return rows


def _order(high: Array, low: Array) -> float:
    """Return the share of pairs in which the value of ``high`` is above that of
    ``low``; equal values count half.
    """
    if len(high) == 0 or len(low) == 0:
        return 0.0
    above = (high[:, None] > low[None, :]).mean()
    return float(above + 0.5 * (high[:, None] == low[None, :]).mean())
