"""What a training step was seen to do, beside the numbers of each update."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NEXT_TO_NOTHING", "Clipping", "CustomGradient", "StepFacts"]

#: Share of its largest value below which a learning rate moves nothing: a cosine is
#: there for the last 2 % of its steps, an exponential decay that is meant ends above.
NEXT_TO_NOTHING = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Clipping:
    """What an optimizer clips gradients to: the L2 norm of each variable's, that of all
    together, each value; None where it does not.
    """

    norm: float | None = None
    whole: float | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomGradient:
    """A gradient written by hand that disagrees with finite differences.

    Attributes:
        name, place: Of its function, as ``"bent"`` and ``"train.py:12"``.
        given, real: One slope, as it gives it and as its values show it.
    """

    name: str
    place: str
    given: float
    real: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """Facts of the steps of one training; each is empty where nothing was seen.

    Attributes:
        inference_layers: Names of the layers that behave otherwise in training and were
            called under a tape, but never in training mode.
        inference_asked: Whether the loop itself passed ``training=False``.
        gradients: How often gradients of its variables were taken.
        gradients_after: How often of those after its last update.
        restarts: How often the same optimizer was made anew, and trained on.
        state_lost: Whether it had a state to lose, as momentum.
        loss_scale: What the optimizer divides gradients by; 1 where by nothing.
        loss_scaled: Whether the loss was multiplied by an optimizer's scale; None where
            that was not seen.
        gradients_scaled: Whether gradients of such a loss were applied undivided.
        never_reset: Whether each update applied the sum of all gradients so far: that
            of the user's own variables or lists, which are never set to 0.
        custom_gradients: Gradients written by hand that are wrong.
        penalty: Sum of the model's own losses, as regularizers and ``add_loss``, at the
            end of the training; 0 where it has none or that is not known.
        rate_ended_at: Updates after which a schedule's rate is next to 0 for good; None
            where it is not.
        rate_cut_at: Updates after which a callback first lowered it, where one did.
        clipping: What gradients are clipped to, where their size matters: not for
            optimizers that divide it out, as Adam.
        weights_left_out: Whether ``fit`` was given weights of rows or classes and no
            loss of its step depends on them.
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
    rate_ended_at: int | None = None
    rate_cut_at: int | None = None
    clipping: Clipping | None = None
    custom_gradients: tuple[CustomGradient, ...] = ()
    weights_left_out: bool = False
