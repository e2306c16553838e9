"""Checks of internals, which explain a bad training; nearly all are warnings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.explanation import Explanation, Limit, curves, falling, level
from ..core.findings import Finding, Kind, finding
from ..core.policy import Policy
from ..core.trace import Floats, Trace
from . import thresholds
from .curve import LossCurve
from .data import has_constant_inputs
from .hints import LOWER_THE_RATE, SCALE_INPUTS

# Limits, each with its source

VANISHING = Limit(
    1e-3,
    "The gradient of the first weights is less than {limit} times that of the weights"
    " with the largest one (medians over the run).",
    set_by="AutoTrainer (ICSE 2021) uses this ratio of the first layer to the last.",
)
EXPLODING = Limit(
    1e3,
    "The gradient norm of a step is {limit} times the median of the steps before it;"
    " max_grad_norm in the marker sets an absolute limit, and fails the test.",
    set_by="Chosen, not measured: a warning only.",
)
DEAD = Limit(
    0.7,
    "After a bad training a layer is reported if {limit:.0%} of its units are dead.",
    set_by="DeepDiagnosis and AutoTrainer call a layer dead from this share on.",
)
DEAD_ALONE = Limit(
    0.95,
    "After a good training it takes {limit:.0%}.",
    set_by="The published limit of 70% alone gave these tools most of their false"
    " alarms: healthy nets have many dead units.",
)
SATURATED = Limit(
    0.9,
    "{limit:.0%} of a layer's outputs lie at the flat ends of its sigmoid or tanh.",
    set_by="Chosen, not measured: a warning only.",
)
PENALTY_SHARE = Limit(
    0.2,
    "Over the first quarter of the steps penalties are more than {limit:.0%} of the"
    " loss.",
    set_by="L2(0.01) on 512 units gives 0.3 and more, L2(0.1) on a published CNN 0.37;"
    " healthy published programs have at most 0.08.",
)
OF_THE_BATCH = Limit(
    0.01,
    "In a model without regularizers, an added loss counts as an objective, not as a"
    " penalty, if it varies from batch to batch: by a median of more than {limit:.0%}"
    " from one step to the next, reversing direction at every fourth step or more"
    " often.",
    set_by="The commitment loss of a VQ-VAE and the teacher's loss in a distillation,"
    " both on digits in batches of 32 and 128, change by 2.8% to 12% and turn at 30% of"
    " the steps or more; L1(0.01) and L2(0.01) by Adam(0.001) change by less than 1%.",
)
#: Least share of steps at which it turns: independent values turn at 2/3 of them.
_TURNS = 1 / 4

# Kinds of findings

EXPLODING_GRADIENT = Kind(
    name="exploding_gradient",
    severity="warning",
    symptoms=("unstable",),
    headline="gradient norm {value} at step {step}, limit {limit}",
    text="the gradient norm of {where} reached {value} at step {step}, limit {limit}",
    hint=LOWER_THE_RATE,
    explanation=Explanation(
        brief="one gradient was far above the others",
        seen="At one step the norm of all gradients was far above the norms before it,"
        " or above max_grad_norm.",
        why="One such update can undo hundreds of others. The loss shows it a step"
        " later, or not at all if the model recovers.",
        limits=(EXPLODING,),
        curves=curves(gradient=(*level(1.0, 26), 4000.0, 60.0, 8.0, *level(2.0, 11))),
    ),
)

VANISHING_GRADIENT = Kind(
    name="vanishing_gradient",
    severity="warning",
    suspects="vanishing_gradients",
    symptoms=("units_alike",),
    text="the gradient of {where} is {value} times the largest one, limit {limit}",
    hint="Use relu with He initialization, BatchNormalization or fewer layers.",
    explanation=Explanation(
        brief="the first layers get almost no gradient",
        seen="In most steps the gradient of the first weights is tiny compared with the"
        " largest one.",
        why="The layers near the input hardly learn. It comes from many layers with"
        " sigmoid or tanh, or from saturated ones.",
        limits=(VANISHING,),
    ),
)

DISCONNECTED_VARIABLE = Kind(
    name="disconnected_variable",
    severity="warning",
    suspects="disconnected_variables",
    text="no gradient reaches {where}",
    hint="Use the layer in the forward pass inside the tape, or freeze it"
    " (trainable=False).",
    explanation=Explanation(
        brief="no gradient reaches a variable",
        seen="A variable that the optimizer was given never got a gradient, at any"
        " step.",
        why="It keeps its initial values. The layer is not used in the loss, or"
        " something on the way cuts the gradient (tf.stop_gradient, .numpy(), a"
        " cast to integers).",
        no_limit="Not a single gradient at any step.",
    ),
)

SYMMETRIC_WEIGHTS = Kind(
    name="symmetric_weights",
    severity="error",
    suspects="bad_initialization",
    headline="all {value} units of {where} are equal",
    text="all {value} units of {where} have the same output for every row: they started"
    " equal and no update can make them differ",
    hint="Use a random initializer, such as the layer's default.",
    explanation=Explanation(
        brief="all units of a layer are equal",
        seen="After training all units of a hidden layer have the same output for every"
        " row.",
        why="They started equal, get equal gradients and stay equal forever: a layer of"
        " 64 units is worth one.",
        no_limit="All units are exactly equal.",
    ),
)

DEAD_UNITS = Kind(
    name="dead_units",
    severity="warning",
    suspects="dead_units",
    symptoms=("units_alike",),
    text="{share} of the units of {where} are 0 for every row, limit {share_limit}",
    hint="Lower the learning rate, scale the inputs, use He initialization or"
    " leaky_relu.",
    explanation=Explanation(
        brief="most relu units of a layer are 0",
        seen="After training most relu units of a layer output 0 for every row.",
        why="A unit that is 0 for every row gets no gradient and never recovers. A"
        " learning rate that is too high or unscaled inputs kill units.",
        limits=(DEAD, DEAD_ALONE),
    ),
)

SATURATED_ACTIVATIONS = Kind(
    name="saturated_activations",
    severity="warning",
    suspects="bad_initialization",
    symptoms=("units_alike",),
    text="{share} of the outputs of {where} are saturated, limit {share_limit}",
    hint=SCALE_INPUTS + " Or start from smaller weights.",
    explanation=Explanation(
        brief="a layer is stuck where its activation is flat",
        seen="Nearly all outputs of a sigmoid or tanh layer lie where it is flat. An"
        " output layer may be confident, so it is reported only after a bad training.",
        why="Where the activation is flat its gradient is close to 0, so this layer and"
        " those before it do not learn. Inputs or weights are too large.",
        limits=(SATURATED,),
    ),
)

PENALTY_DOMINATES = Kind(
    name="penalty_dominates",
    severity="warning",
    suspects="over_regularization",
    text="penalties are {share} of the loss in the first quarter, limit"
    " {share_limit} ({shares})",
    hint="Lower the L1/L2 factors or the weight of added losses.",
    explanation=Explanation(
        brief="penalties are a large part of the loss",
        seen="Penalties (L1, L2, added losses) are a large part of the loss that is"
        " trained on, early in the run.",
        why="The training lowers the weights instead of the error. The loss falls, but"
        " the predictions do not get better.",
        limits=(PENALTY_SHARE, OF_THE_BATCH),
        curves=curves(loss=falling(6.0, 1.2), data_loss=level(1.0)),
    ),
)


#: Approximate number of steps, spread over the run, to take a median of.
_MANY = 128


def disconnected_variable(trace: Trace) -> Iterator[Finding]:
    """A variable that was given to the optimizer and never got a gradient."""
    absent = (trace.steps.grad_norm < 0).all(axis=0)
    for index in np.flatnonzero(absent):
        yield finding(DISCONNECTED_VARIABLE, where=trace.variables[int(index)])


def exploding_gradient(trace: Trace, policy: Policy) -> Iterator[Finding]:
    """A gradient norm above the policy's limit, or far above those before it."""
    norms = trace.steps.global_grad_norm
    if not np.isfinite(norms).any():
        return
    step = int(np.nanargmax(np.where(np.isfinite(norms), norms, -1.0)))
    peak = float(norms[step])
    asked = policy.max_grad_norm
    usual = float(np.median(norms[:step])) if step else 0.0
    limit = asked if asked is not None else EXPLODING * usual
    if limit <= 0 or peak <= limit:
        return
    variable = int(np.argmax(trace.steps.grad_norm[step]))
    yield finding(
        EXPLODING_GRADIENT,
        severity="warning" if asked is None else "error",
        step=step + 1,
        value=peak,
        limit=limit,
        where=f"all variables (most of it {trace.variables[variable]})",
    )


def vanishing_gradient(trace: Trace) -> Iterator[Finding]:
    """The gradient of the first weights is tiny compared with the largest one."""
    norms = trace.steps.grad_norm
    weights = [index for index, size in enumerate(trace.sizes) if size > 1]
    if len(weights) < 3 or not len(norms):
        return
    typical = np.median(norms[:: max(1, len(norms) // _MANY)], axis=0)
    first, largest = weights[0], float(typical[weights].max())
    if not np.isfinite(largest) or largest <= 0 or typical[first] < 0:
        return
    share = float(typical[first]) / largest
    if share < VANISHING:
        yield finding(
            VANISHING_GRADIENT,
            value=share,
            limit=VANISHING,
            where=trace.variables[first],
        )


def dead_units(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A layer in which most relu units are 0 for every row."""
    if trace.after is None or has_constant_inputs(trace):
        return  # a unit that is 0 for one row is 0 for all
    limit = DEAD_ALONE if curve.finite and curve.beats_constant else DEAD
    for layer in trace.after.layers:
        if layer.dead >= limit and not layer.is_output:
            yield finding(
                DEAD_UNITS, value=layer.dead, limit=limit, where=f"layer {layer.name}"
            )


def symmetric_weights(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A hidden layer whose units are all equal, an error regardless of the loss.

    Units that start equal get equal gradients, so that no training makes them differ.
    Not checked if the loss was not finite, which also makes all units of a layer equal.
    """
    if trace.after is None or not curve.finite:
        return
    for layer in trace.after.layers:
        flat = layer.saturated >= SATURATED or layer.dead >= DEAD_ALONE
        if layer.symmetric and not layer.is_output and not flat:
            yield finding(
                SYMMETRIC_WEIGHTS,
                value=layer.units,
                limit=1,
                where=f"layer {layer.name}",
            )


def saturated_activations(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A layer with nearly all sigmoid or tanh outputs in the flat parts of the
    activation.

    The output layer may be confident: it counts only if the training ended no better
    than a constant.
    """
    if trace.after is None:
        return
    for layer in trace.after.layers:
        sure = layer.is_output and curve.finite and curve.beats_constant
        if layer.saturated >= SATURATED and not sure:
            yield finding(
                SATURATED_ACTIVATIONS,
                value=layer.saturated,
                limit=SATURATED,
                where=f"layer {layer.name}",
            )


def penalty_dominates(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Penalties are a large part of the loss.

    Not reported if they were a small part at first and the data loss was learned away
    since, or if no layer has a regularizer and they depend on the batch, as an
    objective does. Not checked for reinforcement learning, where the part of the loss
    that the loss object does not return is no penalty, but the loss of the actions.
    """
    steps = trace.steps
    if not curve.finite or not steps.data_loss_seen.all() or not len(steps):
        return
    if trace.moving_target:
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(steps.loss > 0, 1.0 - steps.data_loss / steps.loss, 0.0)
    early = float(np.mean(share[: max(1, len(share) // 4)]))
    learned = curve.skill is not None and curve.skill >= thresholds.LEARNED_ENOUGH
    if share[0] <= PENALTY_SHARE and learned:
        return
    declared = trace.step is not None and trace.step.regularized
    if not declared and _depends_on_the_batch(steps.loss - steps.data_loss):
        return
    if early > PENALTY_SHARE and np.all(steps.data_loss >= 0):
        yield finding(
            PENALTY_DOMINATES,
            step=len(steps),
            value=early,
            limit=PENALTY_SHARE,
            shares=_by_epoch(share, trace.steps_per_epoch),
        )


def _depends_on_the_batch(added: Floats) -> bool:
    """Whether what is added to the data loss goes up and down from batch to batch."""
    moves = np.diff(added)
    if len(moves) < 2:
        return False
    turns = float(np.mean(moves[1:] * moves[:-1] < 0))
    size = float(np.median(np.abs(moves)))
    return turns >= _TURNS and size > OF_THE_BATCH * float(np.median(np.abs(added)))


def _by_epoch(share: Floats, steps_per_epoch: int | None) -> str:
    """Return the share in up to five epochs, spread over the run."""
    epochs = len(share) // steps_per_epoch if steps_per_epoch else 0
    if epochs < 2:
        return f"step 1 {share[0]:.0%}, step {len(share)} {share[-1]:.0%}"
    shown = np.unique(np.linspace(1, epochs, min(5, epochs)).astype(int))
    size = steps_per_epoch or 1
    sentence = (
        f"{epoch} {np.mean(share[(epoch - 1) * size : epoch * size]):.0%}"
        for epoch in shown
    )
    return "epoch " + ", ".join(sentence)


RULES = (
    penalty_dominates,
    symmetric_weights,
    saturated_activations,
    dead_units,
    exploding_gradient,
    vanishing_gradient,
    disconnected_variable,
)
