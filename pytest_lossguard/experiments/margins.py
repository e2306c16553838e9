"""Stability margins: how far a training is from not converging, found by bisection.

This module does not train itself: the caller passes a `Rerun`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.change import Change, Rerun, RerunRequest
from ..core.errors import LossguardError
from ..core.policy import Policy
from ..core.trace import Trace
from ..judge import judge

#: Factors are multiplied by four up to a million; the interval in which the training
#: breaks is halved three times, so that a margin is known to a quarter of an octave,
#: 19 %.
_STRIDE, _MOST, _BISECTIONS = 4.0, 4.0**10, 3
STEP = 2.0**0.25
_RATE = "learning rate"
#: The features of tables of up to so many columns are scaled one by one; those of
#: wider tables all together.
_MOST_FEATURES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """The factor by which one quantity can be raised before a training fails.

    Attributes:
        what: The quantity: ``"learning rate"``, ``"inputs"`` or, for example,
            ``"feature 3"``.
        factor: The largest factor found at which the training converges, at least 1;
            0 where the unchanged training does not converge.
        fails_at: The smallest factor found at which the training fails, at most 1.19
            times ``factor``; 1 where the unchanged training fails; None where the
            training converges up to a million.
        why: The kind of the finding that fails the training at ``fails_at``; None
            where there is none.
    """

    what: str
    factor: float
    fails_at: float | None = None
    why: str | None = None

    def __str__(self) -> str:
        if self.fails_at is None:
            return f"{self.what}: {_times(self.factor)} and more"
        return (
            f"{self.what}: {_times(self.factor)}, at {_times(self.fails_at)} {self.why}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """The stability margins of one training.

    Attributes:
        learning_rate: The margin of the learning rate; None under a schedule that
            cannot be scaled.
        features: The margin of each feature, the narrowest first; one entry,
            ``"inputs"``, for data other than a table of 2 to 32 features.
        trainings: The number of trainings that were run.
    """

    learning_rate: Margin | None
    features: tuple[Margin, ...]
    trainings: int

    @property
    def narrowest(self) -> Margin | None:
        """The smallest margin, None where there is none."""
        known = [it for it in (self.learning_rate, *self.features) if it is not None]
        return min(known, key=lambda it: it.factor, default=None)

    def to_json(self) -> dict[str, Any]:
        """Return the margins as JSON-serializable builtins."""

        def one(margin: Margin) -> dict[str, Any]:
            names = ("what", "factor", "fails_at", "why")
            return {name: getattr(margin, name) for name in names}

        rate = self.learning_rate
        return {
            "learning_rate": None if rate is None else one(rate),
            "features": [one(it) for it in self.features],
            "trainings": self.trainings,
        }

    def __repr__(self) -> str:
        known = [it for it in (self.learning_rate, *self.features) if it is not None]
        lines = [f"  {it}" for it in known]
        return "\n".join([f"<Margins, {self.trainings} trainings", *lines, ">"])


def _times(factor: float) -> str:
    return f"{factor:,.0f}x" if factor >= 100 else f"{factor:.3g}x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """A quantity of a training that is raised until the training breaks.

    Attributes:
        what: The name of the quantity.
        change: Returns the change that multiplies the quantity by a factor.
        seed: The seed of the re-runs; None for the seed of the training.
        redrawn: As in `RerunRequest`.
    """

    what: str
    change: Callable[[float], Change]
    seed: int | None = None
    redrawn: bool = False

    def by(self, factor: float) -> RerunRequest:
        """Return the request for a re-run with the quantity times ``factor``."""
        changes = (self.change(factor),)
        return RerunRequest(changes=changes, seed=self.seed, redrawn=self.redrawn)


def find_margins(
    things: Sequence[Scaled], rerun: Rerun, policy: Policy
) -> list[Margin | LossguardError]:
    """Find the margins of several quantities by bisection.

    The bisections run side by side: each round trains the next factor of every
    quantity in one call of ``rerun.several``.

    Args:
        things: The quantities to scale.
        rerun: Runs the training again with changes.
        policy: The policy that decides whether a re-run converges.

    Returns:
        For each quantity its margin, or the error that kept it from being scaled.
    """
    searches = [_bisection(it.what) for it in things]
    tried = {index: next(search) for index, search in enumerate(searches)}
    found: dict[int, Margin | LossguardError] = {}
    while tried:
        asked = [things[index].by(factor) for index, factor in tried.items()]
        outcomes = dict(zip(tried, rerun.several(asked), strict=True))
        tried = {}
        for index, outcome in outcomes.items():
            if isinstance(outcome, LossguardError):
                found[index] = outcome
                continue
            try:
                tried[index] = searches[index].send(failure_of(outcome, policy))
            except StopIteration as ended:
                found[index] = ended.value
    return [found[index] for index in range(len(things))]


def _bisection(what: str) -> Generator[float, str | None, Margin]:
    """Yield factors to try; each must be answered with the kind of the finding that
    fails the training there, or None. Returns the margin.
    """
    why = yield 1.0
    if why is not None:
        return Margin(what=what, factor=0.0, fails_at=1.0, why=why)
    good, bad = 1.0, _STRIDE
    while (why := (yield bad)) is None:
        good, bad = bad, bad * _STRIDE
        if bad > _MOST:
            return Margin(what=what, factor=good)
    for _ in range(_BISECTIONS):
        middle = (good * bad) ** 0.5
        found = yield middle
        if found is None:
            good = middle
        else:
            bad, why = middle, found
    return Margin(what=what, factor=good, fails_at=bad, why=why)


def learning_rate(factor: float) -> Change:
    """Return the change that multiplies the learning rate by a factor."""
    return Change(kind="learning_rate", value=factor)


def scale_of(*features: int) -> Callable[[float], Change]:
    """Return a function that makes the change of multiplying these features, or all
    inputs where none are given, by a factor.
    """
    return lambda factor: Change(kind="scale_inputs", value=factor, at=features)


def margins(rerun: Rerun, policy: Policy) -> Margins:
    """Measure the margins of the learning rate and of the inputs of a training.

    Args:
        rerun: Runs the training again with changes.
        policy: The policy that decides whether a re-run converges.

    Raises:
        CannotChange: The training cannot be run again.
    """
    counted = _Counted(rerun)
    trace = rerun()
    things = [
        Scaled(what=name, change=scale_of(*features))
        for name, features in _features(trace)
    ]
    if rerun.facts.learning_rate is not None:
        things.insert(0, Scaled(what=_RATE, change=learning_rate))
    found = find_margins(things, counted, policy)
    rate = found.pop(0) if things[0].what == _RATE else None
    if isinstance(rate, LossguardError):
        raise rate
    features = [it for it in found if isinstance(it, Margin)]  # text has no scale
    return Margins(
        learning_rate=rate,
        features=tuple(sorted(features, key=lambda it: it.factor)),
        trainings=counted.trainings + 1,
    )


class _Counted:
    """A `Rerun` that counts the trainings requested through `several`."""

    def __init__(self, rerun: Rerun) -> None:
        self._rerun = rerun
        self.trainings = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rerun, name)

    def several(
        self,
        requests: Sequence[RerunRequest],
        begin: Callable[[], None] | None = None,
    ) -> list[Trace | LossguardError]:
        self.trainings += len(requests)
        return self._rerun.several(requests, begin)


def failure_of(trace: Trace, policy: Policy) -> str | None:
    """Return the kind of the first error of a training, None where it converges."""
    found = (it.kind for it in judge(trace, policy) if it.severity == "error")
    return next(found, None)


def _features(trace: Trace) -> list[tuple[str, tuple[int, ...]]]:
    """Return what is scaled separately, as names and column numbers: the columns of a
    single table, else all inputs together.
    """
    columns = 0
    if len(trace.inputs) == 1 and trace.inputs[0].is_numeric:
        columns = len(trace.inputs[0].mean)
    if not 1 < columns <= _MOST_FEATURES:
        return [("inputs", ())]
    return [(f"feature {it}", (it,)) for it in range(columns)]
