"""All that the structure of a dataset tells, without reading it."""

from __future__ import annotations

from typing import Any

from ...core.data_facts import DataFacts
from .apart import come_apart
from .cached_draws import cached_draws


def facts_of_dataset(dataset: Any, model: Any, epochs: int) -> DataFacts:
    """Return the facts that a dataset shows by its structure.

    Args:
        dataset: Dataset of batches that ``fit`` was given, or anything else.
        model: The Keras model that is trained on it.
        epochs: How often the dataset was read.
    """
    moved, zipped = come_apart(dataset, model)
    kept = cached_draws(dataset, epochs)
    return DataFacts(moved_apart=moved, zipped_apart=zipped, cached_draws=kept)
