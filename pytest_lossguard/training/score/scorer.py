"""Scores a model on a fixed sample, and compares it with constant predictions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any, TypeVar, cast

import numpy as np

from ...core.column_stats import rarest_rows
from ...core.relations import CopiedSequence, LabelUse
from ...core.trace import LayerStats, Output, Probe
from ..backend.batch import Batch
from ..backend.frameworks import has_own_step, keras, tf
from ..backend.private_api import (
    call_model,
    keeps_logits,
    mask_of,
    set_mask,
)
from ..backend.snapshot import live_statistics, preserved_seeds
from ..backend.tensors import (
    as_tensor,
    first_of,
    flatten,
    is_composite,
    map_structure,
    stacked,
)
from ..record.recording import ModelAndLoss
from .constant_losses import Rows, best_constant, least_loss, loss_of_middle
from .copied_sequence import copied_input
from .layer_stats import activation_stats, is_watched, layers_seen, output_of, symmetric
from .loss_relations import label_use, shared_rows

_Found = TypeVar("_Found")
_FEW_ROWS = 8
#: Number of leading values of a measurement, then of values per layer; see `_measure`.
_LEAD, _PER_LAYER = 5, 3


@dataclass(frozen=True, slots=True)
class _LayerSeen:
    """A layer with a watched activation that was called while the probe ran."""

    name: str
    activation: str
    units: int
    is_output: bool


@dataclass(slots=True)
class _Known:
    """Results that are shared by all trainings of one model.

    Attributes:
        layers: Watched layers, found when the model was called.
        made_by: The layer behind each output; None where that is not known.
        outputs: ``tf.TensorSpec`` of each output; None before the first call.
        masked: Whether an output has a Keras mask.
        growth: How the loss grows with the number of rows; see `_growth_of`.
        costs: Per kind of prediction, the rows last asked about and the result.
        labels: One-element tuple with the `LabelUse`; None before the check.
        shared_rows: Result of `Scorer.shared_rows`; None before the check.
    """

    layers: tuple[_LayerSeen, ...] = ()
    made_by: tuple[Output | None, ...] = ()
    outputs: Any = None
    masked: bool = False
    growth: int | None = None
    costs: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    labels: tuple[LabelUse | None] | None = None
    shared_rows: int | None = None


class Scorer:
    """Scores one model by one loss on batches of one structure.

    Args:
        evidence: The model and the loss object that scores it.
        rows_per_step: Rows per training step, to which a loss that sums over rows is
            scaled; None for no scaling.
        wrap: Decorator of the functions that compute, such as `RowsFunction` for a
            scorer that is used often; the identity by default.

    Attributes:
        model: The scored model.
        loss: The loss object.
        rows_per_step: See ``Args``.
        instead: Handles of variables to use instead of the model's, by the identity of
            the model's; None for the model's own. Needs a scorer with `RowsFunction`.
    """

    def __init__(
        self,
        evidence: ModelAndLoss,
        rows_per_step: int | None,
        wrap: Callable[[Callable[..., Any]], Any] = lambda it: it,
    ) -> None:
        self.model, self.loss = evidence.model, evidence.loss
        self.rows_per_step = rows_per_step
        self._known = _Known()
        self._forward = wrap(self._measure)
        self._score_constant = wrap(self._measure_constant)
        self._predict = wrap(self._first_output)
        self._probabilities = True
        self.instead: Mapping[int, Any] | None = None

    def anew(self, rows_per_step: int | None) -> Scorer:
        """Return a scorer for another training of the same model that shares the traced
        functions and cached results.
        """
        other = copy.copy(self)
        other.rows_per_step = rows_per_step
        other._probabilities = True  # noqa: SLF001
        return other

    def knows(self, batch: Batch) -> bool:
        """Whether rows of these shapes were scored before; needs a `RowsFunction`."""
        parts = [batch.parts, *(it.parts for it in _rarest(batch))]
        known = self._known.growth is not None
        return known and all(self._forward.knows(*it) for it in parts)

    def probe(self, batch: Batch) -> Probe:
        """Score the model with its current weights on a batch of tensors."""
        found = self._measured(batch)
        plain, reported, spread, low, high = found[:_LEAD].tolist()
        if self._known.growth is None:
            self._known.growth = self._growth_of(batch)
        self._probabilities = self._probabilities and low >= 0 and high <= 1
        scale, made_by = self._scale(batch), self._known.made_by
        layers = zip(
            self._known.layers,
            found[_LEAD:].reshape(-1, _PER_LAYER).tolist(),
            strict=True,
        )
        return Probe(
            loss=plain * scale,
            reported=reported * scale,
            spread=spread,
            layers=tuple(
                LayerStats(
                    name=layer.name,
                    activation=layer.activation,
                    units=layer.units,
                    dead=dead,
                    saturated=saturated,
                    symmetric=bool(symmetric),
                    is_output=layer.is_output,
                )
                for layer, (dead, saturated, symmetric) in layers
            ),
            outputs=() if None in made_by else made_by,  # type: ignore[arg-type]
        )

    def label_use(self, batch: Batch, name: str) -> LabelUse | None:
        """Return how the loss, reported as ``name``, uses the labels; see `label_use`.
        The check runs once for all trainings of a model.
        """
        if self._known.labels is None:
            known = ModelAndLoss(self.model, self.loss)
            look = partial(label_use, known, name, batch, self._call)
            self._known.labels = (_if_it_can(look),)
        return self._known.labels[0]

    def shared_rows(self, batch: Batch) -> int:
        """Return over how many rows outputs sum to 1; see `shared_rows`."""
        if self._known.shared_rows is None:
            look = partial(shared_rows, batch, self._call)
            found = _if_it_can(look) if self._probabilities else 0
            self._known.shared_rows = found or 0
        return self._known.shared_rows

    def copied(self, batch: Batch) -> CopiedSequence | None:
        """Return the input that the model only has to copy; see `copied_input`.

        A user's training step may shift the rows that ``fit`` was given: its model is
        not checked.
        """
        if has_own_step(self.model):
            return None
        return _if_it_can(
            lambda: copied_input(
                batch, lambda x: map_structure(_plain, self._call(x)), self._scored
            )
        )

    def can_predict(self, batch: Batch) -> bool:
        """Whether `predictions` knows rows of these shapes; needs a `RowsFunction`."""
        return bool(self._predict.knows(batch.x))

    def predictions(self, batch: Batch) -> Any:
        """Return the output of the model for a batch of tensors, as an array; empty for
        a model with several outputs.
        """
        elsewhere = {"instead": self.instead} if self.instead else {}
        return self._predict(batch.x, **elsewhere).numpy()

    def _first_output(self, x: Any) -> Any:
        with live_statistics(self.model):
            outputs = flatten(self._call(x))
        return tf.identity(outputs[0]) if len(outputs) == 1 else tf.zeros((0,))

    def _measured(self, batch: Batch) -> Any:
        elsewhere = {"instead": self.instead} if self.instead else {}
        return self._forward(*batch.parts, **elsewhere).numpy()

    def constant(self, batch: Batch) -> tuple[float, str] | None:
        """Return the loss of the best constant prediction on these rows, and its name.

        Call `probe` first: it records the output shapes.

        Returns:
            None if the targets are not known or allow no constant prediction.
        """
        if batch.y is None:
            return None
        best = self._once("constant", batch, self._best_constant)
        return None if best is None else best[:2]

    def _once(self, what: str, batch: Batch, cost: Callable[[Batch], Any]) -> Any:
        """Return ``cost(batch)``, cached for as long as the rows stay the same."""
        asked = (asked_of(batch), self.rows_per_step, self._probabilities)
        last = self._known.costs.get(what)
        if last is None or last[0] != asked:
            last = self._known.costs[what] = asked, cost(batch)
        return last[1]

    def _best_constant(self, batch: Batch) -> tuple[float, str, list[Any]] | None:
        best = best_constant(
            self._rows(batch), self._score_constant, probabilities=self._probabilities
        )
        return None if best is None else (best[0] * self._scale(batch), *best[1:])

    def _rows(self, batch: Batch) -> Rows:
        return Rows(batch, flatten(self._known.outputs), partial(self._masks, batch))

    def rare_gain(self, batch: Batch) -> float | None:
        """Return by how much the model's loss on rows of a rare class is lower than the
        best constant's, as a share of the latter.

        Returns:
            None if no class is rare, or the rows have weights.
        """
        best = self._once("constant", batch, self._best_constant)
        for rare in () if best is None else _rarest(batch):
            given = (rare.y, rare.sample_weight, best[2], self._masks(batch))
            constant = float(self._score_constant(*given))
            gain = 1.0 - float(self._measured(rare)[0]) / constant if constant else 0.0
            return gain if np.isfinite(gain) else None
        return None

    def uninformed(self, batch: Batch) -> float | None:
        """Return the loss of predicting the middle of the targets' range, or the same
        probability for each class.

        Call `probe` first: it records the output shapes.

        Returns:
            None if the targets allow no constant prediction.
        """
        return cast("float | None", self._once("middle", batch, self._middle))

    def _middle(self, batch: Batch) -> float | None:
        loss = loss_of_middle(self._rows(batch), self._score_constant)
        return None if loss is None else loss * self._scale(batch)

    def perfect(self, batch: Batch) -> float | None:
        """Return the lowest possible loss on these rows, as far as it is known.

        With soft labels or label smoothing, the cross-entropy of a perfect prediction
        is the entropy of the labels, not 0. Call `probe` first: it records the output
        shapes.

        Returns:
            None if the targets are not numeric or differ from the outputs in size.
        """
        return cast("float | None", self._once("perfect", batch, self._least))

    def cost(self, batch: Batch, predictions: Any) -> float:
        """Return the loss of given predictions for these rows."""
        if self._known.growth is None:
            self._known.growth = self._growth_of(batch)
        loss = float(self._scored(batch.y, predictions, batch.sample_weight))
        return loss * self._scale(batch)

    def _least(self, batch: Batch) -> float | None:
        loss = least_loss(self._rows(batch), self.loss, self._measure_given)
        return None if loss is None else loss * self._scale(batch)

    def _masks(self, batch: Batch) -> list[Any]:
        """Return the Keras mask of each output; empty if no output has one."""
        if not self._known.masked:
            return []
        return [mask_of(it) for it in flatten(self._call(batch.x))]

    def _call(self, x: Any) -> Any:
        return call_model(self.model, x)

    def _scored(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        value = self.loss(y, y_pred, sample_weight=sample_weight)
        value = tf.cast(value, tf.float64)
        return tf.reduce_mean(value) if value.shape.rank != 0 else value

    def _measure(self, x: Any, y: Any, sample_weight: Any) -> Any:
        """Call and score the model.

        Returns:
            A 1-D tensor: the loss of plain predictions, the loss as Keras reports it,
            spread, minimum and maximum of the outputs, then per watched layer the
            shares of dead and saturated units and whether its units are equal.
        """
        with layers_seen() as calls, live_statistics(self.model):
            y_pred = self._call(x)
        seen = [
            (layer, name, output)
            for layer, name, output in calls
            if name is not None and is_watched(name) and output.shape.rank
        ]
        plain = map_structure(_plain, y_pred)
        self._known.masked = any(mask_of(it) is not None for it in flatten(y_pred))
        outputs = {id(leaf) for leaf in flatten(y_pred)}
        self._known.layers = tuple(
            _LayerSeen(layer.name, name, output.shape[-1] or 0, id(output) in outputs)
            for layer, name, output in seen
        )
        self._known.made_by = tuple(output_of(it, calls) for it in flatten(y_pred))
        self._known.outputs = map_structure(
            lambda it: tf.TensorSpec(it.shape, it.dtype), plain
        )
        loss = self._scored(y, plain, sample_weight)
        keeps_logits = any(map(_keeps_logits, flatten(y_pred)))
        leaves = flatten(plain)
        lead = [
            loss,
            self._scored(y, y_pred, sample_weight) if keeps_logits else loss,
            reduce(tf.maximum, [_spread(it) for it in leaves]),
            reduce(
                tf.minimum, [tf.cast(tf.reduce_min(it), tf.float32) for it in leaves]
            ),
            reduce(
                tf.maximum, [tf.cast(tf.reduce_max(it), tf.float32) for it in leaves]
            ),
        ]
        stats = [
            it
            for layer, name, output in seen
            for it in (*activation_stats(name, output), symmetric(layer, output))
        ]
        return stacked([*lead, *stats])

    def _measure_constant(
        self, y: Any, sample_weight: Any, leaves: list[Any], masks: list[Any]
    ) -> Any:
        """Return the loss of one prediction, repeated for all rows."""
        first = flatten(y)[0]
        rows = tf.shape(first)[:1]
        leaves = [
            tf.broadcast_to(leaf, tf.concat([rows, leaf.shape], axis=0))
            for leaf in leaves
        ]
        # The recorded outputs may be those of validation data, with other row counts.
        for leaf, output in zip(leaves, flatten(self._known.outputs), strict=True):
            leaf.set_shape(first.shape[:1].concatenate(output.shape[1:]))
        return self._measure_given(y, sample_weight, leaves, masks)

    def _measure_given(
        self, y: Any, sample_weight: Any, leaves: list[Any], masks: list[Any]
    ) -> Any:
        """Return the loss of given predictions under the masks of the outputs."""
        for leaf, mask in zip(leaves, masks, strict=bool(masks)):
            if mask is not None:
                set_mask(leaf, mask)
        y_pred = keras.tree.pack_sequence_as(self._known.outputs, leaves)
        return self._scored(y, y_pred, sample_weight)

    def _growth_of(self, batch: Batch) -> int:
        """Return 0 for a loss that averages over rows, 1 for a loss that sums them.

        A few rows are scored, then the same rows repeated once, because a custom loss
        need not declare its reduction.
        """
        x, y, weight = (
            map_structure(lambda it: first_of(it, _FEW_ROWS), part)
            for part in batch.parts
        )
        once = (y, map_structure(_plain, self._call(x)), weight)
        loss = float(self._scored(*once))
        twice = float(self._scored(*map_structure(_twice, once)))
        ratio = twice / loss if loss else 1.0
        return round(np.log2(ratio)) if np.isfinite(ratio) and ratio > 0 else 0

    def _scale(self, batch: Batch) -> float:
        """Return the factor that scales a loss of these rows to the size of a step."""
        if not self._known.growth or not len(batch) or not self.rows_per_step:
            return 1.0
        return float((self.rows_per_step / len(batch)) ** self._known.growth)


def _if_it_can(look: Callable[[], _Found]) -> _Found | None:
    """Return ``look()`` and restore the seeds; None if the user's model or loss raises
    for other rows.
    """
    try:
        with preserved_seeds():
            return look()
    except Exception:
        return None


def _rarest(batch: Batch) -> list[Batch]:
    """Return the batch with sample weight 1 for rows of a rare class and 0 for others;
    empty if no class is rare or the batch has weights.
    """
    targets = flatten(batch.y)
    if batch.sample_weight is not None or len(targets) != 1:
        return []
    if is_composite(targets[0]):
        return []
    rare = rarest_rows(np.asarray(targets[0]))
    if rare is None:
        return []
    return [Batch(batch.x, batch.y, tf.constant(rare, keras.backend.floatx()))]


def asked_of(batch: Batch) -> tuple[bytes, ...]:
    """Return the bytes of targets and weights, which losses of fixed predictions depend
    on.
    """
    leaves = (*flatten(batch.y), *flatten(batch.sample_weight))
    return tuple(np.asarray(it).tobytes() for it in leaves)


def _twice(tensor: Any) -> Any:
    if isinstance(tensor, tf.SparseTensor):
        return tf.sparse.concat(0, [tensor, tensor])
    if tensor is None:
        return None
    mask, both = mask_of(tensor), tf.concat([tensor, tensor], 0)
    if mask is not None:
        set_mask(both, tf.concat([mask, mask], 0))
    return both


def as_tensors(batch: Batch) -> Batch:
    """Convert a batch to tensors, once for several scorings."""
    return Batch(*(map_structure(as_tensor, part) for part in batch.parts))


def _keeps_logits(tensor: Any) -> bool:
    """Whether Keras computes the loss of an output from its logits instead."""
    kind = getattr(getattr(tensor, "op", None), "type", None)
    return keeps_logits(tensor) or kind in ("Softmax", "Sigmoid")


def _plain(tensor: Any) -> Any:
    """Copy a tensor with its mask, but without the logits that Keras attaches to it."""
    copy = tf.identity(tensor)
    mask = mask_of(tensor)
    if mask is not None:
        set_mask(copy, mask)
    return copy


def _spread(tensor: Any) -> Any:
    return tf.reduce_max(tf.math.reduce_std(tf.cast(tensor, tf.float32), axis=0))
