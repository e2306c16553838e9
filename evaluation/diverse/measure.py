"""Trains a case in plain Keras, then as a marked test does, and records the results."""

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

#: Ways to judge: by the marker around the program, or by ``lossguard.fit``.
Way = Literal["watch", "fit"]
WAYS: tuple[Way, ...] = get_args(Way)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Result of judging one run in one way.

    Attributes:
        way: How the run was judged.
        failed: Whether the test would fail, for any reason.
        errors, warnings: Kinds of finding, each once; or the name of the exception.
        told: Messages of the findings, errors first.
        cause: First cause of the diagnosis of a failure; None if there is none.
        score: Score of the trained model on held-out data; None for ``"fit"``, which
            restores all weights.
        seconds: Wall time.
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
        name, half, floor: Those of the case.
        seed: Seed of data, weights and order of the rows.
        score: Score on held-out data after training in plain Keras; None if the
            training
            raised an error.
        seconds: Wall time of the training in plain Keras.
        crash: The error that the training raised; None if there is none.
        judged: Results of all ways to judge; empty if the run is not healthy.
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
        """Whether training in plain Keras reached the floor of the case."""
        return self.score is not None and self.score >= self.floor

    def by(self, way: Way) -> Judged | None:
        """Return the result of one way to judge; None if the run was not judged that
        way.
        """
        return next((it for it in self.judged if it.way == way), None)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Row:
        """Return the row from the output of ``dataclasses.asdict``."""
        return cls(**{**given, "judged": [Judged(**it) for it in given["judged"]]})


def quiet() -> None:
    """Make TensorFlow quiet and repeatable; to be called before TensorFlow is imported.

    One thread per operation: two processes can share two cores, and sums are computed
    in the same order whatever else runs on the machine.
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
    """Input of a worker process: a case by name.

    Attributes:
        name: Name of the case.
        seeds: Seeds of data, weights and order of the rows.
        ways: Ways to judge.
        scores: Scores of an earlier training in plain Keras by seed; these trainings
            are
            not run again.
    """

    name: str
    seeds: Sequence[int]
    ways: Sequence[Way] = WAYS
    scores: Mapping[int, float] = field(default_factory=dict)


def rows_of_job(job: Job) -> list[Row]:
    """Return the rows of one case, in a separate process."""
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
    """Yield one row per seed: trained in plain Keras and, if healthy, judged in each
    way.

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
        """Return the score of the watched model; None if no model was watched."""
        if self.trained is None:
            return None
        return float(self.case.score(*self.trained))


def as_marked(guard: Any, body: Callable[[], None]) -> BaseException | None:
    """Run a body as the plugin runs a marked test; return the exception, if any."""
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
    """Return the name of the first cause of a diagnosis; None without a diagnosis."""
    first = _first_cause(guard)
    return None if first is None else first.cause


def _first_cause(guard: Any) -> Any:
    diagnoses = (run.verdict.diagnosis for run in guard.runs)
    return next(
        (it.causes[0] for it in diagnoses if it is not None and it.causes), None
    )
