"""Sees that ``fit`` shuffles the rows of a graph, and not the columns of its matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.data_facts import ShuffledGraph
from ..backend.data import Fitted
from ..backend.snapshot import unchanged
from ..backend.tensors import arrays_of, map_structure
from .changed_predictions import change_of, first_output

#: Number of nodes between which the model is called in another order.
_FEWEST, _MOST = 8, 10_000


def shuffled_graph(fitted: Fitted | None, model: Any) -> ShuffledGraph | None:
    """Predict the rows of a training in another order, where one input has as many
    columns as rows.

    Args:
        fitted: What ``fit`` was given.
        model: The model, with the weights that it has now.

    Returns:
        None if ``fit`` does not shuffle, no input can be the matrix of a graph, or the
        model cannot be called.
    """
    if fitted is None or model is None or not fitted.shuffles:
        return None
    arrays, rows = arrays_of(fitted.data.x), len(fitted.data)
    square = [it for it, array in enumerate(arrays) if array.shape[1:2] == (rows,)]
    if len(arrays) < 2 or not square or not _FEWEST <= rows <= _MOST:
        return None
    try:
        with unchanged(model):
            change = _change(model, fitted.data.x)
    except Exception:  # a user's model may raise when it is called again
        return None
    return ShuffledGraph(input=square[0], rows=rows, change=change)


def _change(model: Any, x: Any) -> float:
    """Return by how much predictions differ where the rows come in another order, as a
    share of their spread; 0 for a model that draws again at each call.
    """
    usual, again = first_output(model, x), first_output(model, x)
    order = np.random.default_rng(0).permutation(len(usual))
    shuffled = first_output(model, map_structure(lambda it: np.asarray(it)[order], x))
    return change_of(usual[order], shuffled) if np.allclose(usual, again) else 0.0
