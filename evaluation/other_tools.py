"""The rules of other tools with their published thresholds, applied to a `Trace`.

Each rule is a function of a trace that returns whether the tool would raise its alarm.
If a rule reads a quantity that is not recorded, such as accuracy, the nearest recorded
quantity is used, as the docstring says. None of these tools runs on Keras 3; this
module compares rules, not programs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pytest_lossguard.core.trace import Trace

__all__ = ["OTHER_TOOLS", "tools_that_flag"]

Rule = Callable[[Trace], bool]


def loss_fell(trace: Trace) -> bool:
    """A common hand-written test on epoch means: ``assert loss[-1] < loss[0]``."""
    first, last = _ends(trace)
    return not last < first


def fell_by_ten_percent(trace: Trace) -> bool:
    """A hand-written test on epoch means: ``assert loss[-1] < 0.9 * loss[0]``."""
    first, last = _ends(trace)
    return not last < first - 0.1 * abs(first)


def nan_only(trace: Trace) -> bool:
    """``TerminateOnNaN`` of Keras."""
    return not bool(np.isfinite(trace.steps.loss).all())


def autotrainer(trace: Trace) -> bool:
    """AutoTrainer (Zhang et al., ICSE 2021), default parameters.

    Exploding: non-finite, or a first-to-last gradient ratio above 70; vanishing: the
    ratio below 1e-3; dying ReLU: 70 % of a layer's units at zero; oscillating: the loss
    rises by more than 3 % in at least half of the epochs; slow: the loss changed by
    less than 1 % over three epochs. All of these count only while the training does
    badly; instead of accuracy, the loss relative to its start is used.
    """
    if nan_only(trace):
        return True
    epochs = _epoch_means(trace)
    first, last = _ends(trace)
    if last < 0.4 * first:  # AutoTrainer accepts trainings with 60 % accuracy
        return False
    ratio = _first_to_last_gradient(trace)
    vanishing = ratio is not None and (ratio < 1e-3 or ratio > 70)
    slow = len(epochs) > 3 and abs(epochs[-1] - epochs[-4]) < 0.01 * abs(epochs[0])
    return vanishing or _dead(trace) >= 0.7 or _swings(epochs, 0.03) >= 0.5 or slow


def deepdiagnosis(trace: Trace) -> bool:
    """DeepDiagnosis (Wardat et al., ICSE 2022), its published conditions.

    Numerical errors, loss not decreasing over consecutive steps, exploding tensors
    (magnitude over 1e4, here of weights), vanishing gradients below 1e-7, dead nodes at
    70 %, saturated activations, unchanged weights, outputs out of range.
    """
    if nan_only(trace) or _dead(trace) >= 0.7 or _saturated(trace) >= 0.5:
        return True
    epochs = _epoch_means(trace)
    rising = len(epochs) > 1 and float(np.mean(np.diff(epochs) >= 0)) >= 0.5
    norms = trace.steps.grad_norm
    tiny = bool(len(norms)) and float(np.max(norms[-1])) < 1e-7
    unchanged = not trace.steps.update_norm.any()
    huge = bool((trace.steps.weight_norm > 1e4).any())
    return rising or tiny or unchanged or huge


def umlaut(trace: Trace) -> bool:
    """UMLAUT (Schoop et al., CHI 2021), its heuristics for data and curve.

    Inputs outside -1..1 or not normalized, NaN, a missing softmax before a
    cross-entropy, a rising loss, overfitting. Its accuracy heuristics are left out.
    """
    if nan_only(trace):
        return True
    outside = any(
        it.is_numeric and (float(np.max(it.high)) > 1 or float(np.min(it.low)) < -1)
        for it in trace.inputs
    )
    epochs = _epoch_means(trace)
    rising = len(epochs) > 1 and epochs[-1] > epochs[0]
    held_out = trace.validation
    overfits = held_out is not None and held_out.loss[-1] > min(held_out.loss) * 1.05
    return outside or rising or overfits


def loss_not_decreasing(trace: Trace) -> bool:
    """SageMaker Debugger: the loss falls by less than 0.1 % per 10 steps, ten times in
    a row.
    """
    loss = trace.steps.loss
    if nan_only(trace):
        return False
    every = loss[::10]
    falls = np.diff(every) < -0.001 * np.abs(every[:-1])
    run = longest = 0
    for fell in falls:
        run = 0 if fell else run + 1
        longest = max(longest, run)
    return longest >= 10


def exploding_tensor(trace: Trace) -> bool:
    """SageMaker Debugger: any NaN or infinity in a recorded tensor."""
    steps = trace.steps
    tables = (steps.loss, steps.grad_norm, steps.weight_norm)
    return not all(bool(np.isfinite(it).all()) for it in tables)


def vanishing_gradient(trace: Trace) -> bool:
    """SageMaker Debugger: the mean magnitude of a gradient is below 1e-7."""
    norms, sizes = trace.steps.grad_norm, np.asarray(trace.sizes, float)
    if not len(norms):
        return False
    mean = norms / np.sqrt(np.maximum(sizes, 1))
    return bool(((mean >= 0) & (mean < 1e-7)).any())


def dead_relu(trace: Trace) -> bool:
    """SageMaker Debugger: more than half of a layer's units at zero."""
    return _dead(trace) > 0.5


def saturated_activation(trace: Trace) -> bool:
    """SageMaker Debugger: more than half of a layer's outputs are saturated."""
    return _saturated(trace) > 0.5


OTHER_TOOLS: dict[str, Rule] = {
    "the loss fell": loss_fell,
    "fell by 10 %": fell_by_ten_percent,
    "NaN only": nan_only,
    "AutoTrainer": autotrainer,
    "DeepDiagnosis": deepdiagnosis,
    "UMLAUT": umlaut,
    "SageMaker LossNotDecreasing": loss_not_decreasing,
    "SageMaker ExplodingTensor": exploding_tensor,
    "SageMaker VanishingGradient": vanishing_gradient,
    "SageMaker DeadRelu": dead_relu,
    "SageMaker SaturatedActivation": saturated_activation,
}


def tools_that_flag(trace: Trace) -> list[str]:
    """Return the names of the rules that raise an alarm."""
    return [name for name, rule in OTHER_TOOLS.items() if rule(trace)]


def _epoch_means(trace: Trace) -> np.ndarray:
    """Return the mean loss of each epoch, or of tenths of a run of one epoch."""
    loss = trace.steps.loss
    size = trace.steps_per_epoch or 0
    if size < 1 or len(loss) < 2 * size:
        size = max(1, len(loss) // 10)
    whole = len(loss) // size * size
    return np.asarray(loss[:whole].reshape(-1, size).mean(axis=1))


def _ends(trace: Trace) -> tuple[float, float]:
    epochs = _epoch_means(trace)
    return float(epochs[0]), float(epochs[-1])


def _first_to_last_gradient(trace: Trace) -> float | None:
    weights = [index for index, size in enumerate(trace.sizes) if size > 1]
    norms = trace.steps.grad_norm
    if len(weights) < 3 or not len(norms):
        return None
    typical = np.median(norms, axis=0)
    last = float(typical[weights[-1]])
    return float(typical[weights[0]]) / last if last > 0 else None


def _swings(epochs: np.ndarray, share: float) -> float:
    """Return the share of epochs in which the loss rose by more than ``share``."""
    if len(epochs) < 4:
        return 0.0
    return float(np.mean(np.diff(epochs) > share * np.abs(epochs[:-1])))


def _dead(trace: Trace) -> float:
    layers = () if trace.after is None else trace.after.layers
    return max((it.dead for it in layers if not it.is_output), default=0.0)


def _saturated(trace: Trace) -> float:
    layers = () if trace.after is None else trace.after.layers
    return max((it.saturated for it in layers if not it.is_output), default=0.0)
