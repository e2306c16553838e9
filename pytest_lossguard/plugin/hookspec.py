"""Hooks for other plugins, and for the ``conftest.py`` of a project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..core.custom_checks import Check
    from ..core.policy import Policy
    from ..session.runs import TrainingRun

__all__ = [
    "pytest_lossguard_checks",
    "pytest_lossguard_policy",
    "pytest_lossguard_run_finished",
]


@pytest.hookspec(firstresult=True)
def pytest_lossguard_policy(item: pytest.Item, policy: Policy) -> Policy | None:
    """Change the policy of a marked test; called once for each test, at collection.

    Args:
        item: The test.
        policy: The policy from the marks of the test.

    Returns:
        The policy to use instead, as ``dataclasses.replace(policy, strict=True)``; None
        to leave it unchanged. The first result that is not None counts.
        ``max_examples`` cannot be changed here, because a search is made before its
        item.
    """


@pytest.hookspec
def pytest_lossguard_checks(item: pytest.Item) -> Iterable[Check] | None:
    """Add custom checks to a test; called once for each test that trains.

    Args:
        item: The test.

    Returns:
        Functions ``(trace, policy) -> findings``. They are called for every training of
        the test, including each example of a search and each re-run of a diagnosis, so
        they should be fast and depend only on their arguments. Make a finding with
        ``pytest_lossguard.finding("yours:too_slow", message)``. ``allow`` and
        ``strict`` work as for built-in findings. An error in a check is an error of the
        test.
    """


@pytest.hookspec
def pytest_lossguard_run_finished(item: pytest.Item, run: TrainingRun) -> None:
    """Receive a training that was judged, and diagnosed if it failed.

    Called in the process that trained, after the body of the test, once for each run
    that the reports show: for a search, the failing run or the worst passing one. An
    error in the hook is shown as a warning and does not change the verdict.

    Args:
        item: The test, marked or not.
        run: The training: ``run.converged``, ``run.loss``, ``run.findings``...
    """
