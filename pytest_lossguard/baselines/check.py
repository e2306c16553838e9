"""The check after a test: its trainings, from several seeds, and their baseline."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..core.change import MakeRerun, Rerun, RerunRequest
from ..core.environment import environment
from ..core.errors import BaselineError, CannotChange, LossguardError
from ..core.policy import Policy
from ..core.trace import Trace
from ..experiments.compare import repeats
from ..experiments.margins import (
    STEP,
    Scaled,
    failure_of,
    find_margins,
    learning_rate,
    scale_of,
)
from . import (
    METRICS,
    Baseline,
    Comparison,
    Measured,
    compared_metrics,
    demand_same_test,
    demand_sound,
    environment_change,
    half_way,
    measure,
    read_baseline,
    write_baseline,
)
from .progress import Announced, BaselineProgress, Listener

T = TypeVar("T")

#: The number of seeds that a baseline is written from, and that are run again to
#: compare. With 16, one of 20 baselines let a training at half the learning rate pass
#: (`benchmarks/baselines.py`): a few of its seeds went the other way.
_SEEDS = 20
#: Stability margins are measured only for trainings that take at most so many seconds:
#: margins cost some fifteen trainings per seed where a baseline is written, two where
#: it is compared.
SLOWEST_FOR_MARGINS = 0.5
#: A headroom is measured again if it does not hold on at least so many seeds.
_DOUBTED = _SEEDS // 2

#: The value of ``--lossguard-update``: ``""`` without the option, ``"new"`` to write
#: missing baselines, ``"all"`` to write all.
Update = Literal["", "new", "all"]
State = Literal["held", "regressed", "written", "not_compared"]

_VERSIONS = ("python", "machine", "tensorflow", "keras", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineCase:
    """A training of a test.

    Attributes:
        trace: The trace of the training.
        make_rerun: Returns the `Rerun` that runs the training again.
    """

    trace: Trace
    make_rerun: MakeRerun


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineResult:
    """The result of comparing a test with its baseline, or of writing the baseline.

    Attributes:
        state: ``"held"`` or ``"regressed"`` after a comparison; ``"written"`` where
            there was no baseline, or it was written again; ``"not_compared"`` where
            another seed gave the test other data.
        path: The file of the baseline.
        description: The result in one sentence.
        seeds: The number of seeds that were compared, 0 without a comparison.
        comparisons: The compared metrics of each training of the test, in order;
            empty without a comparison.
        note: Differences of the environments and of the types of the inputs; None
            where there are none.
    """

    state: State
    path: Path
    description: str
    seeds: int = 0
    comparisons: tuple[tuple[Comparison, ...], ...] = ()
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON-serializable builtins."""
        several = len(self.comparisons) > 1
        metrics = [
            it.to_json() | ({"training": index + 1} if several else {})
            for index, of_one in enumerate(self.comparisons)
            for it in of_one
        ]
        return {
            "state": self.state,
            "file": str(self.path),
            "told": self.description,
            "note": self.note,
            "metrics": metrics,
        }


#: Returns the `Rerun` of a training, or raises `CannotChange` where there is none.
MakeRerunOf = Callable[[BaselineCase], Rerun]


def check_baseline(
    subjects: Sequence[BaselineCase],
    policy: Policy,
    *,
    path: Path,
    test: str,
    seed: int,
    device: str,
    update: Update,
    write: Callable[[Path, Baseline], None] = write_baseline,
    tell: Listener = lambda _: None,
) -> BaselineResult:
    """Compare the trainings of a test with its baseline, or write the baseline.

    Args:
        subjects: The trainings of the test, in order.
        policy: The policy that decides whether a re-run converges.
        path: The file of the baseline.
        test: The name of the test in the file.
        seed: The seed of the test, and the first seed that a baseline is written from.
        device: The device that trains.
        update: Which baselines to write; see `Update`.
        write: Writes a baseline to a file.
        tell: Called with the progress as each training begins.

    Raises:
        BaselineError: A training cannot be run again, or differs from the training of
            the baseline in its steps, number or metrics.
        UsageError: The file cannot be read or written.
    """
    known = environment()
    here = {name: str(known[name]) for name in _VERSIONS if known[name]}
    here["device"] = device
    before = None if update == "all" else read_baseline(path)
    try:
        if before is not None:
            demand_same_test(path, before.test, test)
            demand_sound(before, path)
            make = _reruns("comparing with its baseline", tell)
            return _compared(subjects, before, policy, seed, path, here, make)
        make = _reruns("writing its baseline", tell)
        taken = tuple(_measure_baseline(it, policy, seed, make) for it in subjects)
    except CannotChange as error:
        raise BaselineError(
            f"no baseline can be written for a run of this test ({error}): train with"
            " lossguard.fit and pass a function that builds the model"
        ) from None
    baseline = Baseline(test=test, seed=seed, environment=here, trainings=taken)
    write(path, baseline)
    notes = "".join(f"; {note}" for it in taken for note in it.notes)
    text = f"its baseline was written to {_short(path)}{notes}"
    return BaselineResult(state="written", path=path, description=text)


def _compared(
    subjects: Sequence[BaselineCase],
    before: Baseline,
    policy: Policy,
    seed: int,
    path: Path,
    here: Mapping[str, str],
    make: MakeRerunOf,
) -> BaselineResult:
    if len(before.trainings) != len(subjects):
        raise BaselineError(
            f"its baseline, {_short(path)}, has {len(before.trainings)} trainings, the"
            f" test ran {len(subjects)}: if this is intended, run it with"
            " --lossguard-update"
        )
    reruns = [make(it) for it in subjects]
    if seed != before.seed and any(
        again.data != old.data
        for again, old in zip(reruns, before.trainings, strict=True)
    ):
        text = (
            f"not compared: with --lossguard-seed={seed} the test has other data than"
            f" its baseline, which is from seed {before.seed}"
        )
        return BaselineResult(state="not_compared", path=path, description=text)
    found = tuple(
        _compare_with_baseline(subject, again, old, policy, path)
        for subject, again, old in zip(subjects, reruns, before.trainings, strict=True)
    )
    worse = [it for of_one in found for it in of_one if it.regressed]
    names = ", ".join(dict.fromkeys(it.metric.label for it in worse))
    notes = [environment_change(before.environment, here)]
    notes += map(_types_change, subjects, before.trainings)
    return BaselineResult(
        state="regressed" if worse else "held",
        path=path,
        description=f"worse than its baseline: {names}"
        if worse
        else "no worse than its baseline",
        seeds=len(before.trainings[0].seeds),
        comparisons=found,
        note="; ".join(filter(None, notes)) or None,
    )


def _short(path: Path) -> str:
    """Return the path with its parent folder only, as seen from the test."""
    return f"{path.parent.name}/{path.name}"


# Several seeds of one training


def _measure_baseline(
    subject: BaselineCase, policy: Policy, seed: int, make: MakeRerunOf
) -> Measured:
    """Measure a training, with its margins, from all seeds of a new baseline."""
    rerun = make(subject)
    margins, notes = _margins_to_take(rerun)
    seeds = tuple(range(seed, seed + _SEEDS))
    asked = [RerunRequest(seed=it, redrawn=True) for it in seeds]
    traces = [_or_raise(it) for it in rerun.several(asked)]
    half = half_way(traces)
    rows = [measure(it, half) for it in traces]
    for name in margins:
        _add_headrooms(name, rows, rerun, policy, seeds)
    return Measured(
        model=subject.trace.model,
        steps=_steps(subject),
        seeds=seeds,
        data=rerun.data,
        half=half,
        metrics=_columns(rows),
        notes=notes,
        inputs=_types(subject),
    )


def _compare_with_baseline(
    subject: BaselineCase,
    rerun: Rerun,
    before: Measured,
    policy: Policy,
    path: Path,
) -> tuple[Comparison, ...]:
    """Run a training from the seeds of its baseline, and compare the metrics."""
    if before.steps != _steps(subject):
        raise BaselineError(
            f"the training takes {_steps(subject)} steps, but its baseline,"
            f" {_short(path)}, took {before.steps}: if this is intended, run it with"
            " --lossguard-update"
        )
    margins = [name for name in _MARGINS if name in before.metrics]
    lowered = {
        (name, seed): before.metrics[name][index] / STEP
        for name in margins
        for index, seed in enumerate(before.seeds)
    }
    nearer = {it: factor for it, factor in lowered.items() if factor >= 1}
    asked = [RerunRequest(seed=it, redrawn=True) for it in before.seeds]
    asked += [_raised(*it).by(factor) for it, factor in nearer.items()]
    done = rerun.several(asked)
    rows = [measure(_or_raise(it), before.half) for it in done[: len(before.seeds)]]
    raised = list(zip(nearer, done[len(before.seeds) :], strict=True))
    if _types_change(subject, before) is not None:  # inputs that became ids: no scale
        refused = {name for (name, _), it in raised if isinstance(it, CannotChange)}
        margins = [it for it in margins if it not in refused]
    lost = Counter(
        name
        for (name, _), trace in raised
        if name in margins and failure_of(_or_raise(trace), policy) is not None
    )
    for name in margins:
        if lost[name] >= _DOUBTED:
            _add_headrooms(name, rows, rerun, policy, before.seeds)
    now = replace(before, metrics=_columns(rows))
    _demand_same_metrics(before, now, path)
    return compared_metrics(before, now)


def _demand_same_metrics(before: Measured, now: Measured, path: Path) -> None:
    """Raise `BaselineError` unless each metric of the baseline was measured again.

    Margins are exempt: they may be known only to hold, without a new value.
    """
    for name in before.metrics:
        if name not in now.metrics and name not in _MARGINS:
            raise BaselineError(
                f"the training has no {METRICS[name].label} now, but its baseline,"
                f" {_short(path)}, has one: if this is intended, run it with"
                " --lossguard-update"
            )


def _columns(rows: Sequence[dict[str, float]]) -> dict[str, tuple[float, ...]]:
    """Return the values of each metric that all rows have, one value per row."""
    everywhere = set.intersection(*(set(row) for row in rows))
    return {it: tuple(row[it] for row in rows) for it in METRICS if it in everywhere}


def _reruns(task: str, tell: Listener) -> MakeRerunOf:
    """Return a function that makes the re-runs of trainings and reports their progress
    together; the `Rerun` of a watched training must reproduce it.
    """
    progress = BaselineProgress(task)

    def make(subject: BaselineCase) -> Rerun:
        rerun = Announced(subject.make_rerun(), progress, tell)
        if subject.trace.source == "watch" and not repeats(subject.trace, rerun()):
            raise CannotChange("run again unchanged, it comes out differently")
        return rerun

    return make


def _types(subject: BaselineCase) -> tuple[str, ...]:
    return tuple(it.dtype for it in subject.trace.inputs)


def _types_change(subject: BaselineCase, before: Measured) -> str | None:
    """Return one sentence on inputs that changed between floats and integers, None
    without any: floats that became integers have lost their decimals.
    """
    now = _types(subject)
    if not before.inputs or len(now) != len(before.inputs):
        return None
    changes = dict.fromkeys(
        f"{there} there, {here} here"
        for there, here in zip(before.inputs, now, strict=True)
        if ("int" in there) != ("int" in here)
    )
    if not changes:
        return None
    return f"the type of the inputs has changed since: {', '.join(changes)}"


def _steps(subject: BaselineCase) -> int | None:
    """Return the number of steps of a training by ``fit``, whose length the test sets;
    None for other trainings.
    """
    return len(subject.trace.steps) if subject.trace.source == "fit" else None


# Stability margins

_MARGINS = {
    "learning_rate_headroom": learning_rate,
    "input_scale_headroom": scale_of(),
}


def _margins_to_take(rerun: Rerun) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the margins to measure, and notes on those left out."""
    rerun()  # the first re-run traces the graph
    began = time.perf_counter()
    rerun()
    seconds = time.perf_counter() - began
    if seconds > SLOWEST_FOR_MARGINS:
        return (), (f"no stability margins, because a training takes {seconds:.1f} s",)
    names, notes = [], []
    for name, change in _MARGINS.items():
        try:
            if name == "learning_rate_headroom" and rerun.facts.learning_rate is None:
                raise CannotChange("the rate follows a schedule")
            rerun(change(1.0))
            names.append(name)
        except CannotChange as error:
            notes.append(f"no {METRICS[name].label}: {error}")
    return tuple(names), tuple(notes)


def _add_headrooms(
    name: str,
    rows: list[dict[str, float]],
    rerun: Rerun,
    policy: Policy,
    seeds: Sequence[int],
) -> None:
    """Measure a margin on each seed, and add it to the rows of metrics in place."""
    found = find_margins([_raised(name, it) for it in seeds], rerun, policy)
    for row, margin in zip(rows, found, strict=True):
        row[name] = float(f"{_or_raise(margin).factor:.4g}")


def _raised(name: str, seed: int) -> Scaled:
    return Scaled(what=name, change=_MARGINS[name], seed=seed, redrawn=True)


def _or_raise(outcome: T | LossguardError) -> T:
    if isinstance(outcome, LossguardError):
        raise outcome
    return outcome
