"""Inputs of the nets in trainings whose loss cannot be scored again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ..backend.frameworks import tf
from ..backend.graphs import tensors_behind
from ..backend.tensors import flatten, variable_key

#: Operations in a graph that yield data.
_DATA = frozenset({"Placeholder", "IteratorGetNext", "OptionalGetValue"})
#: Most tensors visited in a search back from one.
_MOST_TENSORS = 4000


@dataclass(slots=True, kw_only=True)
class Net:
    """A model that was called under a tape with a single tensor.

    Attributes:
        model: The model.
        shape: Shape of the input, rows first.
        dtype: Dtype of the input.
        rows: The last input of an eager step; None in a graph.
        from_noise: Whether the input is computed from random numbers, in a graph.
        from_data: Whether the input is computed from data, in a graph.
        has_labels: Whether the loss uses data that enter no net; None if unknown.
    """

    model: Any
    shape: Any
    dtype: Any
    rows: Any = None
    from_noise: bool = False
    from_data: bool = False
    has_labels: bool | None = None

    @property
    def is_of_data(self) -> bool:
        """Whether the input may be data; always true for an eager step."""
        return self.from_data or self.rows is not None


@dataclass(slots=True)
class NetInputs:
    """The nets of all trainings of a test."""

    nets: dict[int, Net] = field(default_factory=dict)

    def take(self, calls: Sequence[Any], loss: Any, sources: Collection[int]) -> None:
        """Note that gradients of a loss are taken.

        Args:
            calls: The calls of models before: model, inputs, outputs, and whether a
                tape recorded.
            loss: The target that is differentiated.
            sources: Keys of the variables to differentiate by.
        """
        known = [(it[0], _only_tensor(it[1])) for it in calls if it[3]]
        taken = [(model, leaf) for model, leaf in known if leaf is not None]
        for model, leaf in taken:
            if id(model) not in self.nets and _is_trained(model, sources):
                given = [it for _, it in taken]
                self.nets[id(model)] = _net_of(model, leaf, given, loss)
            if id(model) in self.nets and hasattr(leaf, "numpy"):
                self.nets[id(model)].rows = leaf

    def of(self, variables: Collection[int]) -> Iterator[Net]:
        """Return the nets that train some of the variables."""
        return (it for it in self.nets.values() if _is_trained(it.model, variables))

    def clear(self) -> None:
        """Forget all nets."""
        self.nets.clear()


def _only_tensor(inputs: Any) -> Any:
    leaves = flatten(inputs)
    return leaves[0] if len(leaves) == 1 and tf.is_tensor(leaves[0]) else None


def _is_trained(model: Any, sources: Collection[int]) -> bool:
    own = frozenset(map(variable_key, model.trainable_variables))
    return not own.isdisjoint(sources)


def _net_of(model: Any, leaf: Any, given: Sequence[Any], loss: Any) -> Net:
    net = Net(model=model, shape=leaf.shape, dtype=leaf.dtype)
    losses = [it for it in flatten(loss) if tf.is_tensor(it)]
    if not any(hasattr(it, "numpy") for it in (*given, *losses)):
        of_nets = set[str]().union(*(_sources_of(it)[0] for it in given))
        data, net.from_noise = _sources_of(leaf)
        net.from_data = bool(data)
        net.has_labels = any(_sources_of(it)[0] - of_nets for it in losses)
    return net


def _sources_of(tensor: Any) -> tuple[set[str], bool]:
    """Return the data behind a tensor, and whether random numbers are behind it."""
    found = list(islice(tensors_behind([tensor], _is_data), _MOST_TENSORS))
    data = {it.name for it in found if _is_data(it)}
    return data, any("Random" in it.op.type for it in found)


def _is_data(tensor: Any) -> bool:
    return tensor.op.type in _DATA and tensor.dtype not in (tf.resource, tf.variant)
