"""Calls of the hooks that this plugin offers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pytest

from ..core.errors import PolicyError, UsageError
from ..core.given import one_line, shown

if TYPE_CHECKING:
    from ..core.custom_checks import Check
    from ..core.policy import Policy
    from ..session.guard import Guard


def policy_by_hook(item: pytest.Item, policy: Policy) -> Policy:
    """Return the policy of a test after the hook has changed it.

    Raises:
        PolicyError: The hook raised an error, returned something other than a policy,
            or changed a key that it cannot change.
    """
    try:
        changed = item.ihook.pytest_lossguard_policy(item=item, policy=policy)
    except PolicyError:
        raise
    except Exception as error:
        raise PolicyError(f"pytest_lossguard_policy {_raised(error)}") from error
    if changed is None:
        return policy
    if not isinstance(changed, type(policy)):
        raise PolicyError(
            f"pytest_lossguard_policy returned {shown(changed)}: it must return a"
            " Policy, such as dataclasses.replace(policy, strict=True), or None"
        )
    if changed.max_examples != policy.max_examples:
        raise PolicyError(
            "pytest_lossguard_policy cannot change max_examples, because a search is"
            " made before its item: set it in the mark or with --lossguard-max-examples"
        )
    return changed


def checks_of(item: pytest.Item) -> tuple[Check, ...]:
    """Return the custom checks that hooks add to a test.

    Raises:
        UsageError: A hook returned something other than a list of functions.
    """
    given = item.ihook.pytest_lossguard_checks(item=item)
    for it in given:
        if not isinstance(it, Iterable) or isinstance(it, str):
            raise UsageError(_not_checks(it))
    checks = tuple(it for some in given for it in some)
    for it in checks:
        if not callable(it) or not _takes_two_arguments(it):
            raise UsageError(_not_checks(it))
    return checks


def _not_checks(given: object) -> str:
    return (
        f"pytest_lossguard_checks returned {shown(given)}: it must return a list of"
        " functions (trace, policy) -> findings"
    )


def _takes_two_arguments(check: Callable[..., object]) -> bool:
    try:
        inspect.signature(check).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # it has no signature to inspect
        pass
    return True


def _raised(error: Exception) -> str:
    """Describe an error that a hook raised, and its place."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = "" if at is None else f" at {at.tb_frame.f_code.co_filename}:{at.tb_lineno}"
    return f"raised {type(error).__name__}{where}: {one_line(str(error))}"


def tell_finished(item: pytest.Item, guard: Guard | None) -> None:
    """Call the hook for each run of a test; an error in it becomes a warning."""
    for run in () if guard is None else guard.runs:
        try:
            item.ihook.pytest_lossguard_run_finished(item=item, run=run)
        except Exception as error:
            item.warn(
                pytest.PytestWarning(f"pytest_lossguard_run_finished {_raised(error)}")
            )
