"""Corruptions of rows: fewer rows, duplicated rows, sorted rows."""

# ruff: noqa: D102 (`Family.act` documents every act)
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.given import MOST, is_count, is_whole
from ..axis import (
    Axis,
    Keyword,
    OutOfRange,
    only_true,
    share_axis,
)
from ..family import (
    Family,
    check_count,
    check_features,
    check_share,
    checked,
    share_of,
    spread_rows,
)
from ..labels import as_vector, ordered
from ..sample import Sample


@dataclass(frozen=True, slots=True, repr=False)
class FewRows(Family):
    """Fewer rows, chosen evenly from all.

    Attributes:
        rows: The number of rows that are left.
    """

    keyword = "rows"
    rows: int

    def __post_init__(self) -> None:
        check_count(self, "rows")

    def act(self, sample: Sample) -> Sample:
        return sample.take(np.sort(spread_rows(sample.rows, self.rows)))


@dataclass(frozen=True, slots=True, repr=False)
class DuplicateRows(Family):
    """Part of the rows replaced by copies of others.

    Attributes:
        share: The share of the rows that are replaced.
    """

    keyword = "duplicates"
    share: float

    def __post_init__(self) -> None:
        check_share(self)

    def act(self, sample: Sample) -> Sample:
        order = spread_rows(sample.rows, sample.rows)
        copies = min(share_of(sample.rows, self.share), sample.rows - 1)
        kept = order[copies:]
        taken = np.arange(sample.rows)
        taken[order[:copies]] = np.resize(kept, copies)
        return sample.take(taken, in_place=True)


@dataclass(frozen=True, slots=True, repr=False)
class SortedRows(Family):
    """Rows sorted by their label or target, or by a feature.

    Attributes:
        feature: The feature to sort by; None for the target.
    """

    keyword = "sorted_rows"
    feature: int | str | None = None

    def __post_init__(self) -> None:
        holds = self.feature is None or is_whole(self.feature)
        holds = holds or isinstance(self.feature, str)
        expected = "a feature's number or column name, or None for the target"
        checked(self, "feature", holds, expected)
        check_features(self, "feature")

    def act(self, sample: Sample) -> Sample:
        if self.feature is None:
            key, _ = ordered(as_vector(sample.targets[0]))
        else:
            place = sample.columns(self.feature)[0]
            blocks = [it.block for it in sample.x if it.names]
            flat = [it.reshape(len(it), -1, it.shape[-1])[:, 0] for it in blocks]
            key = np.concatenate(flat, axis=1)[:, place]
        return sample.take(np.argsort(key, kind="stable"))


# Keywords and their axes


def _rows(value: Any) -> Axis:
    if not is_count(value) or value > MOST // 8:
        raise OutOfRange("must be True, False or the fewest rows to try, such as 10")
    levels = tuple(FewRows(int(value) * it) for it in (8, 4, 2, 1))
    return Axis("rows", f"down to {value}", levels)


def _sorted_rows(value: Any) -> Axis:
    only_true(value)
    return Axis("sorted_rows", "by target", (SortedRows(),))


DUPLICATES = Keyword(
    name="duplicates", default=0.5, axis=share_axis("duplicates", DuplicateRows, "0.5")
)
ROWS = Keyword(name="rows", default=10, axis=_rows)
SORTED_ROWS = Keyword(name="sorted_rows", default=True, axis=_sorted_rows)
