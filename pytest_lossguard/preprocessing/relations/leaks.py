"""Relations on leaks: of held-out rows, of a row's own label, of the future."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.checked import KEPT, Broken, Line, Outcome, Skipped
from ..preparation import Preparation
from ..raw import Array, Column, Raw
from ..subject import Prepared
from ..table import Table
from ..thresholds import MISTAKEN, NEARLY_SAME, OWN_LABEL
from ..wording import format_raw_row, format_shape, output_lines
from .training_data import _nearest

#: The standard deviations that values are moved by, the mildest first.
_MOVES = (0.0, 1.0, 10.0)
#: The most columns that are changed one by one.
_MOST = 64
#: The most times after which values are changed.
_MOST_CUTS = 6
#: The most rows whose labels are changed.
_LABELS = 32
_UNKNOWN = (
    "which raw row each prepared row comes from could not be found out (every row"
    " depends on others, or too few are alike)"
)


def held_out(preparation: Preparation, asked: Any) -> Outcome:
    """Check that changed held-out rows do not change the training data, and that no raw
    row is in both.
    """
    del asked
    base = preparation.base
    if base.held_x is None:
        return Skipped(
            "prepare returns no held-out rows: return (x, y, x_held_out, y_held)"
        )
    if preparation.subject.is_split_here:
        return Skipped("the check holds rows out itself: it is fitted on the others")
    train, held = preparation.origins
    if train is None or held is None:
        return Skipped(_UNKNOWN, applies=True)
    shared = _in_both(preparation, train, held)
    if shared is not None:
        return shared
    return _changed_by_held_out(preparation, train, held)


def _in_both(preparation: Preparation, train: Array, held: Array) -> Broken | None:
    base, x = preparation.base, preparation.x
    assert base.held_x is not None
    pairs = []
    for at in map(int, np.flatnonzero(held >= 0)):
        for there in np.flatnonzero(train == held[at])[:1]:
            one = base.x.take([there])
            if _is_copy(one, base.held_x.take([at]), base.x.spread):
                pairs.append((int(there), int(at)))
    if not pairs:
        return None
    there, at = pairs[0]
    row = int(held[at])
    return Broken(
        fact=f"{len(pairs)} raw rows are served into both training and held-out data",
        rows=(row,),
        lines=(
            Line(name="raw row", value=format_raw_row(x, row), note=f"row {row}"),
            Line(name="trained", value=base.x.format_row(there), note=f"row {there}"),
            Line(name="held out", value=base.held_x.format_row(at), note=f"row {at}"),
        ),
        meaning="The held-out score counts rows that the model was trained on.",
        remedy="Split first; copy, oversample or augment the training part only.",
    )


def _is_copy(one: Table, other: Table, spread: Array) -> bool:
    """Whether a row equals another, up to a little noise or rounding."""
    if not one.differing(other, spread).any():
        return True
    apart = np.abs(one.numbers - other.numbers)
    same = bool((one.others == other.others).all())
    return same and bool((apart <= NEARLY_SAME * spread).all())


def _changed_by_held_out(
    preparation: Preparation, train: Array, held: Array
) -> Outcome:
    x, base = preparation.x, preparation.base
    rows = np.setdiff1d(held[held >= 0], train)
    if len(rows) == 0:
        return Skipped(_UNKNOWN, applies=True)
    columns = x.columns[:_MOST]
    doubtful = len(train) - len(np.unique(train[train >= 0]))
    mistaken = doubtful + int(MISTAKEN * len(train))
    counts = sorted({min(len(rows), 2**it) for it in range(12)} | {len(rows)})

    def disturbed(draw: tuple[int, ...]) -> Raw:
        count, column, move = draw
        chosen = rows[: counts[count]]
        several = columns if column == len(columns) else (columns[column],)
        changed = x
        for it in several:
            changed = changed.put(it, _moved(x, it, chosen, rows, _MOVES[move]))
        return changed

    def breaks(draw: tuple[int, ...]) -> bool:
        try:
            made = preparation.prepare(disturbed(draw))
        except Exception:
            return False
        return _has_moved(base, made, mistaken)

    highest = (len(counts) - 1, len(columns), len(_MOVES) - 1)
    draw = preparation.smallest(breaks, highest)
    if draw is None:
        return KEPT
    changed = disturbed(draw)
    made = preparation.prepare(changed)
    column = None if draw[1] == len(columns) else columns[draw[1]]
    row = _first_changed(x, changed, column, rows[: counts[draw[0]]])
    lines = _moved_lines(base, made, train)
    return Broken(
        fact=f"training data move when {counts[draw[0]]} held-out"
        f" {'row changes' if counts[draw[0]] == 1 else 'rows change'}",
        column=None if column is None else column.name,
        rows=tuple(int(it) for it in rows[: counts[draw[0]]][:20]),
        lines=(
            Line(
                name="raw value",
                value=f"{format_raw_row(x, row, column)} ->"
                f" {format_raw_row(changed, row, column)}",
                note=f"held-out row {row}" + (f", {column.name}" if column else ""),
            ),
            *lines,
        ),
        meaning="Something was fitted on rows that the model is scored on: the held-out"
        " score is too good.",
    )


def _first_changed(x: Raw, changed: Raw, column: Column | None, rows: Array) -> int:
    """Return the first of some rows whose text in a message changed."""
    return next(
        (
            int(it)
            for it in rows
            if format_raw_row(x, it, column) != format_raw_row(changed, it, column)
        ),
        int(rows[0]),
    )


def _moved_lines(base: Prepared, made: Prepared, train: Array) -> tuple[Line, ...]:
    if made.x.rows != base.x.rows or not made.x.fits(base.x):
        return (
            Line(name="came out", value=format_shape(made.x)),
            Line(name="should be", value=format_shape(base.x)),
        )
    at = int(base.x.change(made.x).argmax())
    note = f"training row {at}" + (f", raw row {train[at]}" if train[at] >= 0 else "")
    return output_lines(made.x, at, base.x, at, (note, "as before"))


def _has_moved(base: Prepared, made: Prepared, mistaken: int) -> bool:
    """Whether the values of the training data changed, and not only the choice of rows.

    Up to ``mistaken`` rows may change: they may be training rows that were mistaken
    for held-out ones.
    """
    if not made.x.fits(base.x):
        return True
    if made.x.rows != base.x.rows or _are_others(base, made):
        return False
    apart = base.x.differing(made.x)
    if apart.sum() <= mistaken:
        return False
    changed = made.x.take(np.flatnonzero(apart))
    _, is_known = _nearest(changed, _in_order(base), base.x.spread)
    return not is_known.all()


def _are_others(base: Prepared, made: Prepared) -> bool:
    """Whether the labels show that other rows were split off."""
    if base.y is None or made.y is None or base.y.is_same(made.y):
        return False
    if not base.y.fits(made.y):
        return False
    known = base.y if base.held_y is None else _joined(base.y, base.held_y)
    _, is_known = _nearest(made.y, known, base.y.spread)
    return bool(is_known.all())


def _moved(x: Raw, column: Column, chosen: Array, pool: Array, move: float) -> Array:
    """Return a column with other values in some rows: those of other rows in ``pool``,
    moved by ``move`` standard deviations.
    """
    values = np.array(x.get(column))
    new = values[np.roll(pool, max(1, len(pool) // 2))[: len(chosen)]]
    if column.kind == "number":
        spread = float(np.nanstd(values.astype(np.float64)))
        shift = move * spread
        if values.dtype.kind in "iu":
            info = np.iinfo(values.dtype)
            shifted = np.clip(new.astype(np.float64) + np.rint(shift), 0, info.max)
            new = shifted.astype(values.dtype) if shift else new
        else:
            new = new + shift
    values[chosen] = new
    return values


def own_label(preparation: Preparation, asked: Any) -> Outcome:
    """Check that changing only the label of a row does not change its features."""
    del asked
    y, base = preparation.y, preparation.base
    if y is None:
        return Skipped("no labels were given")
    if len(y.columns) != 1:
        return Skipped("the labels have several columns")
    train, _ = preparation.origins
    if train is None:
        return Skipped(_UNKNOWN, applies=True)
    label, values = y.columns[0], y.get(y.columns[0])
    known = np.unique(train[train >= 0])
    step = max(1, len(known) // _LABELS)
    rows = known[::step][:_LABELS]

    def changed(draw: tuple[int, ...]) -> Raw:
        new = np.array(values)
        new[rows[draw[0]]] = _another(values, int(rows[draw[0]]), draw[1])
        return y.put(label, new)

    def moves(draw: tuple[int, ...]) -> tuple[float, float] | None:
        try:
            made = preparation.prepare(preparation.x, changed(draw))
        except Exception:
            return None
        if made.x.rows != base.x.rows or not made.x.fits(base.x):
            return None
        change = base.x.change(made.x)
        own = float(change[train == rows[draw[0]]].max(initial=0.0))
        others = change[train != rows[draw[0]]]
        return own, float(np.quantile(others, 0.9)) if len(others) else 0.0

    def breaks(draw: tuple[int, ...]) -> bool:
        found = moves(draw)
        return found is not None and found[0] > OWN_LABEL * found[1] and found[0] > 0

    draw = preparation.smallest(breaks, (len(rows) - 1, 1), examples=6)
    if draw is None:
        return KEPT
    row = int(rows[draw[0]])
    other = changed(draw)
    made = preparation.prepare(preparation.x, other)
    at = int(np.flatnonzero(train == row)[0])
    return Broken(
        fact=f"the label of row {row} changes its own row's features",
        rows=(row,),
        lines=(
            Line(
                name="raw label",
                value=f"{format_raw_row(y, row)} -> {format_raw_row(other, row)}",
                note=f"row {row}",
            ),
            *output_lines(made.x, at, base.x, at, (f"training row {at}", "as before")),
        ),
        meaning="The row's features reveal its own label: training looks better than"
        " production, where the label is unknown.",
    )


def _another(values: Array, row: int, level: int) -> Any:
    """Return another label for a row: another class, or a shifted number."""
    kinds = np.unique(values.astype(str))
    if values.dtype.kind == "f" and len(kinds) > max(20, len(values) // 10):
        return values[row] + (1.0, 3.0)[level] * float(np.nanstd(values))
    plain = sorted({str(it): it for it in values}.items())
    place = [key for key, _ in plain].index(str(values[row]))
    return plain[(place + 1 + level) % len(plain)][1]


def future(preparation: Preparation, asked: Any) -> Outcome:
    """Check that changes of later values change no row with an earlier target."""
    del asked
    x, whole = preparation.x, _in_order(preparation.base)
    if preparation.subject.is_split_here:
        return Skipped("a transformer gives each row by itself; give a function")
    if whole.rows > x.rows or whole.rows < 16:
        return Skipped(
            f"{whole.rows} rows come out of {x.rows}: their times are not known",
            applies=True,
        )
    numeric = [it for it in x.columns[:_MOST] if it.kind == "number"]
    if not numeric:
        return Skipped("the sample has no numbers")
    first, target = _first_time(preparation, whole)
    later = _Later(
        preparation=preparation,
        whole=whole,
        times=np.arange(whole.rows) + first,
        cuts=tuple(_cuts(x, numeric)),
        columns=(*((it,) for it in numeric), tuple(numeric)),
        target=target,
    )
    last = len(numeric)
    columns = [last, *(place for place, it in enumerate(numeric) if it == target)]
    each = [(it, column, 0) for column in columns for it in range(len(later.cuts))]
    highest = (len(later.cuts) - 1, last, 1)
    draw = preparation.smallest(later.breaks, highest, examples=6, also=each)
    return KEPT if draw is None else later.broken(draw)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Later:
    """Changes of values after some time, and the rows with earlier targets that change.

    Attributes:
        preparation: The preparation and its sample.
        whole: The output for the unchanged sample, in order of time.
        times: The time of the target of each output row, as a raw row number.
        cuts: The times after which values are changed.
        columns: The sets of columns that are changed together; the last holds all.
        target: The raw column whose values are the targets; None where there is none.
    """

    preparation: Preparation
    whole: Table
    times: Array
    cuts: tuple[int, ...]
    columns: tuple[tuple[Column, ...], ...]
    target: Column | None

    def breaks(self, draw: tuple[int, ...]) -> bool:
        """Whether the case of a draw changes a row with an earlier target."""
        made = self._made(draw)
        return made is not None and bool(self._wrong(made, draw).any())

    def _changed(self, draw: tuple[int, ...]) -> Raw:
        cut, columns, move = draw
        x, several = self.preparation.x, self.columns[columns]
        return _other_after(x, self.cuts[cut], several, (1.0, 10.0)[move])

    def _made(self, draw: tuple[int, ...]) -> Table | None:
        try:
            made = _in_order(self.preparation.prepare(self._changed(draw)))
        except Exception:
            return None
        fits = made.rows == self.whole.rows and made.fits(self.whole)
        return made if fits else None

    def _wrong(self, made: Table, draw: tuple[int, ...]) -> Array:
        cut = self.cuts[draw[0]]
        is_target = self.columns[draw[1]] == (self.target,)
        last = cut + 1 if is_target else cut  # a row must not hold its own target
        changed = _beyond_scaling(self.whole, made, self.times, cut)
        return np.asarray(changed & (self.times <= last))

    def broken(self, draw: tuple[int, ...]) -> Broken:
        """Return the outcome that describes the case of a draw."""
        made = self._made(draw)
        assert made is not None
        x, cut, several = self.preparation.x, self.cuts[draw[0]], self.columns[draw[1]]
        wrong = self._wrong(made, draw)
        earlier = wrong & (self.times <= cut)
        at = int(np.flatnonzero(earlier if earlier.any() else wrong)[-1])
        time, column = int(self.times[at]), several[0] if len(several) == 1 else None
        fact = f"row {time} changes when values after row {cut} change"
        if time > cut:
            fact = f"the row whose target is row {time} changes with that target"
        values = (
            format_raw_row(it, cut + 1, column) for it in (x, self._changed(draw))
        )
        return Broken(
            fact=fact,
            column=None if column is None else column.name,
            rows=(time, cut),
            lines=(
                Line(
                    name="raw value",
                    value=" -> ".join(values),
                    note=f"row {cut + 1}, and all later ones",
                ),
                *output_lines(made, at, self.whole, at, (f"row {time}", "as before")),
            ),
            meaning="The row is made from later values: when it is served they do not"
            " exist yet, so offline scores are too good.",
        )


def _cuts(x: Raw, numeric: list[Column]) -> list[int]:
    """Return the times after which values are changed: three fixed ones, and for each
    column a missing value that a later value may fill.
    """
    cuts = {x.rows * it // 8 for it in (4, 6, 7)}
    for column in numeric:
        empty = np.isnan(np.asarray(x.get(column), dtype=np.float64))
        holes = np.flatnonzero(empty[:-1] & ~empty[1:])
        cuts |= {int(holes[len(holes) // 2])} if len(holes) else set()
    return sorted(cuts, reverse=True)[:_MOST_CUTS]


def _other_after(x: Raw, cut: int, columns: tuple[Column, ...], move: float) -> Raw:
    """Return the sample with other values after some time; missing ones stay so."""
    after = np.arange(x.rows) > cut
    for it in columns:
        values = np.array(x.get(it)).astype(np.float64)
        known = after & ~np.isnan(values)
        spread = float(np.nanstd(values)) or 1.0
        values[known] = values[known][::-1] + move * spread
        x = x.put(it, values)
    return x


def _in_order(made: Prepared) -> Table:
    """Return the training rows, followed by the held-out rows."""
    return made.x if made.held_x is None else _joined(made.x, made.held_x)


def _joined(one: Table, other: Table) -> Table:
    if not other.fits(one):
        return one
    return Table(
        numbers=np.concatenate([one.numbers, other.numbers]),
        others=np.concatenate([one.others, other.others]),
        names=one.names,
        is_whole=one.is_whole,
    )


def _first_time(preparation: Preparation, whole: Table) -> tuple[int, Column | None]:
    """Return the time of the first output row, and the raw column of the targets.

    The labels are matched with the raw labels or, without these, with the values of
    each raw column, in any scale. Where this fails, the last row is assumed to have the
    last time. The column is None where it is not known.
    """
    last = preparation.x.rows - whole.rows
    made, y = preparation.base.y, preparation.y
    if made is None or made.rows < 8 or not made.numbers.shape[1]:
        return last, None
    came = _standard(made.numbers[:, 0])
    for raw in (y,) if y is not None else (preparation.x,):
        for column in raw.columns[:_MOST]:
            if column.kind != "number":
                continue
            values = np.asarray(raw.get(column), dtype=np.float64)
            found = [
                start
                for start in range(last + 1)
                if np.allclose(
                    _standard(values[start : start + len(came)]), came, atol=1e-5
                )
            ]
            if len(found) == 1:
                return found[0], column if y is None else None
    return last, None


def _standard(values: Array) -> Array:
    return np.asarray((values - values.mean()) / (values.std() or 1.0))


def _beyond_scaling(whole: Table, made: Table, times: Array, cut: int) -> Array:
    """Return the rows that change by more than a new scale of whole columns, since a
    scaler that is fitted on the given rows may move all of them.
    """
    sure = times <= cut // 2
    expected = np.array(whole.numbers)
    for column in range(expected.shape[1]):
        old, new = whole.numbers[sure, column], made.numbers[sure, column]
        known = np.isfinite(old) & np.isfinite(new)
        if known.sum() < 2:
            continue
        old, new = old[known], new[known]
        low, high = int(old.argmin()), int(old.argmax())
        span = old[high] - old[low]
        slope = (new[high] - new[low]) / span if span > 0 else 1.0
        expected[:, column] = new[low] + slope * (whole.numbers[:, column] - old[low])
    scaled = Table(
        numbers=expected,
        others=whole.others,
        names=whole.names,
        is_whole=whole.is_whole,
    )
    return scaled.differing(made)
