"""Hypothesis strategies for hostile data; the one place that imports Hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

import hypothesis
from hypothesis import core
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase, InMemoryExampleDatabase
from hypothesis.internal.conjecture import providers

from .corruptions import Corruption
from .corruptions.space import Axis, Space

__all__ = [
    "corruptions",
    "from_space",
    "pinned",
    "searching",
    "seeded",
    "smallest",
    "steer",
]

#: Feature numbers drawn where it is unknown how many there are; they are counted
#: round the end of the features that the data turns out to have.
_UNKNOWN_FEATURES = 64
#: One draw in so many has no corruption at all.
_ONE_IN = 8

# Names that Hypothesis keeps to itself, all that this package uses, beside
# `core.global_force_seed` (``--hypothesis-seed``) and `providers.CONSTANTS_CACHE`,
# `providers.Constants` (numbers found in local modules). Seen in 6.138 and in 6.170.

#: What ``@seed`` and ``@settings`` set on a test, and that the latter was there.
_SEED = "_hypothesis_internal_use_seed"
_SETTINGS = "_hypothesis_internal_use_settings"
_SETTINGS_APPLIED = "_hypothesis_internal_settings_applied"
#: The examples that ``@example`` gave a test.
_EXAMPLES = "hypothesis_explicit_examples"
#: In `providers`: collects the numbers that stand in loaded local modules.
_LOCAL_CONSTANTS = "_get_local_constants"
#: How keys end in a database under which it keeps what came near to failing.
_PASSED = b".pareto"


def corruptions(
    *,
    scales: Any = True,
    offsets: Any = True,
    outliers: Any = True,
    targets: Any = False,
    missing: Any = False,
    imbalance: Any = False,
    rows: Any = False,
    dtype: Any = False,
    mixed_units: Any = False,
    constant: Any = False,
    duplicates: Any = False,
    flipped: Any = False,
    sorted_rows: Any = False,
    features: Any = None,
) -> st.SearchStrategy[Corruption]:
    """Corruptions for ``@given(corruption=...)``.

    Each keyword is ``False`` (off), ``True`` (its default range) or its bounds.
    They shrink to no corruption, else to one family, one feature and the mildest
    value.

    Args:
        scales: ``(lowest, highest)`` factor of one or of all features, default
            ``(1e-3, 1e3)``; powers of ten are drawn, of two in a narrow range.
        offsets: ``(lowest, highest)`` in standard deviations of the feature,
            default ``(-1e3, 1e3)``.
        outliers: The largest distance of one row or a few in standard
            deviations, default 1e3.
        targets: Factors of float targets, and outliers among them to as many
            standard deviations; as ``(1e-3, 1e3)``.
        missing: The largest share of rows with NaN, as 0.1.
        imbalance: The smallest share of a class that stays, as 0.05.
        rows: The fewest rows, as 10.
        dtype: Names of types for the inputs, as ``("float16", "int64")``.
        mixed_units: Factors of one half of the rows, as ``(1e-3, 1e3)``.
        constant: Features that do not vary.
        duplicates: The largest share of rows replaced by copies, as 0.5.
        flipped: The largest share of wrong labels, as 0.1.
        sorted_rows: Rows in the order of their targets.
        features: How many features there are, or which may be hit alone, by
            number or column name; default: any.

    Raises:
        PolicyError: A keyword cannot be meant, or everything is off.
    """
    keywords = locals()
    return from_space(Space.from_keywords(keywords, "strategies.corruptions"))


def from_space(space: Space) -> st.SearchStrategy[Corruption]:
    """The strategy behind `corruptions`."""

    @st.composite
    def corruption(draw: Callable[[Any], Any]) -> Corruption:
        count = len(space.axes)
        # 0 is no corruption; the others are as likely as each other.
        first = draw(st.integers(0, _ONE_IN * count))
        second = draw(st.integers(0, 2 * count))
        chosen = [(first - 1) % count] if first else []
        chosen += [second - 1] if 0 < second <= count else []
        parts = [
            _level(draw, space.axes[index], space.features)
            for index in sorted(set(chosen))
        ]
        if space.features is None:
            return Corruption.drawn(*parts)
        return Corruption(*parts)

    return corruption()


def _level(draw: Callable[[Any], Any], axis: Axis, features: Any) -> Any:
    level = draw(st.integers(0, len(axis.levels) - 1))
    family = axis.levels[level]
    if not axis.by_feature or (not axis.only_by_feature and draw(st.booleans())):
        return family
    if features is None:
        return replace(family, features=draw(st.integers(0, _UNKNOWN_FEATURES - 1)))
    return replace(family, features=draw(st.sampled_from(features)))


def searching(
    test: Callable[..., Any],
    space: Space,
    max_examples: int | None,
    default_examples: int | None = None,
) -> Callable[..., Any]:
    """Turn a test that takes ``corruption`` into a search over a space.

    The user's own ``@settings`` stay in force where they say something. No
    deadline (the first example traces), no explain phase (it costs three to nine
    times the trainings and points at our files), one bug at a time.

    Args:
        test: The test; its own marks and decorators of Hypothesis are kept.
        space: What to draw from.
        max_examples: How many, whatever ``@settings`` say.
        default_examples: How many by default.
    """
    own = vars(test).pop(_SETTINGS, None)
    vars(test).pop(_SETTINGS_APPLIED, None)
    base = own if own is not None else hypothesis.settings()
    options: dict[str, Any] = {
        "deadline": None,
        "report_multiple_bugs": False,
        "phases": [it for it in base.phases if it is not hypothesis.Phase.explain],
        "suppress_health_check": [
            *base.suppress_health_check,
            hypothesis.HealthCheck.too_slow,
            hypothesis.HealthCheck.function_scoped_fixture,
            hypothesis.HealthCheck.differing_executors,
        ],
    }
    if max_examples is None and own is None:
        max_examples = default_examples
    if max_examples is not None:
        options["max_examples"] = max_examples
    given = hypothesis.given(corruption=from_space(space))(test)
    searched: Callable[..., Any] = hypothesis.settings(base, **options)(given)
    return searched


@contextmanager
def pinned(
    test: Callable[..., Any], corruptions: Sequence[Corruption], argument: str
) -> Iterator[int]:
    """Have a test of Hypothesis run these corruptions first, for a while.

    Args:
        test: The test.
        corruptions: The first comes first.
        argument: Of the test, that takes them.

    Yields:
        How many examples are run before those that are drawn, its own among them; 0
        where its settings have no phase for them.
    """
    function: Any = getattr(test, "__func__", test)
    own = getattr(function, _EXAMPLES, None)
    setattr(function, _EXAMPLES, [*(own or ())])
    for corruption in reversed(corruptions):  # Hypothesis begins with the last
        hypothesis.example(**{argument: corruption})(function)
    settings = getattr(function, _SETTINGS, None) or hypothesis.settings()
    runs = hypothesis.Phase.explicit in settings.phases
    try:
        yield len(getattr(function, _EXAMPLES)) if runs else 0
    finally:
        if own is None:
            delattr(function, _EXAMPLES)
        else:
            setattr(function, _EXAMPLES, own)


@contextmanager
def seeded(
    test: Callable[..., Any], seed: int, parts: int = 1, shard: str = ""
) -> Iterator[Callable[[], int]]:
    """Have a test draw the same examples each time, for a while.

    A seed that was asked for, by ``@seed`` or ``--hypothesis-seed``, stays in force. Of
    the example database only failures are tried again: what else an earlier session
    left there would change what this one draws. The same goes for the numbers that
    Hypothesis picks up from whichever local modules are loaded.

    Args:
        test: A test of Hypothesis.
        seed: Any whole number.
        parts: Tests that share its examples.
        shard: The name of the one at hand: what another one found in this session
            would make its report depend on which was first.

    Yields:
        Says how many examples an earlier session has left to be tried again.
    """
    function: Any = getattr(test, "__func__", test)
    given, settings = (getattr(function, it, None) for it in (_SEED, _SETTINGS))
    if settings is None:
        yield lambda: 0
        return
    asked = given is not None or core.global_force_seed is not None
    # With and without a database Hypothesis does not draw the same.
    kept = _Failures(settings.database or InMemoryExampleDatabase(), shard)
    setattr(function, _SEED, given if asked else seed)
    repeatable = hypothesis.settings(
        settings,
        database=kept,
        derandomize=False,
        max_examples=-(-settings.max_examples // parts),
    )
    setattr(function, _SETTINGS, repeatable)
    try:
        with _no_local_constants():
            yield lambda: kept.fetched
    finally:
        setattr(function, _SEED, given)
        setattr(function, _SETTINGS, settings)


class _Failures(ExampleDatabase):
    """An example database without what it keeps of passing searches.

    Attributes:
        fetched: How many failures it gave.
    """

    def __init__(self, whole: ExampleDatabase, shard: str) -> None:
        super().__init__()
        self._whole, self._shard = whole, shard.encode()
        self.fetched = 0

    def save(self, key: bytes, value: bytes) -> None:
        if not key.endswith(_PASSED):
            self._whole.save(key + self._shard, value)

    def fetch(self, key: bytes) -> Iterable[bytes]:
        found = (
            () if key.endswith(_PASSED) else tuple(self._whole.fetch(key + self._shard))
        )
        self.fetched += len(found)
        return found

    def delete(self, key: bytes, value: bytes) -> None:
        self._whole.delete(key + self._shard, value)


@contextmanager
def _no_local_constants() -> Iterator[None]:
    """Keep Hypothesis from drawing numbers that stand in loaded modules."""
    found = getattr(providers, _LOCAL_CONSTANTS, None)
    cache = getattr(providers, "CONSTANTS_CACHE", None)
    if found is None or cache is None:
        yield
        return
    none: Any = getattr(providers, "Constants", None)
    cache.cache.clear()
    setattr(providers, _LOCAL_CONSTANTS, none)
    try:
        yield
    finally:
        setattr(providers, _LOCAL_CONSTANTS, found)
        cache.cache.clear()


def steer(growth: float) -> None:
    """Tell Hypothesis how near to divergence an example came.

    Args:
        growth: Finite; the larger, the nearer.
    """
    hypothesis.target(growth, label="nearness to divergence")


def smallest(
    breaks: Callable[[tuple[int, ...]], bool],
    highest: Sequence[int],
    *,
    seed: int,
    examples: int,
    known: tuple[int, ...] | None = None,
) -> tuple[int, ...] | None:
    """The smallest integers for which something breaks; None if none are found.

    Args:
        breaks: Whether it does; asked once for each draw.
        highest: The highest of each integer, all counted from 0.
        seed: The same one draws the same.
        examples: How many are drawn; more where one breaks, to shrink it.
        known: A draw that breaks, from which smaller ones are looked for first.
    """
    if known is None and all(it == 0 for it in highest):
        return None
    strategy = st.tuples(*(st.integers(0, it) for it in highest))
    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    try:
        found = hypothesis.find(
            strategy, breaks, settings=settings, random=Random(seed)
        )
    except hypothesis.errors.NoSuchExample:
        found = None
    return _lowered(breaks, found or known)


def _lowered(
    breaks: Callable[[tuple[int, ...]], bool], found: tuple[int, ...] | None
) -> tuple[int, ...] | None:
    """Each integer in turn as low as it goes, by halves, the others kept."""
    if found is None:
        return None
    for place in range(len(found)):
        low, high = 0, found[place]
        while low < high:
            middle = (low + high) // 2
            lower = (*found[:place], middle, *found[place + 1 :])
            if breaks(lower):
                found, high = lower, middle
            else:
                low = middle + 1
    return found
