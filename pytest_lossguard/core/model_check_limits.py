"""Thresholds of the model checks, each with its source."""

from __future__ import annotations

from .explanation import Limit

SAME_GRADIENT = Limit(
    1e-3,
    "The gradients may differ by {limit:.1%} of their norm.",
    set_by="float32 sums in another order differ by 1e-5 and less.",
)
HALF_PRECISION = Limit(
    5e-2,
    "Outputs may differ by {limit:.0%} of their size.",
    set_by="Half precision has three digits, which a few layers use up.",
)
SAME = Limit(
    1e-4,
    "Outputs that should be equal may differ by {limit} of their size.",
    set_by="float32 sums in another order differ by 1e-6 and less.",
)
SAME_IN_HALF = Limit(
    2e-2,
    "In half precision they may differ by {limit:.0%}.",
    set_by="Half precision differs by 1e-3 in such sums.",
)
DEPENDS = Limit(
    1e-7,
    "An output depends on an input if it changes by more than {limit} of its size.",
    set_by="Chosen, not measured: the resolution of float32.",
)
LEARNED = Limit(
    0.5,
    "On these rows at least {limit:.0%} of the loss of the best constant must be"
    " removed.",
    set_by="Healthy models of the tests reach 0.85 and more, models that cannot learn"
    " at most 0.2; a narrow autoencoder cannot reach 1.",
)
FAR_ABOVE_CHANCE = Limit(
    3.0,
    "The first loss may be {limit} times that of a model that knows nothing.",
    set_by="Fresh dense, convolutional, recurrent and attention models on scaled inputs"
    " start at 0.9 to 1.6 times it, raw pixels at 10 and more.",
)
SERVES_WORSE = Limit(
    2.0,
    "The loss in inference mode may be {limit} times that in training mode.",
    set_by="Chosen, not measured.",
)
SERVES_WORSE_BY = Limit(
    0.25,
    "Or it may be above it by {limit:.0%} of the loss of a constant.",
    set_by="Chosen, not measured.",
)
SAME_WEIGHTS = Limit(
    1e-4,
    "The weights may differ by {limit} of their size.",
    set_by="The same operations in the same order differ in their last digits at most.",
)
