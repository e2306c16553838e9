"""Where the hooks for others are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..errors import PolicyError, UsageError

if TYPE_CHECKING:
    from ..checks import Check
    from ..guard import Guard
    from ..policy import Policy

__all__ = ["checks_of", "policy_by_hook", "tell_finished"]


def policy_by_hook(item: pytest.Item, policy: Policy) -> Policy:
    """The policy of a test, as others may have changed it.

    Raises:
        PolicyError: A hook returned something else, or what it cannot change.
    """
    changed = item.ihook.pytest_lossguard_policy(item=item, policy=policy)
    if changed is None:
        return policy
    if not isinstance(changed, type(policy)):
        raise PolicyError(
            f"pytest_lossguard_policy returned {changed!r}: it must return a Policy, as"
            " dataclasses.replace(policy, strict=True), or None"
        )
    if changed.max_examples != policy.max_examples:
        raise PolicyError(
            "pytest_lossguard_policy cannot change max_examples, for a search is made"
            " before its item: set it in the mark or by --lossguard-max-examples"
        )
    return changed


def checks_of(item: pytest.Item) -> tuple[Check, ...]:
    """The checks that others bring to a test.

    Raises:
        UsageError: A hook returned something that is no function.
    """
    given = item.ihook.pytest_lossguard_checks(item=item)
    checks = tuple(it for some in given for it in some)
    for it in checks:
        if not callable(it):
            raise UsageError(
                f"pytest_lossguard_checks gave {it!r}: it must return functions (trace,"
                " policy) -> findings"
            )
    return checks


def tell_finished(item: pytest.Item, guard: Guard | None) -> None:
    """Tell others of the runs of a test; a mistake of theirs is a warning."""
    for run in () if guard is None else guard.runs:
        try:
            item.ihook.pytest_lossguard_run_finished(item=item, run=run)
        except Exception as error:
            item.warn(
                pytest.PytestWarning(
                    "pytest_lossguard_run_finished raised"
                    f" {type(error).__name__}: {error}"
                )
            )
