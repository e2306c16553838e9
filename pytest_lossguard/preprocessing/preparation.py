"""A preparation with its sample: runs from the same seed, and results that all
relations share.
"""

from __future__ import annotations

import itertools
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from .raw import Array, Raw
from .row_origins import origins_of
from .subject import Prepared, Subject
from .table import Table, table_of

#: Searches for the smallest draw that breaks a relation, or returns None; see
#: `strategies.smallest`.
Smallest = Callable[..., tuple[int, ...] | None]


@contextmanager
def fixed_seeds(seed: int) -> Iterator[None]:
    """Seed the global generators of Python, NumPy and TensorFlow inside the block, and
    restore their states after it.
    """
    kept, of_numpy = random.getstate(), np.random.get_state()
    with _tensorflow_seeds(seed):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(kept)
            np.random.set_state(of_numpy)


@contextmanager
def _tensorflow_seeds(seed: int) -> Iterator[None]:
    if sys.modules.get("tensorflow") is None:
        yield
        return
    from ..training import preserved_seeds, set_seed

    with preserved_seeds():
        set_seed(seed)
        yield


class Preparation:
    """A preparation and serving path, with the sample that they are run on.

    Args:
        subject: The preparation and its serving path.
        x: The raw rows.
        y: The raw labels, None without any.
        served: Converts raw training rows to the form in which the service gets them.
        requests: Recorded raw requests, in the form that the serving path takes.
        seed: The seed of every run.
        smallest: Draws cases and shrinks them; None to try only the mildest and the
            boldest case and those given.
        unused: The names of raw columns that may be ignored.
        only: The only draw to try, to run a known case again; None to search.

    Attributes:
        draw: The draw that broke the last relation; None where it holds.
    """

    def __init__(
        self,
        *,
        subject: Subject,
        x: Raw,
        y: Raw | None = None,
        served: Callable[[Any], Any] | None = None,
        requests: Any = None,
        seed: int = 0,
        smallest: Smallest | None = None,
        unused: tuple[str, ...] = (),
        only: tuple[int, ...] | None = None,
    ) -> None:
        self.subject, self.x, self.y = subject, x, y
        self.served_form, self.requests = served, requests
        self.seed, self.unused = seed, unused
        self._only = only
        self.draw: tuple[int, ...] | None = None
        self._smallest = smallest
        self._is_at_base = False

    # Runs

    def prepare(self, x: Raw | None = None, y: Raw | None = None) -> Prepared:
        """Run the preparation on the sample, or on other rows or labels.

        Raises:
            Exception: The preparation raises it.
        """
        self._is_at_base = False
        with fixed_seeds(self.seed), _quiet():
            made = self.subject.prepare(x or self.x, y or self.y)
        self._is_at_base = x is None and y is None
        return made

    def adopt(self, other: Preparation) -> None:
        """Take over the cached results of another preparation of the same sample by the
        same code.
        """
        for name in ("base", "base_served", "is_rowwise", "origins", "repeats"):
            if name in vars(other):
                vars(self)[name] = vars(other)[name]

    @cached_property
    def base(self) -> Prepared:
        """The prepared sample."""
        return self.prepare()

    def serve(self, x: Raw) -> Table:
        """Serve raw rows, with the preparation fitted on the sample.

        Raises:
            Exception: The serving path raises it.
        """
        return table_of(self.serve_raw(lambda serve: serve(x)))

    def serve_raw(self, call: Callable[[Any], Any]) -> Any:
        """Call a function with the serving path, after fitting it on the sample if
        needed, and return its result.
        """
        assert self.subject.serve is not None
        if not self._is_at_base:
            base = self.prepare()
            vars(self).setdefault("base", base)
        with fixed_seeds(self.seed), _quiet():
            return call(self.subject.serve)

    def path(self, x: Raw) -> Table:
        """Serve raw rows; without a serving path, prepare them for training."""
        if self.subject.serve is not None:
            return self.serve(x)
        return self.prepare(x).x

    @cached_property
    def base_served(self) -> Table:
        """The output of the serving path for the whole sample."""
        return self.serve(self.x)

    @cached_property
    def base_path(self) -> Table:
        """The output of `path` for the whole sample."""
        return self.base.x if self.subject.serve is None else self.base_served

    # Properties

    @property
    def has_serve(self) -> bool:
        """Whether there is a serving path."""
        return self.subject.serve is not None

    def left_out(self) -> tuple[str, ...]:
        """Return the raw columns that a fitted transformer drops by name."""
        if not self.has_serve:
            return ()
        return tuple(self.serve_raw(lambda _: self.subject.left_out()))

    @cached_property
    def is_rowwise(self) -> bool:
        """Whether `path` gives a row the same output, whichever rows are with it."""
        rows = self.x.rows
        try:
            whole = self.base_path
            if whole.rows != rows:
                return False
            chosen = np.arange(0, rows, 2)[::-1]
            part = self.path(self.x.take(chosen))
        except Exception:
            return False
        fits = part.rows == len(chosen) and part.fits(whole)
        return fits and not whole.take(chosen).differing(part, whole.spread).any()

    @cached_property
    def origins(self) -> tuple[Array | None, Array | None]:
        """The raw row of each training row and of each held-out row.

        Each is an integer array with -1 for unknown rows, or None where the origins
        cannot be found.
        """
        if self.base.origin is not None:
            rest = np.setdiff1d(np.arange(self.x.rows), self.base.origin)
            return self.base.origin, rest if self.base.held_x is not None else None
        return origins_of(self.x, self.y, self.base, self.prepare, self.seed)

    @cached_property
    def repeats(self) -> str:
        """Empty if two runs from one seed have the same result, else what differs."""
        if not self.base.is_same(self.prepare()):
            return "prepared twice from the same seed, it differs"
        if self.has_serve:
            try:
                again = self.serve(self.x)
                same = self.base_served.is_same(again)
            except Exception:
                return ""
            if not same:
                return "served twice from the same seed, it differs"
        return ""

    # Draws

    def smallest(
        self,
        breaks: Callable[[tuple[int, ...]], bool],
        highest: Sequence[int],
        examples: int = 8,
        also: Sequence[tuple[int, ...]] = (),
    ) -> tuple[int, ...] | None:
        """Find the smallest draw that breaks a relation; None where none does.

        A draw is a tuple of integers that describes one case. The draw that is found is
        kept in ``self.draw``.

        Args:
            breaks: Whether the case of a draw breaks the relation.
            highest: The highest value of each integer of a draw, counted from 0. The
                draw of all zeros is the mildest case, that of all highest values the
                boldest; these two are tried first.
            examples: The number of other cases that are drawn.
            also: Further cases that are tried before any is drawn.
        """
        known: dict[tuple[int, ...], bool] = {}

        def tried(draw: tuple[int, ...]) -> bool:
            if draw not in known:
                known[draw] = breaks(draw)
            return known[draw]

        if self._only is not None and len(self._only) == len(highest):
            return self.broken_by(self._only if tried(self._only) else None)
        if np.prod([it + 1 for it in highest]) <= examples + 2:
            every = itertools.product(*(range(it + 1) for it in highest))
            return self.broken_by(next(filter(tried, every), None))
        bold, mild = tuple(highest), tuple(0 for _ in highest)
        found = next(filter(tried, (mild, bold, *also)), None)
        if self._smallest is not None and found != mild:
            smaller = self._smallest(
                tried, highest, seed=self.seed, examples=examples, known=found
            )
            found = smaller or found
        return self.broken_by(found)

    def broken_by(self, draw: tuple[int, ...] | None) -> tuple[int, ...] | None:
        """Keep and return the draw that breaks the relation; None where it holds."""
        self.draw = draw
        return draw


@contextmanager
def _quiet() -> Iterator[None]:
    """Ignore warnings, so that changed data cannot fail a test by a warning."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
