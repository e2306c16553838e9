"""What a training is held to: a frozen value made from markers."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from .errors import PolicyError
from .findings import KINDS

__all__ = ["LATER_KEYS", "Policy"]

#: Keys of the public contract that this version does not serve yet: they are
#: refused by name, so that nobody believes them to be at work.
LATER_KEYS = ("shards",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The keys of ``@pytest.mark.converges(...)``; the defaults need no tuning.

    Attributes:
        steps: Updates that `lossguard.fit` runs; default 100 where neither
            ``steps`` nor ``epochs`` is given.
        epochs: Passes over the data instead of ``steps``.
        batch_size: Rows per step of `lossguard.fit`, default 32.
        min_drop: Share of the starting loss that must be gone at the end,
            0 to 1. None (default): it must fall beyond its noise.
        max_loss: Largest final loss allowed, in the loss's own unit.
        max_loss_growth: Largest factor by which a step's loss may exceed the
            larger of the starting loss and the constant prediction's, default
            10 (no healthy program of the 45 measured came near, all of the
            blow-ups passed it).
        max_grad_norm: Largest global gradient norm allowed at any step. None
            (default): only warned of.
        seeds: How many seeds, or which, `lossguard.fit` trains from.
        min_pass: Share of the seeds that must converge, default 1.0.
        allow: Finding kinds that are tolerated; those of checks of one's own have
            a prefix, as ``"yours:too_slow"``.
        strict: Warnings fail too.
        baseline: Hold what the training reaches, from several seeds, against a
            committed file, ``__lossguard__/<module>.<test>.json`` beside the test.
            False by default.
        diagnose: Train again with changes after the test, to find why it failed, or
            whether it could learn far more. True by default.
        max_examples: Examples of a search over corruptions, default that of
            Hypothesis' profile.
        budget: Seconds after which a search runs no example that it has not run
            before. None (default): no end. ``--lossguard-budget`` is a cap.

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
    budget: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                expected = _EXPECTED[field.name]
                if not expected.holds(value):
                    raise PolicyError(_bad_value(field.name, value, expected.words))
        if isinstance(self.allow, str):
            object.__setattr__(self, "allow", (self.allow,))
        elif not isinstance(self.allow, tuple):
            object.__setattr__(self, "allow", tuple(sorted(self.allow)))
        if isinstance(self.seeds, (list, range)):
            object.__setattr__(self, "seeds", tuple(self.seeds))
        _check_allowed(self.allow)
        if self.steps is not None and self.epochs is not None:
            raise PolicyError(
                f"steps={self.steps} and epochs={self.epochs} were both given: they"
                " measure the same length, give one of them"
            )

    @classmethod
    def from_keywords(cls, keywords: Mapping[str, Any]) -> Policy:
        """Make a policy from a marker's keywords, refusing what it cannot mean.

        Raises:
            PolicyError: A key is unknown, comes with a later version, or its
                value has the wrong type or range.
        """
        known = {field.name for field in fields(cls)}
        for key in keywords:
            if key in LATER_KEYS:
                raise PolicyError(
                    f"converges({key}={keywords[key]!r}) is not served by this version"
                    " of pytest-lossguard yet: remove it"
                )
            if key not in known:
                raise PolicyError(_unknown_key(key, sorted(known)))
        return cls(**keywords)

    def seed_list(self, base: int) -> tuple[int, ...]:
        """The seeds to train from: those named, or as many, from ``base`` on."""
        if self.seeds is None:
            return (base,)
        if isinstance(self.seeds, int):
            return tuple(range(base, base + self.seeds))
        return tuple(self.seeds)


@dataclass(frozen=True, slots=True)
class _Expected:
    words: str
    holds: Callable[[Any], bool]


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value >= 1


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _is_seeds(value: Any) -> bool:
    return _is_count(value) or (
        isinstance(value, (tuple, list, range))
        and len(value) > 0
        and all(_is_whole(it) for it in value)
    )


def _is_kinds(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, (tuple, list, set, frozenset))
        and all(isinstance(it, str) for it in value)
    )


_COUNT = _Expected("a whole number of at least 1", _is_count)
_POSITIVE = _Expected("a number above 0", lambda value: _is_number(value) and value > 0)
_FLAG = _Expected("True or False", lambda value: isinstance(value, bool))
_EXPECTED = {
    "steps": _COUNT,
    "epochs": _COUNT,
    "batch_size": _COUNT,
    "min_drop": _Expected(
        "a share of the starting loss between 0 and 1, as 0.3 for 30 %",
        lambda value: _is_number(value) and 0 <= value <= 1,
    ),
    "max_loss": _Expected("a finite number", _is_number),
    "max_loss_growth": _Expected(
        "a factor of at least 1", lambda value: _is_number(value) and value >= 1
    ),
    "max_grad_norm": _POSITIVE,
    "seeds": _Expected("a count of at least 1 or a tuple of whole numbers", _is_seeds),
    "min_pass": _Expected(
        "a share of the seeds above 0 and up to 1",
        lambda value: _is_number(value) and 0 < value <= 1,
    ),
    "allow": _Expected("finding kinds, as ('dead_units',)", _is_kinds),
    "strict": _FLAG,
    "baseline": _FLAG,
    "diagnose": _FLAG,
    "max_examples": _COUNT,
    "budget": _Expected("seconds above 0", _POSITIVE.holds),
}


def _bad_value(key: str, value: object, expected: str) -> str:
    return f"converges({key}={value!r}): {key} must be {expected}"


def _unknown_key(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"converges() has no key {key!r}: {meant}"


def _check_allowed(kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        if kind not in KINDS and ":" not in kind:  # such a check may have of its own
            near = difflib.get_close_matches(kind, KINDS, n=1)
            meant = f": did you mean {near[0]!r}?" if near else ""
            raise PolicyError(
                f"converges(allow=...) names {kind!r}, which is no finding kind{meant}"
            )
