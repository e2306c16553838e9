"""Facts about the training data that suggest a bug in the input pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class AmongInputs:
    """A target that equals a column of the inputs in every row.

    Attributes:
        target: Name of the target, such as ``"the target"``.
        where: The input column, or time step and column, that equals the target.
        rows: Number of rows that were compared.
        values: Number of distinct values of the target in these rows.
        is_all: Whether the other columns do not predict the target: no rank correlation
            with it is beyond chance.
    """

    target: str
    where: str
    rows: int
    values: int
    is_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedBatch:
    """A batch that was used at every step although the data have more rows.

    Attributes:
        rows, of: Number of rows of the batch and of the data; 0 if unknown.
        by: Source of the batch: a ``"feed"`` given to ``fit``, or a new ``"iterator"``
            at each step.
    """

    rows: int
    of: int
    by: Literal["feed", "iterator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenRows:
    """Rows that no epoch reached, or epochs that were cut short.

    Attributes:
        epochs: Number of epochs.
        short: Number of epochs with at most half the updates of the first one.
        first: Number of updates in the first epoch.
        batches, steps: Number of batches in one pass over the data, and of updates
            made; 0 if unknown.
        calls: Number of calls of ``fit`` that each took the same first ``steps``
            batches; 0 for a single call.
    """

    epochs: int
    short: int = 0
    first: int = 0
    batches: int = 0
    steps: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedLabels:
    """Rows that are repeated with a different class.

    Attributes:
        rows: Number of repeated rows.
        changed: Share of the repeated rows that had a different class than the first
            time.
        chance: The share expected for labels drawn at random.
    """

    rows: int
    changed: float
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedTargets:
    """Images that are repeated with a mirrored target.

    Attributes:
        rows: Number of repeated images.
        turned: Number of repeated images whose target was mirrored.
    """

    rows: int
    turned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassWeights:
    """The weight of the rows of each class.

    Attributes:
        classes: Numbers of the classes seen, in ascending order.
        rows: Number of rows of each class.
        weights: Weight of the rows of each class.
        given: The weights that were given for classes, whichever class each was given
            for; a class without one has weight 1.
        nameless: Keys of ``class_weight`` that name no class seen.
    """

    classes: tuple[int, ...]
    rows: tuple[int, ...]
    weights: tuple[float, ...]
    given: tuple[float, ...]
    nameless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedTokens:
    """Zeros inside the rows of an `Embedding` that masks 0 as padding.

    Attributes:
        layer: Name of the layer.
        rows: Number of rows examined; rows of only zeros are left out.
        broken: Number of these rows with two or more separate runs of zeros between
            other ids.
        run: Mean length of such a run; 0 without runs.
        share: Share of the positions between the first and the last other id that
            are 0.
        usual: Median share of the other ids that occur; 0 if none does.
        ids: Number of ids of the layer, with 0.
        missing: Number of the other ids that never occur.
        lacks_last: Whether the last id never occurs.
    """

    layer: str
    rows: int
    broken: int
    run: float
    share: float
    usual: float
    ids: int
    missing: int
    lacks_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedApart:
    """Targets that a dataset flips, crops or warps at random, and the inputs otherwise.

    Attributes:
        place: Location of the random operation in the user's code, such as
            ``"train.py:12"``.
        draws: Number of random operations that move the targets and not the inputs.
        inputs_too: Whether other random operations change the inputs.
    """

    place: str
    draws: int
    inputs_too: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ZippedApart:
    """Inputs and targets from two datasets that lose or reorder their rows, each for
    itself, before ``Dataset.zip`` joins them.

    Attributes:
        inputs: Names of the dataset methods that the inputs went through and the
            targets did not, such as ``("ignore_errors",)``.
        targets: Names of the methods that the targets went through and the inputs did
            not.
        shuffled: Whether rows are shuffled; otherwise some may be dropped.
    """

    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    shuffled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedAxes:
    """Images whose memory holds another order of the axes than their shape says.

    Attributes:
        where: The input, such as ``"the input"``.
        shape: Shape of an image as the model gets it, ``(H, W, C)``.
        held: The order in memory: ``"channels first"`` for ``(C, H, W)``, ``"width
            first"`` for ``(W, H, C)`` of the same three numbers.
        nearer: Mean difference of neighbors in that order, as a share of the mean
            difference of neighbors in the given order.
        rows: Number of images that were compared.
    """

    where: str
    shape: tuple[int, ...]
    held: Literal["channels first", "width first"]
    nearer: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShuffledGraph:
    """Rows that ``fit`` shuffles, and an input whose columns are the same rows.

    Attributes:
        input: Its place among the inputs, from 0 on.
        rows: Number of rows, and of its columns.
        change: By how much the predictions of the rows change where these come in
            another order, as a share of the spread of the predictions.
    """

    input: int
    rows: int
    change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedDraws:
    """Random operations on rows whose results a dataset caches for all epochs.

    Attributes:
        place: Location of one of them in the user's code, such as ``"train.py:12"``.
        epochs: Number of epochs that got what the first one drew.
    """

    place: str
    epochs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShuffledState:
    """Rows that are shuffled for layers that carry their state to the next batch.

    Attributes:
        layers: Names of the layers.
        by: What shuffles, ``"fit"`` or ``"the dataset"``.
        change: By how much predictions differ from those that start from a state of 0,
            as a share of the spread of the predictions.
    """

    layers: tuple[str, ...]
    by: str
    change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """Facts about the data of one training, except the statistics of columns.

    Attributes:
        among_inputs: A target that equals an input column; None if there is none.
        repeated: A batch that was used at every step; None if there is none.
        unseen: Rows that no epoch reached, or epochs cut short; None if there are none.
        lone_targets: Share of the rows in which all targets but one are 0, for several
            outputs; not the same one in all rows.
        changed_labels: Rows that are repeated with a different class; None if that is
            unknown.
        turned_targets: Images that are repeated with a mirrored target; None if none is
            repeated.
        shuffled_inputs: Whether the inputs are predictions of a model on a dataset that
            is reshuffled at each iteration, while the labels come from another source.
        class_weights: Weights of the classes; None if rows are not weighted by class.
        masked_tokens: Zeros among the inputs of each layer that masks them.
        moved_apart: Targets that are flipped, cropped or warped at random without their
            inputs; None if there are none.
        zipped_apart: Inputs and targets from datasets that do not keep the same rows in
            the same order; None if there are none.
        mixed_axes: Images that are convolved and whose memory holds another order of
            the axes; None if there are none.
        shuffled_graph: A graph whose rows ``fit`` shuffles; None if there is none.
        cached_draws: Random operations drawn once for all epochs; None if there are
            none.
        shuffled_state: Layers that carry a state from row to unrelated row; None if
            there are none.
    """

    among_inputs: AmongInputs | None = None
    repeated: RepeatedBatch | None = None
    unseen: UnseenRows | None = None
    lone_targets: float = 0.0
    changed_labels: ChangedLabels | None = None
    turned_targets: TurnedTargets | None = None
    shuffled_inputs: bool = False
    class_weights: ClassWeights | None = None
    masked_tokens: tuple[MaskedTokens, ...] = ()
    moved_apart: MovedApart | None = None
    zipped_apart: ZippedApart | None = None
    mixed_axes: MixedAxes | None = None
    shuffled_graph: ShuffledGraph | None = None
    cached_draws: CachedDraws | None = None
    shuffled_state: ShuffledState | None = None
