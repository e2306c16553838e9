"""Collects facts about the training data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.changed_labels import changed_labels
from ...core.class_weights import class_weights
from ...core.column_stats import column_stats, target_range
from ...core.data_facts import DataFacts, MaskedTokens
from ...core.image_axes import mixed_axes
from ...core.leaks import target_among_inputs
from ...core.lone_targets import share_of_lone_targets
from ...core.trace import ColumnStats, TargetRange
from ...core.turned_targets import turned_targets
from ..backend.batch import Batch
from ..backend.data import ArrayData
from ..backend.frameworks import keras
from ..backend.index_inputs import reads_as_numbers
from ..backend.private_api import flat_layers
from ..backend.tensors import arrays_of, flatten, is_composite
from .masked_inputs import masked_inputs

#: Layers that look for patterns among neighboring pixels.
_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
#: Layers that may move the axes of images.
_REORDERS = (
    keras.layers.Flatten,
    keras.layers.Lambda,
    keras.layers.Permute,
    keras.layers.Reshape,
)


def facts_of_data(
    seen: ArrayData | Batch | None, fed: DataFacts | None = None, model: Any = None
) -> DataFacts | None:
    """Add facts about targets to the facts of how the data were fed.

    Args:
        seen: The training rows, or a sample of them; None if they are not known.
        fed: Facts of how the rows were fed; None if there are none.
        model: The model that reads the inputs; None if it is not known.

    Returns:
        ``fed`` with leaked and one-hot-like targets, weights of classes, masked tokens
        and images with mixed axes; ``fed`` as given without rows.
    """
    if seen is None:
        return fed
    inputs, targets = arrays_of(seen.x), arrays_of(seen.y)
    return replace(
        fed or DataFacts(),
        among_inputs=target_among_inputs(inputs, targets),
        lone_targets=share_of_lone_targets(targets),
        class_weights=class_weights(
            targets, arrays_of(seen.sample_weight), getattr(seen, "class_weight", None)
        ),
        masked_tokens=_masked(model, seen.x),
        mixed_axes=mixed_axes(inputs) if _convolves(model) else None,
    )


def _masked(model: Any, x: Any) -> tuple[MaskedTokens, ...]:
    """Return the masked tokens; none if a user's model does not show its layers."""
    try:
        return masked_inputs(model, x)
    except Exception:
        return ()


def _convolves(model: Any) -> bool:
    """Whether a model convolves images as they are given.

    A layer that may bring their axes in order comes before no convolution.
    """
    for layer in flat_layers(model):
        if isinstance(layer, _CONVOLUTIONS):
            return True
        if isinstance(layer, _REORDERS):
            return False
    return False


def with_what_came_again(fed: DataFacts, batches: Sequence[Batch]) -> DataFacts:
    """Add facts about rows that were repeated with another class or a mirrored target.

    Rows with sample weights are not checked: in reinforcement learning, the actions
    that serve as labels are sampled anew.
    """
    if any(arrays_of(it.sample_weight) for it in batches):
        return fed
    rows = [(arrays_of(it.x), arrays_of(it.y)) for it in batches]
    return replace(
        fed, changed_labels=changed_labels(rows), turned_targets=turned_targets(rows)
    )


def column_statistics(
    structure: Any, name: str, model: Any = None
) -> tuple[ColumnStats, ...]:
    """Return the statistics of each array of a nested structure.

    Arrays that are not numeric, and ragged or sparse tensors, are left out. With a
    model, integers count as numbers if it reads them as numbers, not as indices.
    """
    leaves = flatten(structure)
    numbers = (False,) * len(leaves)
    if model is not None:
        numbers = reads_as_numbers(model, structure)
    found = (
        column_stats(
            np.asarray(leaf),
            name if len(leaves) == 1 else f"{name} {index}",
            integers_are_numbers=numbers[index],
        )
        for index, leaf in enumerate(leaves)
        if not is_composite(leaf)
    )
    return tuple(it for it in found if it is not None)


def target_ranges(structure: Any) -> tuple[TargetRange, ...]:
    """Return the range of each array of targets; empty unless all are numeric."""
    leaves = flatten(structure)
    if any(map(is_composite, leaves)):
        return ()
    found = [target_range(np.asarray(leaf)) for leaf in leaves]
    known = tuple(it for it in found if it is not None)
    return known if len(known) == len(found) else ()
