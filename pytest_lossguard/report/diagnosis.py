"""The diagnosis of a failed training, as lines of a failure message."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.diagnosis import Cause, Diagnosis
from ..core.numbers import number
from ..core.wrapping import wrapped

_MOST_LINES = 15
#: Most experiments without effect that are named without -vv.
_NAMED = 4


def diagnosis_lines(diagnosis: Diagnosis, *, verbose: bool = False) -> list[str]:
    """Return at most 15 lines: causes, what was tried, and what could not be tried.

    Args:
        diagnosis: The diagnosis.
        verbose: Whether to add a table of all experiments.
    """
    lines: list[str] = []
    for index, group in enumerate(_grouped(diagnosis.causes)):
        lines += _cause(group, index)
    lines += _tried(diagnosis)
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], "  ... (all of it with -vv)"]
    if verbose and diagnosis.experiments:
        lines += ["", *_table(diagnosis)]
    return lines


def _grouped(causes: tuple[Cause, ...]) -> Iterator[tuple[Cause, ...]]:
    """Yield the causes singly, or in pairs if only both changes together help."""
    group: list[Cause] = []
    for cause in causes:
        group.append(cause)
        if not cause.with_next:
            yield tuple(group)
            group = []


def _cause(group: tuple[Cause, ...], index: int) -> list[str]:
    first = group[0]
    names = " and ".join(f"{it.cause}{_place(it)}" for it in group)
    if first.is_seen:
        return _seen(first, index)
    if not first.verified:
        head = "  cause?  " if index == 0 else "     or?  "
        text = f"{names}, not verified"
        if first.change:
            text += f": {first.change} helps on some seeds"
        return wrapped(head, text if first.cause != "unknown" else "unknown")
    head = "  cause   " if index == 0 else "  or      "
    changes = " and ".join(it.change for it in group)
    proof = (
        f"with {changes} it converges"
        if first.loss_after is None
        else f"with {changes} the loss ends at {number(first.loss_after)}, not"
        f" {number(first.loss_before)}"
    )
    lines = wrapped(head, names) + wrapped("          ", proof)
    remedies = dict.fromkeys(it.remedy for it in group)
    if index == 0:
        lines += wrapped("  remedy  ", "; ".join(remedies))
    return lines


def _seen(cause: Cause, index: int) -> list[str]:
    """Describe a cause that was observed in the training and needs no re-run."""
    head = "  cause   " if index == 0 else "  and     "
    text = f"{cause.cause}{_place(cause)}, seen in the training itself"
    remedy = wrapped("  remedy  ", cause.remedy) if index == 0 else []
    return [*wrapped(head, text), *remedy]


def _place(cause: Cause) -> str:
    return f" ({cause.where})" if cause.where else ""


def _tried(diagnosis: Diagnosis) -> Iterator[str]:
    proved = {it.description for it in diagnosis.experiments if it.repairs}
    vain = [
        it.description
        for it in diagnosis.experiments
        if it.failure is None and it.description not in proved and len(it.changes) == 1
    ]
    if vain:
        named = ", ".join(vain[:_NAMED])
        more = len(vain) - _NAMED
        if more > 0:
            named += f" and {more} more (-vv)"
        yield from wrapped("  tried   ", f"no help from {named}")
    for reason in diagnosis.left_out[:2]:
        yield from wrapped("  untried ", reason)


def _table(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"  {'final loss':>10}  change"
    for text, loss, came_of in diagnosis.table():
        yield from wrapped(f"  {loss:>10}  ", f"{text}: {came_of}")
