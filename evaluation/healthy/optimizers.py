"""Healthy programs with other optimizers, schedules and clipping, on the bases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..keras_parts import Optimizer, Part, Schedule, make
from ..program import Program
from .case import variant

__all__ = ["PROGRAMS"]


def _with(optimizer: Part) -> Callable[[Any], None]:
    return lambda model: model.compile(make(optimizer), model.loss)


_COSINE = Schedule.CosineDecay(0.005, 320)
_EXPONENTIAL = Schedule.ExponentialDecay(0.01, 50, 0.7)
_PIECES = Schedule.PiecewiseConstantDecay([40, 80], [0.05, 0.02, 0.005])
_WARM_UP = Schedule.CosineDecay(0.0, 200, warmup_target=0.004, warmup_steps=60)
_RESTARTS = Schedule.CosineDecayRestarts(0.1, 70)
_TO_ZERO = Schedule.PolynomialDecay(0.01, 160, 0.0)

#: Program name, base name, optimizer.
_TABLE: tuple[tuple[str, str, Part], ...] = (
    ("sgd_0.1_momentum", "digits-logits", Optimizer.SGD(0.1, momentum=0.9)),
    ("sgd_nesterov", "friedman", Optimizer.SGD(0.01, momentum=0.9, nesterov=True)),
    ("sgd_plain", "wine-one-hot", Optimizer.SGD(0.1)),
    ("rmsprop", "friedman", Optimizer.RMSprop(0.003)),
    ("adagrad", "tumour-probability", Optimizer.Adagrad(0.1)),
    ("adadelta", "iris-sparse", Optimizer.Adadelta(3.0)),
    ("nadam", "digits-cnn", Optimizer.Nadam(0.003)),
    ("adamax", "wine-one-hot", Optimizer.Adamax(0.02)),
    ("adamw", "tags", Optimizer.AdamW(0.01, weight_decay=0.01)),
    ("lion", "digits-logits", Optimizer.Lion(0.001)),
    ("ftrl", "tumour-probability", Optimizer.Ftrl(0.2)),
    ("adafactor", "digits-resnet", Optimizer.Adafactor(0.02)),
    ("amsgrad", "multi-input", Optimizer.Adam(0.01, amsgrad=True)),
    ("clipnorm", "lstm", Optimizer.Adam(0.01, clipnorm=0.5)),
    ("global_clipnorm", "friedman", Optimizer.SGD(0.05, global_clipnorm=1.0)),
    ("clipvalue", "gru", Optimizer.Adam(0.01, clipvalue=0.05)),
    ("moving_average", "embedding", Optimizer.Adam(0.01, use_ema=True)),
    (
        "accumulated_gradients",
        "digits-logits",
        Optimizer.Adam(0.01, gradient_accumulation_steps=4),
    ),
    ("cosine_decay", "digits-logits", Optimizer.Adam(_COSINE)),
    ("exponential_decay", "friedman", Optimizer.Adam(_EXPONENTIAL)),
    ("piecewise_rate", "tumour-logit", Optimizer.SGD(_PIECES, momentum=0.9)),
    ("warm_up", "transformer", Optimizer.Adam(_WARM_UP)),
    ("warm_restarts", "moons", Optimizer.SGD(_RESTARTS, momentum=0.9)),
    ("rate_ends_at_zero", "wine-one-hot", Optimizer.Adam(_TO_ZERO)),
    ("half_the_rate", "friedman", Optimizer.Adam(0.0025)),
    ("twice_the_rate", "tags", Optimizer.Adam(0.02)),
)

PROGRAMS: tuple[Program, ...] = tuple(
    variant(name, of, _with(optimizer)) for name, of, optimizer in _TABLE
)
