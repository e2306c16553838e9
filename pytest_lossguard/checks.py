"""Checks of one's own: what they are, and how they make findings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from .errors import UsageError
from .findings import Finding, Severity
from .policy import Policy
from .trace import Trace

__all__ = ["Check", "finding", "found_by"]

#: Given everything recorded of a training and what it is held to, gives what is worth
#: saying of it; None where there is nothing.
Check = Callable[[Trace, Policy], Iterable[Finding] | None]

_KIND = re.compile(r"[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*")


def finding(
    kind: str,
    message: str,
    *,
    severity: Severity = "error",
    step: int | None = None,
    value: float | None = None,
    limit: float | None = None,
    where: str | None = None,
    headline: str = "",
    hint: str = "",
) -> Finding:
    """Make a finding of a kind of one's own.

    Args:
        kind: ``"yours:too_slow"``: a prefix that no other plugin uses, and what it is,
            in lower case; what ``allow=`` and the reports call it.
        message: One sentence with the number that decided and its limit.
        severity: ``"error"`` fails the test, ``"warning"`` does not unless the policy
            is strict.
        step: The decisive step, counted from 1.
        value: The number that decided.
        limit: What it was held against.
        where: The variable, layer, feature or row concerned.
        headline: The same as ``message`` in 45 characters, for the first line of a
            failure; default the message.
        hint: What to try next.

    Raises:
        UsageError: The kind has no prefix, or the severity is unknown.
    """
    if not _KIND.fullmatch(kind):
        raise UsageError(
            f"finding({kind!r}): a check of your own names what it finds with a prefix"
            " that is yours, in lower case, as in 'yours:too_slow'"
        )
    if severity not in ("error", "warning"):
        raise UsageError(
            f"finding({kind!r}, severity={severity!r}): it must be 'error' or 'warning'"
        )
    return Finding(
        kind=kind,
        severity=severity,
        step=None if step is None else int(step),
        value=None if value is None else float(value),
        limit=None if limit is None else float(limit),
        where=where,
        message=message,
        headline=headline or message,
        hint=hint,
    )


def found_by(
    checks: Iterable[Check], trace: Trace, policy: Policy
) -> Iterator[Finding]:
    """What checks of one's own find.

    Raises:
        UsageError: One gave something else than findings of its own kinds.
    """
    for check in checks:
        for it in check(trace, policy) or ():
            if not isinstance(it, Finding) or ":" not in it.kind:
                name = getattr(check, "__qualname__", repr(check))
                raise UsageError(
                    f"the check {name} gave {it!r}: it must give findings made by"
                    " pytest_lossguard.finding(...)"
                )
            yield it
