"""Turns a finished recording into the trace that the judge reads."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ...core.column_stats import column_stats, target_range
from ...core.data_facts import DataFacts
from ...core.errors import first_line
from ...core.relations import CopiedSequence, InputUse, LabelUse, StepRelations
from ...core.trace import (
    SOME_CONSTANT,
    ClassOrder,
    ColumnStats,
    HeldOut,
    Probe,
    Rescaled,
    StepTable,
    TargetRange,
    Trace,
    Validation,
)
from ..backend.batch import Batch
from ..backend.data import ArrayData, Fitted, differ, joined
from ..backend.frameworks import keras
from ..backend.index_inputs import reads_as_numbers
from ..backend.private_api import flat_layers
from ..backend.snapshot import Snapshot, variables_and_states
from ..backend.tensors import fixed_rows, flatten, is_composite, variable_path
from ..record import adversarial as contest
from ..record import moving_target as moving
from ..record.recording import Recording
from .data_facts import facts_of_data
from .input_use import input_use
from .row_order import (
    held_out_rows,
    is_sorted,
    near_and_others,
    one_pass,
    order_of_watched,
)
from .scorer import Scorer, as_tensors, parts_of
from .step_facts import step_facts
from .uncounted import NOT_ASKED, Counted

__all__ = [
    "Scores",
    "batch_size_of",
    "beside",
    "could_not_score",
    "make_trace",
    "watched_trace",
    "with_costs",
]

#: Number of first rows that represent the start if the data change later.
_FEW_FIRST = 128


@dataclass(frozen=True, slots=True)
class Scores:
    """Losses of the model, and of other predictions to compare them with.

    Attributes:
        before, after: The probe with the first and with the last weights.
        start_there: Loss of the first weights on the last rows; None if the rows do not
            change during the training.
        constant: Loss of the best constant prediction, and its name.
        perfect: Loss of perfect predictions; None if unknown.
        uninformed: Loss of the middle prediction; see `Scorer.uninformed`.
        rare_gain: See `Scorer.rare_gain`.
        constant_there: Loss of the best constant prediction on held-out rows; None
            unless the held-out loss exceeds the loss of ``constant``.
        halves: Losses of the batches from `near_and_others`.
        labels: How the loss uses labels; None if row by row.
        shared_rows: Number of rows over which outputs sum to 1; else 0.
        copied: An input that the model only has to copy; None if there is none.
        failure: Why the model could not be scored; None if it could.
    """

    before: Probe | None = None
    after: Probe | None = None
    start_there: float | None = None
    constant: tuple[float, str] | None = None
    perfect: float | None = None
    uninformed: float | None = None
    rare_gain: float | None = None
    constant_there: float | None = None
    halves: tuple[float, ...] = ()
    labels: LabelUse | None = None
    shared_rows: int = 0
    copied: CopiedSequence | None = None
    failure: str | None = None

    @classmethod
    def of(
        cls,
        scorer: Scorer,
        batch: Batch,
        before: Probe | None,
        after: Probe,
        start_there: float | None = None,
    ) -> Scores:
        """Score the other predictions on the rows of ``batch``, which were probed."""
        constant, perfect = scorer.constant(batch), scorer.perfect(batch)
        uninformed = None if constant is None else scorer.uninformed(batch)
        rare_gain = None if constant is None else scorer.rare_gain(batch)
        return cls(
            before,
            after,
            start_there,
            constant,
            perfect,
            uninformed,
            rare_gain,
            labels=scorer.label_use(batch, " + ".join(describe_losses(scorer.loss))),
            shared_rows=scorer.shared_rows(batch),
            copied=scorer.copied(batch),
        )


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
    tidy = tidy_names([*variables, *_layer_names(scores), *named])
    return Trace(
        source=source,
        model=model_name(recording.model, recording.optimizer),
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
        averaging=tuple(tidy_names(_averaging(recording)).values()),
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


def with_costs(there: HeldOut | None, costs: tuple[float, ...]) -> HeldOut | None:
    """Add the losses of the halves from `near_and_others` to held-out rows."""
    if there is None or there.near is None or not costs:
        return there
    near = replace(there.near, loss_near=costs[:2], loss_others=costs[2:])
    return replace(there, near=near)


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
    scores = _scores(recording, first, last, batch_size, rows, halves)
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


def _scores(
    recording: Recording,
    first: Batch | None,
    last: Batch | None,
    batch_size: int | None,
    held_out: tuple[float, ArrayData] | None,
    halves: Sequence[Batch] = (),
) -> Scores:
    """Score the training, and restore all variables.

    Args:
        recording: The training.
        first: Rows of the start, for the probe before; None if unknown.
        last: Rows of the end, for the probe after and the constants; None if the same.
        batch_size: Rows per step.
        held_out: The lowest held-out loss, and the held-out rows.
        halves: Held-out rows to score with the last weights.
    """
    known = recording.taped.model_and_loss
    if known is None or first is None:
        return Scores()
    scorer = Scorer(known, batch_size)
    first = as_tensors(first)
    end_rows = first if last is None else as_tensors(last)
    start, model = recording.start, known.model
    moved = start.variables if start is not None else []
    now = Snapshot([*variables_and_states(model), *model.metrics_variables, *moved])
    try:
        before, start_there = None, None
        end = recording.end_state
        with nullcontext() if end is None else end.in_force():
            after = scorer.probe(end_rows)
            costs = _costs(scorer, halves)
        if start is not None:
            start.restore()
            before = scorer.probe(first)
            if last is not None:
                start_there = scorer.probe(end_rows).loss
        scores = Scores.of(scorer, end_rows, before, after, start_there)
        there = _constant_there(scorer, scores, held_out)
        return replace(scores, constant_there=there, halves=costs)
    except Exception as error:
        # A user's model or loss may raise when it is called again; only the loss
        # curve is then left, and the report says so.
        return Scores(failure=could_not_score(error, model))
    finally:
        now.restore()


def _costs(scorer: Scorer, rows: Sequence[Batch]) -> tuple[float, ...]:
    """Return the loss of each batch of held-out rows; empty if one cannot be scored."""
    try:
        return tuple(scorer.probe(as_tensors(it)).loss for it in rows)
    except Exception:
        return ()


def _constant_there(
    scorer: Scorer, scores: Scores, held_out: tuple[float, ArrayData] | None
) -> float | None:
    """Return the loss of the best constant prediction on the held-out rows; None unless
    the lowest held-out loss exceeds that of the constant on the training rows.
    """
    if held_out is None or scores.constant is None:
        return None
    lowest, rows = held_out
    if not len(rows) or not lowest > scores.constant[0]:
        return None
    try:
        constant = scorer.constant(as_tensors(rows.probe()))
    except Exception:  # held-out rows may have another structure
        return None
    return None if constant is None else constant[0]


def _own_notes(recording: Recording, scores: Scores) -> tuple[str, ...]:
    notes = [] if scores.failure is None else [scores.failure]
    taped = recording.taped
    if taped.model_and_loss is None and taped.unscored is not None:
        notes.append(f"{_NOT_COMPARED}: {taped.unscored}")
    if recording.buffer is not None and recording.buffer.lost:
        notes.append(
            f"{recording.buffer.lost} steps inside one compiled call were not recorded"
        )
    if recording.unseen_losses:
        notes.append(f"the loss of {recording.unseen_losses} updates could not be seen")
    return tuple(notes)


#: Note for trainings of which only the loss curve is known.
_NOT_COMPARED = "the loss was compared with no constant prediction"


def could_not_score(error: Exception, model: Any) -> str:
    """Return the note for a model or loss that raises when it is called again."""
    fixed = fixed_rows(model)
    if fixed is not None:
        return (
            f"{_NOT_COMPARED}: the model takes {fixed} rows at a time and no other"
            " number (batch_shape, stateful); build it with keras.Input(shape) for"
            " this test"
        )
    return (
        "the predictions could not be scored again"
        f" ({type(error).__name__}: {first_line(error)})"
    )


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


def column_statistics(
    structure: Any, name: str, model: Any = None
) -> tuple[ColumnStats, ...]:
    """Return the statistics of each array of a nested structure.

    Arrays that are not numeric, and ragged or sparse tensors, are left out. With a
    model, integers count as numbers if it reads them as numbers, not as indices.
    """
    leaves = flatten(structure)
    numbers = (False,) * len(leaves)
    if model is not None:
        numbers = reads_as_numbers(model, structure)
    found = (
        column_stats(
            np.asarray(leaf),
            name if len(leaves) == 1 else f"{name} {index}",
            integers_are_numbers=numbers[index],
        )
        for index, leaf in enumerate(leaves)
        if not is_composite(leaf)
    )
    return tuple(it for it in found if it is not None)


def target_ranges(structure: Any) -> tuple[TargetRange, ...]:
    """Return the range of each array of targets; empty unless all are numeric."""
    leaves = flatten(structure)
    if any(map(is_composite, leaves)):
        return ()
    found = [target_range(np.asarray(leaf)) for leaf in leaves]
    known = tuple(it for it in found if it is not None)
    return known if len(known) == len(found) else ()


def model_name(model: Any, optimizer: Any) -> str:
    """Return the model's name without Keras' running number; without a model, a name
    made from the optimizer's.
    """
    named = model if model is not None else optimizer
    name = re.sub(r"_\d+$", "", str(named.name))
    return name if model is not None else f"variables of {name}"


def tidy_names(paths: Iterable[str]) -> dict[str, str]:
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


def describe_losses(loss: Any) -> tuple[str, ...]:
    """Return the name of a loss object, or of each part of a compiled loss."""
    return tuple(map(_loss_name, parts_of(loss)))


def _loss_name(loss: Any) -> str:
    """Return the name of the loss function: Keras names the parts of a compiled loss
    after the outputs.
    """
    inner = getattr(loss, "loss", loss)
    function = getattr(getattr(inner, "fn", None), "__name__", None)
    return str(function or getattr(inner, "name", None) or getattr(loss, "name", loss))


def _averaging(recording: Recording) -> list[str]:
    """Return the names of the trainable `BatchNormalization` layers."""
    known = recording.taped.model_and_loss
    model = recording.model if known is None else known.model
    return [
        it.name
        for it in flat_layers(model)
        if isinstance(it, keras.layers.BatchNormalization) and it.trainable
    ]


def normalizes_inputs(model: Any) -> bool:
    """Whether one of the first two layers rescales the inputs; a `Normalization` that
    was never adapted does not.
    """
    rescaling = (
        keras.layers.Normalization,
        keras.layers.Rescaling,
        keras.layers.BatchNormalization,
        keras.layers.LayerNormalization,
    )
    first = [it for it in _layers(model)[:2] if isinstance(it, rescaling)]
    return any(not is_never_adapted(it) for it in first)


def is_never_adapted(layer: Any) -> bool:
    """Whether a `Normalization` still has mean 0 and variance 1, its values before
    ``adapt``.
    """
    if not isinstance(layer, keras.layers.Normalization) or layer.mean is None:
        return False
    mean, variance = np.asarray(layer.mean), np.asarray(layer.variance)
    return bool(np.all(mean == 0) and np.all(variance == 1))


def rescaled_by(model: Any) -> Rescaled | None:
    """Return the first layer if it is a `Rescaling` with a single nonzero scale."""
    first = next(iter(_layers(model)), None)
    scale: Any = getattr(first, "scale", None)
    if not isinstance(first, keras.layers.Rescaling) or np.ndim(scale) or not scale:
        return None
    return Rescaled(layer=first.name, scale=float(scale))


def _layers(model: Any) -> list[Any]:
    return [
        it
        for it in getattr(model, "layers", ())
        if not isinstance(it, keras.layers.InputLayer)
    ]
