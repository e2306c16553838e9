"""On which replica of a `tf.distribute` strategy the code at hand runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from ..backend.frameworks import tf
from ..backend.patches import owner_of, replaced
from ..backend.private_api import strategy_of

__all__ = [
    "Replica",
    "current_replica",
    "is_distributed",
    "scope_of",
    "unreduced",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One of those that make an update together.

    Attributes:
        index: Which one; the first stands for the training.
        count: How many there are.
        context: TensorFlow's own; None where nothing is distributed.
    """

    index: int = 0
    count: int = 1
    context: Any = None

    def total(self, tensors: list[Any]) -> list[Any]:
        """Each tensor summed over all replicas; a None stays one.

        Optimizers sum gradients so: what they descend is the sum of the losses
        that the replicas differentiate.
        """
        given = [it for it in tensors if it is not None]
        if self.context is None or not given:
            return tensors
        summed = iter(self.context.all_reduce(tf.distribute.ReduceOp.SUM, given))
        return [None if it is None else next(summed) for it in tensors]


def current_replica() -> Replica | None:
    """Where this code runs or is traced; None where one trace serves several
    replicas, as on a TPU.
    """
    if not tf.distribute.has_strategy() or tf.distribute.in_cross_replica_context():
        return Replica()
    context = tf.distribute.get_replica_context()
    index = tf.get_static_value(context.replica_id_in_sync_group)
    if index is None:
        return None
    return Replica(
        index=int(index), count=context.num_replicas_in_sync, context=context
    )


def is_distributed(model: Any) -> bool:
    """Whether a model was made in the scope of a strategy, which then trains it."""
    return strategy_of(model) is not None


def scope_of(model: Any) -> AbstractContextManager[Any]:
    """Where the variables of a model are to be made."""
    if not is_distributed(model):
        return nullcontext()
    scope: AbstractContextManager[Any] = model.distribute_strategy.scope()
    return scope


@contextmanager
def unreduced() -> Iterator[None]:
    """Sum nothing over the one replica there is.

    Each optimizer of Keras asks for that sum, and TensorFlow keeps the graph in which
    it is asked for as long as the process: it registers a gradient of its own there.
    """

    def hook(
        call: Any, context: Any, reduce_op: Any, value: Any, options: Any = None
    ) -> Any:
        if context.num_replicas_in_sync == 1:
            return value
        return call(context, reduce_op, value, options)

    context = tf.distribute.ReplicaContext
    with replaced(owner_of(context, "all_reduce"), "all_reduce", hook):
        yield
