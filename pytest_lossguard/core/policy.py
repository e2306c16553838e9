"""The requirements for a training: a frozen value made from markers."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from .errors import PolicyError
from .findings import FINDING_KINDS, OWN_KIND
from .given import (
    COUNT,
    FLAG,
    SECONDS,
    SEEDS,
    Expected,
    checked,
    is_number,
    is_seed,
    is_whole,
    shown,
    unknown,
)

#: Maximum number of seeds of one test.
MOST_SEEDS = 1_000

#: Maximum number of shards of a search.
MOST_SHARDS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The keys of ``@pytest.mark.converges(...)``; the defaults need no tuning.

    Attributes:
        steps: Updates that `lossguard.fit` runs; default 100 where neither
            ``steps`` nor ``epochs`` is given.
        epochs: Passes over the data instead of ``steps``.
        batch_size: Rows per step of `lossguard.fit`, default 32.
        min_drop: Share of the starting loss that must be removed at the end, 0 to 1.
            None (default): the loss must fall by more than its noise.
        max_loss: Largest final loss allowed, in the unit of the loss. None (default):
            no limit.
        max_loss_growth: Largest factor by which a step's loss may exceed the
            larger of the starting loss and the constant prediction's, default 10.
        max_grad_norm: Largest global gradient norm allowed at any step. None
            (default): no limit, only a warning.
        seeds: Number of seeds, or a tuple of seeds, that `lossguard.fit` trains from.
            None (default): one seed.
        min_pass: Share of the seeds that must converge, default 1.0.
        allow: Finding kinds that are tolerated; kinds of custom checks have a prefix,
            as in ``"yours:too_slow"``.
        strict: Whether warnings also fail the test. False by default.
        baseline: Whether to compare the results of the training, from several seeds,
            with a committed file, ``__lossguard__/<module>.<test>.json`` next to the
            test. False by default.
        diagnose: Whether to train again with changes after the test, to find out why it
            failed or whether it could learn far more. True by default.
        max_examples: Number of examples of a search over corruptions; default that of
            the Hypothesis profile.
        shards: Number of tests that a search over corruptions is divided into, so that
            several workers share one search; each test runs its part. Default 1.
        budget: Seconds after which a search over corruptions runs no new example. None
            (default): no limit. ``--lossguard-budget`` is an upper bound.

    Raises:
        PolicyError: A key is unknown, or a value has the wrong type or range.
    """

    steps: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    min_drop: float | None = None
    max_loss: float | None = None
    max_loss_growth: float = 10.0
    max_grad_norm: float | None = None
    seeds: int | tuple[int, ...] | None = None
    min_pass: float = 1.0
    allow: tuple[str, ...] = ()
    strict: bool = False
    baseline: bool = False
    diagnose: bool = True
    max_examples: int | None = None
    shards: int = 1
    budget: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = _checked(field.name, getattr(self, field.name), "Policy")
            object.__setattr__(self, field.name, value)
        if self.steps is not None and self.epochs is not None:
            raise PolicyError(
                f"steps={self.steps} and epochs={self.epochs} both set the"
                " length of the training: give only one"
            )

    @classmethod
    def from_keywords(
        cls, keywords: Mapping[str, Any], owner: str = "converges"
    ) -> Policy:
        """Make a policy from the keywords of a marker.

        Args:
            keywords: Keys and values as the user wrote them.
            owner: Name of the marker or call, for messages.

        Raises:
            PolicyError: A key is unknown, or its value has the wrong type or range.
        """
        for key, value in keywords.items():
            if key not in _EXPECTED:
                raise PolicyError(unknown(key, sorted(_EXPECTED), f"{owner}()"))
            _checked(key, value, owner)
        return cls(**keywords)

    def seed_list(self, base: int) -> tuple[int, ...]:
        """Return the seeds to train from: the given ones, or as many as given from
        ``base`` on.
        """
        if self.seeds is None:
            return (base,)
        if isinstance(self.seeds, int):
            return tuple((base + it) % SEEDS for it in range(self.seeds))
        return self.seeds


def _checked(key: str, value: Any, owner: str) -> Any:
    """Return the value of a key in its normalized form; raise `PolicyError` if it has
    the wrong type or range.
    """
    if value is None and key in _OPTIONAL:
        return None
    value = checked(key, value, _EXPECTED[key], f"{owner}({{}})", PolicyError)
    if key == "allow":
        value = (value,) if isinstance(value, str) else value
        _check_allowed(value, owner)
        return value if isinstance(value, tuple) else tuple(sorted(value))
    if key == "seeds" and not isinstance(value, int):
        return tuple(map(int, value))
    return value


def _is_seeds(value: Any) -> bool:
    if is_whole(value):
        return bool(1 <= value <= MOST_SEEDS)
    if not isinstance(value, (tuple, list, range)):
        return False
    few = value[: MOST_SEEDS + 1]
    return (
        0 < len(few) <= MOST_SEEDS
        and all(map(is_seed, few))
        and len(set(few)) == len(few)
    )


def _is_kinds(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, (tuple, list, set, frozenset))
        and all(isinstance(it, str) for it in value)
    )


_OPTIONAL = frozenset(it.name for it in fields(Policy) if it.default is None)
_EXPECTED = {
    "steps": COUNT,
    "epochs": COUNT,
    "batch_size": COUNT,
    "min_drop": Expected(
        "a share of the starting loss between 0 and 1, such as 0.3 for 30 %",
        lambda value: is_number(value) and 0 <= value <= 1,
    ),
    "max_loss": Expected("a finite number", is_number),
    "max_loss_growth": Expected(
        "a factor of at least 1", lambda value: is_number(value) and value >= 1
    ),
    "max_grad_norm": Expected(
        "a number above 0", lambda value: is_number(value) and value > 0
    ),
    "seeds": Expected(
        f"a count from 1 to {MOST_SEEDS:,}, or a tuple of as many different whole"
        f" numbers from 0 to {SEEDS - 1}",
        _is_seeds,
    ),
    "min_pass": Expected(
        "a share of the seeds above 0 and up to 1",
        lambda value: is_number(value) and 0 < value <= 1,
    ),
    "allow": Expected("finding kinds, such as ('dead_units',)", _is_kinds),
    "strict": FLAG,
    "baseline": FLAG,
    "diagnose": FLAG,
    "max_examples": COUNT,
    "shards": Expected(
        f"a whole number from 1 to {MOST_SHARDS}",
        lambda value: is_whole(value) and 1 <= value <= MOST_SHARDS,
    ),
    "budget": SECONDS,
}


def _check_allowed(kinds: Iterable[str], owner: str) -> None:
    for kind in kinds:
        if kind not in FINDING_KINDS and not OWN_KIND.fullmatch(kind):
            near = difflib.get_close_matches(kind[:60], FINDING_KINDS, n=1)
            meant = (
                f"did you mean {near[0]!r}?"
                if near
                else "--lossguard-explain lists all"
            )
            raise PolicyError(
                f"{owner}(allow=...) names {shown(kind)}, which is not a finding kind:"
                f" {meant}"
            )
