"""Trains a case in plain Keras, then as a marked test does, and notes what was said."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from ..measure import forget_graphs
from .case import Case, Split

__all__ = [
    "WAYS",
    "Job",
    "Judged",
    "Row",
    "Way",
    "as_marked",
    "cause_of",
    "measured",
    "quiet",
    "rows_of_job",
]

#: By the marker around the program, or by ``lossguard.fit`` given its parts.
Way = Literal["watch", "fit"]
WAYS: tuple[Way, ...] = get_args(Way)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one way of judging said of one run.

    Attributes:
        failed: Whether the test would be red, for whatever reason.
        errors, warnings: Kinds of finding, each once; or the exception's name.
        told: Their messages, errors first.
        cause: The diagnosis' first cause, of a failure.
        score: Of the trained model on held-out data; None by ``fit``, which puts
            every weight back.
    """

    way: Way
    failed: bool
    errors: list[str]
    warnings: list[str]
    told: list[str]
    cause: str | None = None
    score: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case on one seed.

    Attributes:
        score: On held-out data after training in plain Keras; None if that raised.
        crash: What it raised.
        judged: Empty where the run is not healthy.
    """

    name: str
    half: str
    seed: int
    floor: float
    score: float | None
    seconds: float
    crash: str | None = None
    judged: list[Judged] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether the plain training reached the case's floor."""
        return self.score is not None and self.score >= self.floor

    def by(self, way: Way) -> Judged | None:
        """What was said by one way; None where it was not asked."""
        return next((it for it in self.judged if it.way == way), None)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Row:
        """The row that ``dataclasses.asdict`` made builtins of."""
        return cls(**{**given, "judged": [Judged(**it) for it in given["judged"]]})


def quiet() -> None:
    """Make TensorFlow quiet and repeatable; before it is imported.

    One thread per operation: two processes then share two cores, and sums are taken in
    the same order whatever else the machine does.
    """
    for name, value in (
        ("TF_CPP_MIN_LOG_LEVEL", "3"),
        ("CUDA_VISIBLE_DEVICES", "-1"),
        ("TF_NUM_INTRAOP_THREADS", "1"),
        ("TF_NUM_INTEROP_THREADS", "1"),
        ("OMP_NUM_THREADS", "1"),
    ):
        os.environ.setdefault(name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one process is given: a case, by its name.

    Attributes:
        seeds: Of data, weights and order of the rows.
        ways: How to judge.
        scores: By seed, of an earlier training in plain Keras: it is not run again.
    """

    name: str
    seeds: Sequence[int]
    ways: Sequence[Way] = WAYS
    scores: Mapping[int, float] = field(default_factory=dict)


def rows_of_job(job: Job) -> list[Row]:
    """The rows of one case, for a process of its own."""
    quiet()
    from . import cases

    case = next(it for it in cases() if it.name == job.name)
    return list(measured(case, job.seeds, job.ways, job.scores))


def measured(
    case: Case,
    seeds: Sequence[int],
    ways: Sequence[Way] = WAYS,
    scores: Mapping[int, float] = MappingProxyType({}),
) -> Iterator[Row]:
    """One row per seed: trained in plain Keras and, if healthy, once more for each way.

    Args:
        case: The case.
        seeds: See `Job`.
        ways: See `Job`.
        scores: See `Job`.
    """
    from pytest_lossguard.training import Trainer

    trainer = Trainer()
    for seed in seeds:
        began, crash, score = time.perf_counter(), None, scores.get(seed)
        if score is None:
            score, crash = _plainly(case, seed)
        row = Row(
            name=case.name,
            half=case.half,
            seed=seed,
            floor=case.floor,
            score=score,
            crash=crash,
            seconds=time.perf_counter() - began,
        )
        if row.healthy:
            asked = [it for it in ways if it == "watch" or case.fits]
            row.judged.extend(_judged(case, seed, trainer, it) for it in asked)
        yield row
    forget_graphs()


def _plainly(case: Case, seed: int) -> tuple[float | None, str | None]:
    import keras

    keras.utils.set_random_seed(seed)
    try:
        split = case.data(seed)
        return float(case.score(case.run(split), split)), None
    except Exception as raised:
        return None, _said(raised)


def _said(raised: BaseException) -> str:
    return f"{type(raised).__name__}: {raised}"[:600]


def _judged(case: Case, seed: int, trainer: Any, way: Way) -> Judged:
    from pytest_lossguard.core.policy import Policy
    from pytest_lossguard.session.guard import Guard

    guard = Guard(policy=Policy(), seed=seed, trainer=lambda: trainer)
    body = _Body(case=case, seed=seed, guard=guard, way=way)
    began = time.perf_counter()
    trainer.reseed(seed)
    raised = as_marked(guard, body)
    spent = time.perf_counter() - began
    found = [it for run in guard.runs for it in run.findings]
    kinds = {
        severity: list(
            dict.fromkeys(it.kind for it in found if it.severity == severity)
        )
        for severity in ("error", "warning")
    }
    if raised is not None and not kinds["error"]:
        kinds["error"] = [type(raised).__name__]
    told = [f"{it.kind}: {it.message}" for it in found]
    if raised is not None and not found:
        told = [_said(raised)]
    return Judged(
        way=way,
        failed=raised is not None,
        errors=kinds["error"],
        warnings=kinds["warning"],
        told=told,
        cause=_cause(guard),
        score=body.score(),
        seconds=spent,
    )


@dataclass(slots=True, kw_only=True)
class _Body:
    """The body of the marked test."""

    case: Case
    seed: int
    guard: Any
    way: Way
    trained: tuple[Any, Split] | None = None

    def __call__(self) -> None:
        case, split = self.case, self.case.data(self.seed)
        if self.way == "watch":
            self.trained = case.run(split), split
            return
        weight = {} if split.weight is None else {"sample_weight": split.weight}
        how: Any = case.fit
        self.guard.fit(lambda: case.model(split), split.x, split.y, **weight, **how)

    def score(self) -> float | None:
        """Of the model that was trained before the eyes of the judge."""
        if self.trained is None:
            return None
        return float(self.case.score(*self.trained))


def as_marked(guard: Any, body: Callable[[], None]) -> BaseException | None:
    """Do what the plugin does around the body of a marked test; what it raised."""
    try:
        with guard.judging():
            body()
    except Exception as error:
        return error
    return None


def _cause(guard: Any) -> str | None:
    first = _first_cause(guard)
    if first is None:
        return None
    return f"{first.cause} ({'verified' if first.verified else 'suspected'})"


def cause_of(guard: Any) -> str | None:
    """The name of the first cause that a diagnosis names; None without a diagnosis."""
    first = _first_cause(guard)
    return None if first is None else first.cause


def _first_cause(guard: Any) -> Any:
    diagnoses = (run.verdict.diagnosis for run in guard.runs)
    return next(
        (it.causes[0] for it in diagnoses if it is not None and it.causes), None
    )
