"""Changes in the terms of the person who will make them."""

from __future__ import annotations

from .change import RATE_INSTEAD_OF_0, Change, ModelFacts
from .findings import number
from .keras_names import USUAL_OUTPUTS, optimizer_facts
from .trace import Trace

__all__ = ["describe", "describe_remedy"]


def describe(change: Change, trace: Trace, facts: ModelFacts) -> str:
    """One change, with what it was and what it is tried with."""
    value = change.value
    if change.kind == "learning_rate":
        factor = float(value or 1.0)
        if facts.learning_rate is None:
            return f"the learning rate times {number(factor)}"
        new = (facts.learning_rate or RATE_INSTEAD_OF_0) * factor
        return f"learning rate {number(facts.learning_rate)} -> {number(new)}"
    if change.kind == "momentum":
        return f"momentum {number(facts.momentum)} -> {number(float(value or 0.0))}"
    if change.kind == "batch_size":
        return f"batch size {trace.batch_size} -> {number(float(value or 0))}"
    if change.kind == "more_steps":
        steps = len(trace.steps)
        return f"{steps} -> {round(steps * float(value or 1))} steps"
    if change.kind == "drop_rows":
        rows = ", ".join(map(str, change.at))
        return f"row{'s' if len(change.at) > 1 else ''} {rows} dropped"
    if change.kind == "fill_missing" and value is not None:
        return f"{_sentinel(value)} replaced by the mean of the other values"
    if change.kind == "standardize_inputs" and change.at:
        columns = ", ".join(map(str, change.at[:5]))
        more = ", ..." if len(change.at) > 5 else ""
        return f"feature {columns}{more} standardized"
    if change.kind == "scale_inputs":
        columns = ", ".join(map(str, change.at))
        scaled = f"feature {columns}" if columns else "inputs"
        return f"{scaled} times {number(float(value or 1.0))}"
    if change.kind == "canonical_output":
        return _canonical(facts)
    if change.kind == "no_dropout":
        return f"dropout {number(facts.dropout)} -> 0"
    if change.kind == "optimizer":
        return f"{facts.optimizer} -> {_with_rate(str(value))}"
    if change.kind == "unfreeze":
        return f"trainable {', '.join(facts.frozen[:3])}"
    return _PLAIN[change.kind].format(value=value)


def _sentinel(value: float | str) -> str:
    if isinstance(value, str):
        return "the value that stands for missing ones"
    return number(float(value))


_PLAIN = {
    "fill_missing": "missing values filled with the mean",
    "standardize_inputs": "inputs standardized",
    "clip_inputs": "inputs clipped to 5 robust standard deviations",
    "standardize_targets": "targets standardized",
    "clip_targets": "targets clipped to 5 robust standard deviations",
    "balance_classes": "every class as often as the others",
    "shuffle_rows": "rows shuffled",
    "shuffle_labels": "labels shuffled",
    "reinitialize": "weights drawn anew (Glorot, He before relu; zero biases)",
    "no_penalty": "no weight penalty",
    "hidden_activation": "hidden activation {value}",
    "clip_gradients": "clipnorm={value:g}",
    "wider": "{value:g} times as many units",
    "shallower": "two hidden layers",
}


def _canonical(facts: ModelFacts) -> str:
    usual = USUAL_OUTPUTS.get(facts.labels or "")
    return "the usual output and loss" if usual is None else usual.text


def _with_rate(optimizer: str) -> str:
    facts = optimizer_facts(optimizer)
    return optimizer if facts is None else f"{facts.name}({number(facts.default_rate)})"


def describe_remedy(change: Change, facts: ModelFacts) -> str:
    """What the user is to do, with the value to try."""
    if change.kind == "learning_rate" and facts.learning_rate is not None:
        now = facts.learning_rate or RATE_INSTEAD_OF_0
        rate = number(now * float(change.value or 1.0))
        return f"compile with {facts.optimizer}(learning_rate={rate})"
    if change.kind == "canonical_output":
        return f"give the model {_canonical(facts)}"
    if change.kind == "fill_missing" and change.value is not None:
        return (
            f"replace {_sentinel(change.value)} by NaN where the data are read, before"
            " they are scaled, and fill it by the mean, as SimpleImputer does"
        )
    return change.remedy
