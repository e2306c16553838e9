"""Turns a finished recording into the trace that the judge reads."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ...core.data_facts import DataFacts
from ...core.relations import InputUse, StepRelations
from ...core.trace import (
    SOME_CONSTANT,
    ClassOrder,
    HeldOut,
    Probe,
    StepTable,
    Trace,
    Validation,
)
from ..backend.batch import Batch
from ..backend.data import ArrayData, Fitted, differ, joined
from ..backend.frameworks import keras
from ..backend.private_api import flat_layers
from ..backend.tensors import flatten, variable_path
from ..record import adversarial as contest
from ..record import moving_target as moving
from ..record.recording import Recording
from .data_facts import column_statistics, facts_of_data, target_ranges
from .input_scaling import normalizes_inputs, rescaled_by
from .input_use import input_use
from .loss_parts import describe_losses
from .row_order import (
    held_out_rows,
    is_sorted,
    near_and_others,
    one_pass,
    order_of_watched,
)
from .scores import NOT_COMPARED, Scores, scored, with_costs
from .step_facts import step_facts
from .uncounted import NOT_ASKED, Counted

#: Number of first rows that represent the start if the data change later.
_FEW_FIRST = 128


def make_trace(
    recording: Recording,
    *,
    source: Literal["watch", "fit"],
    scores: Scores,
    seen: ArrayData | Batch | None,
    batch_size: int | None,
    seed: int | None,
    validation: Validation | None = None,
    held_out: HeldOut | None = None,
    class_order: ClassOrder | None = None,
    steps_per_epoch: int | None = None,
    shuffled: bool = False,
    contested: bool = False,
    moving_target: bool = False,
    notes: tuple[str, ...] = (),
    fed: DataFacts | None = None,
    inputs: InputUse | None = None,
    weights_left_out: bool = False,
    counted: Counted = NOT_ASKED,
) -> Trace:
    """Build the trace of a recorded training and its scores."""
    steps = recording.table()
    known = recording.taped.model_and_loss
    variables = [variable_path(it) for it in recording.variables]
    model = recording.model if known is None else known.model
    rows = None if seen is None else seen.x
    facts = step_facts(recording, rows, weights_left_out=weights_left_out)
    outside = () if facts.untracked is None else facts.untracked.names
    frozen = (it for one in facts.frozen for it in one.layers)
    named = (*facts.inference_layers, *frozen, *outside)
    tidy = _tidy_names([*variables, *_layer_names(scores), *named])
    return Trace(
        source=source,
        model=_model_name(recording.model, recording.optimizer),
        variables=tuple(tidy[path] for path in variables),
        sizes=tuple(math.prod(it.shape) for it in recording.variables),
        steps=steps,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        shuffled=shuffled,
        seed=seed,
        before=_renamed(scores.before, tidy),
        after=_renamed(scores.after, tidy),
        start_there=scores.start_there,
        constant_loss=None if scores.constant is None else scores.constant[0],
        perfect_loss=scores.perfect,
        uninformed_loss=scores.uninformed,
        rare_gain=scores.rare_gain,
        constant=SOME_CONSTANT if scores.constant is None else scores.constant[1],
        inputs=() if seen is None else column_statistics(seen.x, "input", model),
        targets=() if seen is None else column_statistics(seen.y, "target"),
        target_ranges=() if seen is None else target_ranges(seen.y),
        normalizes_inputs=normalizes_inputs(recording.model),
        rescaled=rescaled_by(recording.model),
        losses=() if known is None else describe_losses(known.loss),
        validation=validation,
        stopped=_stopped(steps),
        weighted=seen is not None and bool(flatten(seen.sample_weight)),
        loss_is_scaled=hasattr(recording.optimizer, "dynamic_scale"),
        contested=contested,
        moving_target=moving_target,
        labels_follow=recording.taped.follows,
        notes=(*notes, *_own_notes(recording, scores)),
        seconds=max(0.0, recording.ended - recording.began),
        averaging=tuple(_tidy_names(_averaging(recording)).values()),
        held_out=held_out,
        class_order=class_order,
        step=replace(
            facts,
            inference_layers=tuple(tidy[it] for it in facts.inference_layers),
            frozen=tuple(
                replace(one, layers=tuple(tidy[it] for it in one.layers))
                for one in facts.frozen
            ),
            untracked=facts.untracked
            and replace(facts.untracked, names=tuple(tidy[it] for it in outside)),
        ),
        data_facts=facts_of_data(seen, fed, model),
        relations=StepRelations(
            mixed_rows=recording.taped.mixed_rows,
            labels=None if contested else scores.labels,
            inputs=inputs,
            shared_rows=scores.shared_rows,
            weightless=counted.weightless,
            padded=counted.padded,
            twice=recording.taped.twice,
            copied=None if contested else scores.copied,
        ),
    )


def beside(
    held_out: ArrayData | None, trained: ArrayData | Batch | None, among: float = 1.0
) -> HeldOut | None:
    """Compare held-out rows with training rows; see `held_out_rows`."""
    if held_out is None:
        return None
    inputs = column_statistics(held_out.x, "input")
    targets = column_statistics(held_out.y, "target")
    return held_out_rows(held_out, trained, inputs, targets, among)


def watched_trace(
    recording: Recording,
    *,
    contested: bool,
    moving_target: bool,
    seed: int | None,
    data: Fitted | None,
    is_one_call: bool,
    validation: Validation | None,
    held_out: ArrayData | None,
    steps_per_epoch: int | None,
    fed: DataFacts | None = None,
    weights_left_out: bool = False,
    counted: Counted = NOT_ASKED,
) -> Trace:
    """Score a watched training with its first and last weights, and build its trace.

    Args:
        recording: The watched training.
        contested: Whether another training works against it, as in a GAN.
        moving_target: Whether its targets or rows are made by a model that changes
            during the training, as in reinforcement learning.
        seed: The current seed.
        data: The data of its ``fit`` calls; None if they are not arrays.
        is_one_call: Whether the training is a single ``fit`` call.
        validation: Held-out losses; None if there are none.
        held_out: The held-out rows; None if they are not arrays.
        steps_per_epoch: None if unknown.
        fed: Facts of how the rows were fed.
        weights_left_out: Whether no loss depends on the weights given to ``fit``.
        counted: Labels that change the update although they must not count.
    """
    recording.collect()
    order = None if contested else order_of_watched(recording, data, steps_per_epoch)
    first, last = _first_and_last(recording, data)
    if data is None and is_sorted(order):
        # Sorted by class: only first and late rows together represent the data.
        taped = recording.taped
        first, last = joined([*taped.batches, *taped.late]), None
    if contested or (data is None and is_one_call):
        last = None  # the data do not change, even if the recorded rows differ
    batch_size = batch_size_of(recording, data)
    seen = first if data is None else data.data
    dear = None if validation is None or held_out is None else min(validation.loss)
    rows = None if dear is None or held_out is None else (dear, held_out)
    trained, among = (data.data, 1.0) if data else one_pass(recording, steps_per_epoch)
    there = beside(held_out, trained, among)
    halves = near_and_others(held_out, there)
    scores = scored(recording, first, last, batch_size, rows, halves)
    return make_trace(
        recording,
        source="watch",
        contested=contested,
        moving_target=moving_target,
        notes=_notes(contested, moving_target),
        scores=scores,
        seen=seen,
        batch_size=batch_size,
        seed=seed,
        validation=validation and replace(validation, constant=scores.constant_there),
        held_out=with_costs(there, scores.halves),
        class_order=order,
        steps_per_epoch=steps_per_epoch,
        shuffled=data is not None and data.shuffles and is_one_call,
        fed=fed,
        inputs=None if contested or moving_target else input_use(recording),
        weights_left_out=weights_left_out,
        counted=counted,
    )


def _notes(contested: bool, moving_target: bool) -> tuple[str, ...]:
    if contested:
        return (contest.NOTE,)
    return (moving.NOTE,) if moving_target else ()


def _first_and_last(
    recording: Recording, data: Fitted | None
) -> tuple[Batch | None, Batch | None]:
    """Return rows of the start, and rows of the end if the data changed, else None."""
    if data is not None:
        return data.first, data.last if data.changed else None
    first = joined(recording.taped.batches)
    last = joined([*recording.taped.late])
    if first is None or last is None or 2 * len(last) < len(first):
        return first, None
    if not differ(first, last):
        return first, None
    rows = 0
    some: list[Batch] = []
    for batch in recording.taped.batches:  # only the first ones, before the change
        if rows >= _FEW_FIRST:
            break
        rows, some = rows + len(batch), [*some, batch]
    return joined(some), last


def _own_notes(recording: Recording, scores: Scores) -> tuple[str, ...]:
    notes = [] if scores.failure is None else [scores.failure]
    taped = recording.taped
    if taped.model_and_loss is None and taped.unscored is not None:
        notes.append(f"{NOT_COMPARED}: {taped.unscored}")
    if recording.buffer is not None and recording.buffer.lost:
        notes.append(
            f"{recording.buffer.lost} steps inside one compiled call were not recorded"
        )
    if recording.unseen_losses:
        notes.append(f"the loss of {recording.unseen_losses} updates could not be seen")
    return tuple(notes)


def _stopped(steps: StepTable) -> str | None:
    if not len(steps):
        return None
    if steps.loss_seen[-1] and not np.isfinite(steps.loss[-1]):
        return f"the training was stopped at step {len(steps)}: its loss is not finite"
    if not np.isfinite(steps.weight_norm[-1]).all():
        return (
            f"the training was stopped at step {len(steps)}: its weights are not finite"
        )
    return None


def batch_size_of(recording: Recording, fitted: Fitted | None) -> int | None:
    """Return the rows per step, from the arrays given to ``fit`` or else from recorded
    batches; None if unknown.
    """
    if fitted is not None:
        return min(fitted.data.batch_size, len(fitted.data))
    sizes = [len(batch) for batch in recording.taped.batches]
    return max(sizes) * recording.replicas if sizes else None


def _model_name(model: Any, optimizer: Any) -> str:
    """Return the model's name without Keras' running number; without a model, a name
    made from the optimizer's.
    """
    named = model if model is not None else optimizer
    name = re.sub(r"_\d+$", "", str(named.name))
    return name if model is not None else f"variables of {name}"


def _tidy_names(paths: Iterable[str]) -> dict[str, str]:
    """Renumber Keras' automatic names in the order of ``paths``.

    ``sequential_7/dense_12/kernel`` depends on how many models were built before;
    ``sequential/dense/kernel`` does not.
    """
    numbers: dict[str, dict[str, int]] = {}

    def tidy(part: str) -> str:
        stem = re.sub(r"_\d+$", "", part)
        known = numbers.setdefault(stem, {})
        index = known.setdefault(part, len(known))
        return stem if index == 0 else f"{stem}_{index}"

    return {
        path: "/".join(tidy(part) for part in path.split("/"))
        for path in dict.fromkeys(paths)
    }


def _layer_names(scores: Scores) -> list[str]:
    if scores.after is None:
        return []
    layers = [it.name for it in scores.after.layers]
    return [*layers, *(it.layer for it in scores.after.outputs)]


def _renamed(probe: Probe | None, names: Mapping[str, str]) -> Probe | None:
    if probe is None:
        return None
    layers = (replace(it, name=names.get(it.name, it.name)) for it in probe.layers)
    outputs = (replace(it, layer=names.get(it.layer, it.layer)) for it in probe.outputs)
    return replace(probe, layers=tuple(layers), outputs=tuple(outputs))


def _averaging(recording: Recording) -> list[str]:
    """Return the names of the trainable `BatchNormalization` layers."""
    known = recording.taped.model_and_loss
    model = recording.model if known is None else known.model
    return [
        it.name
        for it in flat_layers(model)
        if isinstance(it, keras.layers.BatchNormalization) and it.trainable
    ]
