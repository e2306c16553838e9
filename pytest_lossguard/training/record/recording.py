"""The data kept of one training while it is being recorded."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...core.relations import ActivatedTwice, MixedRows, SoftmaxOverRows
from ...core.step_facts import OutdatedStep
from ...core.trace import Floats, StepTable
from ..backend.batch import ENOUGH_BATCHES, ENOUGH_ROWS, Batch
from ..backend.frameworks import tf
from ..backend.snapshot import Snapshot
from ..backend.tensors import variable_key, variable_path
from ..backend.user_frames import UserFrames
from .custom_gradients import CustomGradients
from .layer_modes import LayerModes
from .ring_buffer import RingBuffer
from .traced_draws import TracedDraws
from .untracked import Outside

#: A later batch is kept whenever 1/200 of the batches so far have passed since the last
#: one kept, and 1/8 for batches with more than so many values. The last few batches
#: kept then come from the end of the training.
_OFTEN, _SELDOM, _LARGE = 200, 8, 1 << 20
#: Leading columns of a row, which is [seen, loss, data loss, half sums of squares...].
#: ``seen`` is 0 for nothing, 1 for the loss, 2 for the loss and the data loss.
LEAD = 3


@dataclass(frozen=True, slots=True)
class ModelAndLoss:
    """The model that made predictions under a tape, and the loss that scored them."""

    model: Any
    loss: Any


@dataclass(slots=True)
class TapeRecord:
    """The last loss differentiated by some variables, and the data behind it.

    Attributes:
        uses: Keys of the variables that the loss depends on.
        follows: Name of a loss whose labels the model itself computes; see
            `followed_labels`.
        graph: Graph in which the gradients were taken; None if eagerly.
        lead: What was seen, the loss and the data loss; see `lead_of`.
        slot: Variable that holds ``lead`` for updates in another graph.
        mixed_rows: Operation by which the loss mixes rows; None if none does.
        twice: Activation that the loss takes twice; None if none.
        last_value: Variables that hold the last batch of a graph.
        last_values: All such variables, by the kind of their batch.
        batches_written: Variable that counts the batches a graph wrote.
        model_and_loss: Model and loss to score again; None if they are not known.
        unscored: Why the loss cannot be scored again, and how to change the code.
        called: Record with the first model behind a loss that cannot be scored again,
            and its inputs.
        batches: First batches.
        late: Some of the last batches, if there are more than ``batches``.
        looks: Batches considered for ``late``.
        next_look: Value of ``looks`` at which the next batch is kept.
        pulled: Value of ``batches_written`` when a batch was last read.
        keys: Keys of the variables that are differentiated by.
        where: Path of the first of these variables.
        is_of_model: Whether all of them are variables of Keras layers.
        asked: How often gradients were taken.
        scaler: Optimizer that scaled the loss, else None.
        scaled: Identities of the last gradients if the loss was scaled.
    """

    uses: frozenset[int] = frozenset()
    follows: str | None = None
    graph: Any = None
    lead: Any = None
    slot: Any = None
    mixed_rows: MixedRows | SoftmaxOverRows | None = None
    twice: ActivatedTwice | None = None
    last_value: Any = None
    last_values: dict[str, Any] = field(default_factory=dict)
    batches_written: Any = None
    model_and_loss: ModelAndLoss | None = None
    unscored: str | None = None
    called: TapeRecord | None = None
    batches: list[Batch] = field(default_factory=list)
    late: deque[Batch] = field(default_factory=deque)
    looks: int = 0
    next_look: int = 0
    pulled: int = 0
    keys: frozenset[int] = frozenset()
    where: str = ""
    is_of_model: bool = False
    asked: int = 0
    scaler: Any = None
    scaled: frozenset[int] = frozenset()

    @property
    def known_model(self) -> Any:
        """The model of the loss; if that cannot be scored again, the first model behind
        it; None if neither is known.
        """
        called = None if self.called is None else self.called.model_and_loss
        known = self.model_and_loss or called
        return None if known is None else known.model

    @property
    def wants_data(self) -> bool:
        """Whether the probe needs more batches."""
        rows = sum(len(batch) for batch in self.batches)
        return rows < ENOUGH_ROWS and len(self.batches) < ENOUGH_BATCHES

    @property
    def wants_late(self) -> bool:
        """Whether to keep the current batch among ``late``; read once per batch."""
        self.looks += 1
        if self.looks < self.next_look:
            return False
        large = self.batches and self.batches[-1].size > _LARGE
        self.next_look = self.looks + 1 + self.looks // (_SELDOM if large else _OFTEN)
        return True

    @property
    def last_batch(self) -> Batch | None:
        """The last of ``batches``, else the last batch of a graph, else None."""
        if self.batches:
            return self.batches[-1]
        return None if self.last_value is None else Batch(*self.last_value.value())

    def keep_late(self, batch: Batch) -> None:
        """Keep one of the last batches, and drop those no longer needed."""
        self.late.append(batch)
        rows = sum(len(it) for it in self.late)
        while len(self.late) > 1 and (
            len(self.late) > ENOUGH_BATCHES or rows - len(self.late[0]) >= ENOUGH_ROWS
        ):
            rows -= len(self.late.popleft())


@dataclass(slots=True, kw_only=True)
class Recording:
    """One training while it is being recorded.

    Attributes:
        optimizer: Optimizer that makes the updates.
        variables: The variables that it updates.
        taped: Record of the tape that the gradients come from.
        frames: Frames of the user's code at the first update.
        replicas: Number of replicas that make an update together.
        model: The model that is trained; None if unknown.
        modes: Modes in which layers were called.
        apart: Keys of variables whose gradients were also taken of something other than
            a loss object's value, in this training or another.
        start: State before the first update; None if it could not be saved.
        end: Number of steps and weights after them, saved before another training
            updates the weights.
        buffer: Rows that graph steps write; None if all steps are eager.
        unread: Rows in ``buffer`` that are not read yet.
        last_good: Tensor of the last trace that tells if loss and weights are finite.
        last_loss: Data loss of the last update or trace.
        asked_by_last: Value of ``taped.asked`` at the last update.
        restarts: Number of recordings joined to this one; see `restarts`.
        never_unscaled: Whether gradients of a scaled loss were applied unchanged.
        custom_gradients: Functions with a custom gradient.
        draws: Random numbers that were drawn while a function was traced.
        outdated: What ``fit`` trained otherwise than ``trainable`` said; None if
            nothing.
        untracked: Returns variables that the model reads and that are not its own, for
            the variables of a recording.
        rates: Steps at which epochs of ``fit`` ended, each with the learning rate from
            then on, if that follows no schedule.
        sums: The user's variables that hold the gradients that are applied.
        never_reset: Whether such variables only ever grow.
        grows: Whether the gradients that an eager loop applies only ever grew.
        rows: Recorded rows, arrays of shape ``(steps, width)``.
        began: Time at which recording began, in seconds of `time.perf_counter`.
        ended: Time of the last update, likewise; 0 before it.
    """

    optimizer: Any
    variables: list[Any]
    taped: TapeRecord
    frames: UserFrames
    replicas: int = 1
    model: Any = None
    modes: LayerModes = field(default_factory=LayerModes)
    apart: set[int] = field(default_factory=set)
    start: Snapshot | None = None
    end: tuple[int, Snapshot] | None = None
    buffer: RingBuffer | None = None
    unread: int = 0
    last_good: Any = None
    last_loss: Any = None
    asked_by_last: int = 0
    restarts: int = 0
    never_unscaled: bool = False
    custom_gradients: CustomGradients = field(default_factory=CustomGradients)
    draws: TracedDraws = field(default_factory=TracedDraws)
    outdated: OutdatedStep | None = None
    untracked: Callable[[list[Any]], list[Outside]] = lambda _: []
    rates: list[tuple[int, float]] = field(default_factory=list)
    sums: list[Any] = field(default_factory=list)
    never_reset: Callable[[list[Any]], bool] = lambda _: False
    grows: bool = False
    rows: list[Floats] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)
    ended: float = 0.0

    @property
    def width(self) -> int:
        """Values per row."""
        return LEAD + 3 * len(self.variables)

    @property
    def called_model(self) -> Any:
        """The model that is trained; else `TapeRecord.known_model`."""
        return self.taped.known_model if self.model is None else self.model

    def check_trained(self, trainable: list[Any], frozen: list[Any]) -> None:
        """Note an epoch of Keras' own step that updated other variables than the
        trainable ones of the model.
        """
        updated = set(map(variable_key, self.variables))
        left_out = [it for it in trainable if variable_key(it) not in updated]
        kept = [it for it in frozen if variable_key(it) in updated]
        if left_out or kept:
            self.outdated = OutdatedStep(
                not_updated=tuple(map(variable_path, left_out)),
                frozen=tuple(map(variable_path, kept)),
            )

    def collect(self) -> None:
        """Move the rows that graph steps wrote into ``rows``."""
        if self.buffer is not None:
            ended = self.ended
            self.add(self.buffer.drain())
            self.ended = ended or self.ended  # reading rows is not training
            self.unread = 0

    def add(self, rows: Floats) -> None:
        """Append rows of shape ``(steps, width)``."""
        if len(rows):
            self.rows.append(rows)
            self.ended = time.perf_counter()

    @property
    def steps(self) -> int:
        """Number of updates read so far."""
        return sum(len(rows) for rows in self.rows)

    def table(self) -> StepTable:
        """Return all rows so far, oldest first."""
        self.collect()
        rows = np.concatenate([np.zeros((0, self.width)), *self.rows])
        seen, loss, data_loss = rows[:, :LEAD].T
        halves = rows[:, LEAD:].reshape(len(rows), 3, len(self.variables))
        norms = np.where(halves < 0, -1.0, np.sqrt(2.0 * np.abs(halves)))
        return StepTable(
            loss=np.where(seen >= 1, loss, np.nan),
            data_loss=np.where(seen >= 2, data_loss, loss),
            loss_seen=seen >= 1,
            data_loss_seen=seen >= 2,
            grad_norm=norms[:, 0],
            weight_norm=norms[:, 1],
            update_norm=norms[:, 2],
        )

    @property
    def end_state(self) -> Snapshot | None:
        """The weights after the last update, if another training changed them since.

        None if they are unchanged, or if they are unknown.
        """
        if self.end is None or self.end[0] != self.steps:
            return None
        return self.end[1]

    @property
    def unseen_losses(self) -> int:
        """Number of updates whose loss could not be seen."""
        return int(sum(np.count_nonzero(rows[:, 0] == 0) for rows in self.rows))

    def save_start(self) -> None:
        """Save the weights before the first update, and the optimizer's scalars.

        Scalars are, for example, the learning rate. Nothing is saved if the variables
        have no values yet.
        """
        model_variables = self.model.variables if self.model is not None else ()
        numbers = (it for it in self.optimizer.variables if not len(it.shape))
        try:
            start = Snapshot([*self.variables, *model_variables, *numbers])
            self.start = start if start.is_whole else None
        except (tf.errors.FailedPreconditionError, ValueError, AttributeError):
            self.start = None

    def keep_end(self, keys: Sequence[int]) -> None:
        """Save the weights before another training updates them.

        Args:
            keys: Keys of the variables that the other training updates.
        """
        if self.model is None:
            return
        weights = self.model.variables
        if not set(keys).isdisjoint(map(variable_key, weights)):
            with tf.init_scope():
                self.collect()
            if self.end_state is None:  # else another training changed them already
                self.end = self.steps, Snapshot(weights)

    def another(self) -> Recording:
        """Return a recording without rows, for another training of the same kind."""
        return replace(self, rows=[], buffer=None, began=time.perf_counter(), ended=0.0)

    def reset(self) -> None:
        """Forget all rows, to record the same training again."""
        self.rows = []
        self.began = time.perf_counter()

    def empty_buffer(self) -> None:
        """Discard the rows of graph steps that are not read yet."""
        if self.buffer is not None:
            self.buffer.reset()
