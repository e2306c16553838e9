"""What is kept of one training while it is being recorded."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...core.relations import MixedRows, SoftmaxOverRows
from ...core.trace import Floats, StepTable
from ..backend.batch import ENOUGH_BATCHES, ENOUGH_ROWS, Batch
from ..backend.snapshot import Snapshot
from ..backend.user_frames import UserFrames
from .custom_gradients import CustomGradients
from .layer_modes import LayerModes
from .ring_buffer import RingBuffer

__all__ = ["LEAD", "ModelAndLoss", "Recording", "TapeRecord"]

#: Of those that come later one is kept each time that so small a share of all passed,
#: of large ones less often: the last few are then of the end of the training.
_OFTEN, _SELDOM, _LARGE = 200, 8, 1 << 20
#: A row is [what was seen, loss, data loss, half sums of squares...]; what was
#: seen is 0 for nothing, 1 for the loss, 2 for the data loss as well.
LEAD = 3


@dataclass(frozen=True, slots=True)
class ModelAndLoss:
    """Who made the predictions under a tape, and who scored them."""

    model: Any
    loss: Any


@dataclass(slots=True)
class TapeRecord:
    """What one tape differentiates: its last loss, and the data behind it.

    ``uses`` has the keys of the variables that the loss depends on; ``follows`` names
    a loss whose labels the net itself makes, see `followed_labels`; ``unscored`` says
    why there is no evidence, and what to write so that there is; ``batches`` are the
    first rows, ``late`` some of the last, where there are more; ``keys`` are those of
    the variables that are differentiated by, ``where`` the first of them,
    ``is_of_model`` whether all are of Keras layers, ``asked`` how often that was;
    ``called`` has the first model behind a loss that cannot be scored again, and its
    inputs; ``scaler`` is the optimizer that scaled the loss, ``scaled`` has the
    identities of the last gradients where one did.
    """

    uses: frozenset[int] = frozenset()
    follows: str | None = None
    graph: Any = None
    lead: Any = None
    slot: Any = None
    mixed_rows: MixedRows | SoftmaxOverRows | None = None
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
    def wants_data(self) -> bool:
        """Whether more batches are to be kept for the probe."""
        rows = sum(len(batch) for batch in self.batches)
        return rows < ENOUGH_ROWS and len(self.batches) < ENOUGH_BATCHES

    @property
    def wants_late(self) -> bool:
        """Whether the batch at hand, one of many, is to be kept; asked of each."""
        self.looks += 1
        if self.looks < self.next_look:
            return False
        large = self.batches and self.batches[-1].size > _LARGE
        self.next_look = self.looks + 1 + self.looks // (_SELDOM if large else _OFTEN)
        return True

    @property
    def last_batch(self) -> Batch | None:
        """Rows that were kept as they ran eagerly, else the last of a graph."""
        if self.batches:
            return self.batches[-1]
        return None if self.last_value is None else Batch(*self.last_value.value())

    def keep_late(self, batch: Batch) -> None:
        """Keep one of the last batches, and no more of them than are needed."""
        self.late.append(batch)
        rows = sum(len(it) for it in self.late)
        while len(self.late) > 1 and (
            len(self.late) > ENOUGH_BATCHES or rows - len(self.late[0]) >= ENOUGH_ROWS
        ):
            rows -= len(self.late.popleft())


@dataclass(slots=True, kw_only=True)
class Recording:
    """One training as it is being recorded.

    ``apart`` has the keys of the variables that gradients were also taken of by
    something else than the value of a loss object, in this training or another.
    ``rates`` are steps at which epochs of ``fit`` ended, each with the learning rate
    from then on, where that follows no schedule. ``sums`` are variables of the user's
    own that hold the gradients that are applied, and ``never_reset`` says whether such
    only ever grow; ``grows`` whether what an eager loop applied did so far.
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

    def collect(self) -> None:
        """Move what graph steps wrote into ``rows``."""
        if self.buffer is not None:
            ended = self.ended
            self.add(self.buffer.drain())
            self.ended = ended or self.ended  # to read is not to train
            self.unread = 0

    def add(self, rows: Floats) -> None:
        """Take rows of shape ``(steps, width)``."""
        if len(rows):
            self.rows.append(rows)
            self.ended = time.perf_counter()

    @property
    def steps(self) -> int:
        """Updates read so far."""
        return sum(len(rows) for rows in self.rows)

    def table(self) -> StepTable:
        """All rows so far, oldest first."""
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
        """The weights after the last update, where another training moved them
        since; None where they are as this one left them, or nobody knows.
        """
        if self.end is None or self.end[0] != self.steps:
            return None
        return self.end[1]

    @property
    def unseen_losses(self) -> int:
        """Updates whose loss could not be seen."""
        return int(sum(np.count_nonzero(rows[:, 0] == 0) for rows in self.rows))

    def another(self) -> Recording:
        """One of another training of the same kind, with no rows yet."""
        return replace(self, rows=[], buffer=None, began=time.perf_counter(), ended=0.0)

    def reset(self) -> None:
        """Forget all rows, to record the same training again."""
        self.rows = []
        self.began = time.perf_counter()

    def empty_buffer(self) -> None:
        """Drop what graph steps wrote and nobody read."""
        if self.buffer is not None:
            self.buffer.reset()
