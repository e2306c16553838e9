"""Check the arguments of ``lossguard.fit``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.errors import UsageError
from ..core.given import COUNT, FLAG, SEED, checked, unknown
from ..core.policy import Policy

#: Arguments that are passed to the trainer unchanged.
_HANDED_ON = ("sample_weight", "validation_data", "shuffle")


def fit_arguments(
    x: Any,
    policy: Policy,
    *,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    seed: int | None = None,
    **rest: Any,
) -> tuple[dict[str, Any], int | None]:
    """Return the arguments for the trainer, and the seed if one was given.

    Args:
        x: The inputs.
        policy: Policy with the defaults for the length of the training and the batch
            size.
        steps: As for ``lossguard.fit``.
        epochs: As for ``lossguard.fit``.
        batch_size: As for ``lossguard.fit``.
        seed: As for ``lossguard.fit``.
        rest: Arguments that are passed to the trainer.

    Raises:
        UsageError: An argument is unknown or invalid.
    """
    _refuse_unknown(rest)
    asked = _counts(steps=steps, epochs=epochs, batch_size=batch_size)
    seed = None if seed is None else checked("seed", seed, SEED)
    if "shuffle" in rest:
        rest["shuffle"] = checked("shuffle", rest["shuffle"], FLAG)
    if "batch_size" in asked and hasattr(x, "as_numpy_iterator"):
        raise UsageError(
            f"batch_size={batch_size} was given with a tf.data.Dataset, which has its"
            f" own batches: use .batch({batch_size}) there, and leave it out here"
        )
    if steps is not None and epochs is not None:
        raise UsageError(
            f"steps={steps} and epochs={epochs} both set the length of the"
            " training: give only one"
        )
    if steps is None and epochs is None:
        steps, epochs = policy.steps, policy.epochs
    size = asked.get("batch_size", policy.batch_size)
    return {**rest, **_counts(steps=steps, epochs=epochs, batch_size=size)}, seed


def _refuse_unknown(given: Iterable[str]) -> None:
    known = ("steps", "epochs", "batch_size", "seed", *_HANDED_ON)
    for key in given:
        if key not in _HANDED_ON:
            raise UsageError(
                f"{unknown(key, known, 'fit()', 'argument')}; for other arguments call"
                " model.fit in a test marked converges"
            )


def _counts(**given: int | None) -> dict[str, int]:
    """Return the counts that were given; raise `UsageError` unless each is a whole
    number of at least 1.
    """
    return {
        name: checked(name, value, COUNT)
        for name, value in given.items()
        if value is not None
    }
