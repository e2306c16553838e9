"""All topics that can be explained, collected from the modules that define them."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Literal

from .. import judge
from ..baselines import comparison
from ..core.addresses import explanation as address_of
from ..core.change import Change
from ..core.diagnosis import CAUSES
from ..core.errors import UsageError
from ..core.explanation import Explanation
from ..core.findings import FINDING_KINDS, Kind
from ..experiments import compare, held_out
from ..experiments.causes import CAUSE_KINDS
from ..experiments.changes import CHANGES
from ..experiments.changes.kind import ChangeKind
from ..model_checks.kinds import KINDS as OF_MODEL_CHECKS
from ..model_checks.policy import DEFAULTS as MODEL_CHECKS
from ..preprocessing.kinds import KINDS as OF_CONTRACTS
from ..preprocessing.policy import DEFAULTS as RELATIONS

Role = Literal["finding", "cause", "contract", "model check"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic; a finding and a cause may share a name.

    Attributes:
        name: Name, as in messages and in the address of its page.
        role: What is explained: a finding, a cause, a contract or a model check.
        severity: Severity of a finding or check: ``"error"`` or ``"warning"``; empty
            for a cause.
        explanation: When it is reported, why it matters, its limits.
        todo: What to do, in sentences.
        allow: Code that tolerates the finding; empty for a cause.
        switch: Code that turns a check on or off; empty for others.
        related: Causes that a finding suggests; for a cause, the findings that suggest
            it.
    """

    name: str
    role: Role
    severity: str = ""
    explanation: Explanation
    todo: tuple[str, ...]
    allow: str = ""
    switch: str = ""
    related: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Address of the page that explains the topic."""
        return address_of(self.name)


@cache
def topics() -> tuple[Topic, ...]:
    """Return all topics: findings, causes, contracts, model checks, in the order of
    their lists.
    """
    return (*_findings(), *_causes(), *_contracts(), *_model_checks())


def topics_of(name: str) -> tuple[Topic, ...]:
    """Return the topics of a name; the prefix of a contract or a check may be left out.

    Raises:
        UsageError: No topic has this name.
    """
    found = tuple(it for it in topics() if name in _names(it))
    if found:
        return found
    known = list(dict.fromkeys(it.name for it in topics()))
    raise UsageError(
        f"there is no explanation of {name!r}{_meant(name, known)} Known are:\n"
        + textwrap.fill(", ".join(known), 80, break_on_hyphens=False)
    )


def _meant(name: str, known: list[str]) -> str:
    if ":" in name:
        return ": a name with a colon belongs to a custom check."
    near = difflib.get_close_matches(name, known, n=3)
    return f": did you mean {' or '.join(near)}?" if near else "."


def _names(topic: Topic) -> tuple[str, ...]:
    if topic.role in ("contract", "model check"):
        return (topic.name, topic.name.partition("_")[2])
    return (topic.name,)


def _findings() -> Iterator[Topic]:
    for name in FINDING_KINDS:
        for kind in _kinds():
            if kind.name == name:
                yield Topic(
                    name=name,
                    role="finding",
                    severity=kind.severity,
                    explanation=kind.explanation,
                    todo=(kind.hint,),
                    allow=f'@pytest.mark.converges(allow="{name}")',
                    related=_causes_of(kind),
                )


@cache
def _kinds() -> tuple[Kind, ...]:
    """Return the finding kinds that are defined next to rules."""
    names = sorted(it.name for it in iter_modules(judge.__path__))
    rules = [import_module(f"{judge.__name__}.{it}") for it in names]
    found = (
        value
        for module in (*rules, compare, held_out, comparison)
        for value in vars(module).values()
        if isinstance(value, Kind)
    )
    return tuple({id(it): it for it in found}.values())


def _causes() -> Iterator[Topic]:
    known = {it.name: it for it in CAUSE_KINDS}
    for name in CAUSES:
        if name not in known:
            continue  # observed directly, and explained as a finding
        proving = (it.remedy for it in CHANGES if name in _causes_proved_by(it))
        remedies = [known[name].remedy, *(it for it in proving if isinstance(it, str))]
        pointing = {it.name for it in _kinds() if name in _causes_of(it)}
        yield Topic(
            name=name,
            role="cause",
            explanation=known[name].explanation,
            todo=tuple(dict.fromkeys(map(_sentence, filter(None, remedies)))),
            related=tuple(it for it in FINDING_KINDS if it in pointing),
        )


def _causes_of(kind: Kind) -> tuple[str, ...]:
    """Return the causes that a finding suggests, without repeats."""
    shown = (it for it in CHANGES if kind.name in it.shown_by)
    proved = (cause for it in shown for cause in _causes_proved_by(it))
    found = (*([kind.suspects] if kind.suspects else []), *proved)
    return tuple(dict.fromkeys(found))


def _causes_proved_by(change: ChangeKind) -> list[str]:
    """Return the cause that a change proves, or one for a lower and one for a higher
    value.
    """
    cause = change.cause
    if isinstance(cause, str):
        return [cause]
    changes = (Change(kind=change.name, value=it) for it in (0.1, 10.0))
    return [cause(it) for it in changes]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _contracts() -> Iterator[Topic]:
    for name, is_on in RELATIONS.items():
        yield _check(OF_CONTRACTS[name], "contract", "contracts", name, is_on)


def _model_checks() -> Iterator[Topic]:
    for name, is_on in MODEL_CHECKS.items():
        yield _check(OF_MODEL_CHECKS[name], "model check", "model_checks", name, is_on)


def _check(kind: Kind, role: Role, mark: str, name: str, is_on: bool) -> Topic:
    return Topic(
        name=kind.name,
        role=role,
        severity=kind.severity,
        explanation=kind.explanation,
        todo=(kind.hint,),
        allow=f'@pytest.mark.{mark}(allow="{kind.name}")',
        switch=f"@pytest.mark.{mark}({name}={not is_on})",
    )
