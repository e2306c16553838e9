"""Collects the facts about the steps of a training that the judge reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.step_facts import StepFacts
from ..backend.frameworks import keras, tf
from ..backend.private_api import flat_layers
from ..backend.tensors import value_of
from ..record.loss_scaling import loss_scale
from ..record.recording import Recording
from .frozen_layers import frozen_layers
from .optimizer_settings import clipping_of, rate_cut_at, rate_ended_at
from .penalties import has_regularizer, penalty_left_out
from .untracked_layers import untracked_layers


def step_facts(
    recording: Recording, rows: Any, *, weights_left_out: bool = False
) -> StepFacts:
    """Collect the step facts of a finished recording.

    Args:
        recording: The recording.
        rows: Inputs of some training rows; None if they are not known.
        weights_left_out: Whether no loss depends on the weights given to ``fit``.
    """
    layers, asked = recording.modes.never_in_training(recording.variables)
    taken, optimizer = recording.taped.asked, recording.optimizer
    scaler = recording.taped.scaler
    scale = loss_scale(scaler if recording.never_unscaled else optimizer)
    return StepFacts(
        inference_layers=tuple(layers),
        inference_asked=asked,
        gradients=taken,
        gradients_after=taken - recording.asked_by_last,
        restarts=recording.restarts,
        state_lost=recording.restarts > 0 and _has_state(optimizer),
        loss_scale=1.0 if scale is None else float(tf.cast(scale, tf.float64)),
        loss_scaled=scaler is not None if taken or recording.taped.lead else None,
        gradients_scaled=recording.never_unscaled,
        never_reset=recording.grows or recording.never_reset(recording.sums),
        custom_gradients=recording.custom_gradients.wrong(),
        traced_draws=recording.draws.found(),
        outdated=recording.outdated,
        penalty=penalty_left_out(recording, rows),
        regularized=any(map(has_regularizer, flat_layers(recording.model))),
        rate_ended_at=rate_ended_at(recording),
        rate_cut_at=rate_cut_at(recording.rates),
        clipping=clipping_of(optimizer) if _scales_with_gradient(optimizer) else None,
        weights_left_out=weights_left_out,
        frozen=frozen_layers(recording),
        untracked=untracked_layers(recording),
    )


def _has_state(optimizer: Any) -> bool:
    """Whether an optimizer has nonzero state besides scalars, such as momentum."""
    kept = (value_of(it) for it in optimizer.variables if len(it.shape))
    return any(bool(np.any(it)) for it in kept)


def _scales_with_gradient(optimizer: Any) -> bool:
    """Whether updates scale with the gradient; adaptive optimizers normalize it."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return isinstance(inner, keras.optimizers.SGD)
