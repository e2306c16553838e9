"""The judge: plain functions from a trace and a policy to findings.

The outcome decides, not internals: a test fails if a loss is not finite, blew up, did
not fall, is impossible, or is no better than that of a constant prediction. Dead units,
saturation and the ranges of the data are explanations.
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
    apart,
    coded_labels,
    collapse,
    data,
    divergence,
    fed,
    held_out,
    ids,
    image_axes,
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
    trained_on,
    untrained,
    updates,
)
from .curve import LossCurve, loss_curve_of

__all__ = ["LossCurve", "held_to", "judge", "loss_curve_of"]

#: A rule takes its arguments by name: some of ``trace``, ``curve`` and ``policy``.
Rule = Callable[..., Iterator[Finding]]

#: All rules by topic, in the order in which findings are shown: the step, its outcome,
#: then explanations.
RULES: tuple[Rule, ...] = (
    *numerics.RULES,
    *updates.RULES,
    *step.RULES,
    *settings.RULES,
    *outputs.RULES,
    *relations.RULES,
    *ids.RULES,
    *targets.RULES,
    *apart.RULES,
    *divergence.RULES,
    *outcome.RULES,
    *overfitting.RULES,
    *noise.RULES,
    *collapse.RULES,
    *held_out.RULES,
    *trained_on.RULES,
    *coded_labels.RULES,
    *leaks.RULES,
    *image_axes.RULES,
    *fed.RULES,
    *order.RULES,
    *untrained.RULES,
    *internals.RULES,
    *data.RULES,
)


def judge(
    trace: Trace, policy: Policy, own: tuple[Check, ...] = ()
) -> tuple[Finding, ...]:
    """Return all findings on one training, errors first.

    Args:
        trace: The training, with at least one step.
        policy: The policy of the test. Kinds in ``allow`` are left out; with ``strict``
            every finding is an error.
        own: Custom checks, which are reported after the others.
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
    """Return the names of the parameters of a rule."""
    return tuple(signature(rule).parameters)


def held_to(found: Iterable[Finding], policy: Policy) -> tuple[Finding, ...]:
    """Apply a policy to findings: leave out tolerated ones, sort errors first."""
    kept = [it for it in found if it.kind not in policy.allow]
    if policy.strict:
        kept = [replace(it, severity="error") for it in kept]
    return tuple(sorted(kept, key=lambda it: it.severity != "error"))
