"""Which changes are worth trying, in which order: what the trace suggests first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..core.change import Change, ModelFacts
from ..core.findings import SEEN_CAUSES, Finding
from ..core.keras_names import OptimizerFacts, activation_facts, optimizer_facts
from ..core.trace import ColumnStats, Trace
from ..judge import loss_curve_of
from ..judge import thresholds as at

__all__ = ["MISFIT", "SEALED", "Candidate", "hypotheses", "suspected", "where_of"]

#: How much a finding speaks for the change that would undo its cause. Read as an
#: order, not as probabilities: certain facts, then faults of the data that were
#: seen, then the optimizer, then what changes the architecture.
_CERTAIN, _SEEN, _STRONG, _LIKELY, _POSSIBLE, _REMOTE = 100, 80, 60, 40, 20, 5

#: A loss beyond all measure: where it ended says nothing.
SEALED = frozenset({"diverging_loss", "nonfinite_loss", "nonfinite_gradient"})
_BLOWN = SEALED | {"oscillating_loss", "noisy_loss", "exploding_gradient"}
_STUCK = frozenset({"slow_convergence", "plateau", "unchanged_weights"})
#: The loss says nothing of such an output or such labels.
MISFIT = frozenset(
    {"labels_out_of_range", "loss_output_mismatch", "masked_loss", "impossible_loss"}
)
#: Of an optimizer that nothing is known of.
_ANY_OPTIMIZER = OptimizerFacts(name="", default_rate=0.01)
_OFF_SCALE, _TOO_SMALL, _FEW_STEPS, _NARROW = 3.0, 0.05, 60, 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that may undo the cause, and how much speaks for it, 0 to 105."""

    weight: float
    change: Change

    @property
    def is_seen(self) -> bool:
        """A fault of the data that was seen in them, whatever training does."""
        return self.weight >= _SEEN - 2 and self.change.sort == "data"


def hypotheses(
    trace: Trace, findings: tuple[Finding, ...], facts: ModelFacts
) -> tuple[Candidate, ...]:
    """Changes to try, the likeliest to undo the cause first.

    Args:
        trace: The training that failed.
        findings: What was found in it.
        facts: What its program is made of.
    """
    kinds = {it.kind for it in findings}
    weighed: list[tuple[float, Change]] = [
        *_of_the_data(trace, kinds, facts),
        *_of_the_optimizer(trace, kinds, facts),
        *_of_the_weights(kinds, facts),
        *_of_the_program(kinds, facts),
    ]
    weighed.sort(key=lambda it: -it[0])  # stable: equal weights keep this order
    return tuple(Candidate(weight, change) for weight, change in weighed)


def _of_the_data(
    trace: Trace, kinds: set[str], facts: ModelFacts
) -> Iterator[tuple[float, Change]]:
    if kinds & {"nonfinite_input", "missing_values"}:
        yield _CERTAIN, Change(kind="fill_missing")
    yield from _sentinels(trace)
    for stats in trace.inputs:
        if stats.outlier is not None and "input_outliers" in kinds:
            yield _SEEN + 5, Change(kind="drop_rows", at=(stats.outlier.row,))
            yield _SEEN + 4, Change(kind="clip_inputs")
    if any(it.is_numeric for it in trace.inputs) and not trace.normalizes_inputs:
        yield from _scaled_inputs(trace, kinds)
    are_values = facts.labels in (None, "values")
    if are_values and any(it.is_numeric for it in trace.targets):
        if "target_outliers" in kinds:
            yield _SEEN + 3, Change(kind="clip_targets")
        off = max((_magnitude(it) for it in trace.targets), default=0.0)
        weight = _SEEN - 2 if "unscaled_targets" in kinds else _POSSIBLE - 6
        if weight < _SEEN - 2 and off > _OFF_SCALE:
            weight = _LIKELY
        yield weight, Change(kind="standardize_targets")
    if "rows_in_class_order" in kinds:
        yield _SEEN + 6, Change(kind="shuffle_rows")
    if "class_imbalance" in kinds:
        yield _LIKELY, Change(kind="balance_classes")


def _sentinels(trace: Trace) -> Iterator[tuple[float, Change]]:
    """What stands for missing values, filled: one value wherever it stands, or several
    where the columns of a single table were scaled.
    """
    found = [it.sentinel for it in trace.inputs if it.sentinel is not None]
    values = {value for it in found for value in it.values}
    at = found[0].columns if len(trace.inputs) == 1 and found else ()
    if len(values) == 1:
        yield _SEEN + 6, Change(kind="fill_missing", value=values.pop(), at=at)
    elif at:
        yield _SEEN + 6, Change(kind="fill_missing", value="apart", at=at)


def _scaled_inputs(trace: Trace, kinds: set[str]) -> Iterator[tuple[float, Change]]:
    off = _columns_off(trace)
    if "unscaled_inputs" in kinds:
        if len(trace.inputs) == 1 and 0 < len(off) < len(trace.inputs[0].mean):
            yield _SEEN + 1, Change(kind="standardize_inputs", at=off)
        yield _SEEN, Change(kind="standardize_inputs")
        return
    sizes = [float(np.max(_magnitudes(it))) for it in trace.inputs if it.is_numeric]
    spreads = [float(np.median(it.std)) for it in trace.inputs if it.is_numeric]
    weight: float = _POSSIBLE - 5
    if max(sizes) > _OFF_SCALE or max(spreads) < _TOO_SMALL:
        weight = _STRONG
    yield weight, Change(kind="standardize_inputs")


def _of_the_optimizer(
    trace: Trace, kinds: set[str], facts: ModelFacts
) -> Iterator[tuple[float, Change]]:
    optimizer = optimizer_facts(facts.optimizer) or _ANY_OPTIMIZER
    rate = facts.learning_rate
    blown = bool(kinds & _BLOWN)
    lower: float = _STRONG if blown else _LIKELY - 10
    if rate is not None and rate >= optimizer.highest_usual:
        lower = _CERTAIN - 5
    for step, factor in enumerate((0.1, 0.01, 0.001)):
        yield lower - 0.1 * step, Change(kind="learning_rate", value=factor)
    higher: float = _STRONG - 5 if kinds & _STUCK else _POSSIBLE
    if rate is not None and rate <= optimizer.lowest_usual:
        higher = _CERTAIN - 5
    if blown:
        higher = _REMOTE
    stood = loss_curve_of(trace).moved < at.MOVED_LITTLE
    for step, factor in enumerate((10.0, 100.0, *([at.FAR_HIGHER] if stood else []))):
        yield higher - 0.1 * step, Change(kind="learning_rate", value=factor)
    if facts.momentum >= 0.95:
        yield _STRONG + 5, Change(kind="momentum", value=0.9)
        yield _STRONG + 4, Change(kind="momentum", value=0.0)
    elif facts.momentum >= 0.8 and optimizer.name == "SGD":
        yield _POSSIBLE, Change(kind="momentum", value=0.0)
    if blown:
        yield _POSSIBLE, Change(kind="clip_gradients", value=1.0)
    if not optimizer.is_adam:
        yield _REMOTE + 3, Change(kind="optimizer", value="adam")
    few = trace.batch_size is not None and trace.batch_size <= 4
    if few and trace.inputs and trace.inputs[0].rows > 8:
        noisy = bool(kinds & {"noisy_loss", "oscillating_loss"})
        yield _STRONG if noisy else _POSSIBLE, Change(kind="batch_size", value=32.0)
    if kinds & {"nonfinite_loss", "nonfinite_gradient"}:
        return  # longer is no help
    slow = "slow_convergence" in kinds or len(trace.steps) < _FEW_STEPS
    weight = _LIKELY + 5 if slow and not blown else _POSSIBLE - 10
    yield weight, Change(kind="more_steps", value=5.0)
    yield weight - 3, Change(kind="more_steps", value=20.0)


def _of_the_weights(
    kinds: set[str], facts: ModelFacts
) -> Iterator[tuple[float, Change]]:
    odd = any(it in _ODD_INITIALISERS for it in facts.initializers)
    weight: float = _POSSIBLE
    if odd:
        weight = _STRONG - 2
    if "symmetric_weights" in kinds:
        weight = _CERTAIN
    elif odd and kinds & {"saturated_activations", "dead_units"}:
        weight = _SEEN + 2
    elif "dead_units" in kinds:
        weight = _LIKELY
    yield weight, Change(kind="reinitialize")


_ODD_INITIALISERS = (
    "Constant",
    "Zeros",
    "Ones",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
)


def _of_the_program(
    kinds: set[str], facts: ModelFacts
) -> Iterator[tuple[float, Change]]:
    if facts.frozen:
        yield _LIKELY, Change(kind="unfreeze")
    if not facts.canonical_output:
        weight: float = _STRONG - 1 if facts.output_is_bounded else _SEEN - 1
        if kinds & MISFIT:
            weight = _CERTAIN + 5
        yield weight, Change(kind="canonical_output")
    if facts.penalized:
        weight = _SEEN if "penalty_dominates" in kinds else _LIKELY + 2
        yield weight, Change(kind="no_penalty")
    if facts.dropout > 0:
        weight = _STRONG if facts.dropout > 0.6 else _POSSIBLE - 2
        yield weight, Change(kind="no_dropout")
    yield from _of_the_activations(kinds, facts)
    deep = len(facts.activations) > 4
    if deep:
        weight = _STRONG - 3 if "vanishing_gradient" in kinds else _LIKELY - 5
        yield weight, Change(kind="shallower")
    narrow = 0 < facts.narrowest <= _NARROW
    yield _LIKELY if narrow else _REMOTE + 2, Change(kind="wider", value=4.0)


def _of_the_activations(
    kinds: set[str], facts: ModelFacts
) -> Iterator[tuple[float, Change]]:
    hidden = facts.activations
    relu = Change(kind="hidden_activation", value="relu")
    if any(map(_is_odd_in_hidden_layers, hidden)):
        only = all(map(_is_odd_in_hidden_layers, hidden))
        yield (_STRONG - 4 if only else _POSSIBLE), relu
    elif any(map(_can_saturate, hidden)):
        told = kinds & {"vanishing_gradient", "saturated_activations"}
        yield (_LIKELY if told or len(hidden) > 2 else _POSSIBLE - 4), relu
    elif "dead_units" in kinds:
        yield _LIKELY - 2, Change(kind="hidden_activation", value="leaky_relu")


def _is_odd_in_hidden_layers(activation: str) -> bool:
    facts = activation_facts(activation)
    return activation == "custom" or (facts is not None and not facts.suits_hidden)


def _can_saturate(activation: str) -> bool:
    facts = activation_facts(activation)
    return facts is not None and facts.can_saturate


def _magnitudes(stats: ColumnStats) -> np.ndarray:
    return np.maximum(np.abs(stats.mean), stats.std)


def _magnitude(stats: ColumnStats) -> float:
    return float(np.max(_magnitudes(stats))) if stats.is_numeric else 0.0


def _columns_off(trace: Trace) -> tuple[int, ...]:
    """Columns of the first array of inputs that are off the scale of 1."""
    stats = trace.inputs[0]
    return tuple(int(it) for it in np.flatnonzero(_magnitudes(stats) > 10.0))


#: What a finding lets one suspect where no experiment proved anything.
_SUSPECTED = {
    **{kind: kind for kind in SEEN_CAUSES},
    "constant_inputs": "constant_inputs",
    "disconnected_variable": "disconnected_variables",
    "unchanged_weights": "disconnected_variables",
    "nonfinite_input": "missing_values",
    "labels_out_of_range": "loss_output_mismatch",
    "loss_output_mismatch": "loss_output_mismatch",
    "masked_loss": "loss_output_mismatch",
    "impossible_loss": "loss_output_mismatch",
    "rows_in_class_order": "rows_in_class_order",
    "sentinel_values": "missing_values",
    "input_outliers": "input_outliers",
    "unscaled_inputs": "unscaled_inputs",
    "target_outliers": "target_outliers",
    "unscaled_targets": "unscaled_targets",
    "symmetric_weights": "bad_initialization",
    "labels_carry_no_signal": "labels_carry_no_signal",
    "diverging_loss": "learning_rate_too_high",
    "dead_units": "dead_units",
    "saturated_activations": "bad_initialization",
    "vanishing_gradient": "vanishing_gradients",
    "penalty_dominates": "over_regularization",
    "class_imbalance": "class_imbalance",
    "overfitting": "overfitting",
    "slow_convergence": "too_few_steps",
}


#: Units that are 0 for one row are so for all if these are alike.
_OF_ALIKE_ROWS = ("dead_units", "vanishing_gradient", "saturated_activations")


def suspected(findings: tuple[Finding, ...]) -> tuple[tuple[str, Finding], ...]:
    """Causes that the findings suggest, each with the finding that does."""
    known: dict[str, Finding] = {}
    if any(it.kind == "constant_inputs" for it in findings):  # what all rows share
        findings = tuple(it for it in findings if it.kind not in _OF_ALIKE_ROWS)
    for kind, cause in _SUSPECTED.items():
        for finding in findings:
            if finding.kind == kind and cause not in known:
                known[cause] = finding
    return tuple(known.items())


def where_of(change: Change, findings: tuple[Finding, ...]) -> str | None:
    """The row, feature, layer or variable that a change is about."""
    kinds = _WHERE.get(change.kind, ())
    return next(
        (it.where for kind in kinds for it in findings if it.kind == kind), None
    )


_WHERE: dict[str, tuple[str, ...]] = {
    "fill_missing": ("nonfinite_input", "missing_values", "sentinel_values"),
    "drop_rows": ("input_outliers",),
    "clip_inputs": ("input_outliers",),
    "standardize_inputs": ("unscaled_inputs", "input_outliers"),
    "standardize_targets": ("unscaled_targets",),
    "clip_targets": ("target_outliers",),
    "canonical_output": (
        "labels_out_of_range",
        "loss_output_mismatch",
        "masked_loss",
        "impossible_loss",
    ),
    "reinitialize": ("symmetric_weights", "saturated_activations", "dead_units"),
    "hidden_activation": ("dead_units", "saturated_activations"),
    "balance_classes": ("class_imbalance",),
    "shuffle_rows": ("rows_in_class_order",),
    "shallower": ("vanishing_gradient",),
}
