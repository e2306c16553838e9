"""Traces of trainings that go well, with held-out losses, and what is found in them."""

from __future__ import annotations

from dataclasses import replace

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import HeldOut, Trace, Validation
from pytest_lossguard.judge import judge
from tests.support.traces import column, falling, make_trace


def trained(losses: tuple[float, ...], held_out: HeldOut | None, **rest) -> Trace:
    """A training that goes well, with held-out losses after each of its passes."""
    passes = tuple(range(25, 25 * len(losses) + 1, 25))
    trace = make_trace(
        falling(1.0, 0.05, 25 * len(losses)),
        start=1.0,
        end=0.05,
        constant=1.0,
        inputs=(column("input"),),
        validation=Validation(step=passes, loss=losses),
        held_out=held_out,
        steps_per_epoch=25,
    )
    return replace(trace, **rest)


def kinds_found(trace: Trace) -> list[str]:
    return [it.kind for it in judge(trace, Policy())]


def message(trace: Trace) -> str:
    (found,) = judge(trace, Policy())
    return found.message
