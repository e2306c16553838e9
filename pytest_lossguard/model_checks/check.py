"""From a model, a sample and a policy to what came of each check."""

from __future__ import annotations

from typing import Any

from ..core.checked import Broken, Skipped, finding_of, unchecked
from ..core.checked_message import broken_message
from ..core.errors import ModelCheckFailed
from ..core.given import SEED, checked
from .kinds import KINDS
from .policy import ModelCheckPolicy
from .result import ModelCheckResult

__all__ = ["check_model", "check_of", "subject_of"]


def subject_of(build_model: Any, x: Any, y: Any = None, *, seed: int = 0) -> Any:
    """The model to be checked, with rows that it takes; see `check_model`.

    Raises:
        UsageError: Model or data cannot be meant.
    """
    from ..training.model_checks import Subject

    return Subject(build_model, x, y, seed=seed)


def check_of(
    subject: Any, name: str, policy: ModelCheckPolicy, again: tuple[str, ...] = ()
) -> ModelCheckResult:
    """Whether a model passes one check.

    Args:
        subject: Of `subject_of`.
        name: The check.
        policy: What is asked of it, and what is tolerated.
        again: Lines that run it again.

    Raises:
        UsageError: Model or data cannot be meant.
    """
    from ..training.model_checks import CHECKS

    found = subject.checked(CHECKS[name])
    if isinstance(found, Skipped) and found.applies and policy.strict:
        found = unchecked("model_checks", name, found)
    if isinstance(found, Skipped):
        return ModelCheckResult(check=name, outcome="skipped", message=found.reason)
    if not isinstance(found, Broken):
        return ModelCheckResult(check=name, outcome="passed")
    made = finding_of(KINDS[name], found)
    return ModelCheckResult(
        check=name,
        outcome="failed",
        where=found.column,
        message=broken_message(
            name, found, kind=made.kind, hint=made.hint, again=again
        ),
        finding=made,
        is_allowed=policy.allows(name),
    )


def check_model(
    build_model: Any, x: Any, y: Any = None, *, seed: int = 0, **keys: Any
) -> tuple[ModelCheckResult, ...]:
    """Check a model as it is before any training of its own.

    Args:
        build_model: A function without arguments that builds a compiled
            `keras.Model`, or such a model. A model is put back as it was.
        x: Inputs of shape ``(rows, ...)``, a nested structure of arrays, or a
            `tf.data.Dataset` of batches; some rows of it are used, at most 256.
        y: Targets, likewise; None with a dataset, and for a model without a loss.
        seed: Of weights and rows.
        keys: Those of ``@pytest.mark.model_checks``: checks, ``allow``, ``strict``.

    Returns:
        What came of each check.

    Raises:
        ModelCheckFailed: One failed; ``findings`` and ``results`` hold them all.
        PolicyError: A key is unknown.
        UsageError: Model or data cannot be meant.
    """
    __tracebackhide__ = True
    policy = ModelCheckPolicy.from_keywords(keys, "check_model")
    subject = subject_of(build_model, x, y, seed=checked("seed", seed, SEED))
    results = tuple(check_of(subject, it, policy) for it in policy.names)
    bad = [it for it in results if it.is_bad]
    if bad:
        raise ModelCheckFailed.of(bad, results)
    return results
