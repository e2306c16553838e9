"""The check of targets that stand among the inputs."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.explanation import Explanation, Limit, curves, falling
from ..core.findings import Finding, Kind, finding
from ..core.trace import Trace

__all__ = ["RULES"]

# Limits, each with what set it

A_HANDFUL = Limit(
    5,
    "A target of more than {limit} different values is an error, of fewer a warning."
    " It is a warning, too, if no other column predicts it.",
    set_by="Chosen, not measured: a target of few values may be the rule to be"
    " learned, as in a truth table. A target that no other column predicts may"
    " be meant: Stack Overflow 62313327 learns one of thirty random columns, on"
    " purpose.",
)

# What they find

TARGET_IN_INPUTS = Kind(
    name="target_in_inputs",
    severity="error",
    suspects="target_in_inputs",
    headline="the target stands among the inputs",
    text="{fact} ({value} different values, limit {limit}): the model only has to copy"
    " it, and its loss does not show what it can predict",
    hint="Remove it from the inputs. For a forecast, use targets that come after their"
    " windows: timeseries_dataset_from_array(data[:-n], data[n:],"
    " sequence_length=n).",
    explanation=Explanation(
        brief="the target stands among the inputs",
        seen="A column of the inputs equals the target in every row.",
        why="The model only has to copy it. The loss falls to nothing, and in"
        " production, where the target is not known, it predicts nothing.",
        limits=(A_HANDFUL,),
        curves=curves(loss=falling(1.0, 0.0)),
    ),
)


def target_in_inputs(trace: Trace) -> Iterator[Finding]:
    """A target that the model is given."""
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


RULES = (target_in_inputs,)
