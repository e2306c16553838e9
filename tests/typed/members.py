"""Each method, property and field of the public classes has a type of its own.

mypy (strict) and pyright read it in ``nox -s types``; an `Any` would be seen. Methods
with arguments are in `suite`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal, assert_type

from pytest_lossguard import (
    Contract,
    ContractResult,
    Corruption,
    Diagnosis,
    Finding,
    Lossguard,
    Margin,
    Margins,
    ModelCheck,
    ModelCheckResult,
    Policy,
    Trace,
    TrainingRun,
    WatchedRuns,
)
from pytest_lossguard.core.change import MakeRerun
from pytest_lossguard.core.collapse import Spread
from pytest_lossguard.core.custom_checks import Check
from pytest_lossguard.core.data_facts import DataFacts
from pytest_lossguard.core.diagnosis import Cause, Experiment
from pytest_lossguard.core.findings import Severity, Symptom
from pytest_lossguard.core.relations import StepRelations
from pytest_lossguard.core.step_facts import StepFacts
from pytest_lossguard.core.trace import (
    ClassOrder,
    ColumnStats,
    Floats,
    HeldOut,
    Probe,
    Rescaled,
    StepTable,
    TargetRange,
    Validation,
)
from pytest_lossguard.core.verdict import Verdict
from pytest_lossguard.corruptions import (
    ConstantFeature,
    Dtype,
    DuplicateRows,
    Family,
    FewRows,
    FlippedLabels,
    Imbalance,
    MissingValues,
    MixedUnits,
    Offset,
    Outliers,
    Scale,
    SortedRows,
    TargetOutliers,
    TargetScale,
)


def of_contract_result(it: ContractResult) -> None:
    assert_type(it.relation, str)
    assert_type(it.outcome, Literal["kept", "broken", "skipped"])
    assert_type(it.column, str | None)
    assert_type(it.rows, tuple[int, ...])
    assert_type(it.message, str)
    assert_type(it.finding, Finding | None)
    assert_type(it.is_allowed, bool)
    assert_type(it.draw, tuple[int, ...] | None)
    assert_type(it.is_bad, bool)
    assert_type(it.to_json(), dict[str, Any])


def of_corruption(it: Corruption) -> None:
    assert_type(it.to_json(), list[dict[str, Any]])
    assert_type(it.resolved(30), Corruption)
    assert_type(Corruption.from_json(it.to_json()), Corruption)
    assert_type(Corruption.drawn(Scale(10.0)), Corruption)


def of_families() -> tuple[Family, ...]:
    return (
        ConstantFeature(features=0),
        Dtype("float16"),
        DuplicateRows(0.5),
        FewRows(10),
        FlippedLabels(0.1),
        Imbalance(0.1, label=1),
        MissingValues(0.1, features="age"),
        MixedUnits(1000.0),
        Offset(3.0),
        Outliers(100.0, rows=2),
        Scale(1000.0, features=(0, 1)),
        SortedRows(),
        TargetOutliers(100.0),
        TargetScale(1000.0),
    )


def of_diagnosis(it: Diagnosis) -> None:
    assert_type(it.causes, tuple[Cause, ...])
    assert_type(it.experiments, tuple[Experiment, ...])
    assert_type(it.left_out, tuple[str, ...])
    assert_type(it.is_verified, bool)
    assert_type(it.tried, int)
    assert_type(it.to_json(), dict[str, Any])
    assert_type(it.lines(), list[str])
    assert_type(it.table(), list[tuple[str, str, str]])


def of_finding(it: Finding) -> None:
    assert_type(it.kind, str)
    assert_type(it.severity, Severity)
    assert_type(it.step, int | None)
    assert_type(it.value, float | None)
    assert_type(it.limit, float | None)
    assert_type(it.where, str | None)
    assert_type(it.message, str)
    assert_type(it.headline, str)
    assert_type(it.hint, str)
    assert_type(it.suspects, str)
    assert_type(it.undone_by, str)
    assert_type(it.symptoms, tuple[Symptom, ...])
    assert_type(it.to_json(), dict[str, Any])


def of_lossguard(it: Lossguard) -> None:
    assert_type(it.watch(), AbstractContextManager[WatchedRuns])


def of_margin(it: Margin) -> None:
    assert_type(it.what, str)
    assert_type(it.factor, float)
    assert_type(it.fails_at, float | None)
    assert_type(it.why, str | None)


def of_margins(it: Margins) -> None:
    assert_type(it.learning_rate, Margin | None)
    assert_type(it.features, tuple[Margin, ...])
    assert_type(it.trainings, int)
    assert_type(it.narrowest, Margin | None)
    assert_type(it.to_json(), dict[str, Any])


def of_model_check_result(it: ModelCheckResult) -> None:
    assert_type(it.check, str)
    assert_type(it.outcome, Literal["passed", "failed", "skipped"])
    assert_type(it.where, str | None)
    assert_type(it.message, str)
    assert_type(it.finding, Finding | None)
    assert_type(it.is_allowed, bool)
    assert_type(it.is_bad, bool)
    assert_type(it.to_json(), dict[str, Any])


def of_policy(it: Policy) -> None:
    assert_type(it.steps, int | None)
    assert_type(it.epochs, int | None)
    assert_type(it.batch_size, int | None)
    assert_type(it.min_drop, float | None)
    assert_type(it.max_loss, float | None)
    assert_type(it.max_loss_growth, float)
    assert_type(it.max_grad_norm, float | None)
    assert_type(it.seeds, int | tuple[int, ...] | None)
    assert_type(it.min_pass, float)
    assert_type(it.allow, tuple[str, ...])
    assert_type(it.strict, bool)
    assert_type(it.baseline, bool)
    assert_type(it.diagnose, bool)
    assert_type(it.max_examples, int | None)
    assert_type(it.shards, int)
    assert_type(it.budget, float | None)
    assert_type(it.seed_list(0), tuple[int, ...])
    assert_type(Policy.from_keywords({"steps": 60}), Policy)


def of_trace(it: Trace) -> None:
    assert_type(it.source, Literal["watch", "fit"])
    assert_type(it.model, str)
    assert_type(it.variables, tuple[str, ...])
    assert_type(it.sizes, tuple[int, ...])
    assert_type(it.steps, StepTable)
    assert_type(it.batch_size, int | None)
    assert_type(it.steps_per_epoch, int | None)
    assert_type(it.shuffled, bool)
    assert_type(it.seed, int | None)
    assert_type(it.before, Probe | None)
    assert_type(it.after, Probe | None)
    assert_type(it.start_there, float | None)
    assert_type(it.constant_loss, float | None)
    assert_type(it.perfect_loss, float | None)
    assert_type(it.constant, str)
    assert_type(it.inputs, tuple[ColumnStats, ...])
    assert_type(it.targets, tuple[ColumnStats, ...])
    assert_type(it.target_ranges, tuple[TargetRange, ...])
    assert_type(it.normalizes_inputs, bool)
    assert_type(it.rescaled, Rescaled | None)
    assert_type(it.losses, tuple[str, ...])
    assert_type(it.validation, Validation | None)
    assert_type(it.stopped, str | None)
    assert_type(it.weighted, bool)
    assert_type(it.loss_is_scaled, bool)
    assert_type(it.contested, bool)
    assert_type(it.moving_target, bool)
    assert_type(it.labels_follow, str | None)
    assert_type(it.spreads, tuple[Spread, ...])
    assert_type(it.same_measure, bool)
    assert_type(it.as_before, float | None)
    assert_type(it.unchanged_there, float | None)
    assert_type(it.notes, tuple[str, ...])
    assert_type(it.seconds, float)
    assert_type(it.uninformed_loss, float | None)
    assert_type(it.rare_gain, float | None)
    assert_type(it.averaging, tuple[str, ...])
    assert_type(it.held_out, HeldOut | None)
    assert_type(it.class_order, ClassOrder | None)
    assert_type(it.data_facts, DataFacts | None)
    assert_type(it.relations, StepRelations | None)
    assert_type(it.step, StepFacts | None)
    assert_type(it.need_not_fall, bool)


def of_training_run(it: TrainingRun) -> None:
    assert_type(it.verdict, Verdict)
    assert_type(it.checks, tuple[Check, ...])
    assert_type(it.make_rerun, MakeRerun | None)
    assert_type(it.converged, bool)
    assert_type(it.loss, Floats)
    assert_type(it.grad_norm, Floats)
    assert_type(it.findings, tuple[Finding, ...])
    assert_type(it.trace, Trace)
    assert_type(it.assert_converged(), TrainingRun)
    assert_type(it.plot(), Any)


def of_watched_runs(it: WatchedRuns) -> None:
    assert_type(it.runs, list[TrainingRun])
    assert_type(it.unseen, list[str])
    assert_type(it.run, TrainingRun)


def of_contract(it: Contract) -> Callable[..., ContractResult]:
    assert_type(it.relation, str)
    return it


def of_model_check(it: ModelCheck) -> Callable[..., ModelCheckResult]:
    assert_type(it.check, str)
    return it
