"""The judge: plain functions from a trace and a policy to findings.

By outcome, not by internals: what fails a test is a loss that is not finite,
blew up, did not fall, cannot be, or bought no more than a constant prediction.
Dead units, saturation and the ranges of the data explain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from inspect import signature

from ..core.custom_checks import Check, found_by
from ..core.findings import Finding
from ..core.policy import Policy
from ..core.trace import Trace
from . import (
    collapse,
    data,
    divergence,
    fed,
    held_out,
    internals,
    leaks,
    noise,
    numerics,
    order,
    outcome,
    outputs,
    overfitting,
    relations,
    settings,
    step,
    targets,
)
from .curve import LossCurve, loss_curve_of

__all__ = ["LossCurve", "held_to", "judge", "loss_curve_of"]

#: A rule takes what it needs by name: some of ``trace``, ``curve`` and ``policy``.
Rule = Callable[..., Iterator[Finding]]

#: By topic, in the order in which findings are shown: what the step did, what came of
#: it, then what explains it.
RULES: tuple[Rule, ...] = (
    *numerics.RULES,
    *step.RULES,
    *settings.RULES,
    *outputs.RULES,
    *relations.RULES,
    *targets.RULES,
    *divergence.RULES,
    *outcome.RULES,
    *overfitting.RULES,
    *noise.RULES,
    *collapse.RULES,
    *held_out.RULES,
    *leaks.RULES,
    *fed.RULES,
    *order.RULES,
    *internals.RULES,
    *data.RULES,
)


def judge(
    trace: Trace, policy: Policy, own: tuple[Check, ...] = ()
) -> tuple[Finding, ...]:
    """Everything worth saying of one training, errors first.

    Args:
        trace: The training, with at least one step.
        policy: What it is held to. Kinds in ``allow`` are left out; with
            ``strict`` every finding is an error.
        own: Custom checks, reported after the others.
    """
    known = {"trace": trace, "curve": loss_curve_of(trace), "policy": policy}
    found = (
        it
        for rule in RULES
        for it in rule(**{name: known[name] for name in _needs(rule)})
    )
    return held_to((*found, *found_by(own, trace, policy)), policy)


@cache
def _needs(rule: Rule) -> tuple[str, ...]:
    """The names of what a rule takes."""
    return tuple(signature(rule).parameters)


def held_to(found: Iterable[Finding], policy: Policy) -> tuple[Finding, ...]:
    """Findings as a policy sees them: tolerated ones left out, errors first."""
    kept = [it for it in found if it.kind not in policy.allow]
    if policy.strict:
        kept = [replace(it, severity="error") for it in kept]
    return tuple(sorted(kept, key=lambda it: it.severity != "error"))
