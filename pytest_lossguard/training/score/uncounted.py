"""Checks that labels of rows with weight 0, or at padded positions, do not affect a
training step.

The step is rerun once from the first state. If the loss has a gradient with respect to
outputs at such places, the step is rerun with the same labels, twice to rule out
randomness, and with other labels there: the optimizer must get the same gradients.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...core.relations import CountedLabels
from ...core.rows import evenly_spaced
from ..backend.batch import Batch
from ..backend.frameworks import has_own_step, is_of_keras, keras, tf
from ..backend.patches import owner_of
from ..backend.private_api import flat_layers, mask_of
from ..backend.snapshot import (
    SavedSeeds,
    Snapshot,
    every_variable,
    variables_and_states,
)
from ..backend.tensors import fixed_rows, is_composite, variable_key
from ..record.recording import Recording
from ..record.replicas import is_distributed
from .step_again import StepSeen, seen_step

#: Most rows of a rerun step of ``fit``.
_MOST_ROWS = 16
#: Budget of the check: rerun rows as a share of the rows of the training. Models with
#: at most ``_SMALL`` weights are always checked.
_SHARE, _SMALL = 0.05, 50_000
#: Largest relative value or change of a gradient that may be rounding.
_ROUNDING = 1e-5
#: Names of parameters that take labels.
_LABELS = re.compile(r"^y$|^y_|_y$|label|target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How labels that must not count change the update of a step.

    Attributes:
        weightless: Labels of rows or positions with weight 0; None if not checked.
        padded: Labels at padded positions; None if not checked.
    """

    weightless: CountedLabels | None = None
    padded: CountedLabels | None = None


#: Result for a step in which there is nothing to check.
NOT_ASKED = Counted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A training step that can be run again.

    Attributes:
        model: The name of the trained model.
        run: Calls the step with a list of arguments in place of ``leaves``.
        leaves: The flattened arguments of the step: tensors and other values.
        labels: Index in ``leaves`` of the labels; None if that is found by a run.
        weights: Index in ``leaves`` of the weights of rows or positions; None if there
            are none.
    """

    model: str
    run: Callable[[Sequence[Any]], Any]
    leaves: Sequence[Any]
    labels: int | None = None
    weights: int | None = None

    @property
    def weightless(self) -> Any:
        """Boolean array of shape ``(rows,)`` or ``(rows, positions)``, True where the
        weight is 0; None if no weight is 0, or all are.
        """
        return None if self.weights is None else _zeros(self.leaves[self.weights])


def counted_in_fit(
    model: Any,
    rows: Callable[[], Batch | None],
    variables: Iterable[Any],
    *,
    trained: int,
    start: Snapshot | None = None,
) -> Counted:
    """Check the training step that ``fit`` uses.

    Args:
        model: The model whose ``fit`` was called.
        rows: Returns some rows that ``fit`` was given; None if they are not known.
        variables: The trained variables.
        trained: Total number of rows in all steps of the training.
        start: First values of variables; None to start from the current values.
    """

    def look() -> Counted:
        if not has_own_step_or_loss(model) or is_distributed(model):
            return NOT_ASKED
        batch = rows()
        step = None if batch is None else step_of_fit(model, batch)
        if step is None or not _is_asked(step, model, trained, _MOST_ROWS):
            return NOT_ASKED
        return counted_labels(step, variables, every_variable(model), start)

    return _if_it_can(look)


def counted_in_calls(
    recording: Recording, calls: Sequence[tuple[Any, tuple[Any, Any] | None]]
) -> Counted:
    """Check a training step inside a ``tf.function``.

    Args:
        recording: The recorded training.
        calls: Functions that take gradients, each with its last ``(args, kwargs)``;
            None if these cannot be given again.
    """
    model, found = recording.taped.known_model, NOT_ASKED
    if model is None or tf.distribute.has_strategy():
        return NOT_ASKED
    for function, arguments in calls:
        if arguments is None:
            continue
        look = partial(_in_call, recording, model, function, arguments)
        found = found if found != NOT_ASKED else _if_it_can(look)
    return found


def _in_call(
    recording: Recording, model: Any, function: Any, arguments: tuple[Any, Any]
) -> Counted:
    step = step_of_call(model, function, arguments)
    rows = _rows(step)
    if not _is_asked(step, model, rows * recording.steps, rows):
        return NOT_ASKED
    state = [*variables_and_states(model), *recording.variables]
    return counted_labels(step, recording.variables, state, recording.start)


def _if_it_can(look: Callable[[], Counted]) -> Counted:
    """Return ``look()``; `NOT_ASKED` if the user's model or step raises."""
    try:
        return look()
    except Exception:
        return NOT_ASKED


def _rows(step: Step) -> int:
    sizes = (it.shape[0] for it in step.leaves if tf.is_tensor(it) and it.shape.rank)
    return max(sizes, default=0)


def _is_asked(step: Step, model: Any, trained: int, rows: int) -> bool:
    """Whether there is something to check, and the check is cheap compared with the
    training: few weights, or few rows.
    """
    if step.weightless is None and not makes_masks(model):
        return False
    return bool(model.count_params() <= _SMALL or rows <= _SHARE * trained)


def has_own_step_or_loss(model: Any) -> bool:
    """Whether ``fit`` uses a training step or a loss that is not built into Keras."""
    losses = tf.nest.flatten(getattr(model, "loss", None))
    given = (getattr(it, "fn", it) for it in losses if callable(it))
    return has_own_step(model) or not all(map(is_of_keras, given))


def makes_masks(model: Any) -> bool:
    """Whether a layer may mark positions as padding."""
    return any(
        isinstance(it, keras.layers.Masking)
        or bool(getattr(it, "mask_zero", False))
        or not is_of_keras(owner_of(type(it), "compute_mask"))
        for it in flat_layers(model)
    )


def step_of_fit(model: Any, batch: Batch) -> Step | None:
    """Return the training step of a model on some of the rows given to ``fit``.

    Args:
        model: A compiled and built model.
        batch: NumPy arrays as ``fit`` takes them.

    Returns:
        None if the rows are ragged or sparse, or too few for the model's fixed number.
    """
    parts = batch.parts if batch.sample_weight is not None else batch.parts[:2]
    counts = [len(tf.nest.flatten(it)) for it in parts]
    leaves = tf.nest.flatten(parts)
    if any(it is None or is_composite(it) for it in leaves):
        return None
    whole = Step(
        model=model.name,
        run=lambda them: model.train_step(tf.nest.pack_sequence_as(parts, them)),
        leaves=leaves,
        labels=counts[0] if counts[1] == 1 else None,
        weights=sum(counts[:2]) if counts[1:] == [1, 1] else None,
    )
    rows = _chosen(len(batch), whole.weightless, fixed_rows(model))
    if rows is None:
        return None
    return replace(whole, leaves=[_tensor(np.asarray(it)[rows]) for it in leaves])


def step_of_call(model: Any, function: Any, arguments: tuple[Any, Any]) -> Step:
    """Return a call of a ``tf.function`` as a step that runs as Python.

    Args:
        model: The trained model.
        function: The ``tf.function``.
        arguments: The ``(args, kwargs)`` of the call.
    """
    given = tf.nest.flatten(arguments)
    leaves = [_tensor(it) if isinstance(it, np.ndarray) else it for it in given]
    python, (args, kwargs) = function.python_function, arguments
    named = inspect.signature(python).bind(*args, **kwargs).arguments
    names = {id(value): name.lower() for name, value in named.items()}
    pairs = zip(given, leaves, strict=True)
    of_leaf = [
        names.get(id(it), "") if tf.is_tensor(leaf) else "" for it, leaf in pairs
    ]
    weights = [at for at, name in enumerate(of_leaf) if "weight" in name]
    labels = [
        at for at, it in enumerate(of_leaf) if _LABELS.search(it) and at not in weights
    ]

    def run(them: Sequence[Any]) -> Any:
        args, kwargs = tf.nest.pack_sequence_as(arguments, them)
        return python(*args, **kwargs)

    return Step(
        model=model.name,
        run=run,
        leaves=leaves,
        labels=labels[0] if len(labels) == 1 else None,
        weights=weights[0] if len(weights) == 1 else None,
    )


def counted_labels(
    step: Step,
    trained: Iterable[Any],
    state: Iterable[Any],
    start: Snapshot | None = None,
) -> Counted:
    """Check whether labels that must not count change the update of a step.

    All variables and seeds are restored.

    Args:
        step: A training step with its arguments.
        trained: The variables that the step updates.
        state: The variables that the step reads.
        start: First values of some of these variables; None for the current values.
    """
    known = () if start is None else start.variables
    now, seeds = Snapshot([*state, *known]), SavedSeeds()
    try:
        if start is not None:
            start.restore()
        first = Snapshot(now.variables)
        keys = frozenset(map(variable_key, trained))

        def run(leaves: Sequence[Any], *, by_outputs: bool = False) -> StepSeen:
            first.restore()
            seeds.restore()
            return seen_step(lambda: step.run(leaves), keys, by_outputs=by_outputs)

        return _counted(step, run)
    finally:
        now.restore()
        seeds.restore()


def _counted(step: Step, run: Callable[..., StepSeen]) -> Counted:
    looked = run(step.leaves, by_outputs=True)
    labels = _labels_of(step, looked)
    places = {"weightless": step.weightless, "padded": _padding(looked)}
    asked = {
        name: it
        for name, it in places.items()
        if it is not None and _has_slope(looked, it)
    }
    if not asked or labels is None or looked.update is None:
        return NOT_ASKED
    plain, again = run(step.leaves), run(step.leaves)
    if not _change(plain, again) <= _ROUNDING:
        return NOT_ASKED  # the step is random, and seeds do not reproduce it
    found = {}
    for name, where in asked.items():
        others = _others(np.asarray(step.leaves[labels]), where)
        if others is not None:
            leaves = [*step.leaves]
            leaves[labels] = tf.convert_to_tensor(others)
            found[name] = CountedLabels(
                model=step.model,
                places=int(where.sum()),
                of=where.size,
                unit="rows" if where.ndim == 1 else "positions",
                changed=_change(plain, run(leaves)),
            )
    return Counted(**found)


def _labels_of(step: Step, seen: StepSeen) -> int | None:
    """Return the index of the leaf with the labels: the known one, else the only tensor
    that is neither the weights nor an input of a model; None if there are several.
    """
    if step.labels is not None:
        return step.labels
    left = [
        at
        for at, it in enumerate(step.leaves)
        if tf.is_tensor(it)
        and it.shape.rank
        and at != step.weights
        and id(it) not in seen.inputs
    ]
    return left[0] if len(left) == 1 else None


def _padding(seen: StepSeen) -> Any:
    """Return which positions the mask of the last output marks as padding; None if no
    position is padding, or all are.
    """
    masks = [mask_of(it) for it in seen.outputs[-1:]]
    if not masks or masks[0] is None:
        return None
    return _some(~np.asarray(masks[0], bool))


def _zeros(weights: Any) -> Any:
    """Return where weights are 0; None if nowhere or everywhere, or if the weights are
    not numeric or some are negative.
    """
    values = np.asarray(weights)
    if values.dtype.kind not in "fiub" or not values.ndim or (values < 0).any():
        return None
    if values.ndim > 1 and values.shape[-1] == 1:
        values = values[..., 0]
    return _some(values == 0)


def _some(places: Any) -> Any:
    """Return a Boolean array as it is; None if all or no elements are True."""
    return places if places.any() and not places.all() else None


def _has_slope(seen: StepSeen, places: Any) -> bool:
    """Whether a loss has a gradient with respect to an output at these places."""
    return any(
        it > _ROUNDING
        for output, slope in seen.slopes
        for it in _share(output, slope, places)
    )


def _share(output: Any, slope: Any, places: Any) -> Iterator[float]:
    if tuple(output.shape[: places.ndim]) == places.shape:
        size = np.abs(np.asarray(tf.convert_to_tensor(slope), np.float64))
        largest = float(size.max(initial=0.0))
        if largest > 0 and np.isfinite(largest):
            yield float(size[places].max()) / largest


def _others(y: Any, places: Any) -> Any:
    """Return labels in which those at ``places`` are replaced by different ones from
    elsewhere; None if there are no different ones.
    """
    if y.shape[: places.ndim] != places.shape or y.dtype.kind not in "fiub":
        return None
    known, mine = y[~places], y[places]
    changed, count = mine.copy(), 0
    for at, label in enumerate(mine):
        order = np.roll(known, -at, axis=0)
        differs = (order != label).reshape(len(order), -1).any(axis=1)
        if differs.any():
            changed[at], count = order[differs.argmax()], count + 1
    if not count:
        return None
    others = y.copy()
    others[places] = changed
    return others


def _change(one: StepSeen, other: StepSeen) -> float:
    """Return the L2 distance between the gradients of two runs, relative to the norm of
    those of the first; NaN if a run has no update, or they are 0.
    """
    if one.update is None or other.update is None:
        return np.nan
    apart = size = 0.0
    for mine, theirs in zip(one.update, other.update, strict=True):
        if mine is None or theirs is None:
            continue
        mine, theirs = (np.asarray(_values(it), np.float64) for it in (mine, theirs))
        apart += float(((mine - theirs) ** 2).sum())
        size += float((mine**2).sum())
    return float(np.sqrt(apart / size)) if size > 0 else np.nan


def _values(gradient: Any) -> Any:
    """Return the values of a gradient; for an embedding, those of its rows in order."""
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def _chosen(rows: int, weightless: Any, fixed: int | None) -> Any:
    """Return the indices of the rows to run a step on, up to half of them weightless;
    None if there are too few for a model that takes a fixed number.
    """
    most = min(rows, fixed or _MOST_ROWS)
    if not rows or (fixed is not None and most != fixed):
        return None
    if weightless is None:
        return evenly_spaced(rows, most)
    out = weightless.reshape(rows, -1).any(axis=1)
    of_zero, others = np.flatnonzero(out), np.flatnonzero(~out)
    some = of_zero[evenly_spaced(len(of_zero), most // 2)]
    rest = others[evenly_spaced(len(others), most - len(some))]
    chosen = np.sort(np.concatenate([some, rest]))
    return chosen if fixed in (None, len(chosen)) else None


def _tensor(array: Any) -> Any:
    """Convert an array to a tensor as ``fit`` does."""
    floats = keras.backend.floatx() if array.dtype == np.float64 else None
    return tf.convert_to_tensor(array, floats)
