"""Changes of the optimizer and of the length of a training;
``training/rerun/optimizer_changes`` applies them.
"""

from __future__ import annotations

from ...core.change import RATE_INSTEAD_OF_0, Change
from ...core.keras_names import OptimizerFacts, optimizer_facts
from ...core.numbers import number
from ...judge import loss_curve_of, thresholds
from .kind import (
    CERTAIN,
    LIKELY,
    POSSIBLE,
    REMOTE,
    STRONG,
    ChangeKind,
    Proposal,
    Situation,
    Weighed,
)

#: Facts for an unknown optimizer.
_ANY_OPTIMIZER = OptimizerFacts(name="", default_rate=0.01)
#: Momentum from the first on is high; from the second on it is worth leaving out under
#: SGD.
_HIGH_MOMENTUM, _SOME_MOMENTUM = 0.95, 0.8
#: Batches of up to so many rows may be too small, if the data have more rows than the
#: second number.
_SMALL_BATCH, _SOME_ROWS = 4, 8
#: A training of fewer steps may just be too short.
_FEW_STEPS = 60


def _optimizer_of(now: Situation) -> OptimizerFacts:
    return optimizer_facts(now.facts.optimizer) or _ANY_OPTIMIZER


def _has_blown_up(now: Situation) -> bool:
    return "unstable" in now.symptoms


# The learning rate


def _learning_rate(now: Situation) -> Weighed:
    optimizer, rate = _optimizer_of(now), now.facts.learning_rate
    blown = _has_blown_up(now)
    lower: float = STRONG if blown else LIKELY - 10
    if rate is not None and rate >= optimizer.highest_usual:
        lower = CERTAIN - 5
    for step, factor in enumerate((0.1, 0.01, 0.001)):
        yield lower - 0.1 * step, Change(kind="learning_rate", value=factor)
    higher: float = STRONG - 5 if "stuck" in now.symptoms else POSSIBLE
    if rate is not None and rate <= optimizer.lowest_usual:
        higher = CERTAIN - 5
    if blown:
        higher = REMOTE
    stood = loss_curve_of(now.trace).moved < thresholds.MOVED_LITTLE
    for step, factor in enumerate(
        (10.0, 100.0, *([thresholds.FAR_HIGHER] if stood else []))
    ):
        yield higher - 0.1 * step, Change(kind="learning_rate", value=factor)


def _cause_of_rate(change: Change) -> str:
    higher = float(change.value or 0) > 1
    return "learning_rate_too_low" if higher else "learning_rate_too_high"


def _remedy_of_rate(now: Proposal) -> str:
    new = _changed_rate(now)
    if new is None:
        return "compile with that learning rate"
    return f"compile with {now.facts.optimizer}(learning_rate={number(new)})"


def _changed_rate(now: Proposal) -> float | None:
    """Return the learning rate after the change, None under a schedule."""
    if now.facts.learning_rate is None:
        return None
    return (now.facts.learning_rate or RATE_INSTEAD_OF_0) * float(
        now.change.value or 1.0
    )


def _describe_rate(now: Proposal) -> str:
    new = _changed_rate(now)
    if new is None:
        return f"the learning rate times {number(float(now.change.value or 1.0))}"
    return f"learning rate {number(now.facts.learning_rate)} -> {number(new)}"


# The rest of the optimizer


def _momentum(now: Situation) -> Weighed:
    if now.facts.momentum >= _HIGH_MOMENTUM:
        yield STRONG + 5, Change(kind="momentum", value=0.9)
        yield STRONG + 4, Change(kind="momentum", value=0.0)
    elif now.facts.momentum >= _SOME_MOMENTUM and _optimizer_of(now).name == "SGD":
        yield POSSIBLE, Change(kind="momentum", value=0.0)


def _clip_gradients(now: Situation) -> Weighed:
    if _has_blown_up(now):
        yield POSSIBLE, Change(kind="clip_gradients", value=1.0)


def _optimizer(now: Situation) -> Weighed:
    if not _optimizer_of(now).is_adam:
        yield REMOTE + 3, Change(kind="optimizer", value="adam")


def _describe_optimizer(now: Proposal) -> str:
    known = optimizer_facts(str(now.change.value))
    new = now.change.value
    if known is not None:
        new = f"{known.name}({number(known.default_rate)})"
    return f"{now.facts.optimizer} -> {new}"


# The length


def _batch_size(now: Situation) -> Weighed:
    trace = now.trace
    few = trace.batch_size is not None and trace.batch_size <= _SMALL_BATCH
    if few and trace.inputs and trace.inputs[0].rows > _SOME_ROWS:
        noisy = now.found & {"noisy_loss", "oscillating_loss"}
        yield STRONG if noisy else POSSIBLE, Change(kind="batch_size", value=32.0)


def _more_steps(now: Situation) -> Weighed:
    if now.found & {"nonfinite_loss", "nonfinite_gradient"}:
        return  # longer is no help
    short = len(now.trace.steps) < _FEW_STEPS
    slow = short or "slow_convergence" in now.found
    weight = LIKELY + 5 if slow and not _has_blown_up(now) else POSSIBLE - 10
    yield weight, Change(kind="more_steps", value=5.0)
    yield weight - 3, Change(kind="more_steps", value=20.0)


def _describe_steps(now: Proposal) -> str:
    steps = len(now.trace.steps)
    return f"{steps} -> {round(steps * float(now.change.value or 1))} steps"


#: Changes of the optimizer, in the order in which changes of equal weight are tried.
KINDS = (
    ChangeKind(
        name="learning_rate",
        acts_on="weights",
        cause=_cause_of_rate,
        remedy=_remedy_of_rate,
        describe=_describe_rate,
        worth=_learning_rate,
        is_graded=True,
    ),
    ChangeKind(
        name="momentum",
        acts_on="program",
        cause="momentum_too_high",
        remedy="compile with the lower momentum",
        describe=lambda now: (
            f"momentum {number(now.facts.momentum)}"
            f" -> {number(float(now.change.value or 0.0))}"
        ),
        worth=_momentum,
    ),
    ChangeKind(
        name="clip_gradients",
        acts_on="program",
        cause="gradient_clipping_needed",
        remedy="compile the optimizer with clipnorm=1.0",
        describe=lambda now: f"clipnorm={float(now.change.value or 1.0):g}",
        worth=_clip_gradients,
    ),
    ChangeKind(
        name="optimizer",
        acts_on="program",
        cause="optimizer_choice",
        remedy="compile with the other optimizer",
        describe=_describe_optimizer,
        worth=_optimizer,
    ),
    ChangeKind(
        name="batch_size",
        acts_on="length",
        cause="batch_size_too_small",
        remedy="train with the larger batch size",
        describe=lambda now: (
            f"batch size {now.trace.batch_size}"
            f" -> {number(float(now.change.value or 0))}"
        ),
        worth=_batch_size,
    ),
    ChangeKind(
        name="more_steps",
        acts_on="length",
        cause="too_few_steps",
        remedy="train longer",
        describe=_describe_steps,
        worth=_more_steps,
        is_graded=True,
    ),
    ChangeKind(
        name="plain_gradients",
        acts_on="length",
        cause="custom_gradient_wrong",
        remedy="correct the gradient that is written by hand",
        describe=lambda now: (
            f"the gradient that TensorFlow derives at {now.change.value}"
        ),
    ),
)
