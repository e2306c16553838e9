"""Exceptions, each with a one-sentence message for the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from .findings import Finding


class LossguardError(Exception):
    """Base class of all errors that pytest-lossguard raises intentionally."""


class UsageError(LossguardError):
    """The request cannot be fulfilled; the message says how to fix it."""


class CannotChange(LossguardError):
    """A training cannot be run again with this change; the message says why."""


class NothingToChange(CannotChange):
    """The training has nothing that this change could change."""


class PolicyError(UsageError, ValueError):
    """A policy key is unknown or its value is out of range."""


class TensorFlowMissing(UsageError, ImportError):
    """A training was to be watched or run, but TensorFlow is not installed."""


class NothingTrained(UsageError, AssertionError):
    """A test marked ``converges`` in which no training was seen."""


class BaselineError(UsageError, AssertionError):
    """A test has no baseline yet, or its baseline is that of another training."""


class NotConverged(AssertionError):
    """A training did not converge; the message says what happened.

    Args:
        message: What happened and why.
        failure: The run and the other parts of the message.
        after_body: Whether the error was raised after the test body ended, so that no
            line of the test is to blame.
    """

    def __init__(
        self, message: str = "", *, failure: Any = None, after_body: bool = False
    ) -> None:
        super().__init__(message)
        self.failure = failure
        self.after_body = after_body


class _ChecksFailed(AssertionError):
    """Some checks of a preprocessing step or a model failed; the message says how.

    Attributes:
        findings: The failed checks, as findings.
        results: The results of all checks.
    """

    findings: tuple[Finding, ...] = ()
    results: tuple[Any, ...] = ()

    @classmethod
    def of(cls, broken: Sequence[Any], results: Sequence[Any]) -> Self:
        """Make the error for failed checks; the first one is described in full."""
        more = [it.message.partition("\n")[0] for it in broken[1:]]
        made = cls("\n".join([broken[0].message, *(f"also {it}" for it in more)]))
        made.findings = tuple(it.finding for it in broken)
        made.results = tuple(results)
        return made


class ContractBroken(_ChecksFailed):
    """A contract of a preprocessing step does not hold; the message says how."""


class ModelCheckFailed(_ChecksFailed):
    """A model fails a check; the message says how."""


class StopTraining(BaseException):
    """Stops a watched training at its first non-finite loss.

    Not an `Exception`, so that an ``except Exception`` in the user's code does not
    continue a training that is already lost. Never raised outside of lossguard.
    """


def first_line(error: BaseException) -> str:
    """Return the first line of an error message; empty if there is none."""
    return next(iter(str(error).strip().splitlines()), "")


for _public in (
    LossguardError,
    UsageError,
    PolicyError,
    TensorFlowMissing,
    NothingTrained,
    BaselineError,
    NotConverged,
    ContractBroken,
    ModelCheckFailed,
):
    _public.__module__ = "pytest_lossguard"
