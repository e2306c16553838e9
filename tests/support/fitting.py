"""One training as `lossguard.fit` runs it."""

from __future__ import annotations

from typing import Any


def train_once(
    trainer: Any, model: Any, x: Any, y: Any = None, *, seed: int = 0, **how: Any
) -> Any:
    """Return the trace of a training from one seed."""
    return trainer.fit_seeds(model, x, y, seeds=(seed,), **how)[0]
