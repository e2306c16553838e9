"""Judges programs of the corpus as a marked test would, and records the results."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .other_tools import tools_that_flag
from .program import Program

__all__ = [
    "Row",
    "forget_graphs",
    "measured",
    "programs_named",
    "rows_of",
    "rows_of_job",
]

#: Programs after which traced graphs are freed, as they would fill the memory.
_PROGRAMS_PER_TRAINER = 8


#: Findings that are true of any broken program: one change makes it far better,
#: whatever the fault is.
_FIT_ANY = frozenset({"improvable"})
#: Largest difference in skill to the known fix with which a repair counts as equal.
_AS_WELL = 0.1
#: Offset of the seed on which verified changes are tried once more, so that the
#: diagnosis has not used it.
_FRESH = 5_003


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Result of one program on one seed."""

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
    skills: list[float | None] = field(default_factory=list)
    fixed_skill: float | None = None
    held: list[bool] = field(default_factory=list)
    tried: int = 0
    diagnosis_seconds: float = 0.0
    crash: str | None = None

    @property
    def flagged(self) -> bool:
        """Whether the program fails, or has a warning that is true of it."""
        return self.failed or bool({*self.fits, *_FIT_ANY} & set(self.warnings))

    @property
    def true_of(self) -> list[bool]:
        """For each cause named, whether it is true: it is the injected fault, or its
        change repairs the program as well as the known fix.
        """
        return [
            it["cause"] in self.true_causes or self._repairs_as_well(skill)
            for it, skill in zip(self.causes, self.skills, strict=True)
        ]

    def _repairs_as_well(self, skill: float | None) -> bool:
        if skill is None or self.fixed_skill is None:
            return False
        return skill >= self.fixed_skill - _AS_WELL


def measured(
    programs: Iterable[Program], seeds: Iterable[int], *, diagnose: bool
) -> Iterator[Row]:
    """Yield one row per program and seed.

    Args:
        programs: The programs.
        seeds: Seeds of data, weights and order of the rows.
        diagnose: Whether to diagnose failures.
    """
    from pytest_lossguard.training import Trainer

    seeds = tuple(seeds)
    trainer = Trainer()
    for index, program in enumerate(programs):
        if index % _PROGRAMS_PER_TRAINER == 0:
            trainer = Trainer()
            forget_graphs()
        for seed in seeds:
            yield _row(program, seed, trainer, diagnose)


def rows_of(names: Sequence[str], seeds: Sequence[int], diagnose: bool) -> list[Row]:
    """Return the rows of some programs, in a separate process."""
    return list(measured(programs_named(names), seeds, diagnose=diagnose))


def programs_named(names: Sequence[str]) -> list[Program]:
    """Return the programs of these names, in a separate process with TensorFlow
    silenced.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    from .corpus import programs

    wanted = set(names)
    return [it for it in programs() if it.name in wanted]


def rows_of_job(job: tuple[Sequence[str], Sequence[int], bool]) -> list[Row]:
    """Call `rows_of` with one tuple of arguments."""
    return rows_of(*job)


def forget_graphs() -> None:
    """Free the traced graphs of earlier programs, as they would fill the memory."""
    import keras

    keras.backend.clear_session()
    gc.collect()


def _row(program: Program, seed: int, trainer: Any, diagnose: bool) -> Row:
    from pytest_lossguard.core.errors import NotConverged
    from pytest_lossguard.core.policy import Policy
    from pytest_lossguard.judge import loss_curve_of
    from pytest_lossguard.session.guard import Guard

    guard = Guard(policy=Policy(), seed=seed, trainer=lambda: trainer)
    about: dict[str, Any] = {
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
        guard.diagnose(guard.runs[0])
    explained = time.perf_counter()
    verdict = guard.runs[0].verdict
    found = verdict.diagnosis
    diagnosed = (
        _Diagnosed() if found is None else _diagnosed(found, program, seed, trainer)
    )
    return Row(
        **about,
        failed=not verdict.converged,
        errors=[it.kind for it in verdict.errors],
        warnings=[it.kind for it in verdict.warnings],
        rivals=tools_that_flag(verdict.trace),
        skill=loss_curve_of(verdict.trace).skill,
        seconds=judged - began,
        steps=len(verdict.trace.steps),
        causes=[] if found is None else [it.to_json() for it in found.causes],
        skills=diagnosed.skills,
        fixed_skill=diagnosed.fixed_skill,
        held=diagnosed.held,
        tried=0 if found is None else found.tried,
        diagnosis_seconds=explained - judged,
    )


@dataclass(slots=True)
class _Diagnosed:
    """Measurements to check a diagnosis against.

    Attributes:
        skills: For each cause, skill of its verified repair; None if it has none.
        fixed_skill: Skill of the fixed program; None if there is none.
        held: For each verified repair, whether it passes on a fresh seed.
    """

    skills: list[float | None] = field(default_factory=list)
    fixed_skill: float | None = None
    held: list[bool] = field(default_factory=list)


def _diagnosed(found: Any, program: Program, seed: int, trainer: Any) -> _Diagnosed:
    from pytest_lossguard.core.errors import LossguardError
    from pytest_lossguard.core.policy import Policy
    from pytest_lossguard.experiments.changes import cause_of
    from pytest_lossguard.judge import judge, loss_curve_of

    diagnosed = _Diagnosed()
    repairs = {
        cause_of(change): it
        for it in reversed([it for it in found.experiments if it.repairs])
        for change in it.changes
    }
    diagnosed.skills = [
        repairs[it.cause].skill if it.verified and it.cause in repairs else None
        for it in found.causes
    ]
    if program.fixed is not None:
        fixed = program.fixed(seed)
        trace = trainer.fit_seeds(
            fixed.build, fixed.x, fixed.y, seeds=(seed,), **fixed.how()
        )[0]
        diagnosed.fixed_skill = loss_curve_of(trace).skill
    setup = program.setup(seed)
    again = trainer.again(setup.build, setup.x, setup.y, seed=seed, **setup.how())
    for experiment in {id(it): it for it in repairs.values()}.values():
        try:
            trace = again(*experiment.changes, seed=seed + _FRESH)
        except LossguardError:
            continue
        errors = [it for it in judge(trace, Policy()) if it.severity == "error"]
        diagnosed.held.append(not errors)
    return diagnosed
