"""The check for targets that are among the inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..core.explanation import Explanation, Limit, curves, falling
from ..core.findings import Finding, Kind, finding
from ..core.relations import CopiedSequence
from ..core.trace import Trace

# Limits, each with its source

A_HANDFUL = Limit(
    5,
    "A target with more than {limit} different values is an error, one with fewer a"
    " warning. It is also a warning if no other column predicts it. A target that the"
    " model reads one position later is always an error.",
    set_by="Chosen, not measured: a target of few values may be the rule to be"
    " learned, as in a truth table. A target that no other column predicts may"
    " be meant: Stack Overflow 62313327 learns one of thirty random columns, on"
    " purpose.",
)

_SHIFT = "Shift the targets by one: feed dec[:, :-1] and train on dec[:, 1:]."
_LOOK_BACK = (
    "Make the model causal: use_causal_mask=True for attention (in an attention_mask, 1"
    ' means: attend), padding="causal" for convolutions, no Bidirectional layer.'
)

# Kinds of findings

TARGET_IN_INPUTS = Kind(
    name="target_in_inputs",
    severity="error",
    suspects="target_in_inputs",
    headline="the target is among the inputs",
    text="{fact} ({value} different values, limit {limit}): the model only has to copy"
    " it, and its loss does not show what it can predict",
    hint="Remove it from the inputs. For a forecast, use targets that come after their"
    " windows: timeseries_dataset_from_array(data[:-n], data[n:],"
    " sequence_length=n).",
    explanation=Explanation(
        brief="the target is among the inputs",
        seen="A column of the inputs equals the target in every row. Or each id that a"
        " decoder reads is the id that it has to predict at this position: inputs and"
        " targets were not shifted by one. Or they were, and predictions change with"
        " the input one position later: the model is not causal.",
        why="The model only has to copy it. The loss falls to almost 0, but in"
        " production, where the target is unknown, the model is useless.",
        limits=(A_HANDFUL,),
        curves=curves(loss=falling(1.0, 0.0)),
    ),
)


def target_in_inputs(trace: Trace) -> Iterator[Finding]:
    """A target that equals an input column, or ids that were not shifted by one."""
    found = None if trace.data_facts is None else trace.data_facts.among_inputs
    if found is not None:
        may_be_meant = found.is_all or found.values <= A_HANDFUL
        yield finding(
            TARGET_IN_INPUTS,
            severity="warning" if may_be_meant else "error",
            value=found.values,
            limit=A_HANDFUL,
            where=found.where,
            fact=f"{found.target} equals {found.where} in all of {found.rows} rows",
        )
    copied = None if trace.relations is None else trace.relations.copied
    if copied is not None:
        yield _not_shifted(copied)


def _not_shifted(copied: CopiedSequence) -> Finding:
    may_be_meant = not copied.ahead and (copied.is_all or copied.ids <= A_HANDFUL)
    fact = (
        f"each prediction is made from the value of {copied.where} one position later,"
        " which is its target in"
        if copied.ahead
        else f"the target equals {copied.where}, id by id, in"
    )
    made = finding(
        TARGET_IN_INPUTS,
        severity="warning" if may_be_meant else "error",
        value=copied.ids,
        limit=A_HANDFUL,
        where=copied.where,
        fact=f"{fact} {copied.rows} of {copied.of} rows",
        hint=_LOOK_BACK if copied.ahead else _SHIFT,
    )
    if not copied.ahead:
        return made
    return replace(made, headline="predictions see their targets")


RULES = (target_in_inputs,)
