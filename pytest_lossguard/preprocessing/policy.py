"""The relations that a test asks for, as a frozen dataclass made from its markers."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.checked import OF_CONTRACTS
from ..core.errors import PolicyError
from ..core.given import unknown

#: The relations, in the order in which they are checked, and whether each is on by
#: default.
DEFAULTS: dict[str, bool] = {
    "deterministic": True,
    "alone": True,
    "columns": True,
    "unseen": True,
    "types": True,
    "zeros": True,
    "missing": False,
    "process": True,
    "trained": True,
    "held_out": True,
    "own_label": True,
    "future": False,
    "kept": True,
    "mixed": True,
    "requests": True,
    "units": False,
}
#: The prefix of the finding kind of a relation.
PREFIX = OF_CONTRACTS


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractPolicy:
    """The keys of ``@pytest.mark.contracts(...)``; the defaults need no tuning.

    Attributes:
        relations: The value of each relation: True, False or its parameter, which is
            ``"raises"`` for ``unseen``, and for ``trained`` the largest share of
            trained rows that may come from augmentation (default 0.5).
        unused: The names of raw columns that the output may ignore.
        allow: Finding kinds that are tolerated, as ``"contract_kept"``, or just the
            names of relations.
        strict: Whether a relation that applies but could not be checked fails, such as
            ``held_out`` where it is unknown which raw rows are held out; else it is
            skipped with the reason. A relation that does not apply (no ``serve``, no
            labels) is skipped in either case.
    """

    relations: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULTS))
    unused: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    strict: bool = False

    @classmethod
    def from_keywords(
        cls, keywords: Mapping[str, Any], what: str = "contracts"
    ) -> ContractPolicy:
        """Make a policy from the keywords of a marker.

        Args:
            keywords: Keys and values as the user wrote them.
            what: The name of the marker or function, for messages.

        Raises:
            PolicyError: A key is unknown or its value is invalid.
        """
        relations = dict(DEFAULTS)
        for key, value in keywords.items():
            if key in DEFAULTS:
                relations[key] = _checked(what, key, value)
            elif key not in ("unused", "allow", "strict"):
                known = (*DEFAULTS, "unused", "allow", "strict")
                raise PolicyError(unknown(key, known, f"{what}()"))
        strict = keywords.get("strict", False)
        if not isinstance(strict, bool):
            raise PolicyError(f"{what}(strict={strict!r}): it must be True or False")
        return cls(
            relations=relations,
            unused=_names(what, "unused", keywords.get("unused", ())),
            allow=tuple(
                _kind(what, it)
                for it in _names(what, "allow", keywords.get("allow", ()))
            ),
            strict=strict,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the relations that are on, in the order of the checks."""
        return tuple(it for it in DEFAULTS if self.relations[it] is not False)

    def allows(self, relation: str) -> bool:
        """Whether a broken relation is tolerated."""
        return f"{PREFIX}{relation}" in self.allow


def _checked(what: str, key: str, value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if key == "unseen" and value == "raises":
        return value
    if key == "trained" and isinstance(value, float) and 0 <= value < 1:
        return value
    may = {
        "unseen": 'True, False or "raises"',
        "trained": "True, False or a share of augmented rows, such as 0.5",
    }.get(key, "True or False")
    raise PolicyError(f"{what}({key}={value!r}): {key} must be {may}")


def _names(what: str, key: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(it, (str, int)) for it in names):
        raise PolicyError(f"{what}({key}={value!r}): give names, as ({key}=('a', 'b'))")
    return tuple(f"column {it}" if isinstance(it, int) else it for it in names)


def _kind(what: str, name: str) -> str:
    relation = name.removeprefix(PREFIX)
    if relation in DEFAULTS:
        return f"{PREFIX}{relation}"
    near = difflib.get_close_matches(relation, DEFAULTS, n=1)
    meant = f": did you mean {PREFIX + near[0]!r}?" if near else ""
    raise PolicyError(
        f"{what}(allow=...) names {name!r}, which is not a finding kind of a"
        f" contract{meant}"
    )
