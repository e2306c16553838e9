"""A user's suite that takes every public name: no type checker may find an error.

mypy (strict) and pyright read it in ``nox -s types``; nothing of it is run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import assert_type

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

import pytest_lossguard
from pytest_lossguard import (
    BaselineError,
    Contract,
    ContractBroken,
    ContractResult,
    Corruption,
    Diagnosis,
    Finding,
    Lossguard,
    LossguardError,
    Margin,
    Margins,
    ModelCheck,
    ModelCheckFailed,
    ModelCheckResult,
    NotConverged,
    NothingTrained,
    Policy,
    PolicyError,
    TensorFlowMissing,
    Trace,
    TrainingRun,
    UsageError,
    WatchedRuns,
    check_model,
    contracts,
    diagnose,
    finding,
    margins,
    plot,
)
from pytest_lossguard.corruptions import Offset, Scale
from pytest_lossguard.strategies import corruptions

Table = NDArray[np.float64]


def load() -> tuple[Table, Table]:
    return np.zeros((10, 3)), np.zeros(10)


def build_model() -> object:
    return object()


def prepare(x: Table, y: Table) -> tuple[Table, Table]:
    return np.log1p(x), y


def serve(x: Table) -> Table:
    return np.log1p(x)


# Fixtures and arguments


@pytest.fixture(scope="module")
def trained(lossguard: Lossguard) -> TrainingRun:
    return lossguard.fit(build_model, *load(), steps=20, seed=1)


@pytest.mark.converges(steps=60, min_drop=0.3, allow=("dead_units",))
def test_fit(lossguard: Lossguard) -> None:
    run = lossguard.fit(
        build_model, *load(), sample_weight=np.ones(10), validation_data=load()
    )
    assert_type(run, TrainingRun)
    assert run.assert_converged(max_grad_norm=10.0).converged
    last: float = run.loss[-1] + run.grad_norm.max()
    assert last < 1
    kinds: list[str] = [it.kind for it in run.findings]
    trace: Trace = run.trace
    assert len(trace.steps)
    assert not kinds
    run.plot()


def test_watch(lossguard: Lossguard) -> None:
    with lossguard.watch("mine") as watched:
        build_model()
    assert_type(watched, WatchedRuns)
    runs: list[TrainingRun] = [watched.run, *watched.runs]
    lossguard.plot(runs[0])


def test_margins(lossguard: Lossguard) -> None:
    room: Margins = lossguard.margins(build_model, *load(), steps=20)
    narrowest: Margin | None = room.narrowest
    assert narrowest is None or narrowest.factor > 4


@pytest.mark.converges
@pytest.mark.corruptions(scales=(1e-3, 1e3), outliers=False)
def test_search(lossguard: Lossguard, corruption: Corruption) -> None:
    x, y = corruption(*load())
    lossguard.fit(build_model, x, y)


@given(corruption=corruptions(scales=(1e-3, 1e3), features=3))
def test_own_search(lossguard: Lossguard, corruption: Corruption) -> None:
    assert corruption != Corruption(Scale(10.0, features=0), Offset(1.0))


@pytest.mark.contracts(missing=True)
def test_preparation(contract: Contract) -> None:
    result: ContractResult = contract(prepare, *load(), serve=serve)
    assert result.relation == contract.relation
    assert result.outcome != "broken"


@pytest.mark.model_checks(exports=False)
def test_model(model_check: ModelCheck) -> None:
    result: ModelCheckResult = model_check(build_model, *load())
    assert result.check == model_check.check


def test_checks_as_calls(lossguard: Lossguard) -> None:
    tolerated: tuple[Finding, ...] = lossguard.contracts(prepare, *load(), serve=serve)
    results: tuple[ModelCheckResult, ...] = lossguard.check_model(build_model, *load())
    assert not tolerated
    assert results


# Without pytest


def test_notebook() -> None:
    version: str = pytest_lossguard.__version__
    found: Diagnosis = diagnose(build_model, *load(), budget=10.0)
    changes: list[str] = [f"{it.cause}: {it.remedy}" for it in found.causes]
    room: Margins = margins(build_model, *load(), policy=Policy(strict=True))
    assert version
    assert changes
    assert room.learning_rate
    check_model(build_model, *load())
    contracts(prepare, *load())


def test_plot(trained: TrainingRun) -> None:
    plot(trained)


# Errors


def test_errors() -> None:
    with pytest.raises(ContractBroken) as broken:
        contracts(prepare, *load())
    assert broken.value.findings
    assert broken.value.results
    with pytest.raises(ModelCheckFailed):
        check_model(build_model, *load())
    for ours in (UsageError, NothingTrained, BaselineError, PolicyError):
        assert issubclass(ours, LossguardError)
    assert issubclass(TensorFlowMissing, ImportError)
    assert issubclass(NotConverged, AssertionError)


# Hooks


def pytest_lossguard_policy(item: pytest.Item, policy: Policy) -> Policy:
    return dataclasses.replace(policy, max_grad_norm=100.0)


def at_most_1000_steps(trace: Trace, policy: Policy) -> Iterator[Finding]:
    if len(trace.steps) > 1000:
        yield finding("yours:long", f"{len(trace.steps)} steps", limit=1000.0)


def pytest_lossguard_run_finished(item: pytest.Item, run: TrainingRun) -> None:
    print(item.nodeid, run.converged, run.loss[-1])
