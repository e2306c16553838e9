"""Checks of what outputs depend on: every input, but no other rows, no padding, and no
later positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.checked import KEPT, Broken, Line, Outcome
from ...core.model_check_limits import DEPENDS, SAME, SAME_IN_HALF
from ...core.numbers import number
from ..backend.frameworks import keras
from ..backend.private_api import flat_layers
from ..backend.tensors import as_tensor, flatten, map_structure
from .subject import NotMade, Subject, differ, is_compiled, outputs_of

# The limits that decide the checks are in core.model_check_limits.

#: Most columns of a table that are tried one by one, and rows for the other checks.
_MOST_COLUMNS, _ROWS = 256, 8
#: Number of padding positions that are appended to a sequence.
_PADDING = 3
#: Training steps after which a weight that learns is no longer 0.
_STEPS = 5


def uses_every_input(subject: Subject) -> Outcome:
    """Check that each input, and each column of a table, changes an output: at the
    start or, since weights may start at 0, after some training steps.
    """
    subject.need_same_outputs()
    unused = list(_unused(subject, subject.model))
    if unused and is_compiled(subject.model):
        later = list(_unused(subject, subject.after(_STEPS, subject.seed + 1)))
        unused = [it for it in unused if it in later]
    if not unused:
        return KEPT
    return Broken(
        fact=f"{unused[0]} changes no output",
        column=unused[0],
        lines=(Line("not used", ", ".join(unused[:8]), f"{len(unused)} in all"),),
        meaning="Values taken from other rows give the same outputs.",
    )


def _unused(subject: Subject, model: Any) -> Iterator[str]:
    leaves = flatten(subject.rows()[0])
    outputs = outputs_of(model, _like(subject, leaves))
    for place, leaf in enumerate(leaves):
        array = np.asarray(leaf)
        name = _name(model, place, len(leaves))
        if not _changes(subject, model, leaves, place, _rolled(array), outputs):
            if not np.array_equal(array, _rolled(array)):
                yield name
        elif _is_table(array):
            yield from _unused_columns(subject, model, leaves, place, name)


def _is_table(array: Any) -> bool:
    """Whether the columns of an array are separate features."""
    is_numeric = array.ndim == 2 and array.dtype.kind == "f"
    return bool(is_numeric and 1 < array.shape[1] <= _MOST_COLUMNS)


def _unused_columns(
    subject: Subject, model: Any, leaves: list[Any], place: int, name: str
) -> Iterator[str]:
    array = np.asarray(leaves[place])
    outputs = outputs_of(model, _like(subject, leaves))
    for column in range(array.shape[1]):
        changed = array.copy()
        changed[:, column] = _rolled(array)[:, column]
        same = np.array_equal(array, changed)
        if not same and not _changes(subject, model, leaves, place, changed, outputs):
            yield f"{name}, column {column}"


def _changes(
    subject: Subject,
    model: Any,
    leaves: list[Any],
    place: int,
    changed: Any,
    outputs: list[Any],
) -> bool:
    others = [*leaves[:place], as_tensor(changed), *leaves[place + 1 :]]
    return (
        differ(outputs, outputs_of(model, _like(subject, others)), DEPENDS) is not None
    )


def _rolled(array: Any) -> Any:
    """Return the array with the values of each row moved to the next row."""
    return np.roll(array, 1, axis=0)


def _like(subject: Subject, leaves: list[Any]) -> Any:
    """Return the leaves in the structure of the inputs."""
    left = iter(leaves)
    return map_structure(lambda _: next(left), subject.data.x)


def _name(model: Any, place: int, of: int) -> str:
    inputs = getattr(model, "inputs", None) or []
    named = len(inputs) == of and of > 1
    return f"input {inputs[place].name!r}" if named else f"input {place}"


def rows_are_independent(subject: Subject) -> Outcome:
    """Check that a row has the same output in inference alone and in a batch."""
    subject.need_any_rows()
    subject.need_same_outputs()
    model, (x, _, _) = subject.model, subject.rows(_ROWS)
    together = outputs_of(model, x)
    if any(len(it) != len(flatten(x)[0]) for it in together):
        raise NotMade("it does not have one output for each row")
    for row in range(len(flatten(x)[0])):
        one = map_structure(lambda it, at=row: it[at : at + 1], x)
        try:
            alone = outputs_of(model, one)
        except Exception:
            raise NotMade("it takes batches of one size only", applies=True) from None
        among = [it[row : row + 1] for it in together]
        apart = differ(among, alone, tolerance_of(model))
        if apart is not None:
            return Broken(
                fact=f"row {row} alone gives a different output than in a batch",
                rows=(row,),
                lines=(
                    Line(f"among {len(together[0])} rows", _shown(among)),
                    Line("alone", _shown(alone)),
                ),
                meaning=f"Outputs differ by {apart:.1%} of their size, limit"
                f" {tolerance_of(model):.2%}. In production each request is alone.",
            )
    return KEPT


def tolerance_of(model: Any) -> float:
    """Return the largest relative difference of outputs that count as equal."""
    return SAME if model.compute_dtype in ("float32", "float64") else SAME_IN_HALF


def _shown(outputs: list[Any]) -> str:
    values = np.ravel(outputs[0])[:4]
    return ", ".join(number(float(it)) for it in values)


def ignores_padding(subject: Subject) -> Outcome:
    """Check that padding appended to a sequence changes no output of a model with
    masks.
    """
    model = subject.model
    value = _padding_of(model)
    if value is None:
        raise NotMade("no layer makes a mask")
    subject.need_same_outputs()
    leaves = flatten(subject.rows(_ROWS)[0])
    if len(leaves) != 1 or np.asarray(leaves[0]).ndim < 2:
        raise NotMade("its input is not a single array of sequences")
    short = np.asarray(leaves[0])
    width = [(0, 0), (0, _PADDING), *[(0, 0)] * (short.ndim - 2)]
    longer = np.pad(short, width, constant_values=value)
    before = outputs_of(model, _like(subject, leaves))
    try:
        after = outputs_of(model, _like(subject, [as_tensor(longer)]))
    except Exception:
        raise NotMade("it takes sequences of one length only") from None
    after = [
        it[:, : short.shape[1]] if it.ndim > 2 or it.shape != own.shape else it
        for it, own in zip(after, before, strict=True)
    ]
    apart = differ(before, after, tolerance_of(model))
    if apart is None:
        return KEPT
    return Broken(
        fact=f"{_PADDING} positions of padding change the output",
        lines=(Line("without", _shown(before)), Line("with", _shown(after))),
        meaning=f"Outputs differ by {apart:.1%} of their size, limit"
        f" {tolerance_of(model):.2%}: the same text gives a different output in a batch"
        " with a longer one.",
    )


def _padding_of(model: Any) -> float | None:
    """Return the input value that is masked as padding; None if no layer masks."""
    for layer in flat_layers(model):
        if isinstance(layer, keras.layers.Embedding) and layer.mask_zero:
            return 0
        if isinstance(layer, keras.layers.Masking):
            return float(layer.mask_value)
    return None


def causal(subject: Subject) -> Outcome:
    """Check that later positions of a sequence do not change earlier outputs."""
    subject.need_same_outputs()
    model, leaves = subject.model, flatten(subject.rows(_ROWS)[0])
    lengths = {np.asarray(it).shape[1] for it in leaves if np.asarray(it).ndim > 1}
    before = outputs_of(model, _like(subject, leaves))
    if len(lengths) != 1 or any(
        it.ndim < 3 or it.shape[1] not in lengths for it in before
    ):
        raise NotMade("it does not have one output for each position of its inputs")
    (length,) = lengths
    at = length // 2
    others = []
    for leaf in leaves:
        array = np.asarray(leaf).copy()
        array[:, at:] = np.roll(array, 1, axis=0)[:, at:]
        others.append(as_tensor(array))
    after = outputs_of(model, _like(subject, others))
    first, second = ([it[:, :at] for it in some] for some in (before, after))
    apart = differ(first, second, tolerance_of(model))
    if apart is None:
        return KEPT
    return Broken(
        fact="an output depends on later positions",
        lines=(Line("changed", f"positions {at} to {length - 1}"),),
        meaning=f"Outputs before position {at} differ by {apart:.1%} of their size,"
        f" limit {tolerance_of(model):.2%}: in training the model sees what it should"
        " predict.",
    )
