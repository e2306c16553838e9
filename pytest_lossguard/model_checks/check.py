"""Running the checks of a model, from a model, a sample and a policy to results."""

from __future__ import annotations

from typing import Any

from ..core.checked import Broken, Skipped, finding_of, unchecked
from ..core.checked_message import broken_message
from ..core.errors import ModelCheckFailed
from ..core.given import SEED, checked
from .kinds import KINDS
from .policy import ModelCheckPolicy
from .result import ModelCheckResult


def subject_of(build_model: Any, x: Any, y: Any = None, *, seed: int = 0) -> Any:
    """Return the model to check together with its sample; see `check_model`.

    Raises:
        UsageError: The model or the data are not of a supported form.
    """
    from ..training.model_checks import Subject

    return Subject(build_model, x, y, seed=seed)


def check_of(
    subject: Any, name: str, policy: ModelCheckPolicy, again: tuple[str, ...] = ()
) -> ModelCheckResult:
    """Run one check of a model.

    Args:
        subject: The model and its sample, from `subject_of`.
        name: The name of the check, a key of `DEFAULTS`.
        policy: Decides whether a check that could not be made fails, and which
            failures are tolerated.
        again: Lines for the message that show how to run the check again.

    Raises:
        UsageError: The model or the data are not of a supported form.
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
    """Check a model before it is trained.

    Args:
        build_model: A function without arguments that builds a compiled
            `keras.Model`, or such a model, whose state is restored afterwards.
        x: Inputs of shape ``(rows, ...)``, a nested structure of arrays, or a
            `tf.data.Dataset` of batches; at most 256 rows are used.
        y: Targets, in the same forms; None with a dataset, and for a model without a
            loss.
        seed: The seed for weights and for the choice of rows.
        keys: The keys of ``@pytest.mark.model_checks``: checks, ``allow``,
            ``strict``.

    Returns:
        The result of each check that is on.

    Raises:
        ModelCheckFailed: A check failed; ``findings`` holds the failures, ``results``
            the results of all checks.
        PolicyError: A key is unknown or its value is invalid.
        UsageError: The model or the data are not of a supported form.
    """
    __tracebackhide__ = True
    policy = ModelCheckPolicy.from_keywords(keys, "check_model")
    subject = subject_of(build_model, x, y, seed=checked("seed", seed, SEED))
    results = tuple(check_of(subject, it, policy) for it in policy.names)
    bad = [it for it in results if it.is_bad]
    if bad:
        raise ModelCheckFailed.of(bad, results)
    return results
