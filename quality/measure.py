"""Runs programs of the corpus as a marked test would, and notes what was said."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from .program import Program
from .rivals import rivals_that_flag

__all__ = ["Row", "measured"]

#: Programs whose traces are forgotten together: they would fill the memory.
_PROGRAMS_PER_TRAINER = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One program on one seed."""

    name: str
    source: str
    family: str
    part: str
    broken: bool
    fault: str
    seed: int
    failed: bool
    errors: list[str]
    warnings: list[str]
    rivals: list[str]
    skill: float | None
    seconds: float
    steps: int
    fits: list[str] = field(default_factory=list)
    true_causes: list[str] = field(default_factory=list)
    causes: list[dict[str, Any]] = field(default_factory=list)
    changes: list[list[dict[str, Any]]] = field(default_factory=list)
    tried: int = 0
    diagnosis_seconds: float = 0.0
    crash: str | None = None

    @property
    def flagged(self) -> bool:
        """Failed, or warned of with a finding that fits."""
        return self.failed or bool(set(self.fits) & set(self.warnings))


def measured(
    programs: Iterable[Program], seeds: Iterable[int], *, diagnose: bool
) -> Iterator[Row]:
    """One row per program and seed.

    Args:
        programs: The programs.
        seeds: Of data, weights and order of the rows.
        diagnose: Whether causes of failures are looked for.
    """
    from pytest_lossguard.training import Trainer

    seeds = tuple(seeds)
    trainer = Trainer()
    for index, program in enumerate(programs):
        if index % _PROGRAMS_PER_TRAINER == 0:
            trainer = Trainer()
            _forget_graphs()
        for seed in seeds:
            yield _row(program, seed, trainer, diagnose)


def _forget_graphs() -> None:
    import keras

    keras.backend.clear_session()
    gc.collect()


def _row(program: Program, seed: int, trainer: Any, diagnose: bool) -> Row:
    from pytest_lossguard.errors import NotConverged
    from pytest_lossguard.guard import Guard
    from pytest_lossguard.judge import evidence_of
    from pytest_lossguard.policy import Policy

    guard = Guard(policy=Policy(), seed=seed, trainer=lambda: trainer)
    about = {
        "name": program.name,
        "source": program.source,
        "family": program.family,
        "part": program.part,
        "broken": program.broken,
        "fault": program.fault,
        "seed": seed,
        "fits": list(program.fits),
        "true_causes": list(program.causes),
    }
    began, error = time.perf_counter(), None
    try:
        setup = program.setup(seed)
        guard.fit(setup.build, setup.x, setup.y, **setup.how())
        guard.compare()
    except NotConverged as raised:
        error = raised
    except Exception as raised:
        return Row(
            **about,
            failed=True,
            errors=["crash"],
            warnings=[],
            rivals=[],
            skill=None,
            seconds=0.0,
            steps=0,
            crash=f"{type(raised).__name__}: {raised}"[:300],
        )
    judged = time.perf_counter()
    if diagnose and error is not None:
        guard.explain(error)
    verdict = guard.runs[0].verdict
    found = verdict.diagnosis
    return Row(
        **about,
        failed=not verdict.converged,
        errors=[it.kind for it in verdict.errors],
        warnings=[it.kind for it in verdict.warnings],
        rivals=rivals_that_flag(verdict.trace),
        skill=evidence_of(verdict.trace).skill,
        seconds=judged - began,
        steps=len(verdict.trace.steps),
        causes=[] if found is None else [it.to_json() for it in found.causes],
        changes=[]
        if found is None
        else [
            [asdict(change) for change in it.changes]
            for it in found.experiments
            if it.repairs
        ],
        tried=0 if found is None else found.tried,
        diagnosis_seconds=time.perf_counter() - judged,
    )
