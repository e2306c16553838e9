"""Walk a dataset of inputs and targets back to where its elements come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from .frameworks import tf
from .private_api import function_graph, mapped_by, sources_of

#: Datasets that give the rows of their source, in its order.
_IN_ORDER = frozenset(
    {
        *("Batch", "ParallelBatch", "PaddedBatch", "Rebatch"),
        *("Restructured", "CopyToDevice"),
        *("Cache", "Prefetch", "Repeat", "Options", "AssertCardinality"),
        *("Skip", "Take"),
    }
)
#: Datasets whose elements have the same components as those of their source.
_PASSING = _IN_ORDER | {
    *("Unbatch", "Shuffle"),
    *("Filter", "IgnoreErrors", "Shard", "TakeWhile", "Unique"),
}
_MAPPING = frozenset({"Map", "ParallelMap"})
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_CHOICES = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})
#: Stateful operations that draw random numbers from seeds that are attributes.
_DRAWS = frozenset(
    {
        *("RandomUniform", "RandomUniformInt", "RandomStandardNormal"),
        *("TruncatedNormal", "ParameterizedTruncatedNormal", "RandomShuffle"),
        *("RandomGamma", "RandomPoisson", "RandomPoissonV2", "Multinomial"),
        *("SampleDistortedBoundingBox", "SampleDistortedBoundingBoxV2"),
    }
)
#: Operation that prepares the seed of a stateless random operation.
_KEY = "StatelessRandomGetKeyCounter"
#: Operations that mirror, turn, shift or warp an image as their second input says.
_MOVES = frozenset(
    {
        *("ReverseV2", "Roll", "Transpose", "CropAndResize"),
        *("ImageProjectiveTransformV2", "ImageProjectiveTransformV3"),
    }
)
#: Operations that take a part of an image.
_CROPS = frozenset({"Slice", "StridedSlice"})
#: Operations through which a moved image is followed to the operation that makes it.
_SAME_IMAGE = frozenset({"Identity", "Cast", "Reshape", "ExpandDims", "Squeeze"})
_SELECTS = frozenset({"Select", "SelectV2"})
#: Lowest rank of a single image.
_IMAGE_RANK = 2


@dataclass(frozen=True, slots=True)
class _Point:
    """A component of a dataset's elements, or a tensor of a mapped function.

    Attributes:
        dataset: The dataset, or the ``map`` whose function computes the tensor.
        calls: Operations that call the function which holds the tensor, outermost
            first.
        what: The tensor, or the index of the component.
    """

    dataset: Any
    calls: tuple[Any, ...]
    what: Any

    @property
    def key(self) -> tuple[Any, ...]:
        """Identity of the point."""
        what = self.what if isinstance(self.what, int) else ("tensor", id(self.what))
        return id(self.dataset), *map(id, self.calls), what


@dataclass(slots=True)
class Origins:
    """What some components of a dataset's elements are computed from.

    Attributes:
        draws: Random operations by identity; those of equal seeds have the same one.
        keyed: Operations that prepare the seed of a stateless random operation, by
            identity, if it is no constant.
        moving: Identities of the random operations that decide where pixels go.
        images: Keys of the tensors and components of rank 2 and more.
        branches: For each ``zip``, by identity, its sources that count.
        zips: The ``zip`` datasets, from the last one to the first.
        sources: Datasets without a known source, and the components that count.
    """

    draws: dict[Any, Any] = field(default_factory=dict)
    keyed: dict[Any, Any] = field(default_factory=dict)
    moving: set[Any] = field(default_factory=set)
    images: set[Any] = field(default_factory=set)
    branches: dict[int, set[int]] = field(default_factory=dict)
    zips: list[Any] = field(default_factory=list)
    sources: list[tuple[Any, int]] = field(default_factory=list)


def kind_of(dataset: Any) -> str:
    """Return the kind of a dataset, such as ``"Map"``."""
    name = type(dataset).__name__.lstrip("_")
    return name.removesuffix("V2").removesuffix("Dataset")


def chain_of(dataset: Any) -> Iterator[Any]:
    """Yield a dataset, its source, the source of that and so on, while it has one."""
    while True:
        yield dataset
        sources = sources_of(dataset)
        if len(sources) != 1:
            return
        (dataset,) = sources


def shuffles_rows(dataset: Any) -> bool:
    """Whether a dataset shuffles the rows or batches that it gives, and not what it
    takes apart afterwards, such as files or whole series.
    """
    kinds = map(kind_of, chain_of(dataset))
    return next((it for it in kinds if it not in _IN_ORDER | _MAPPING), "") == "Shuffle"


def leaves_of(dataset: Any) -> tuple[range, range] | None:
    """Return the indices of the components that ``fit`` takes as inputs and targets.

    None unless the elements are (x, y) or (x, y, sample_weight).
    """
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        return None
    inputs, targets = (len(tf.nest.flatten(it)) for it in spec[:2])
    return range(inputs), range(inputs, inputs + targets)


def origins_of(dataset: Any, leaves: Iterable[int]) -> Origins:
    """Return what components of a dataset's elements are computed from."""
    found = Origins()
    pending = [(_Point(dataset, (), it), False) for it in leaves]
    seen: set[Any] = set()
    while pending:
        point, moves = pending.pop()
        if (point.key, moves) in seen:
            continue
        seen.add((point.key, moves))
        _note(found, point, moves=moves)
        pending.extend((it, moves or more) for it, more in _before(point))
    return found


def _note(found: Origins, point: _Point, *, moves: bool) -> None:
    if isinstance(point.what, int):
        _note_component(found, point.dataset, point.what, moves=moves)
        return
    tensor = point.what
    rank = tensor.shape.rank
    if not moves and (rank is None or rank >= _IMAGE_RANK):
        found.images.add(point.key)
    if tensor.op.type == _KEY and not _is_constant(tensor):
        found.keyed[id(tensor.op)] = tensor.op
    for draw in _draws_in(tensor.op):
        key = _identity(draw)
        found.draws[key] = draw
        if moves:
            found.moving.add(key)


def _note_component(found: Origins, dataset: Any, index: int, *, moves: bool) -> None:
    kind = kind_of(dataset)
    if moves or kind in _PASSING or kind in _MAPPING:
        return
    if kind != "Zip":
        found.sources.append((dataset, index))
        return
    if id(dataset) not in found.branches:
        found.zips.append(dataset)
    branch, _ = _in_zip(dataset, index)
    found.branches.setdefault(id(dataset), set()).add(branch)


def _is_constant(tensor: Any) -> bool:
    """Whether a tensor is made of constants."""
    operation = tensor.op
    if not operation.inputs:
        return bool(operation.type == "Const")
    return all(map(_is_constant, operation.inputs))


def _identity(draw: Any) -> Any:
    """Return the seeds of a random operation, or the operation if it has none."""
    seeds = draw.get_attr("seed"), draw.get_attr("seed2")
    return seeds if any(seeds) else id(draw)


def _draws_in(operation: Any, depth: int = 0) -> Iterator[Any]:
    """Yield an operation that draws, or those of a loop body that it runs."""
    if operation.type in _DRAWS:
        yield operation
    elif depth or operation.type not in {*_CALLS, *_CHOICES}:
        for graph in _functions_of(operation):
            for inner in graph.get_operations():
                yield from _draws_in(inner, depth + 1)


def _functions_of(operation: Any) -> list[Any]:
    """Return the graphs of the functions that an operation runs."""
    named = [
        it
        for value in operation.node_def.attr.values()
        for it in (value.func, *value.list.func)
        if it.name
    ]
    return [function_graph(operation.graph, it.name) for it in named]


def _before(point: _Point) -> list[tuple[_Point, bool]]:
    """Return what a point is computed from, and whether that says where pixels go."""
    if isinstance(point.what, int):
        return [(it, False) for it in _before_component(point.dataset, point.what)]
    tensor, operation = point.what, point.what.op
    inputs = [id(it) for it in tensor.graph.inputs]
    if id(tensor) in inputs:
        return [(it, False) for it in _outside(point, inputs.index(id(tensor)))]
    if operation.type in _CALLS | _CHOICES:
        return _inside(point)
    return [
        (replace(point, what=it), _says_where(operation, index))
        for index, it in enumerate(operation.inputs)
    ]


def _before_component(dataset: Any, index: int) -> Iterator[_Point]:
    kind = kind_of(dataset)
    if kind in _PASSING:
        (source,) = sources_of(dataset)
        yield _Point(source, (), index)
    elif kind in _MAPPING:
        outputs = mapped_by(dataset).outputs
        if len(outputs) == len(tf.nest.flatten(dataset.element_spec)):
            yield _Point(dataset, (), outputs[index])
    elif kind == "Zip":
        branch, inner = _in_zip(dataset, index)
        yield _Point(sources_of(dataset)[branch], (), inner)


def _in_zip(dataset: Any, index: int) -> tuple[int, int]:
    """Return which source of a ``zip`` a component comes from, and its index there."""
    for branch, source in enumerate(sources_of(dataset)):
        size = len(tf.nest.flatten(source.element_spec))
        if index < size:
            return branch, index
        index -= size
    raise IndexError(index)


def _outside(point: _Point, index: int) -> Iterator[_Point]:
    """Yield what an argument of a function is given by its caller."""
    if point.calls:
        *outer, call = point.calls
        index += call.type in _CHOICES  # the first input chooses
        yield _Point(point.dataset, tuple(outer), call.inputs[index])
        return
    (source,) = sources_of(point.dataset)
    if index < len(tf.nest.flatten(source.element_spec)):  # else a captured tensor
        yield _Point(source, (), index)


def _inside(point: _Point) -> list[tuple[_Point, bool]]:
    """Return the results of the functions that a call or a branch may run."""
    call, index = point.what.op, point.what.value_index
    graphs = _functions_of(call)
    calls = (*point.calls, call)
    found = [
        (replace(point, calls=calls, what=it.outputs[index]), False) for it in graphs
    ]
    if call.type in _CHOICES:
        moves = any(_moves_pixels(it.outputs[index]) for it in graphs)
        found.append((replace(point, what=call.inputs[0]), moves))
    return found


def _says_where(operation: Any, index: int) -> bool:
    """Whether an input of an operation decides where the pixels of another one go."""
    if operation.type in _MOVES:
        return index == 1
    if operation.type in _CROPS:
        return index >= 1 and _is_crop(operation)
    if operation.type in _SELECTS:
        return index == 0 and any(map(_moves_pixels, operation.inputs[1:]))
    if operation.type == "Mul":  # tf.image mirrors a batch so: flips * mirrored + ...
        per_image = operation.inputs[index].shape[-3:]
        other = operation.inputs[1 - index]
        return [*per_image] == [1, 1, 1] and _moves_pixels(other)
    return False


def _is_crop(operation: Any) -> bool:
    """Whether an operation takes a part of the height and width of an image.

    One of several images, or one of its channels, is not a part of an image.
    """
    before, after = operation.inputs[0].shape, operation.outputs[0].shape
    if before.rank is None or before.rank != after.rank or before.rank < _IMAGE_RANK:
        return False
    sizes = [*zip(before, after, strict=True)]
    first = 1 if before.rank > _IMAGE_RANK + 1 else 0
    side = sizes[first : first + 2]
    rest = [*sizes[:first], *sizes[first + 2 :]]
    if any(one != other for one, other in rest) or any(it == 1 for _, it in side):
        return False
    return any(one is None or one != other for one, other in side)


def _moves_pixels(tensor: Any) -> bool:
    """Whether a tensor is an image that was just mirrored, turned or shifted."""
    while tensor.op.type in _SAME_IMAGE:
        tensor = tensor.op.inputs[0]
    rank = tensor.shape.rank
    return tensor.op.type in _MOVES and (rank is None or rank >= _IMAGE_RANK)
