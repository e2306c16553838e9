"""After the test: its trainings, each from several seeds, and their baseline."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .baselines import (
    METRICS,
    Baseline,
    Comparison,
    Measured,
    compared_metrics,
    environment_change,
    half_way,
    measure,
    read_baseline,
    write_baseline,
)
from .diagnosis import Retraining
from .errors import BaselineError, CannotChange
from .judge.references import repeats
from .policy import Policy
from .report.json_report import environment
from .review import Recipe
from .stability import failure_of, headroom, learning_rate, scale_of
from .trace import Trace

__all__ = ["Held", "Subject", "Update", "hold"]

#: Seeds that a baseline is written from, and that are held against it. So many can
#: show a chance of 1 in 735,471 (`baselines.comparing.ALPHA` asks for 1 in 100,000).
_WRITTEN, _COMPARED = 16, 8
#: Stability margins cost some fifteen trainings a seed: no more than two minutes when
#: a baseline is written, one when it is compared.
_SLOWEST_FOR_MARGINS = 0.5

#: What ``--lossguard-update`` asks for: nothing, what is missing, everything.
Update = Literal["", "new", "all"]
State = Literal["held", "regressed", "written"]

_VERSIONS = ("python", "machine", "tensorflow", "keras", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A training of a test, and what runs it again."""

    trace: Trace
    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What came of a test and its baseline.

    Attributes:
        state: ``"written"`` where there was none, or it was to be written anew.
        path: Its file.
        told: One sentence.
        seeds: From how many seeds the baseline is, and what is held against it.
        comparisons: For each training of the test, in order; empty where it was
            written.
        note: What differs between the environments.
    """

    state: State
    path: Path
    told: str
    seeds: tuple[int, int] = (0, 0)
    comparisons: tuple[tuple[Comparison, ...], ...] = ()
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As builtins."""
        several = len(self.comparisons) > 1
        metrics = [
            it.to_json() | ({"training": index + 1} if several else {})
            for index, of_one in enumerate(self.comparisons)
            for it in of_one
        ]
        return {
            "state": self.state,
            "file": str(self.path),
            "told": self.told,
            "note": self.note,
            "metrics": metrics,
        }


def hold(
    subjects: Sequence[Subject],
    policy: Policy,
    *,
    path: Path,
    test: str,
    seed: int,
    device: str,
    update: Update,
) -> Held:
    """Hold the trainings of a test against its baseline, or write that.

    Args:
        subjects: The trainings, each once.
        policy: What decides whether one converges.
        path: File of the baseline.
        test: What the test is called in it.
        seed: The first to train from.
        device: What trains.
        update: What is to be written.

    Raises:
        BaselineError: A training cannot be run again, or is another than that of the
            baseline.
        UsageError: The file cannot be read or written.
    """
    here = _environment(device)
    before = None if update == "all" else read_baseline(path)
    try:
        if before is not None:
            return _compared(subjects, before, policy, seed, path, here)
        taken = tuple(_taken(it, policy, seed) for it in subjects)
    except CannotChange as error:
        raise BaselineError(
            f"a training of this test has no baseline: {error}; train it by"
            " lossguard.fit, from a function that builds the model"
        ) from None
    write_baseline(path, Baseline(test=test, environment=here, trainings=taken))
    notes = "".join(f"; {note}" for it in taken for note in it.notes)
    told = f"its baseline was written to {path.parent.name}/{path.name}{notes}"
    return Held(state="written", path=path, told=told)


def _compared(
    subjects: Sequence[Subject],
    before: Baseline,
    policy: Policy,
    seed: int,
    path: Path,
    here: Mapping[str, str],
) -> Held:
    if len(before.trainings) != len(subjects):
        raise BaselineError(
            f"the baseline {path} has {len(before.trainings)} trainings, the test ran"
            f" {len(subjects)}: if that is meant, run it with --lossguard-update"
        )
    pairs = zip(subjects, before.trainings, strict=True)
    found = tuple(_held_against(it, old, policy, seed, path) for it, old in pairs)
    worse = [it for of_one in found for it in of_one if it.regressed]
    names = ", ".join(dict.fromkeys(it.metric.label for it in worse))
    return Held(
        state="regressed" if worse else "held",
        path=path,
        told=f"worse than its baseline: {names}" if worse else "no worse than it was",
        seeds=(len(before.trainings[0].seeds), _COMPARED),
        comparisons=found,
        note=environment_change(before.environment, here),
    )


def _environment(device: str) -> Mapping[str, str]:
    known = environment()
    versions = {name: str(known[name]) for name in _VERSIONS if known[name]}
    return {**versions, "device": device}


# Several seeds of one training


def _taken(subject: Subject, policy: Policy, seed: int) -> Measured:
    """A training from as many seeds as a baseline has."""
    retrain = _retraining(subject)
    margins, notes = _margins_to_take(retrain)
    seeds = tuple(range(seed, seed + _WRITTEN))
    reached = [_reached(retrain, policy, it, margins) for it in seeds]
    half = half_way([trace for trace, _ in reached])
    return _measured(subject, seeds, reached, half, notes)


def _held_against(
    subject: Subject, before: Measured, policy: Policy, seed: int, path: Path
) -> tuple[Comparison, ...]:
    """A training from fewer seeds, against its baseline."""
    retrain = _retraining(subject)
    if before.steps != _steps(subject):
        raise BaselineError(
            f"the training takes {_steps(subject)} steps, that of the baseline {path}"
            f" took {before.steps}: if that is meant, run it with --lossguard-update"
        )
    margins = tuple(name for name in _MARGINS if name in before.metrics)
    seeds = tuple(range(seed, seed + _COMPARED))
    reached = [_reached(retrain, policy, it, margins) for it in seeds]
    now = _measured(subject, seeds, reached, before.half, ())
    return compared_metrics(before, now)


def _retraining(subject: Subject) -> Retraining:
    """What runs a training again, and comes out as it did.

    Raises:
        CannotChange: There is nothing of the kind.
    """
    retrain = subject.recipe()
    if subject.trace.source == "watch" and not repeats(subject.trace, retrain()):
        raise CannotChange("run again as it was seen, it comes out otherwise")
    return retrain


def _steps(subject: Subject) -> int | None:
    """Updates of a training whose length the test itself sets."""
    return len(subject.trace.steps) if subject.trace.source == "fit" else None


def _reached(
    retrain: Retraining, policy: Policy, seed: int, margins: Sequence[str]
) -> tuple[Trace, dict[str, float]]:
    """A training from one seed, with its stability margins."""
    trace = retrain(seed=seed, redrawn=True)
    return trace, {name: _headroom(name, retrain, policy, seed) for name in margins}


def _measured(
    subject: Subject,
    seeds: tuple[int, ...],
    reached: Sequence[tuple[Trace, dict[str, float]]],
    half: float | None,
    notes: tuple[str, ...],
) -> Measured:
    rows = [measure(trace, half) | margins for trace, margins in reached]
    everywhere = set.intersection(*(set(row) for row in rows))
    return Measured(
        model=subject.trace.model,
        steps=_steps(subject),
        seeds=seeds,
        half=half,
        metrics={
            it: tuple(row[it] for row in rows) for it in METRICS if it in everywhere
        },
        notes=notes,
    )


# Its stability margins

_MARGINS = {
    "learning_rate_headroom": learning_rate,
    "input_scale_headroom": scale_of(),
}


def _margins_to_take(retrain: Retraining) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the margins that a baseline has, and why it has no others."""
    retrain()  # the first one traces
    began = time.perf_counter()
    retrain()
    seconds = time.perf_counter() - began
    if seconds > _SLOWEST_FOR_MARGINS:
        return (), (f"no stability margins, as a training takes {seconds:.1f} s",)
    names, notes = [], []
    for name, change in _MARGINS.items():
        try:
            if name == "learning_rate_headroom" and retrain.facts.learning_rate is None:
                raise CannotChange("the rate follows a schedule")
            retrain(change(1.0))
            names.append(name)
        except CannotChange as error:
            notes.append(f"no {METRICS[name].label}: {error}")
    return tuple(names), tuple(notes)


def _headroom(name: str, retrain: Retraining, policy: Policy, seed: int) -> float:
    change = _MARGINS[name]

    def failure(factor: float) -> str | None:
        again = retrain(change(factor), seed=seed, redrawn=True)
        return failure_of(again, policy)

    return float(f"{headroom(name, failure).factor:.4g}")
