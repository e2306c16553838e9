"""Recognize, check and sample training data in the forms that `fit` accepts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...core.errors import CannotChange, UsageError
from ...core.given import shown
from ...core.rows import evenly_spaced
from .batch import ENOUGH_BATCHES, ENOUGH_ROWS, Batch, probe_rows
from .frameworks import keras, tf
from .tensors import flatten, is_composite, map_structure, to_numpy

#: What reruns read of a dataset at most: rows, and batches if these are small.
_RERUN_ROWS, _RERUN_BATCHES = 4096, 1024

_DEFAULT_BATCH_SIZE = 32
#: About how many values of a row identify it.
_TOLD_BY = 256


@dataclass(slots=True)
class Fitted:
    """The data of the ``fit`` calls of one training.

    The last call may have other data than the first, or the arrays may have been
    changed in place in between.

    Attributes:
        data: Data of the last call.
        first: Sampled rows of the first call, copied at that call.
        last: Sampled rows of the last call, copied at that call.
        shuffles: Whether the last call shuffles the rows.
    """

    data: ArrayData
    first: Batch
    last: Batch
    shuffles: bool = True

    @classmethod
    def by(cls, data: ArrayData) -> Fitted:
        """Create the record of a first ``fit`` call."""
        first = data.probe()
        return cls(data, first, first)

    def again(self, data: ArrayData) -> None:
        """Record the data of a later ``fit`` call."""
        self.data, self.last = data, data.probe()

    @property
    def changed(self) -> bool:
        """Whether inputs, targets or weights differ between first and last call."""
        mine, theirs = flatten(self.first.parts), flatten(self.last.parts)
        return len(mine) != len(theirs) or not all(map(_same, mine, theirs))


def _same(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    return bool(one.shape == other.shape and one.tobytes() == other.tobytes())


def differ(first: Batch, last: Batch) -> bool:
    """Whether the last rows of a training, or their targets, differ from the first.

    True if no row recurs, or if at least half of the recurring rows have another
    target or weight. False if the rows cannot be compared.
    """
    if any(map(is_composite, flatten((first.parts, last.parts)))):
        return False
    known, later = _targets_of_rows(first), _targets_of_rows(last)
    again = [known[row] != later[row] for row in later if row in known]
    return bool(known and later) and 2 * sum(again) >= len(again)


def _targets_of_rows(batch: Batch) -> dict[bytes, bytes]:
    """Map each row, identified by some of its values, to its target and weight."""
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
    """Whole arrays given to a training.

    Attributes:
        x: Inputs, a nested structure of arrays.
        y: Targets likewise, or None.
        sample_weight: Sample weights, or None.
        batch_size: Rows per step.
        class_weight: The weights of classes, by class, that ``sample_weight`` was made
            from; None if there were none.
    """

    x: Any
    y: Any
    sample_weight: Any
    batch_size: int
    class_weight: Mapping[Any, Any] | None = None

    def __len__(self) -> int:
        return len(flatten(self.x)[0])

    @property
    def parts(self) -> tuple[Any, Any, Any]:
        """``x``, ``y`` and ``sample_weight``, in this order."""
        return self.x, self.y, self.sample_weight

    def rows(self, index: Any) -> Batch:
        """Return the rows at ``index`` of all arrays, as NumPy arrays."""

        def take(array: Any) -> Any:
            return None if array is None else np.asarray(array)[index]

        return Batch(*(map_structure(take, part) for part in self.parts))

    def part(self, index: Any) -> ArrayData:
        """Return the same data restricted to the rows at ``index``."""
        kept = self.rows(index)
        return ArrayData(*kept.parts, self.batch_size, self.class_weight)

    def probe(self) -> Batch:
        """Return a sample of evenly spaced rows."""
        return self.rows(evenly_spaced(len(self), probe_rows(self.x)))


def is_dataset(x: Any) -> bool:
    """Whether ``x`` is a `tf.data.Dataset`."""
    return isinstance(x, tf.data.Dataset)


def _is_array(leaf: Any) -> bool:
    return hasattr(leaf, "shape") and hasattr(leaf, "dtype") and np.ndim(leaf) > 0


def _as_array(leaf: Any) -> Any:
    """Convert a pandas object to NumPy; return arrays, tensors and None unchanged."""
    if leaf is None or isinstance(leaf, np.ndarray) or tf.is_tensor(leaf):
        return leaf
    return np.asarray(leaf)


def as_arrays(arguments: Mapping[str, Any]) -> ArrayData | None:
    """Return the arrays among the arguments of a ``Model.fit`` call.

    Returns:
        The rows to train on, without those of ``validation_split``; None for a
        dataset, a generator, or a sparse or ragged tensor, whose rows are seen while
        they are trained on.
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
    by_class = arguments.get("class_weight") if weight is None else None
    if by_class:
        weight = _weights_of_classes(y, by_class)
    batch_size = arguments.get("batch_size") or _DEFAULT_BATCH_SIZE
    data = ArrayData(x, y, weight, int(batch_size), by_class or None)
    at = _split(arguments, len(data))
    return data if at is None else data.part(slice(0, at))


def held_out_arrays(arguments: Mapping[str, Any]) -> ArrayData | None:
    """Return the validation rows of a ``Model.fit`` call.

    Returns:
        The rows, weighted by ``class_weight`` like those to train on; None if the call
        has no validation data or has them in another form than arrays.
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
    """Return the row at which ``validation_split`` cuts, or None if it does not."""
    share = arguments.get("validation_split") or 0.0
    if not share or arguments.get("validation_data") is not None:
        return None
    return int(rows * (1.0 - share))


def _weights_of_classes(y: Any, class_weight: Any) -> Any:
    """Return each row's sample weight by ``class_weight``, shape ``(rows,)``.

    Keras itself converts class weights to sample weights before the training step.
    None if there are no class weights, or if the labels are not one class per row.
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
    """Whether ``thing`` yields batches to ``Model.fit``, other than a dataset."""
    return isinstance(thing, (keras.utils.PyDataset, Iterator)) or hasattr(
        thing, "batch_sampler"
    )


def checked_arrays(
    x: Any, y: Any, sample_weight: Any, batch_size: int, of: str = ""
) -> ArrayData:
    """Check the arrays given to `lossguard.fit` and convert float64 to Keras' floatx.

    Args:
        x: Inputs, an array of shape ``(rows, ...)`` or a nested structure of them.
        y: Labels in the same form, or None.
        sample_weight: Sample weights of shape ``(rows,)``, or None.
        batch_size: Rows per step.
        of: Suffix for messages that names the argument the arrays belong to, such as
            ``" of validation_data"``.

    Raises:
        UsageError: A part is not an array, not numeric or empty, or the lengths
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
            f"lossguard.fit needs arrays, and {name} holds"
            f" {_with_article(type(leaf).__name__)}, {shown(leaf)}: convert it with"
            " numpy.asarray"
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


def _with_article(noun: str) -> str:
    return f"an {noun}" if noun[0].lower() in "aeiou" else f"a {noun}"


def joined(batches: list[Batch]) -> Batch | None:
    """Concatenate batches; return the first if their shapes do not allow it."""
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
    """Return rows kept from a training as data to train on again.

    Raises:
        CannotChange: The rows are ragged or sparse tensors.
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


class FirstRows(NamedTuple):
    """The first rows of a dataset of batches.

    Attributes:
        rows: The rows; None if the dataset is empty.
        rows_per_batch: Number of rows of its first batch.
        are_all: Whether the dataset is known to have no other rows.
    """

    rows: Batch | None
    rows_per_batch: int
    are_all: bool


def first_rows(
    dataset: Any,
    most: int = ENOUGH_ROWS,
    of: str = "x",
    *,
    batches: int | None = None,
) -> FirstRows:
    """Read the first rows of a dataset of batches.

    A separate iterator reads the rows, before the training reads any. Reading stops
    once there are ``most`` rows, or after ``batches`` batches.

    Args:
        dataset: Dataset that yields batches.
        most: Number of rows that is enough.
        of: Name of the argument that the dataset was given as, for messages.
        batches: Largest number of batches that is read; by default in proportion to
            ``most``, 16 for 512 rows.

    Raises:
        UsageError: The dataset yields single rows, more than three parts, or parts of
            different lengths.
    """
    read: list[Batch] = []
    limit = batches or max(1, ENOUGH_BATCHES * most // ENOUGH_ROWS)
    for element in dataset.take(limit):
        if isinstance(element, tuple) and not 1 <= len(element) <= 3:
            raise UsageError(
                f"the dataset given as {of} yields tuples of {len(element)}: it must"
                " yield x, (x, y) or (x, y, sample_weight)"
            )
        parts = to_numpy(keras.utils.unpack_x_y_sample_weight(element))
        _check_rows(parts, of)
        read.append(Batch(*parts))
        if sum(map(len, read)) >= most:
            break
    rows, count = joined(read), sum(map(len, read))
    return FirstRows(
        rows,
        len(read[0]) if read else 0,
        len(read) < limit and count < most and count == len(rows or ()),
    )


def rows_for_reruns(dataset: Any) -> FirstRows:
    """Read the rows of a dataset on which a training is run again: up to 4,096 rows of
    up to 1,024 batches.

    Raises:
        UsageError: See `first_rows`.
    """
    return first_rows(dataset, _RERUN_ROWS, batches=_RERUN_BATCHES)


def _check_rows(parts: Any, of: str) -> None:
    """Raise `UsageError` unless inputs and labels have the same number of rows.

    A dataset of single rows rarely passes this check.
    """
    shapes = [tuple(flatten(part)[0].shape) for part in parts[:2] if flatten(part)]
    if () in shapes or len({shape[0] for shape in shapes}) > 1:
        text = " and ".join(map(str, shapes))
        raise UsageError(
            f"the dataset given as {of} must yield batches, with as many labels as"
            f" inputs; it yields shapes {text}: add .batch(32) to a dataset of single"
            " rows"
        )
