"""Checks of gradient accumulation and of mixed precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.checked import KEPT, Broken, Line, Outcome
from ...core.model_check_limits import HALF_PRECISION, SAME_GRADIENT
from ...core.numbers import number
from ..backend.frameworks import keras, tf
from ..backend.private_api import call_model, mask_of
from ..backend.tensors import flatten, map_structure
from .subject import NotMade, Subject, differ, outputs_of


def accumulates(subject: Subject) -> Outcome:
    """Check that the gradient of a batch is the mean, or the sum, of the gradients of
    its halves.

    Inference mode is used because batch statistics differ between batch and halves.
    """
    subject.need_loss()
    subject.need_any_rows()
    subject.need_same_outputs()
    model, rows = subject.model, subject.rows(16)
    count = len(flatten(rows[0])[0])
    if count < 2:
        raise NotMade("a single row cannot be split into halves")
    halves = [_part(rows, 0, count // 2), _part(rows, count // 2, 2 * (count // 2))]
    whole = _gradient(model, _part(rows, 0, 2 * (count // 2)))
    parts = [_gradient(model, it) for it in halves]
    total = parts[0] + parts[1]
    size = max(float(np.linalg.norm(whole)), 1e-12)
    apart = min(
        float(np.linalg.norm(whole - total * share)) / size for share in (0.5, 1.0)
    )
    if not np.isfinite(apart):
        raise NotMade("its gradient is not finite", applies=True)
    if apart <= SAME_GRADIENT:
        return KEPT
    return Broken(
        fact="the gradient of a batch is not the mean over its halves",
        lines=(
            Line("norm, whole", number(size)),
            Line("norm, mean", number(float(np.linalg.norm(total / 2)))),
        ),
        meaning=f"They differ by {apart:.1%}, limit {SAME_GRADIENT:.1%}: accumulation"
        " over small batches, or training on several machines, gives a different"
        " result. The loss or a layer mixes rows.",
    )


def _part(rows: Any, start: int, end: int) -> Any:
    return map_structure(lambda it: None if it is None else it[start:end], rows)


def _gradient(model: Any, rows: Any) -> Any:
    """Return the gradient of the data loss in inference mode, as one vector."""
    x, y, weights = rows
    variables = [it.value for it in model.trainable_variables]
    with tf.GradientTape() as tape:
        outputs = call_model(model, x)
        if any(mask_of(it) is not None for it in flatten(outputs)):
            raise NotMade("its loss leaves out masked positions")
        loss = model.compute_loss(x, y, outputs, weights, training=False)
        penalty = sum(model.losses)
        loss = loss - tf.cast(penalty, loss.dtype) if model.losses else loss
    slopes = tape.gradient(loss, variables)
    known = [
        np.ravel(np.asarray(tf.convert_to_tensor(it), np.float64))
        for it in slopes
        if it is not None
    ]
    return np.concatenate(known) if known else np.zeros(1)


def mixed_precision_agrees(subject: Subject) -> Outcome:
    """Check that outputs in half and in single precision agree with equal weights."""
    subject.need_factory()
    subject.need_same_outputs()
    x = subject.rows()[0]
    single = outputs_of(subject.model, x)
    was = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        half = subject.fresh(subject.seed)
    finally:
        keras.config.set_dtype_policy(was)
    if half.compute_dtype == subject.model.compute_dtype:
        raise NotMade("the model sets its own dtypes and ignores the policy")
    half.set_weights(subject.model.get_weights())
    found = outputs_of(half, x)
    if any(not np.isfinite(it).all() for it in found):
        return Broken(
            fact="in half precision the outputs are not finite",
            meaning="The largest float16 number is 65,504.",
        )
    apart = differ(single, found, HALF_PRECISION)
    if apart is None:
        return KEPT
    return Broken(
        fact=f"in half precision the outputs differ by {apart:.1%}",
        lines=(
            Line("float32", number(float(np.ravel(single[0])[0]))),
            Line("float16", number(float(np.ravel(found[0])[0]))),
        ),
        meaning=f"With the same weights and rows, limit {HALF_PRECISION:.0%} of their"
        " size.",
    )
