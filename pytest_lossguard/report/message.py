"""The message of a failed test."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.addresses import see
from ..core.findings import Finding, place_of
from ..core.numbers import number
from ..core.trace import Floats, Trace, constant_in_words, row_norms
from ..core.verdict import Verdict
from ..core.wrapping import wrapped
from .diagnosis import diagnosis_lines
from .sparkline import sparkline

_MOST_ROWS = 6
#: Characters of a curve; they leave room for its smallest and largest value.
_CURVE = 32


def failure_message(
    verdict: Verdict,
    *,
    corruption: str | None = None,
    again: tuple[str, ...] = (),
    remarks: tuple[str, ...] = (),
    baseline: tuple[str, ...] = (),
    ascii_only: bool = False,
    verbose: bool = False,
) -> str:
    """Return a message that says why a training did not converge.

    Args:
        verdict: Verdict of the training, with at least one error.
        corruption: The corruption of its data as an expression; None without one.
        again: Lines that say how to run the training again.
        remarks: Sentences on other trainings of the same test.
        baseline: Lines of the comparison with the baseline.
        ascii_only: Whether to avoid block characters, which some terminals cannot show.
        verbose: Whether to list every experiment of the diagnosis.
    """
    trace = verdict.trace
    lines = [verdict.errors[0].headline, ""]
    if corruption is not None:
        lines += [f"  corrupted by {corruption}", ""]
    lines += [*_curves(trace, ascii_only), ""]
    if verdict.diagnosis is not None:
        lines += [*diagnosis_lines(verdict.diagnosis, verbose=verbose), ""]
    if baseline:
        lines += [*baseline, ""]
    lines += [*_findings(verdict.findings), ""]
    lines += [*_table(trace, verdict.findings), ""]
    for remark in (*remarks, *trace.notes):
        lines += wrapped("note: ", remark)
    if verdict.diagnosis is None or not verdict.diagnosis.is_verified:
        for hint in _hints(verdict):
            lines += wrapped("hint: ", hint)
    if trace.stopped is not None and trace.source == "watch":
        lines += wrapped("note: ", f"{trace.stopped}; the rest of the test did not run")
    return "\n".join([*lines, *see(_kinds(verdict)), *again])


def _curves(trace: Trace, ascii_only: bool) -> Iterator[str]:
    yield from _curve("loss", trace.steps.loss, ascii_only)
    if trace.validation is not None:
        held_out = np.asarray(trace.validation.loss, dtype=np.float64)
        yield from _curve("held-out", held_out, ascii_only)
    losses = list(_probed(trace))
    if trace.constant_loss is not None:
        name = constant_in_words(trace.constant)
        losses.append(f"{name} {number(trace.constant_loss)}")
    if losses:
        yield from wrapped(f"  {'':<8}  ", ", ".join(losses))


def _probed(trace: Trace) -> Iterator[str]:
    """Yield the loss before and after training, or the one of them that was scored."""
    before = None if trace.before is None else number(trace.before.loss)
    after = None if trace.after is None else number(trace.after.loss)
    if before is not None and after is not None:
        yield f"before training -> after: {before} -> {after}"
    elif before is not None:
        yield f"before training {before}"
    elif after is not None:
        yield f"after training {after}"


def _curve(name: str, curve: Floats, ascii_only: bool) -> Iterator[str]:
    line, logarithmic = sparkline(curve, width=_CURVE, ascii_only=ascii_only)
    finite = curve[np.isfinite(curve)]
    span = (
        f"min {number(float(finite.min()))}, max {number(float(finite.max()))}"
        if len(finite)
        else "no finite value"
    )
    yield f"  {name:<8}  {line}  {span}{', log' if logarithmic else ''}"


def _findings(findings: tuple[Finding, ...]) -> Iterator[str]:
    for finding in findings:
        text = f"{finding.severity:<7} {finding.kind}: {finding.message}"
        yield from wrapped("  ", text, indent=10)


def _table(trace: Trace, findings: tuple[Finding, ...]) -> Iterator[str]:
    """Yield a table of the decisive steps, one row each."""
    steps = trace.steps
    columns: dict[str, Floats] = {"loss": steps.loss}
    if steps.is_penalized:
        columns["data loss"] = steps.data_loss
    columns["gradient"] = steps.global_grad_norm
    columns["weights"] = row_norms(steps.weight_norm)
    columns["update"] = row_norms(steps.update_norm)
    yield "  " + f"{'step':>6}" + "".join(f"{name:>12}" for name in columns)
    for step in _decisive(steps.loss, findings):
        values = "".join(f"{number(float(it[step])):>12}" for it in columns.values())
        yield f"  {step + 1:>6}{values}"


def _decisive(loss: Floats, findings: tuple[Finding, ...]) -> list[int]:
    """Return the first, last and worst steps, those of errors, and the ones before."""
    last = len(loss) - 1
    if last < 0:
        return []
    finite = np.where(np.isfinite(loss), loss, -np.inf)
    wanted = [0, last, int(np.argmax(finite))]
    for finding in findings:
        if finding.step is not None and finding.severity == "error":
            wanted += [finding.step - 1, max(0, finding.step - 2)]
    wanted += [1, last // 2]
    chosen: list[int] = []
    for step in wanted:
        if 0 <= step <= last and step not in chosen and len(chosen) < _MOST_ROWS:
            chosen.append(step)
    return sorted(chosen)


def _kinds(verdict: Verdict) -> Iterator[str]:
    """Yield the names that the message uses, causes first."""
    if verdict.diagnosis is not None:
        yield from (it.cause for it in verdict.diagnosis.causes)
    yield from (it.kind for it in verdict.findings)


def _hints(verdict: Verdict) -> list[str]:
    """Return at most two hints: for the likeliest cause, and for the first error."""
    causes = [it for it in verdict.findings if it.suspects]
    causes.sort(key=lambda it: place_of(it.kind))
    hints = [it.hint for it in (*causes[:1], verdict.errors[0])]
    return list(dict.fromkeys(filter(None, hints)))
