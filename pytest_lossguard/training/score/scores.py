"""The losses of a training's model before and after, and of predictions beside it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from ...core.errors import first_line
from ...core.relations import CopiedSequence, LabelUse
from ...core.trace import HeldOut, Probe
from ..backend.batch import Batch
from ..backend.data import ArrayData
from ..backend.snapshot import Snapshot, variables_and_states
from ..backend.tensors import fixed_rows
from ..record.recording import Recording
from .loss_parts import describe_losses
from .scorer import Scorer, as_tensors

#: Note for trainings of which only the loss curve is known.
NOT_COMPARED = "the loss was compared with no constant prediction"


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


def scored(
    recording: Recording,
    first: Batch | None,
    last: Batch | None,
    batch_size: int | None,
    held_out: tuple[float, ArrayData] | None,
    halves: Sequence[Batch] = (),
) -> Scores:
    """Score a watched training, and restore all variables.

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


def could_not_score(error: Exception, model: Any) -> str:
    """Return the note for a model or loss that raises when it is called again."""
    fixed = fixed_rows(model)
    if fixed is not None:
        return (
            f"{NOT_COMPARED}: the model takes {fixed} rows at a time and no other"
            " number (batch_shape, stateful); build it with keras.Input(shape) for"
            " this test"
        )
    return (
        "the predictions could not be scored again"
        f" ({type(error).__name__}: {first_line(error)})"
    )


def with_costs(there: HeldOut | None, costs: tuple[float, ...]) -> HeldOut | None:
    """Add the losses of the halves from `near_and_others` to held-out rows."""
    if there is None or there.near is None or not costs:
        return there
    near = replace(there.near, loss_near=costs[:2], loss_others=costs[2:])
    return replace(there, near=near)
