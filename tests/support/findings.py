"""Every kind of finding, collected from all modules, and findings by name."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from string import Formatter

import pytest_lossguard
from pytest_lossguard.core.findings import Finding, Kind
from pytest_lossguard.core.findings import finding as finding_of
from pytest_lossguard.model_checks.kinds import KINDS as OF_MODEL_CHECKS
from pytest_lossguard.preprocessing.kinds import KINDS as OF_CONTRACTS

PACKAGE = Path(pytest_lossguard.__file__).parent


def _gathered() -> dict[str, Kind]:
    beside = (*OF_CONTRACTS.values(), *OF_MODEL_CHECKS.values())
    found = {it.name: it for it in beside}
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if " = Kind(" not in text:
            continue
        relative = path.relative_to(PACKAGE.parent).with_suffix("")
        module = import_module(".".join(relative.parts))
        kinds = [it for it in vars(module).values() if isinstance(it, Kind)]
        found |= {it.name: it for it in kinds}
    return found


KINDS = _gathered()


def finding(kind: str, **numbers: object) -> Finding:
    """Return a finding by the name of its kind."""
    return finding_of(KINDS[kind], **numbers)


def _fields(kind: Kind) -> set[str]:
    parsed = Formatter().parse(f"{kind.text} {kind.headline}")
    return {name for _, name, _, _ in parsed if name}


#: A value for each further field in the texts of the kinds.
DETAILS = dict.fromkeys(
    set().union(*map(_fields, KINDS.values()))
    - {"step", "value", "limit", "where", "share", "share_limit", "multiple"},
    1.0,
)
