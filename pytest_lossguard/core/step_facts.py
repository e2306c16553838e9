"""Facts about the training step, except the numbers of each update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: A learning rate below this share of its maximum trains nothing: a cosine schedule is
#: there for the last 2 % of its steps, a reasonable exponential decay ends above.
NEXT_TO_NOTHING = 1e-3

#: What an argument of a step is for: padding, weights of rows, ends of episodes.
ArgumentKind = Literal["mask", "weights", "ends"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clipping:
    """What an optimizer clips gradients to: the L2 norm of each variable's gradient,
    the global norm, each value; None for those that are not clipped.
    """

    norm: float | None = None
    whole: float | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomGradient:
    """A custom gradient that disagrees with finite differences.

    Attributes:
        name, place: Name and location of its function, such as ``"bent"`` and
            ``"train.py:12"``.
        given, real: One derivative, from the custom gradient and from finite
            differences.
    """

    name: str
    place: str
    given: float
    real: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedDraw:
    """A random number that Python or NumPy draws while TensorFlow traces a function.

    Attributes:
        name, place: Name and location of the call, such as ``"numpy.random.randint"``
            and ``"train.py:12"``.
        traces: How often the function was traced.
        runs: How often it ran; None if at least once per step, as the training step
            itself and the functions of a dataset.
        in_dataset: Whether it is a function of a dataset, as given to ``map``.
    """

    name: str
    place: str
    traces: int = 1
    runs: int | None = None
    in_dataset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutdatedStep:
    """A step of ``fit`` that was made before ``trainable`` was changed.

    Attributes:
        not_updated: Paths of trainable variables that it does not update.
        frozen: Paths of variables that it updates, and that are not trainable.
    """

    not_updated: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenLayers:
    """Frozen layers of one part of a model, none of which looks trained.

    Attributes:
        layers: Paths of those with random weights.
        values: Number of their random weights.
        misfit: How far these are from a random draw; see `random_weights.misfit`.
    """

    layers: tuple[str, ...]
    values: int
    misfit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredArgument:
    """An argument of a traced step on which nothing that the step computes depends.

    Attributes:
        name: Its name in the user's code.
        kind: What it is for, by its name.
        is_named: Whether the user's code gives it a name of its own, as a parameter or
            by unpacking; else the name is the key of a dictionary.
        differs: Whether its values differ from one another; None if they are not known.
        bootstraps: Whether models are called on different inputs in the step.
        model_masks: Whether a layer of the model marks padding itself.
    """

    name: str
    kind: ArgumentKind
    is_named: bool = True
    differs: bool | None = None
    bootstraps: bool = False
    model_masks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UntrackedLayers:
    """Layers that a model calls, that do not belong to it and that nothing trained.

    Attributes:
        names: Names of the layers, and of variables that are in no layer.
        variables: Number of their variables.
        in_fit: Whether ``fit`` trains the model by the step of Keras, and there are
            layers among them.
        misfit: How far the weights are from a random draw, infinity if their biases
            are not as they were made; see `random_weights.misfit`.
    """

    names: tuple[str, ...]
    variables: int
    in_fit: bool = False
    misfit: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """Facts about the steps of one training; each is empty if nothing was observed.

    Attributes:
        inference_layers: Names of the layers that behave differently in training mode
            and were called under a tape, but never in training mode.
        inference_asked: Whether the training loop passed ``training=False``.
        gradients: How often gradients of the trained variables were computed.
        gradients_after: How often they were computed after the last update.
        restarts: How often the same optimizer was created again and trained with.
        state_lost: Whether a restart lost optimizer state, such as momentum.
        loss_scale: Factor that the optimizer divides gradients by; 1 if it does not.
        loss_scaled: Whether the loss was multiplied by the scale of an optimizer; None
            if that was not observed.
        gradients_scaled: Whether gradients of a scaled loss were applied without
            dividing them.
        never_reset: Whether each update applied the sum of all gradients so far,
            because the user's variables or lists that hold the sum are never set to 0.
        custom_gradients: Custom gradients that are wrong.
        penalty: Sum of the model's ``losses``, such as regularizers and ``add_loss``,
            that the loss leaves out, at the end of the training; 0 if there are none or
            that is unknown.
        regularized: Whether a layer has a regularizer.
        rate_ended_at: Number of updates after which the learning rate of a schedule
            stays next to 0; None if it does not.
        rate_cut_at: Number of updates after which a callback first lowered the learning
            rate; None if none did.
        clipping: Clipping of gradients; None for optimizers whose updates do not depend
            on the size of gradients, such as Adam.
        traced_draws: Random numbers that are drawn while a function is traced.
        outdated: What Keras' step trains otherwise than ``trainable`` says; None if
            nothing.
        weights_left_out: Whether ``fit`` was given sample or class weights on which no
            loss of its step depends.
        frozen: Frozen layers that may still have the weights they were made with.
        untracked: Layers that the model calls and that Keras does not know of.
        ignored: Arguments that a traced step does not use.
    """

    inference_layers: tuple[str, ...] = ()
    inference_asked: bool = False
    gradients: int = 0
    gradients_after: int = 0
    restarts: int = 0
    state_lost: bool = False
    loss_scale: float = 1.0
    loss_scaled: bool | None = None
    gradients_scaled: bool = False
    never_reset: bool = False
    penalty: float = 0.0
    regularized: bool = False
    rate_ended_at: int | None = None
    rate_cut_at: int | None = None
    clipping: Clipping | None = None
    custom_gradients: tuple[CustomGradient, ...] = ()
    traced_draws: tuple[TracedDraw, ...] = ()
    outdated: OutdatedStep | None = None
    weights_left_out: bool = False
    frozen: tuple[FrozenLayers, ...] = ()
    untracked: UntrackedLayers | None = None
    ignored: tuple[IgnoredArgument, ...] = ()
