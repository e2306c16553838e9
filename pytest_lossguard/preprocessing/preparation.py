"""One preparation on one sample: what is run, each run from the same seed, and what is
kept of it for all relations.
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

__all__ = ["Preparation", "fixed_seeds"]

#: From the first draw that breaks a relation, or None: `strategies.smallest`.
Smallest = Callable[..., tuple[int, ...] | None]


@contextmanager
def fixed_seeds(seed: int) -> Iterator[None]:
    """Start all random generators from a seed, and put them back."""
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
    """A subject and a sample.

    Args:
        subject: What prepares and serves.
        x: Raw rows.
        y: Raw labels, None without.
        served: From raw training rows to the form in which the service gets them.
        requests: Recorded raw requests, as the serving path takes them.
        seed: Of every run.
        smallest: How draws are made and shrunk; None draws only the boldest.
        unused: Raw columns that may be ignored.
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
    ) -> None:
        self.subject, self.x, self.y = subject, x, y
        self.served_form, self.requests = served, requests
        self.seed, self.unused = seed, unused
        self.only: tuple[int, ...] | None = None
        self.draw: tuple[int, ...] | None = None
        self._smallest = smallest
        self._is_at_base = False

    # Runs

    def prepare(self, x: Raw | None = None, y: Raw | None = None) -> Prepared:
        """Run the preparation, on the sample or on a disturbed one.

        Raises:
            Exception: Whatever it raises.
        """
        self._is_at_base = False
        with fixed_seeds(self.seed), _quiet():
            made = self.subject.prepare(x or self.x, y or self.y)
        self._is_at_base = x is None and y is None
        return made

    def adopt(self, other: Preparation) -> None:
        """Take over what another one found out of the same sample by the same code."""
        for name in ("base", "base_served", "is_rowwise", "origins", "repeats"):
            if name in vars(other):
                vars(self)[name] = vars(other)[name]

    @cached_property
    def base(self) -> Prepared:
        """What it makes of the sample."""
        return self.prepare()

    def serve(self, x: Raw) -> Table:
        """What the serving path makes of raw rows, fitted on the sample.

        Raises:
            Exception: Whatever it raises.
        """
        return table_of(self.serve_raw(lambda serve: serve(x)))

    def serve_raw(self, call: Callable[[Any], Any]) -> Any:
        """Let a function call the serving path, fitted on the sample."""
        assert self.subject.serve is not None
        if not self._is_at_base:
            base = self.prepare()
            vars(self).setdefault("base", base)
        with fixed_seeds(self.seed), _quiet():
            return call(self.subject.serve)

    def path(self, x: Raw) -> Table:
        """What serving makes of raw rows; without such a path, what training does."""
        if self.subject.serve is not None:
            return self.serve(x)
        return self.prepare(x).x

    @cached_property
    def base_served(self) -> Table:
        """What serving makes of the whole sample."""
        return self.serve(self.x)

    @cached_property
    def base_path(self) -> Table:
        """What `path` makes of the whole sample."""
        return self.base.x if self.subject.serve is None else self.base_served

    # What is known of it

    @property
    def has_serve(self) -> bool:
        """Whether there is a serving path."""
        return self.subject.serve is not None

    def left_out(self) -> tuple[str, ...]:
        """The raw columns that a fitted transformer drops by name."""
        if not self.has_serve:
            return ()
        return tuple(self.serve_raw(lambda _: self.subject.left_out()))

    @cached_property
    def is_rowwise(self) -> bool:
        """Whether the path gives each row the same, whatever rows are beside it."""
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
        """The raw row of each training row and of each held-out row, -1 where it is
        not known; None where it cannot be found out.
        """
        if self.base.origin is not None:
            rest = np.setdiff1d(np.arange(self.x.rows), self.base.origin)
            return self.base.origin, rest if self.base.held_x is not None else None
        return origins_of(self.x, self.y, self.base, self.prepare, self.seed)

    @cached_property
    def repeats(self) -> str:
        """Empty where two runs from one seed give the same, else what differs."""
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
        """The smallest draw that breaks a relation; None where none is found.

        Args:
            breaks: Whether the case of these integers breaks it.
            highest: The highest of each integer, all counted from 0; the highest of
                all is the boldest case, tried first.
            examples: How many other cases are drawn.
            also: Cases that are tried before any is drawn.
        """
        known: dict[tuple[int, ...], bool] = {}

        def tried(draw: tuple[int, ...]) -> bool:
            if draw not in known:
                known[draw] = breaks(draw)
            return known[draw]

        if self.only is not None and len(self.only) == len(highest):
            self.draw = self.only if tried(self.only) else None
            return self.draw
        if np.prod([it + 1 for it in highest]) <= examples + 2:
            every = itertools.product(*(range(it + 1) for it in highest))
            self.draw = next(filter(tried, every), None)
            return self.draw
        bold, mild = tuple(highest), tuple(0 for _ in highest)
        found = next(filter(tried, (mild, bold, *also)), None)
        if self._smallest is not None and found != mild:
            smaller = self._smallest(
                tried, highest, seed=self.seed, examples=examples, known=found
            )
            found = smaller or found
        self.draw = found
        return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep warnings of disturbed data from failing what is only tried."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
