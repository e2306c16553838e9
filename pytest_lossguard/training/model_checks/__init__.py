"""The checks of a model, each a function from a `Subject` to an `Outcome`."""

from __future__ import annotations

from collections.abc import Callable

from ...core.checked import Outcome
from .gradients import accumulates, mixed_precision_agrees
from .inputs import causal, ignores_padding, rows_are_independent, uses_every_input
from .learning import (
    every_variable_learns,
    learns_one_batch,
    serves_as_trained,
    starts_at_chance,
)
from .saving import exports, resumes, same_seed_same_weights, saves_and_loads
from .subject import Subject

__all__ = ["CHECKS", "Subject"]

#: The checks by name.
CHECKS: dict[str, Callable[[Subject], Outcome]] = {
    check.__name__: check
    for check in (
        learns_one_batch,
        starts_at_chance,
        every_variable_learns,
        uses_every_input,
        rows_are_independent,
        ignores_padding,
        causal,
        same_seed_same_weights,
        saves_and_loads,
        exports,
        resumes,
        accumulates,
        serves_as_trained,
        mixed_precision_agrees,
    )
}
