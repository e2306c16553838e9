"""Custom checks: their type, and how to make findings in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .errors import UsageError
from .findings import OWN_KIND, Finding, Severity
from .given import Expected, checked, is_whole, shown
from .policy import Policy
from .trace import Trace

#: A function of the trace of a training and its policy that returns findings, or None.
Check = Callable[[Trace, Policy], Iterable[Finding] | None]

_KIND = Expected(
    "a lower-case name with your own prefix, such as 'yours:too_slow'",
    lambda it: isinstance(it, str) and bool(OWN_KIND.fullmatch(it)),
)
_SENTENCE = Expected("a sentence", lambda it: isinstance(it, str) and bool(it.strip()))
_TEXT = Expected("a text", lambda it: isinstance(it, str))
_PLACE = Expected("a name or None", lambda it: it is None or isinstance(it, str))
_SEVERITY = Expected(
    "'error' or 'warning'",
    lambda it: isinstance(it, str) and it in ("error", "warning"),
)
_STEP = Expected(
    "the number of a step, counted from 1, or None",
    lambda it: it is None or (is_whole(it) and it >= 1),
)
_NUMBER = Expected("a number or None", lambda it: it is None or _is_real(it))


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
    """Make a finding in a custom check.

    Args:
        kind: ``"yours:too_slow"``: a prefix that no other plugin uses, and a name, in
            lower case; used in ``allow=`` and in reports.
        message: One sentence that states the measured value and its limit.
        severity: ``"error"`` fails the test, ``"warning"`` does not unless the policy
            is strict.
        step: The decisive step, counted from 1.
        value: The measured value.
        limit: The limit that ``value`` was compared with.
        where: The affected variable, layer, feature or row.
        headline: A version of ``message`` in 45 characters for the first line of a
            failure; default the message.
        hint: What to try next.

    Raises:
        UsageError: The kind has no prefix, or a value has the wrong type.
    """
    __tracebackhide__ = True
    for name, given, expected in (
        ("kind", kind, _KIND),
        ("message", message, _SENTENCE),
        ("severity", severity, _SEVERITY),
        ("step", step, _STEP),
        ("value", value, _NUMBER),
        ("limit", limit, _NUMBER),
        ("where", where, _PLACE),
        ("headline", headline, _TEXT),
        ("hint", hint, _TEXT),
    ):
        checked(name, given, expected, "finding({})")
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


def _is_real(value: Any) -> bool:
    """Whether the value is one number, finite or not: a NaN loss is reported as NaN."""
    if isinstance(value, (str, bytes, bool)):
        return False
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def found_by(
    checks: Iterable[Check], trace: Trace, policy: Policy
) -> Iterator[Finding]:
    """Yield the findings of custom checks.

    Raises:
        UsageError: A check returned something other than findings with a prefixed kind.
    """
    for check in checks:
        found = check(trace, policy)
        if found is None:
            continue
        if not isinstance(found, Iterable) or isinstance(found, (str, bytes)):
            raise UsageError(_not_findings(check, found))
        for it in found:
            if not isinstance(it, Finding) or ":" not in it.kind:
                raise UsageError(_not_findings(check, it))
            yield it


def _not_findings(check: Check, given: object) -> str:
    return (
        f"the check {getattr(check, '__qualname__', shown(check))} returned"
        f" {shown(given)}: it must return findings made by"
        " pytest_lossguard.finding(...), such as [finding(...)]"
    )
