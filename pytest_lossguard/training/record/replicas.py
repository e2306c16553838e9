"""The replica of a `tf.distribute` strategy on which the current code runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from ..backend.frameworks import tf
from ..backend.patches import owner_of, replaced
from ..backend.private_api import strategy_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One of the replicas that make an update together.

    Attributes:
        index: Index of the replica; the first one represents the training.
        count: Number of replicas.
        context: TensorFlow's replica context; None if nothing is distributed.
    """

    index: int = 0
    count: int = 1
    context: Any = None

    def total(self, tensors: list[Any]) -> list[Any]:
        """Sum each tensor over all replicas; None stays None.

        Optimizers sum gradients in this way, so they minimize the sum of the losses
        that the replicas differentiate.
        """
        given = [it for it in tensors if it is not None]
        if self.context is None or not given:
            return tensors
        summed = iter(self.context.all_reduce(tf.distribute.ReduceOp.SUM, given))
        return [None if it is None else next(summed) for it in tensors]


def current_replica() -> Replica | None:
    """Return the replica on which the current code runs or is traced.

    None if one trace serves several replicas, as on a TPU.
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
    """Whether a model was created in the scope of a strategy, which then trains it."""
    return strategy_of(model) is not None


def scope_of(model: Any) -> AbstractContextManager[Any]:
    """Return the context in which to create variables of a model."""
    if not is_distributed(model):
        return nullcontext()
    scope: AbstractContextManager[Any] = model.distribute_strategy.scope()
    return scope


@contextmanager
def unreduced() -> Iterator[None]:
    """Skip sums over replicas inside the block if there is only one replica.

    Every Keras optimizer computes that sum, for which TensorFlow registers a custom
    gradient; that keeps the graph in memory until the process ends.
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
