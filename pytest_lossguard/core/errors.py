"""What can go wrong, each with one clear sentence for the person who reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from .findings import Finding

__all__ = [
    "BaselineError",
    "CannotChange",
    "ContractBroken",
    "LossguardError",
    "ModelCheckFailed",
    "NotConverged",
    "NothingToChange",
    "NothingTrained",
    "PolicyError",
    "StopTraining",
    "TensorFlowMissing",
    "UsageError",
    "first_line",
]


class LossguardError(Exception):
    """Base of every error that pytest-lossguard raises on purpose."""


class UsageError(LossguardError):
    """The tool was asked for something it cannot do; the message names the fix."""


class CannotChange(LossguardError):
    """A training cannot be run again with this change; the message says why."""


class NothingToChange(CannotChange):
    """The training has nothing that this change could change."""


class PolicyError(UsageError, ValueError):
    """A policy key is unknown or its value is out of range."""


class TensorFlowMissing(UsageError, ImportError):
    """A training was to be watched or run, and TensorFlow is not installed."""


class NothingTrained(UsageError, AssertionError):
    """A test marked ``converges`` in which no training was seen."""


class BaselineError(UsageError, AssertionError):
    """A test has no baseline yet, or one of another training."""


class NotConverged(AssertionError):
    """A training was judged not to converge; the message says what happened.

    Args:
        message: What happened, and why.
        failure: The run and what else the message is made of.
        after_body: Raised once the test had ended: no line of it is to blame.
    """

    def __init__(
        self, message: str = "", *, failure: Any = None, after_body: bool = False
    ) -> None:
        super().__init__(message)
        self.failure = failure
        self.after_body = after_body


class _ChecksFailed(AssertionError):
    """Some checks of a preparation or of a model failed; the message says how.

    Attributes:
        findings: What failed, as findings.
        results: What came of each check.
    """

    findings: tuple[Finding, ...] = ()
    results: tuple[Any, ...] = ()

    @classmethod
    def of(cls, broken: Sequence[Any], results: Sequence[Any]) -> Self:
        """The error for some bad results; the first one is described in full."""
        more = [it.message.partition("\n")[0] for it in broken[1:]]
        made = cls("\n".join([broken[0].message, *(f"also {it}" for it in more)]))
        made.findings = tuple(it.finding for it in broken)
        made.results = tuple(results)
        return made


class ContractBroken(_ChecksFailed):
    """A contract of a preparation does not hold; the message says how."""


class ModelCheckFailed(_ChecksFailed):
    """A model fails a check; the message says how."""


class StopTraining(BaseException):
    """Ends a watched training at its first non-finite loss.

    Not an `Exception`: a project's own ``except Exception`` must not keep a
    training alive whose fate is sealed. It never leaves lossguard.
    """


def first_line(error: BaseException) -> str:
    """The first line of what an error says; empty where it says nothing."""
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
