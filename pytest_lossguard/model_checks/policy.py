"""The checks that a test asks for, as a frozen dataclass made from its markers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.checked import OF_MODEL_CHECKS
from ..core.errors import PolicyError
from ..core.given import FLAG, checked, shown, unknown

#: The checks, in the order in which they run, and whether each is on by default.
DEFAULTS: dict[str, bool] = {
    "learns_one_batch": True,
    "starts_at_chance": True,
    "every_variable_learns": True,
    "uses_every_input": True,
    "rows_are_independent": True,
    "ignores_padding": True,
    "causal": False,
    "same_seed_same_weights": True,
    "saves_and_loads": True,
    "exports": True,
    "resumes": True,
    "accumulates": True,
    "serves_as_trained": True,
    "mixed_precision_agrees": False,
}
#: The prefix of the finding kind of a check.
PREFIX = OF_MODEL_CHECKS


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCheckPolicy:
    """The keys of ``@pytest.mark.model_checks(...)``; the defaults need no tuning.

    Attributes:
        checks: Whether each check is on: True or False for each key of `DEFAULTS`.
        allow: Finding kinds that are tolerated, as ``"check_exports"``, or just the
            names of checks.
        strict: Whether a check that applies but could not be made fails; else it is
            skipped with the reason. A check that does not apply (no labels, no mask)
            is skipped in either case.
    """

    checks: Mapping[str, bool] = field(default_factory=lambda: dict(DEFAULTS))
    allow: tuple[str, ...] = ()
    strict: bool = False

    @classmethod
    def from_keywords(
        cls, keywords: Mapping[str, Any], what: str = "model_checks"
    ) -> ModelCheckPolicy:
        """Make a policy from the keywords of a marker.

        Args:
            keywords: Keys and values as the user wrote them.
            what: The name of the marker or function, for messages.

        Raises:
            PolicyError: A key is unknown or its value is invalid.
        """
        known = (*DEFAULTS, "allow", "strict")
        for key in keywords:
            if key not in known:
                raise PolicyError(unknown(key, known, f"{what}()"))
        flags = {
            key: checked(key, value, FLAG, f"{what}({{}})", PolicyError)
            for key, value in keywords.items()
            if key != "allow"
        }
        strict = flags.pop("strict", False)
        allow = keywords.get("allow", ())
        return cls(
            checks={**DEFAULTS, **flags}, allow=_allowed(allow, what), strict=strict
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the checks that are on, in the order in which they run."""
        return tuple(it for it in DEFAULTS if self.checks[it])

    def allows(self, check: str) -> bool:
        """Whether a failure of the check is tolerated."""
        return f"{PREFIX}{check}" in self.allow


def _allowed(given: Any, what: str) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, (tuple, list, set, frozenset)):
        raise PolicyError(f"{what}(allow={shown(given)}): allow must be finding kinds")
    return tuple(_kind(it, what) for it in names)


def _kind(name: Any, what: str) -> str:
    check = str(name).removeprefix("model_").removeprefix(PREFIX)
    if check not in DEFAULTS:
        raise PolicyError(unknown(name, DEFAULTS, f"{what}(allow=...)", "check"))
    return f"{PREFIX}{check}"
