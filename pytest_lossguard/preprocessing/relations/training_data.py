"""Relations on the training data: rows as they are served, labels in mixed order."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np

from ...core.checked import KEPT, Broken, Line, Outcome, Skipped
from ...core.rows import evenly_spaced
from ..preparation import Preparation
from ..raw import Array, Raw
from ..table import NotComparable, Table, table_of
from ..thresholds import CROWDED, LABELS_MOVED, MOST_AUGMENTED
from ..wording import NO_SERVE, format_error, format_raw_row, output_lines

#: The most trained rows that are searched for among the served rows.
_LOOKED_FOR = 512
#: The share of differing raw rows that must differ again in another order, to show that
#: they differ because of their values.
_MOST_CHANCE = 0.9
#: The number of standard deviations at which values are clipped for distances.
_FAR = 1e3
#: The most distances that are kept in memory at a time.
_BLOCK = 2_000_000


def trained(preparation: Preparation, asked: Any) -> Outcome:
    """Check that each trained row is the output of serving for some raw row, and has
    the label of that row.
    """
    if not preparation.has_serve:
        return Skipped(NO_SERVE)
    if preparation.subject.is_known and preparation.subject.is_split_here:
        return Skipped("scikit-learn's own transformers are trusted in this")
    raw = _as_served(preparation)
    try:
        served = preparation.serve(raw)
    except NotComparable as error:
        return Skipped(str(error), applies=True)
    except Exception as error:
        return Broken(
            fact=f"serving the raw training rows raises {type(error).__name__}",
            lines=(Line(name="came out", value=format_error(error)),),
            meaning="The service must take the rows that training took.",
        )
    base = preparation.base.x
    if not served.fits(base):
        return Broken(
            fact=f"served rows have {served.width} columns, trained rows {base.width}",
            lines=(
                Line(name="raw row", value=format_raw_row(raw, 0)),
                Line(name="came out", value=served.format_row(0), note="served"),
                Line(name="should be", value=base.format_row(0), note="trained"),
            ),
            meaning="In production the model gets a different input than in training.",
        )
    chosen = evenly_spaced(base.rows, _LOOKED_FOR)
    nearest, is_found = _nearest(base.take(chosen), served, base.spread)
    share = 1.0 - float(is_found.mean()) if len(chosen) else 0.0
    most = float(asked) if isinstance(asked, float) else MOST_AUGMENTED
    if share > most or (share and _is_of_the_row(preparation, served)):
        return _unserved(preparation, raw, served, chosen, nearest, is_found)
    if _are_too_many(served, nearest) and _is_of_the_row(preparation, served):
        is_own = _is_as_its_raw_row(preparation, served)[chosen]
        return _unserved(preparation, raw, served, chosen, nearest, is_own, "their")
    labels = _wrong_labels(preparation, served, chosen, nearest, is_found)
    return labels or KEPT


def _as_served(preparation: Preparation) -> Raw:
    """Return the raw sample in the form in which the service gets it."""
    x, form = preparation.x, preparation.served_form
    if form is None:
        return x
    try:
        made = Raw.of(form(x.value), "what served= gives")
        if made.rows == x.rows:
            return made
    except Exception:
        pass
    whole = x.value
    each = np.stack([np.asarray(form(whole[it])) for it in range(x.rows)])
    return Raw.of(each, "what served= gives")


def _nearest(rows: Table, served: Table, spread: Array) -> tuple[Array, Array]:
    """Return for each row the nearest served row, and whether the two are the same."""
    # Columns that hardly vary are noise: they must not outweigh the others.
    scale = np.maximum(spread, 1e-3 * float(spread.max(initial=0.0)) or 1.0)
    finite = np.where(np.isfinite(rows.numbers), rows.numbers, 0.0)
    center = finite.mean(axis=0) if len(finite) else 0.0
    ours, all_served = (
        np.clip(np.nan_to_num((it.numbers - center) / scale, nan=-_FAR), -_FAR, _FAR)
        for it in (rows, served)
    )
    if rows.others.shape[1]:
        ours, all_served = _with_codes(ours, rows, all_served, served)
    square = (all_served**2).sum(axis=1)
    found = np.empty(len(ours), dtype=int)
    step = max(1, _BLOCK // max(1, len(all_served)))
    for first in range(0, len(ours), step):
        block = ours[first : first + step]
        distance = square - 2.0 * (block @ all_served.T)
        found[first : first + step] = distance.argmin(axis=1)
    same = ~served.take(found).differing(rows, spread)
    return found, np.asarray(same)


def _with_codes(
    ours: Array, rows: Table, all_served: Array, served: Table
) -> tuple[Array, Array]:
    """Append codes of the values that are no numbers, equal for equal values, to the
    numbers of both tables.
    """
    columns = []
    for column in range(rows.others.shape[1]):
        both = [*rows.others[:, column], *served.others[:, column]]
        known: dict[Any, int] = {}
        coded = [known.setdefault(str(it), len(known)) for it in both]
        columns.append(np.array(coded, dtype=float) * 10.0)
    codes = np.stack(columns, axis=1)
    first = rows.rows
    return np.hstack([ours, codes[:first]]), np.hstack([all_served, codes[first:]])


def _is_as_its_raw_row(preparation: Preparation, served: Table) -> Array:
    """Return which trained rows equal the served output of their own raw row."""
    base, origin = preparation.base.x, preparation.origins[0]
    assert origin is not None
    return np.asarray(~served.take(origin).differing(base, base.spread))


def _is_of_the_row(preparation: Preparation, served: Table) -> bool:
    """Whether trained rows differ from served ones because of their values, and not by
    a random augmentation: in another order the same raw rows differ again.
    """
    base, x, y = preparation.base.x, preparation.x, preparation.y
    origin, _ = preparation.origins
    if origin is None or served.rows != x.rows or (origin < 0).any():
        return False
    order = np.roll(np.arange(x.rows)[::-1], x.rows // 3)
    try:
        turned = preparation.prepare(
            x.take(order), None if y is None else y.take(order)
        )
    except Exception:
        return False
    if turned.x.rows != base.rows or not turned.x.fits(base):
        return False
    first = served.take(origin).differing(base, base.spread)
    second = served.take(order[origin]).differing(turned.x, base.spread)
    both = np.intersect1d(origin, order[origin])
    # A raw row with one copy trained as served is left out: its others are augmented.
    odd = np.intersect1d(np.setdiff1d(origin[first], origin[~first]), both)
    rows = order[origin]
    again = np.intersect1d(np.setdiff1d(rows[second], rows[~second]), both)
    shared = len(np.intersect1d(odd, again))
    return shared >= _MOST_CHANCE * max(len(odd), len(again), 1) and shared >= 3


def _unserved(
    preparation: Preparation,
    raw: Raw,
    served: Table,
    chosen: Array,
    nearest: Array,
    is_found: Array,
    which: str = "any",
) -> Broken:
    base = preparation.base.x
    at, row, note = _compared(preparation, raw, served, chosen, nearest, is_found)
    count, is_row = int((~is_found).sum()), served.rows == raw.rows
    return Broken(
        fact=f"{count} of {len(chosen)} trained rows are not what serving makes of"
        f" {which} raw row",
        rows=(row,) if is_row else (),
        lines=(
            Line(
                name="raw row",
                value=format_raw_row(raw, row) if is_row else "unknown",
                note=f"row {row}" if is_row else "",
            ),
            *output_lines(served, row, base, at, (note, f"trained, row {at}")),
        ),
        meaning="Training and serving prepare the same row differently: the model gets"
        " numbers in production that it was not trained on.",
    )


def _compared(
    preparation: Preparation,
    raw: Raw,
    served: Table,
    chosen: Array,
    nearest: Array,
    is_found: Array,
) -> tuple[int, int, str]:
    """Return a trained row that is not served, and the served row to compare with it,
    with a note: the one of the same raw row if that is known, else the nearest.
    """
    lost = np.flatnonzero(~is_found)
    origin = preparation.origins[0] if served.rows == raw.rows else None
    if origin is not None:
        known = chosen[lost][origin[chosen[lost]] >= 0]
        if len(known):
            return int(known[0]), int(origin[known[0]]), "served"
    return int(chosen[lost[0]]), int(nearest[lost[0]]), "served, the nearest"


def _wrong_labels(
    preparation: Preparation,
    served: Table,
    chosen: Array,
    nearest: Array,
    is_found: Array,
) -> Broken | None:
    """Check that trained rows do not have the labels of other rows; None if so."""
    y, made = preparation.y, preparation.base.y
    if y is None or made is None or served.rows != y.rows or made.rows < len(chosen):
        return None
    labels = preparation.subject.labels
    try:
        raw_y = table_of(y.value)
        if labels is not None:
            raw_y = table_of(preparation.serve_raw(lambda _: labels(y)))
    except Exception:
        return None
    where = np.flatnonzero(is_found & _is_alone(served)[nearest])
    if len(where) < 8:
        return None
    given, own = made.take(chosen[where]), raw_y.take(nearest[where])
    if labels is not None and not own.fits(given):
        return None
    wrong = _contradicts(given, own) if labels is None else own.differing(given)
    if wrong is None or wrong.mean() <= LABELS_MOVED:
        return None
    at = int(np.flatnonzero(wrong)[0])
    row = int(nearest[where[at]])
    return Broken(
        fact=f"{int(wrong.sum())} of {len(where)} trained rows have another row's"
        " label",
        rows=(row,),
        lines=(
            Line(name="raw row", value=format_raw_row(preparation.x, row)),
            Line(
                name="came out",
                value=given.format_row(at),
                note=f"label of trained row {int(chosen[where[at]])}",
            ),
            Line(
                name="should be",
                value=own.format_row(at),
                note=f"label of raw row {row}",
            ),
        ),
        meaning="Features and labels were filtered or sorted separately: the model"
        " learns from labels of other rows.",
    )


def _is_alone(served: Table) -> Array:
    """Return which served rows equal no other row, and so can be identified."""
    keys = _keys(served)
    counts = Counter(keys)
    return np.array([counts[key] == 1 for key in keys], dtype=bool)


def _are_too_many(served: Table, nearest: Array) -> bool:
    """Whether some row occurs more often in training than in serving, so that some of
    its copies may come from raw rows that are served differently.
    """
    keys = _keys(served)
    counts = Counter(keys)
    trained = Counter(keys[it] for it in nearest)
    return any(count > counts[key] for key, count in trained.items())


def _keys(served: Table) -> list[Any]:
    """Return a hashable key for each row, the same for equal rows."""
    rounded = np.round(np.nan_to_num(served.numbers, nan=-1e9), 9)
    return [
        (a.tobytes(), *map(str, b)) for a, b in zip(rounded, served.others, strict=True)
    ]


def _contradicts(given: Table, own: Table) -> Array | None:
    """Return which trained labels do not match the raw ones, in any encoding.

    A few distinct labels must map one to one; many distinct values must have the same
    or the reverse order. None where the labels cannot be compared.
    """
    raw = [str(it) for it in _cells(own)]
    came = [str(it) for it in _cells(given)]
    kinds = len(set(raw))
    if kinds <= max(20, len(raw) // 5):
        pairs: dict[str, dict[str, int]] = {}
        for one, other in zip(raw, came, strict=True):
            counts = pairs.setdefault(one, {})
            counts[other] = counts.get(other, 0) + 1
        usual = {one: max(it, key=lambda key: it[key]) for one, it in pairs.items()}
        wrong = [usual[one] != other for one, other in zip(raw, came, strict=True)]
        return np.array(wrong)
    if own.width != 1 or given.numbers.shape[1] != 1 or not own.numbers.shape[1]:
        return None
    a, b = own.numbers[:, 0], given.numbers[:, 0]
    ranks = [np.argsort(np.argsort(it, kind="stable")) for it in (a, b)]
    straight = np.abs(ranks[0] - ranks[1])
    turned = np.abs(ranks[0] + ranks[1] - len(a) + 1)
    apart = straight if straight.sum() <= turned.sum() else turned
    return np.asarray(apart > max(2, len(a) // 50))


def _cells(table: Table) -> list[Any]:
    if table.width == 1:
        cells = table.numbers if table.numbers.shape[1] else table.others
        return list(cells[:, 0])
    return [(*a.tolist(), *b) for a, b in zip(table.numbers, table.others, strict=True)]


def mixed(preparation: Preparation, asked: Any) -> Outcome:
    """Check that neighbors in training order share a label no more often than by
    chance.
    """
    base = preparation.base
    del asked
    if not base.is_dataset:
        return Skipped("training gets arrays, which fit shuffles, not a dataset")
    if base.y is None:
        return Skipped("the dataset has no labels")
    cells = [str(it) for it in _cells(base.y)]
    kinds, counts = np.unique(cells, return_counts=True)
    if len(kinds) < 2 or len(kinds) > max(20, len(cells) // 10):
        return Skipped("the labels are not classes")
    if len(cells) < 30:
        return Skipped(
            f"{len(cells)} rows are too few to tell their order from chance",
            applies=True,
        )
    same = np.array([a == b for a, b in itertools.pairwise(cells)])
    chance = float((counts**2 - counts).sum() / (len(cells) * (len(cells) - 1)))
    share = float(same.mean())
    error = np.sqrt(chance * (1 - chance) / len(same))
    # One random order in 2,000 exceeds 3.3 standard errors.
    if share - chance <= max(CROWDED * (1 - chance), 3.3 * error):
        return KEPT
    run = int(np.flatnonzero(same)[0])
    return Broken(
        fact=f"{share:.0%} of the neighbors in training share a label, {chance:.0%} by"
        " chance",
        rows=(run, run + 1),
        lines=(
            Line(name="came out", value=", ".join(cells[:12]), note="first labels"),
            Line(name="should be", value="labels in random order"),
        ),
        meaning="Each batch holds few classes: the model learns one class after the"
        " other and forgets the earlier ones. A shuffle buffer smaller than the data"
        " mixes only neighbors.",
    )
