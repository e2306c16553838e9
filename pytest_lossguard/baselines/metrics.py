"""Metrics of a training that should not get worse.

The losses themselves are not among them, because any change moves them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..core.trace import Floats, Trace
from ..judge import loss_curve_of
from ..judge.curve import LossCurve

#: The number of steps over which a loss curve is averaged to find when it was half way
#: down, and the largest share of all steps that this may be.
_SMOOTHED, _SHARE_SMOOTHED = 5, 0.1
#: The resolution of headrooms, which are known to a quarter of an octave
#: (`experiments.margins.STEP`).
_HEADROOM = 0.2
#: The least value in a ratio; smaller values are replaced by it.
_TINY = 1e-9
#: The share of steps that is left out at each end of the range of the gradient norm.
_TAIL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric that should not get worse, and how its values are printed.

    Attributes:
        label: The name of the metric in messages.
        better: Which direction is better; a metric with ``"neither"`` is recorded but
            never gets worse.
        form: Formats a value.
        is_ratio: Whether values are compared by their ratio, else by their difference.
        resolution: The least change that counts: absolute or, for a ratio, a share of
            the value. The default is half a percent: where chance plays no part, one
            version of TensorFlow differs from another by less than a thousandth.
    """

    label: str
    better: Literal["higher", "lower", "neither"]
    form: Callable[[float], str]
    is_ratio: bool = False
    resolution: float = 0.005

    def worsening(self, before: float, now: float) -> float:
        """Return by how much a value got worse beyond the resolution; 0 or less if it
        did not.
        """
        if self.better == "neither":
            return 0.0
        sign = 1.0 if self.better == "lower" else -1.0
        if not self.is_ratio:
            return sign * (now - before) - self.resolution
        change = math.log(max(now, _TINY) / max(before, _TINY))
        return sign * change - math.log1p(self.resolution)


def _share(value: float) -> str:
    return f"{value:.0%}" if abs(value) < 0.995 else f"{value:.1%}"


def _plain(value: float) -> str:
    return f"{value:.3g}"


def _factor(value: float) -> str:
    return f"{value:,.0f}x" if value >= 100 else f"{value:.3g}x"


METRICS: dict[str, Metric] = {
    "skill": Metric(label="skill against a constant", better="higher", form=_share),
    "loss_removed": Metric(
        label="share of the loss removed", better="higher", form=_share
    ),
    "loss_fall": Metric(
        label="fall of the loss", better="higher", form=_plain, is_ratio=True
    ),
    "steps_to_half": Metric(
        label="steps to half of it", better="lower", form=_plain, is_ratio=True
    ),
    "learning_rate_headroom": Metric(
        label="learning-rate headroom",
        better="higher",
        form=_factor,
        is_ratio=True,
        resolution=_HEADROOM,
    ),
    "input_scale_headroom": Metric(
        label="input-scale headroom",
        better="higher",
        form=_factor,
        is_ratio=True,
        resolution=_HEADROOM,
    ),
    "highest_grad_norm": Metric(
        label="highest gradient norm", better="lower", form=_plain, is_ratio=True
    ),
    # A training that comes nearer to its minimum has a lower norm, which is no fault.
    "lowest_grad_norm": Metric(
        label="lowest gradient norm", better="neither", form=_plain, is_ratio=True
    ),
    "worst_jump": Metric(label="worst jump of the loss", better="lower", form=_share),
}


def half_way(traces: list[Trace]) -> float | None:
    """Return half of the median share of the starting loss that trainings removed.

    The result is None for a loss without a lower bound, which has no such share.
    """
    removed = [_loss_removed(loss_curve_of(it)) for it in traces]
    known = [it for it in removed if it is not None]
    return _short(0.5 * float(np.median(known))) if known else None


def measure(trace: Trace, half: float | None) -> dict[str, float]:
    """Measure a training, and return the metrics that are known, by name.

    Args:
        trace: The trace of the training.
        half: The share of the starting loss whose removal counts as half way, the same
            for all trainings that are compared; None for a loss without a lower bound.
    """
    found = loss_curve_of(trace)
    # Without the rarest steps.
    low, high = np.quantile(trace.steps.global_grad_norm, [_TAIL, 1 - _TAIL]).tolist()
    measured = {
        "skill": found.skill,
        "loss_removed": _loss_removed(found),
        "loss_fall": None if found.has_floor else found.start - found.end,
        "steps_to_half": _steps_to(found, half),
        "highest_grad_norm": high,
        "lowest_grad_norm": low,
        "worst_jump": _worst_jump(found),
    }
    return {
        name: _short(value)
        for name, value in measured.items()
        if value is not None and np.isfinite(value)
    }


def _short(value: float) -> float:
    """Round to four significant digits, which is enough for the file."""
    return float(f"{value:.4g}")


def _loss_removed(curve: LossCurve) -> float | None:
    if not curve.has_floor or curve.start <= 0:
        return None
    return 1.0 - curve.end / curve.start


def _steps_to(found: LossCurve, half: float | None) -> float | None:
    """Return the number of updates until the share ``half`` of the starting loss was
    gone; the number of all updates plus one if it never was.
    """
    if half is None or not found.has_floor or found.start <= 0:
        return None
    curve, level = _smoothed(found.losses), (1.0 - half) * found.start
    below = np.flatnonzero(curve <= level)
    if not len(below):
        return float(len(curve) + 1)
    step = int(below[0])
    if step == 0:
        return 1.0
    # Interpolate linearly between two steps.
    fall = float(curve[step - 1] - curve[step])
    return step + float(curve[step - 1] - level) / fall


def _smoothed(curve: Floats) -> Floats:
    """Return the moving average of a curve over each step and those just before it."""
    width = max(1, min(_SMOOTHED, int(len(curve) * _SHARE_SMOOTHED)))
    padded = np.concatenate([np.repeat(curve[:1], width - 1), curve])
    return np.asarray(np.convolve(padded, np.full(width, 1 / width), mode="valid"))


def _worst_jump(curve: LossCurve) -> float | None:
    """Return the largest rise of the loss in one step, as a share of the start."""
    if not curve.has_floor or curve.start <= 0 or len(curve.losses) < 2:
        return None
    return float(max(0.0, np.max(np.diff(curve.losses)))) / curve.start
