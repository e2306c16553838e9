"""Training data as `fit` takes it: recognized, checked, sampled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.errors import CannotChange, UsageError
from ...core.given import shown
from ...core.rows import evenly_spaced
from .batch import ENOUGH_BATCHES, ENOUGH_ROWS, Batch, probe_rows
from .frameworks import keras, tf
from .tensors import flatten, is_composite, map_structure, to_numpy

__all__ = [
    "ArrayData",
    "Fitted",
    "as_arrays",
    "checked_arrays",
    "differ",
    "first_rows",
    "held_out_arrays",
    "is_dataset",
    "joined",
    "kept_arrays",
]

_DEFAULT_BATCH_SIZE = 32
#: So many numbers of a row tell it from others.
_TOLD_BY = 256


@dataclass(slots=True)
class Fitted:
    """The data of the ``fit`` calls of one training, of which the first may well be
    others than the last, or be changed in place meanwhile.

    Attributes:
        data: Those of the last call.
        first: Rows of the first call, as they were then.
        last: Rows of the last call likewise.
        shuffles: Whether the last call shuffles the rows.
    """

    data: ArrayData
    first: Batch
    last: Batch
    shuffles: bool = True

    @classmethod
    def by(cls, data: ArrayData) -> Fitted:
        """Of a first call."""
        first = data.probe()
        return cls(data, first, first)

    def again(self, data: ArrayData) -> None:
        """Of a later call."""
        self.data, self.last = data, data.probe()

    @property
    def changed(self) -> bool:
        """Whether rows, targets or weights of the last call are others."""
        mine, theirs = flatten(self.first.parts), flatten(self.last.parts)
        return len(mine) != len(theirs) or not all(map(_same, mine, theirs))


def _same(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    return bool(one.shape == other.shape and one.tobytes() == other.tobytes())


def differ(first: Batch, last: Batch) -> bool:
    """Whether rows of the end are others than those of the start, or their targets are:
    not where some come again as they were.
    """
    if any(map(is_composite, flatten((first.parts, last.parts)))):
        return False
    known, later = _targets_of_rows(first), _targets_of_rows(last)
    again = [known[row] != later[row] for row in later if row in known]
    return bool(known and later) and 2 * sum(again) >= len(again)


def _targets_of_rows(batch: Batch) -> dict[bytes, bytes]:
    """Of each row, identified by some of its numbers, the target and the weight."""
    rows = range(len(batch))
    x = [np.asarray(it) for it in flatten(batch.x)]
    rest = [np.asarray(it) for it in flatten((batch.y, batch.sample_weight))]
    if not all(len(it) == len(rows) for it in (*x, *rest)):
        return {}
    return {_bytes(x, row): _bytes(rest, row) for row in rows}


def _bytes(leaves: list[Any], row: int) -> bytes:
    def some(values: Any) -> Any:
        flat = np.ravel(values)
        return flat[:: max(1, len(flat) // _TOLD_BY)]

    return b"".join(some(it[row]).tobytes() for it in leaves)


@dataclass(frozen=True, slots=True)
class ArrayData:
    """Whole arrays given to a training, and the rows per step."""

    x: Any
    y: Any
    sample_weight: Any
    batch_size: int

    def __len__(self) -> int:
        return len(flatten(self.x)[0])

    @property
    def parts(self) -> tuple[Any, Any, Any]:
        """All three, in order."""
        return self.x, self.y, self.sample_weight

    def rows(self, index: Any) -> Batch:
        """Some rows of all arrays, as NumPy."""

        def take(array: Any) -> Any:
            return None if array is None else np.asarray(array)[index]

        return Batch(*(map_structure(take, part) for part in self.parts))

    def part(self, index: Any) -> ArrayData:
        """The same training on some of the rows."""
        kept = self.rows(index)
        return ArrayData(kept.x, kept.y, kept.sample_weight, self.batch_size)

    def probe(self) -> Batch:
        """A sample of rows, spread over all of them."""
        return self.rows(evenly_spaced(len(self), probe_rows(self.x)))


def is_dataset(x: Any) -> bool:
    """Whether it is a `tf.data.Dataset`."""
    return isinstance(x, tf.data.Dataset)


def _is_array(leaf: Any) -> bool:
    return hasattr(leaf, "shape") and hasattr(leaf, "dtype") and np.ndim(leaf) > 0


def _as_array(leaf: Any) -> Any:
    """NumPy or tensor as it is, a pandas object as NumPy."""
    if leaf is None or isinstance(leaf, np.ndarray) or tf.is_tensor(leaf):
        return leaf
    return np.asarray(leaf)


def as_arrays(arguments: Mapping[str, Any]) -> ArrayData | None:
    """The arrays among the arguments of a ``Model.fit`` call.

    Returns:
        None for a dataset, a generator, a sparse or ragged tensor: their rows
        are seen as they pass.
    """
    x, y = arguments.get("x"), arguments.get("y")
    weight = arguments.get("sample_weight")
    if hasattr(x, "columns") or hasattr(y, "columns"):
        x, y, weight = (_as_array(it) for it in (x, y, weight))
    leaves = flatten((x, y, weight))
    if not flatten(x) or not all(_is_plain_array(leaf) for leaf in leaves):
        return None
    x, y, weight = (map_structure(_as_array, it) for it in (x, y, weight))
    rows = {len(leaf) for leaf in flatten((x, y, weight))}
    if len(rows) != 1:
        return None
    if weight is None:
        weight = _weights_of_classes(y, arguments.get("class_weight"))
    batch_size = arguments.get("batch_size") or _DEFAULT_BATCH_SIZE
    data = ArrayData(x, y, weight, int(batch_size))
    at = _split(arguments, len(data))
    return data if at is None else data.part(slice(0, at))


def held_out_arrays(arguments: Mapping[str, Any]) -> ArrayData | None:
    """The rows that a ``Model.fit`` call scores after each epoch, weighted as those
    that it trains on; None where it has none, or not as arrays.
    """
    given = arguments.get("validation_data")
    if given is None:
        whole = as_arrays({**arguments, "validation_split": None})
        at = None if whole is None else _split(arguments, len(whole))
        return None if whole is None or at is None else whole.part(slice(at, None))
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        return None
    parts = dict(zip(("x", "y", "sample_weight"), given, strict=False))
    return as_arrays({**parts, "class_weight": arguments.get("class_weight")})


def _split(arguments: Mapping[str, Any], rows: int) -> int | None:
    """Where ``validation_split`` cuts the rows; None where it does not."""
    share = arguments.get("validation_split") or 0.0
    if not share or arguments.get("validation_data") is not None:
        return None
    return int(rows * (1.0 - share))


def _weights_of_classes(y: Any, class_weight: Any) -> Any:
    """What each row counts by ``class_weight``, which Keras multiplies into the rows'
    own weights before the training step; None where there is none.
    """
    leaves = flatten(y)
    if not class_weight or len(leaves) != 1:
        return None
    labels = np.asarray(leaves[0])
    if labels.ndim > 1:
        labels = labels.argmax(-1) if labels.shape[-1] != 1 else labels[..., 0]
    if labels.ndim != 1:
        return None
    distinct, place = np.unique(np.round(labels).astype(np.int64), return_inverse=True)
    weights = [float(class_weight.get(int(it), 1.0)) for it in distinct]
    return np.asarray(weights, keras.backend.floatx())[place]


def _is_plain_array(leaf: Any) -> bool:
    return not is_composite(leaf) and _is_array(leaf)


def _is_feed(thing: Any) -> bool:
    """Whether it yields batches to ``Model.fit`` and is no `tf.data.Dataset`."""
    return isinstance(thing, (keras.utils.PyDataset, Iterator)) or hasattr(
        thing, "batch_sampler"
    )


def checked_arrays(
    x: Any, y: Any, sample_weight: Any, batch_size: int, of: str = ""
) -> ArrayData:
    """Arrays for `lossguard.fit`, in the precision that Keras trains in.

    Args:
        x: An array of shape ``(rows, ...)`` or a nested structure of them.
        y: Labels, likewise, or None.
        sample_weight: Shape ``(rows,)``, or None.
        batch_size: Rows per step.
        of: Where they are part of, as ``" of validation_data"``.

    Raises:
        UsageError: Something is no array, not numeric, empty, or the lengths
            differ.
    """
    parts: list[Any] = []
    for name, part in (("x", x), ("y", y), ("sample_weight", sample_weight)):
        if hasattr(part, "columns"):
            part = np.asarray(part)
        text = name + of
        parts.append(map_structure(lambda it, text=text: _checked(it, text), part))
    if not flatten(parts[0]):
        raise UsageError(f"x{of} is {shown(x)}: give the inputs as x")
    lengths = {
        name: sorted({len(leaf) for leaf in flatten(part)})
        for name, part in zip(("x", "y", "sample_weight"), parts, strict=True)
        if flatten(part)
    }
    if len({length for group in lengths.values() for length in group}) > 1:
        text = ", ".join(
            f"{name} has {' and '.join(map(str, group))} rows"
            for name, group in lengths.items()
        )
        raise UsageError(f"all parts{of} must have as many rows: {text}")
    data = ArrayData(parts[0], parts[1], parts[2], batch_size)
    if len(data) == 0:
        raise UsageError(f"lossguard.fit got no rows: x{of} is empty")
    return data


def _checked(leaf: Any, name: str) -> Any:
    if leaf is None:
        return None
    if is_composite(leaf):
        raise UsageError(
            f"{name} is a {type(leaf).__name__}, and lossguard.fit runs arrays: give a"
            " tf.data.Dataset, or train with model.fit inside the marked test"
        )
    if _is_feed(leaf):
        raise UsageError(
            f"lossguard.fit needs arrays or a tf.data.Dataset, and {name} is a"
            f" {type(leaf).__name__}: give tf.data.Dataset.from_generator, or train"
            " with model.fit inside the marked test"
        )
    if not _is_array(leaf) and not hasattr(leaf, "to_numpy"):
        raise UsageError(
            f"lossguard.fit needs arrays, and {name} holds {_a(type(leaf).__name__)},"
            f" {shown(leaf)}: convert it with numpy.asarray"
        )
    array = np.asarray(leaf)
    if array.dtype.kind not in "fiub":
        raise UsageError(
            f"lossguard.fit needs numbers, and {name} has dtype {array.dtype}: encode"
            " it first"
        )
    if 0 in array.shape[1:]:
        raise UsageError(
            f"{name} has shape {array.shape}, and nothing is in its rows: give at least"
            " one column"
        )
    if array.dtype == np.float64:
        return array.astype(keras.backend.floatx())
    return array


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0].lower() in "aeiou" else f"a {noun}"


def joined(batches: list[Batch]) -> Batch | None:
    """All batches as one where their shapes allow it, else the first."""
    if not batches:
        return None
    try:
        return Batch(
            *(
                map_structure(_concatenated, *(getattr(it, part) for it in batches))
                for part in ("x", "y", "sample_weight")
            )
        )
    except (ValueError, TypeError):
        return batches[0]


def kept_arrays(batch: Batch, batch_size: int) -> ArrayData:
    """Rows that were kept of a training, to be trained on again.

    Raises:
        CannotChange: They are in no arrays.
    """
    if any(map(is_composite, flatten(batch.parts))):
        raise CannotChange("its data are ragged or sparse tensors")
    return ArrayData(*batch.parts, batch_size)


def _concatenated(*leaves: Any) -> Any:
    if isinstance(leaves[0], tf.SparseTensor):
        return tf.sparse.concat(0, leaves)
    if isinstance(leaves[0], tf.RaggedTensor):
        return tf.concat(leaves, 0)
    return None if leaves[0] is None else np.concatenate(leaves)


def first_rows(
    dataset: Any, most: int = ENOUGH_ROWS, of: str = "x"
) -> tuple[Batch | None, int]:
    """The first rows of a dataset of batches, None if empty, and rows per batch.

    At least ``most`` rows where there are as many, from a number of batches that
    grows with it. They are read by an iterator of their own, before the training
    reads its.

    Args:
        dataset: Yields batches.
        most: As many rows are enough.
        of: What it was given as.

    Raises:
        UsageError: It yields single rows, more than three parts, or parts of
            different lengths.
    """
    batches: list[Batch] = []
    limit = max(1, ENOUGH_BATCHES * most // ENOUGH_ROWS)
    for element in dataset.take(limit):
        if isinstance(element, tuple) and not 1 <= len(element) <= 3:
            raise UsageError(
                f"the dataset given as {of} yields tuples of {len(element)}: it must"
                " yield x, (x, y) or (x, y, sample_weight)"
            )
        parts = to_numpy(keras.utils.unpack_x_y_sample_weight(element))
        _check_rows(parts, of)
        batches.append(Batch(*parts))
        if sum(len(batch) for batch in batches) >= most:
            break
    return joined(batches), len(batches[0]) if batches else 0


def _check_rows(parts: Any, of: str) -> None:
    """Inputs and labels must have as many rows; single rows rarely have."""
    shapes = [tuple(flatten(part)[0].shape) for part in parts[:2] if flatten(part)]
    if () in shapes or len({shape[0] for shape in shapes}) > 1:
        text = " and ".join(map(str, shapes))
        raise UsageError(
            f"the dataset given as {of} must yield batches, with as many labels as"
            f" inputs; it yields shapes {text}: add .batch(32) to a dataset of single"
            " rows"
        )
