"""Predictions of a model that is called again, and by how much they change."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend.private_api import call_model
from ..backend.tensors import flatten, map_structure


def first_output(model: Any, x: Any) -> Any:
    """Return the first output for inputs, an array of shape ``(rows, ...)``."""
    given = map_structure(np.asarray, x)
    return np.asarray(flatten(call_model(model, given))[0], np.float64)


def change_of(usual: Any, changed: Any) -> float:
    """Return the mean change of predictions, as a share of their spread; 0 if they have
    no finite spread.
    """
    spread = float(np.std(usual))
    if not spread or not np.isfinite(spread):
        return 0.0
    return float(np.mean(np.abs(changed - usual))) / spread
