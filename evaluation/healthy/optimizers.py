"""Other optimizers, schedules and clipping, over the bases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..program import Program
from .room import by, variant

__all__ = ["PROGRAMS"]


def _with(optimizer: Callable[[], Any]) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model.compile(optimizer(), model.loss)

    return change


def _schedule(kind: str, *args: Any, **options: Any) -> Callable[[], Any]:
    def make() -> Any:
        import keras

        return getattr(keras.optimizers.schedules, kind)(*args, **options)

    return make


_COSINE = _schedule("CosineDecay", 0.005, 320)
_EXPONENTIAL = _schedule("ExponentialDecay", 0.01, 50, 0.7)
_PIECES = _schedule("PiecewiseConstantDecay", [40, 80], [0.05, 0.02, 0.005])
_WARM_UP = _schedule("CosineDecay", 0.0, 200, warmup_target=0.004, warmup_steps=60)
_RESTARTS = _schedule("CosineDecayRestarts", 0.1, 70)
_TO_ZERO = _schedule("PolynomialDecay", 0.01, 160, 0.0)

#: Program, base, optimizer.
_TABLE: tuple[tuple[str, str, Callable[[], Any]], ...] = (
    ("sgd_0.1_momentum", "digits-logits", by("SGD", 0.1, momentum=0.9)),
    ("sgd_nesterov", "friedman", by("SGD", 0.01, momentum=0.9, nesterov=True)),
    ("sgd_plain", "wine-one-hot", by("SGD", 0.1)),
    ("rmsprop", "friedman", by("RMSprop", 0.003)),
    ("adagrad", "tumour-probability", by("Adagrad", 0.1)),
    ("adadelta", "iris-sparse", by("Adadelta", 3.0)),
    ("nadam", "digits-cnn", by("Nadam", 0.003)),
    ("adamax", "wine-one-hot", by("Adamax", 0.02)),
    ("adamw", "tags", by("AdamW", 0.01, weight_decay=0.01)),
    ("lion", "digits-logits", by("Lion", 0.001)),
    ("ftrl", "tumour-probability", by("Ftrl", 0.2)),
    ("adafactor", "digits-resnet", by("Adafactor", 0.02)),
    ("amsgrad", "multi-input", by("Adam", 0.01, amsgrad=True)),
    ("clipnorm", "lstm", by("Adam", 0.01, clipnorm=0.5)),
    ("global_clipnorm", "friedman", by("SGD", 0.05, global_clipnorm=1.0)),
    ("clipvalue", "gru", by("Adam", 0.01, clipvalue=0.05)),
    ("moving_average", "embedding", by("Adam", 0.01, use_ema=True)),
    (
        "accumulated_gradients",
        "digits-logits",
        by("Adam", 0.01, gradient_accumulation_steps=4),
    ),
    ("cosine_decay", "digits-logits", by("Adam", _COSINE)),
    ("exponential_decay", "friedman", by("Adam", _EXPONENTIAL)),
    ("piecewise_rate", "tumour-logit", by("SGD", _PIECES, momentum=0.9)),
    ("warm_up", "transformer", by("Adam", _WARM_UP)),
    ("warm_restarts", "moons", by("SGD", _RESTARTS, momentum=0.9)),
    ("rate_ends_at_zero", "wine-one-hot", by("Adam", _TO_ZERO)),
    ("half_the_rate", "friedman", by("Adam", 0.0025)),
    ("twice_the_rate", "tags", by("Adam", 0.02)),
)

PROGRAMS: tuple[Program, ...] = tuple(
    variant(name, of, _with(optimizer)) for name, of, optimizer in _TABLE
)
