"""Hypothesis strategies for corrupted data; the only module that imports Hypothesis."""

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
from .corruptions.axis import Axis
from .corruptions.space import Space

__all__ = [
    "corruptions",
    "from_space",
    "pinned",
    "searching",
    "seeded",
    "smallest",
    "steer",
]

#: Range of feature numbers that are drawn if the number of features is unknown; a
#: number is later taken modulo the number of features in the data.
_UNKNOWN_FEATURES = 64
#: About one draw in ``_ONE_IN * number of axes`` has no first corruption.
_ONE_IN = 8

# The private names of Hypothesis that this package uses, apart from
# `core.global_force_seed` (``--hypothesis-seed``) and `providers.CONSTANTS_CACHE`,
# `providers.Constants` (numbers found in local modules). Seen in 6.138 and in 6.170.

#: Attributes that ``@seed`` and ``@settings`` set on a test, and the flag that
#: ``@settings`` was applied.
_SEED = "_hypothesis_internal_use_seed"
_SETTINGS = "_hypothesis_internal_use_settings"
_SETTINGS_APPLIED = "_hypothesis_internal_settings_applied"
#: Attribute with the examples that ``@example`` adds to a test.
_EXAMPLES = "hypothesis_explicit_examples"
#: Function in `providers` that collects the numbers in loaded local modules.
_LOCAL_CONSTANTS = "_get_local_constants"
#: Suffix of the database keys under which Hypothesis keeps examples that passed but
#: came close to failing.
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
    """Draw corruptions for ``@given(corruption=...)``.

    Each keyword is ``False`` (off), ``True`` (its default range) or its bounds.
    Examples shrink to no corruption, or else to one family, one feature and the mildest
    value.

    Args:
        scales: ``(lowest, highest)`` factor of one or of all features, by default
            ``(1e-3, 1e3)``; powers of ten are drawn, or powers of two if the range is
            narrow.
        offsets: ``(lowest, highest)`` in standard deviations of the feature,
            default ``(-1e3, 1e3)``.
        outliers: Largest distance, in standard deviations, of one or a few outlier
            rows; default 1e3.
        targets: ``(lowest, highest)`` factor of float targets, e.g. ``(1e-3, 1e3)``;
            the highest is also the largest distance of target outliers in standard
            deviations.
        missing: Largest share of rows with NaN, e.g. 0.1.
        imbalance: Smallest share of the rows of a class that is kept, e.g. 0.05.
        rows: Smallest number of rows, e.g. 10.
        dtype: Names of the dtypes to cast the inputs to, e.g. ``("float16", "int64")``.
        mixed_units: ``(lowest, highest)`` factor of one half of the rows, for example
            ``(1e-3, 1e3)``.
        constant: Whether to make features constant.
        duplicates: Largest share of rows replaced by copies of other rows, e.g. 0.5.
        flipped: Largest share of wrong labels, e.g. 0.1.
        sorted_rows: Whether to sort the rows by their targets.
        features: Number of features, or the features that may be corrupted alone, by
            number or column name; default any.

    Raises:
        PolicyError: The value of a keyword is not valid, or everything is off.
    """
    keywords = locals()
    return from_space(Space.from_keywords(keywords, "strategies.corruptions"))


def from_space(space: Space) -> st.SearchStrategy[Corruption]:
    """Make the strategy that `corruptions` returns."""

    @st.composite
    def corruption(draw: Callable[[Any], Any]) -> Corruption:
        count = len(space.axes)
        # 0 means no corruption; all axes are equally likely.
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

    Explicit ``@settings`` of the user take precedence. There is no deadline (the first
    example traces the model) and no explain phase (it needs three to nine times the
    trainings and points at files of this package), and one bug is reported at a time.

    Args:
        test: The test; its other markers and Hypothesis decorators are kept.
        space: The space to draw corruptions from.
        max_examples: Number of examples, which overrides ``@settings``; None to use
            theirs.
        default_examples: Number of examples if neither ``max_examples`` nor
            ``@settings`` is given.
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
    """Make a Hypothesis test run these corruptions first, while the context is active.

    Args:
        test: A Hypothesis test.
        corruptions: The corruptions, in the order in which they run.
        argument: Name of the argument of the test that takes a corruption.

    Yields:
        The number of explicit examples that run before drawn ones, including those of
        the test itself; 0 if its settings have no explicit phase.
    """
    function: Any = getattr(test, "__func__", test)
    own = getattr(function, _EXAMPLES, None)
    setattr(function, _EXAMPLES, [*(own or ())])
    for corruption in reversed(corruptions):  # Hypothesis runs the last one first
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
    """Make a test draw the same examples each time, while the context is active.

    A seed set by ``@seed`` or ``--hypothesis-seed`` takes precedence. From the example
    database only failures are replayed, since other entries left by an earlier session
    would change what this session draws. For the same reason Hypothesis does not draw
    the numbers that it finds in loaded local modules.

    Args:
        test: A Hypothesis test.
        seed: Seed; any integer.
        parts: Number of tests that share the examples of this one.
        shard: Name of the current shard. Each shard has its own database keys: failures
            found by another shard in the same session would make a report depend on the
            order of the shards.

    Yields:
        A function that returns how many examples from an earlier session are replayed.
    """
    function: Any = getattr(test, "__func__", test)
    given, settings = (getattr(function, it, None) for it in (_SEED, _SETTINGS))
    if settings is None:
        yield lambda: 0
        return
    asked = given is not None or core.global_force_seed is not None
    # Hypothesis draws differently with and without a database.
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
    """An example database that leaves out the entries of passing examples.

    Attributes:
        fetched: Number of failures that were read from it.
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
    """Prevent Hypothesis from drawing numbers found in loaded modules."""
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
    """Tell Hypothesis how close to divergence an example came.

    Args:
        growth: A finite number that is larger the closer the example came.
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
    """Find the smallest integers for which ``breaks`` is true; None if there are none.

    Args:
        breaks: The predicate; called once for each draw.
        highest: Upper bound of each integer; the lower bound is 0.
        seed: Random seed of the draws.
        examples: Number of draws; more are made to shrink a draw that breaks.
        known: A draw that breaks, used if the search finds no other; None if there is
            none.
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
    """Lower each integer in turn by bisection, keeping the others fixed."""
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
