"""A training as a figure of plotly's, for a notebook."""

from __future__ import annotations

from typing import Any

from ..core.errors import UsageError
from ..core.verdict import Verdict
from .html.details import details_of
from .html.figures import training_figure

__all__ = ["training_as_figure"]


def training_as_figure(verdict: Verdict) -> Any:
    """The loss between its reference losses and the gradient norm, as the HTML report
    draws them.

    Returns:
        A `plotly.graph_objects.Figure`.

    Raises:
        UsageError: plotly is not installed.
    """
    try:
        from plotly.graph_objects import Figure
    except ImportError:
        raise UsageError(
            "a plot needs plotly, not installed here:"
            " pip install 'pytest-lossguard[html]'"
        ) from None
    figure = training_figure(details_of(verdict))
    return Figure(figure["data"], figure["layout"])
