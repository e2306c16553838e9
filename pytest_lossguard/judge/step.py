"""What the training step itself does wrong: facts, whatever the loss did.

A loss that falls hides them: each is certain where it fails a training.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.findings import Finding, Kind, finding
from ..core.policy import Policy
from ..core.trace import Trace
from .curve import LossCurve

__all__ = ["inference_mode"]

#: Names that a sentence has room for.
_MOST_NAMED = 3

# What they find

INFERENCE_MODE = Kind(
    name="inference_mode",
    severity="error",
    headline="{value} layers were never in training mode",
    text="{value} layers that behave otherwise in training were called {how} in every"
    " training step, limit {limit}: {where}. BatchNormalization did not learn its"
    " averages there, and Dropout dropped nothing",
    hint="Call the model with training=True where gradients are taken:"
    " model(x, training=True), and in a training step of your own"
    " self(x, training=True).",
)


def inference_mode(trace: Trace, curve: LossCurve, policy: Policy) -> Iterator[Finding]:
    """Layers that were trained and never called in training mode; where the loop asked
    for that by ``training=False``, it may be meant.
    """
    del curve, policy
    facts = trace.step
    if facts is None or not facts.inference_layers:
        return
    asked = facts.inference_asked
    yield finding(
        INFERENCE_MODE,
        severity="warning" if asked else "error",
        value=len(facts.inference_layers),
        limit=0,
        where=_listed(facts.inference_layers),
        how="with training=False" if asked else "without training=True",
    )


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMED
    listed = ", ".join(names[:_MOST_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed
