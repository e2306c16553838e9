"""Faults in the training: learning rate, momentum, batch size, number of epochs."""

from __future__ import annotations

from .operator import FEWER, HIGH, LOW, Operator

__all__ = ["ON_TRAINING"]

_WORDS = {
    1000.0: "learning rate times 1000",
    100.0: "learning rate times 100",
    10.0: "learning rate times 10",
    0.1: "a tenth of the learning rate",
    0.01: "a hundredth of the learning rate",
    0.001: "a thousandth of the learning rate",
}

_RATES = tuple(
    Operator(
        name=f"rate-x{factor:g}",
        fault=fault,
        share=40,
        knobs={"rate": factor},
        fits=HIGH if factor > 1 else LOW,
        causes=(
            ("learning_rate_too_high", "gradient_clipping_needed", "dead_units")
            if factor > 1
            else ("learning_rate_too_low", "too_few_steps")
        ),
        mistake=factor >= 100,
    )
    for factor, fault in _WORDS.items()
)

ON_TRAINING: tuple[Operator, ...] = (
    *_RATES,
    Operator(
        name="rate-zero",
        fault="learning rate 0",
        share=20,
        knobs={"rate": 0.0},
        fits=LOW,
        causes=("learning_rate_too_low",),
        mistake=True,
    ),
    Operator(
        name="rate-decays",
        fault="learning rate halved every step, not every epoch",
        share=30,
        knobs={"schedule": "decays"},
        fits=LOW,
        causes=("learning_rate_too_low", "too_few_steps"),
    ),
    Operator(
        name="momentum-0.999",
        fault="momentum of 0.999",
        share=40,
        knobs={"momentum": 0.999},
        fits=(*HIGH, "slow_convergence"),
        causes=("momentum_too_high",),
    ),
    Operator(
        name="clipped",
        fault="gradients clipped to nothing",
        needs=frozenset({"sgd"}),
        knobs={"clip": 1e-4},
        fits=LOW,
        causes=("learning_rate_too_low", "too_few_steps"),
    ),
    Operator(
        name="batch-1",
        fault="one row per step",
        share=35,
        epochs=lambda epochs: 1,  # noqa: ARG005
        batch_size=lambda rows: 1,  # noqa: ARG005
        fits=(*HIGH, "slow_convergence"),
        causes=("batch_size_too_small", "learning_rate_too_high"),
    ),
    Operator(
        name="batch-full",
        fault="all rows in one step",
        share=35,
        batch_size=lambda rows: rows,
        fits=FEWER,
        causes=("too_few_steps", "learning_rate_too_low"),
    ),
    Operator(
        name="epochs-tenth",
        fault="a tenth of the epochs",
        share=40,
        epochs=lambda epochs: max(1, epochs // 10),
        fits=FEWER,
        causes=("too_few_steps", "learning_rate_too_low"),
    ),
)
