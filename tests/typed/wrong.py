"""Wrong uses of the public names: a type checker must find each.

An ignore that is not needed is an error itself (`warn_unused_ignores`,
`reportUnnecessaryTypeIgnoreComment`): a use that went unseen fails ``nox -s types``.
"""

from __future__ import annotations

import numpy as np

import pytest_lossguard
from pytest_lossguard import (
    Contract,
    ContractBroken,
    Corruption,
    Lossguard,
    ModelCheck,
    Policy,
    TrainingRun,
)

x = y = np.zeros(10)


def of_the_module() -> None:
    from pytest_lossguard import Lossgard  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: F401

    pytest_lossguard.diagnoze(None, x, y)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    pytest_lossguard.diagnose(None, x, y, budget="a minute")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    number: int = pytest_lossguard.__version__  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    assert number


def of_a_run(lossguard: Lossguard) -> None:
    run = lossguard.fit(None, x, y)
    run.losses  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    run.converged = True  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    run.findings[0].cause  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    other: str = run.loss  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    assert other


def of_the_fixture(lossguard: Lossguard, run: TrainingRun) -> None:
    lossguard.fit(None, x, y, steps="ten")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    lossguard.fit(None, x, y, verbose=0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    lossguard.train(None, x, y)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    lossguard.plot(run.loss)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with lossguard.watch(1) as watched:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        pass
    watched.trainings  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018


def of_arguments(
    contract: Contract, model_check: ModelCheck, corruption: Corruption
) -> None:
    contract(None, x, y, server=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    model_check(None, x, y).failed  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    Corruption(1000.0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    corruption.scales  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018


def of_an_error(error: ContractBroken) -> None:
    error.findings[0].message.kind  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018


def of_a_policy() -> None:
    Policy(min_dorp=0.1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Policy(strict="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
