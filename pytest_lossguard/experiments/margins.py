"""How far a training is from no longer converging: found by bisection.

Training is an argument: whoever calls brings what runs a training again.
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

__all__ = [
    "STEP",
    "Margin",
    "Margins",
    "Scaled",
    "failure_of",
    "find_margins",
    "learning_rate",
    "margins",
    "scale_of",
]

#: Factors are tried in steps of four up to a million; the one in which it breaks is
#: halved three times, so that a margin is known to a quarter of an octave, 19 %.
_STRIDE, _MOST, _BISECTIONS = 4.0, 4.0**10, 3
STEP = 2.0**0.25
_RATE = "learning rate"
#: Features of a table that are scaled one by one; of wider ones all together.
_MOST_FEATURES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """How far one thing can be raised before a training stops converging.

    Attributes:
        what: ``"learning rate"``, ``"inputs"`` or ``"feature 3"``.
        factor: The largest factor found at which it converges, of at least 1; 0 where
            it does not as it is.
        fails_at: The smallest found at which it does not, at most 1.19 times as
            large; None where it converges up to a million.
        why: Kind of the finding that fails it there.
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
        learning_rate: How far the rate can be raised; None under a schedule that
            cannot be scaled.
        features: How far each feature can be, the narrowest first; one entry,
            ``"inputs"``, for data that are no table of up to 32 features.
        trainings: How many were run.
    """

    learning_rate: Margin | None
    features: tuple[Margin, ...]
    trainings: int

    @property
    def narrowest(self) -> Margin | None:
        """The one that breaks first."""
        known = [it for it in (self.learning_rate, *self.features) if it is not None]
        return min(known, key=lambda it: it.factor, default=None)

    def to_json(self) -> dict[str, Any]:
        """As builtins."""

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
    """One thing of a training that is raised until the training breaks.

    Attributes:
        what: Its name.
        change: Multiplies it by a factor.
        seed: Train from this one instead.
        redrawn: As in `RerunRequest`.
    """

    what: str
    change: Callable[[float], Change]
    seed: int | None = None
    redrawn: bool = False

    def by(self, factor: float) -> RerunRequest:
        """The training with it multiplied."""
        changes = (self.change(factor),)
        return RerunRequest(changes=changes, seed=self.seed, redrawn=self.redrawn)


def find_margins(
    things: Sequence[Scaled], rerun: Rerun, policy: Policy
) -> list[Margin | LossguardError]:
    """Find the margins of several things, each by bisection: what all of them are to be
    tried at next is trained in one go.

    Args:
        things: What to scale, each with the change that scales it.
        rerun: Runs the training again with changes.
        policy: What decides whether it converges.

    Returns:
        For each its margin, or why it cannot be raised.
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
    """Factors to try, each answered by the kind of finding that fails there."""
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
    """The learning rate times a factor."""
    return Change(kind="learning_rate", value=factor)


def scale_of(*features: int) -> Callable[[float], Change]:
    """These features, or all inputs, times a factor."""
    return lambda factor: Change(kind="scale_inputs", value=factor, at=features)


def margins(rerun: Rerun, policy: Policy) -> Margins:
    """All margins of a training.

    Args:
        rerun: Runs it again with changes.
        policy: What decides whether it converges.

    Raises:
        CannotChange: It cannot be run again.
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
    """Counts the trainings that margins cost."""

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
    """The kind of the finding that fails a training, None where it converges."""
    found = (it.kind for it in judge(trace, policy) if it.severity == "error")
    return next(found, None)


def _features(trace: Trace) -> list[tuple[str, tuple[int, ...]]]:
    """What is scaled on its own: the columns of one table, else all inputs."""
    columns = 0
    if len(trace.inputs) == 1 and trace.inputs[0].is_numeric:
        columns = len(trace.inputs[0].mean)
    if not 1 < columns <= _MOST_FEATURES:
        return [("inputs", ())]
    return [(f"feature {it}", (it,)) for it in range(columns)]
