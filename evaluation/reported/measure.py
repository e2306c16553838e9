"""Judges both programs of a report as a marked test would, and records the results."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..diverse.measure import as_marked, cause_of, quiet
from ..measure import forget_graphs
from .report import Report

__all__ = ["Row", "findings_of", "measured", "rows_of_job"]


#: Words of the `NothingTrained` message for each kind of finding that raises it.
_IN_WORDS = {
    "nothing_trainable": "has no trainable weight",
    "update_skipped": "never applied",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Result of one program of one report on one seed.

    Attributes:
        name, half: Those of the report.
        fixed: Whether this is the fixed program.
        seed: Seed of weights and order.
        failed: Whether the test would fail.
        errors, warnings: Kinds of finding, each once, in the order of the report.
        messages: Messages of the findings.
        cause: First cause of the diagnosis; None if there is none.
        score: Quality of the trained model; NaN if the program raised an error.
        seconds: Wall time.
        checked: Kinds of finding of the report's check; None if it has none.
    """

    name: str
    half: str
    fixed: bool
    seed: int
    failed: bool
    errors: list[str]
    warnings: list[str]
    messages: list[str]
    cause: str | None
    score: float
    seconds: float
    checked: list[str] | None = None

    @property
    def first_cause(self) -> str | None:
        """The cause that the report names first: of the diagnosis, else the first
        finding; if nothing trained, the kind that the error message implies.
        """
        if self.cause not in (None, "unknown"):
            return self.cause
        first = next(iter([*self.errors, *self.warnings]), None)
        if first != "NothingTrained":
            return first
        said = " ".join(self.messages)
        return next((it for it, words in _IN_WORDS.items() if words in said), first)


def rows_of_job(job: tuple[str, Sequence[int]]) -> list[Row]:
    """Return the rows of one report, in a separate process."""
    quiet()
    from . import reports

    name, seeds = job
    return list(measured(next(it for it in reports() if it.name == name), seeds))


def measured(report: Report, seeds: Sequence[int]) -> Iterator[Row]:
    """Yield one row per program and seed.

    Args:
        report: A report, with its broken and its fixed program.
        seeds: Seeds of weights and order; the data are the same.
    """
    from pytest_lossguard.training import Trainer

    trainer = Trainer()
    for seed in seeds:
        for fixed in (False, True):
            yield _row(report, fixed, seed, trainer)
    forget_graphs()


def _row(report: Report, fixed: bool, seed: int, trainer: Any) -> Row:
    from pytest_lossguard.core.policy import Policy
    from pytest_lossguard.session.guard import Guard

    guard = Guard(policy=Policy(), seed=seed, trainer=lambda: trainer)
    scores: list[float] = []
    began = time.perf_counter()
    trainer.reseed(seed)
    raised = as_marked(guard, lambda: scores.append(report.program(fixed)))
    found = [*guard.findings, *(it for run in guard.runs for it in run.findings)]
    errors = list(dict.fromkeys(it.kind for it in found if it.severity == "error"))
    warnings = list(dict.fromkeys(it.kind for it in found if it.severity == "warning"))
    messages = [f"{it.kind}: {it.message}" for it in found]
    if raised is not None and not errors:
        errors = [type(raised).__name__]
        messages = [*messages, f"{type(raised).__name__}: {raised}"[:600]]
    return Row(
        name=report.name,
        half=report.half,
        fixed=fixed,
        seed=seed,
        failed=raised is not None,
        errors=errors,
        warnings=warnings,
        messages=messages,
        cause=cause_of(guard),
        score=scores[0] if scores else math.nan,
        seconds=time.perf_counter() - began,
        checked=None if report.check is None else findings_of(report.check, fixed),
    )


def findings_of(check: Callable[[bool], object], fixed: bool) -> list[str]:
    """Return the kinds of finding of a model check or contract that would fail its
    test.
    """
    from pytest_lossguard import ContractBroken, ModelCheckFailed

    try:
        check(fixed)
    except (ContractBroken, ModelCheckFailed) as error:
        return [it.kind for it in error.findings]
    return []
