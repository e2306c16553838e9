"""Changes of the model; ``training/rerun/model_changes`` applies them."""

from __future__ import annotations

from ...core.change import Change, ModelFacts
from ...core.keras_names import PLAIN_INITIALIZERS, USUAL_OUTPUTS, activation_facts
from ...core.numbers import number
from .kind import (
    CERTAIN,
    LIKELY,
    POSSIBLE,
    REMOTE,
    SEEN,
    STRONG,
    ChangeKind,
    Situation,
    Weighed,
)

#: Dropout above the first is high; more hidden layers than the second are many; up to
#: the third, units are few. Up to the fourth, hidden layers with a saturating
#: activation can train; one more makes the gradients vanish.
_MUCH_DROPOUT, _DEEP, _NARROW, _CURVED_LAYERS = 0.6, 4, 4, 2


# The weights


def _reinitialize(now: Situation) -> Weighed:
    odd = not PLAIN_INITIALIZERS.isdisjoint(now.facts.initializers)
    weight = POSSIBLE
    if "symmetric_weights" in now.found:
        weight = CERTAIN
    elif odd and now.found & {"saturated_activations", "dead_units"}:
        weight = SEEN + 2
    elif "dead_units" in now.found:
        weight = LIKELY
    elif odd:
        weight = STRONG - 2
    yield weight, Change(kind="reinitialize")


def _unfreeze(now: Situation) -> Weighed:
    if now.facts.frozen:
        yield LIKELY, Change(kind="unfreeze")


# The output


def _canonical_output(now: Situation) -> Weighed:
    if now.facts.canonical_output:
        return
    weight = STRONG - 1 if now.facts.output_is_bounded else SEEN - 1
    if "misfit" in now.symptoms:
        weight = CERTAIN + 5
    yield weight, Change(kind="canonical_output")


def _usual_output(facts: ModelFacts) -> str:
    usual = USUAL_OUTPUTS.get(facts.labels or "")
    return "the usual output and loss" if usual is None else usual.text


# Regularization


def _no_penalty(now: Situation) -> Weighed:
    if now.facts.penalized:
        weight = SEEN if "penalty_dominates" in now.found else LIKELY + 2
        yield weight, Change(kind="no_penalty")


def _no_dropout(now: Situation) -> Weighed:
    if now.facts.dropout > 0:
        weight = STRONG if now.facts.dropout > _MUCH_DROPOUT else POSSIBLE - 2
        yield weight, Change(kind="no_dropout")


# Activations, depth, width


def _hidden_activation(now: Situation) -> Weighed:
    hidden = now.facts.activations
    relu = Change(kind="hidden_activation", value="relu")
    if any(map(_is_odd_in_hidden_layers, hidden)):
        only = all(map(_is_odd_in_hidden_layers, hidden))
        yield (STRONG - 4 if only else POSSIBLE), relu
    elif any(map(_can_saturate, hidden)):
        seen = now.found & {"vanishing_gradient", "saturated_activations"}
        many = len(hidden) > _CURVED_LAYERS
        yield (LIKELY if seen or many else POSSIBLE - 4), relu
    elif "dead_units" in now.found:
        yield LIKELY - 2, Change(kind="hidden_activation", value="leaky_relu")


def _is_odd_in_hidden_layers(activation: str) -> bool:
    facts = activation_facts(activation)
    return activation == "custom" or (facts is not None and not facts.suits_hidden)


def _can_saturate(activation: str) -> bool:
    facts = activation_facts(activation)
    return facts is not None and facts.can_saturate


def _shallower(now: Situation) -> Weighed:
    if len(now.facts.activations) > _DEEP:
        weight = STRONG - 3 if "vanishing_gradient" in now.found else LIKELY - 5
        yield weight, Change(kind="shallower")


def _wider(now: Situation) -> Weighed:
    narrow = 0 < now.facts.narrowest <= _NARROW
    yield LIKELY if narrow else REMOTE + 2, Change(kind="wider", value=4.0)


#: Changes of the model, in the order in which changes of equal weight are tried.
KINDS = (
    ChangeKind(
        name="reinitialize",
        acts_on="weights",
        cause="bad_initialization",
        remedy="use the default initializers: glorot_uniform, he_normal before relu,"
        " zeros for biases",
        describe="weights redrawn (Glorot, He before relu; zero biases)",
        worth=_reinitialize,
        shown_by=("symmetric_weights", "saturated_activations", "dead_units"),
    ),
    ChangeKind(
        name="unfreeze",
        acts_on="program",
        cause="disconnected_variables",
        remedy="set trainable=True on the frozen layers",
        describe=lambda now: f"trainable {', '.join(now.facts.frozen[:3])}",
        worth=_unfreeze,
        undoes="choice",
    ),
    ChangeKind(
        name="canonical_output",
        acts_on="program",
        cause="loss_output_mismatch",
        remedy=lambda now: f"give the model {_usual_output(now.facts)}",
        describe=lambda now: _usual_output(now.facts),
        worth=_canonical_output,
        shown_by=(
            "labels_out_of_range",
            "loss_output_mismatch",
            "masked_loss",
            "impossible_loss",
        ),
        undoes="fault",
        other_targets=True,
    ),
    ChangeKind(
        name="no_penalty",
        acts_on="program",
        cause="over_regularization",
        remedy="lower the factors of the penalties",
        describe="no weight penalty",
        worth=_no_penalty,
        undoes="fault",
    ),
    ChangeKind(
        name="no_dropout",
        acts_on="program",
        cause="over_regularization",
        remedy="lower the dropout rates",
        describe=lambda now: f"dropout {number(now.facts.dropout)} -> 0",
        worth=_no_dropout,
        undoes="fault",
    ),
    ChangeKind(
        name="hidden_activation",
        acts_on="program",
        cause="activation_choice",
        remedy="use the other activation in the hidden layers",
        describe=lambda now: f"hidden activation {now.change.value}",
        worth=_hidden_activation,
        shown_by=("dead_units", "saturated_activations"),
    ),
    ChangeKind(
        name="shallower",
        acts_on="program",
        cause="vanishing_gradients",
        remedy="use fewer hidden layers, residual connections or BatchNormalization",
        describe="two hidden layers",
        worth=_shallower,
        shown_by=("vanishing_gradient",),
    ),
    ChangeKind(
        name="wider",
        acts_on="program",
        cause="insufficient_capacity",
        remedy="give the hidden layers more units",
        describe=lambda now: f"{float(now.change.value or 1.0):g} times as many units",
        worth=_wider,
        undoes="choice",
    ),
)
