"""What a notebook calls: no pytest, no marker, the same judge and diagnosis."""

from __future__ import annotations

from typing import Any

from .core.diagnosis import Diagnosis
from .core.errors import NotConverged, UsageError
from .core.given import SECONDS, SEED, Expected, checked, shown
from .core.policy import Policy
from .experiments.margins import Margins
from .session.after_test import DIAGNOSIS_BUDGET
from .session.guard import Guard
from .session.runs import TrainingRun

__all__ = ["diagnose", "margins", "plot"]


def margins(
    model_or_factory: Any,
    x: Any,
    y: Any = None,
    *,
    policy: Policy | None = None,
    seed: int = 0,
    **how: Any,
) -> Margins:
    """How far a training is from no longer converging, found by bisection.

    Args:
        model_or_factory: As for `diagnose`.
        x: As for `diagnose`.
        y: As for `diagnose`.
        policy: What decides whether it converges.
        seed: Of weights and batches.
        how: As for `diagnose`.

    Returns:
        How far the learning rate can be raised, and each feature scaled.

    Raises:
        NotConverged: The training does not converge as it is.
        UsageError: Model or data cannot be trained as given.
        CannotChange: It cannot be run again with changes.
    """
    __tracebackhide__ = True
    try:
        return _guard(policy, seed).margins(model_or_factory, x, y, **how)
    except UsageError as error:  # its sentence says all; the way to it nothing
        raise error.with_traceback(None) from None


def diagnose(
    model_or_factory: Any,
    x: Any,
    y: Any = None,
    *,
    budget: float = DIAGNOSIS_BUDGET,
    policy: Policy | None = None,
    seed: int = 0,
    **how: Any,
) -> Diagnosis:
    """Train for a while, and say why it does not converge, or could learn far more.

    Args:
        model_or_factory: A compiled `keras.Model`, or a function without arguments
            that builds one. A model is put back as it was.
        x: Inputs of shape ``(rows, ...)``, a nested structure of arrays, or a
            `tf.data.Dataset` of batches.
        y: Targets, likewise; None with a dataset.
        budget: Seconds for the experiments.
        policy: What the training is held to.
        seed: Of weights and batches.
        how: ``steps`` or ``epochs``, ``batch_size``, ``sample_weight``,
            ``validation_data``, ``shuffle``, as in ``lossguard.fit``.

    Returns:
        The causes, the likeliest first, with all experiments. Falsy and without
        causes if the training converges.

    Raises:
        UsageError: Model or data cannot be trained as given.
    """
    __tracebackhide__ = True
    try:
        guard = _guard(policy, seed, checked("budget", budget, SECONDS))
        with guard.explaining():
            guard.fit(model_or_factory, x, y, **how)
            guard.compare()
    except NotConverged:
        pass
    except UsageError as error:
        raise error.with_traceback(None) from None
    bad = (run for run in guard.runs if not run.converged or _is_improvable(run))
    run = next(bad, None)
    if run is None:
        return Diagnosis(causes=())
    known = run.verdict.diagnosis or guard.diagnose(run).verdict.diagnosis
    return known or Diagnosis(causes=())


def plot(run: TrainingRun) -> Any:
    """The loss of a training between its reference losses, and the gradient norm.

    Args:
        run: What ``lossguard.fit`` gave, or ``lossguard.watch`` as ``.run``.

    Returns:
        A `plotly.graph_objects.Figure`, which a notebook shows.

    Raises:
        UsageError: plotly is not installed, or ``run`` is something else.
    """
    __tracebackhide__ = True
    if not isinstance(run, TrainingRun):
        raise UsageError(
            f"plot({shown(run)}): it takes a TrainingRun, which lossguard.fit returns"
            " and lossguard.watch has as .run"
        )
    return run.plot()


_POLICY = Expected(
    "a pytest_lossguard.Policy, as Policy(strict=True), or None",
    lambda it: it is None or isinstance(it, Policy),
)


def _guard(policy: Any, seed: Any, budget: float = DIAGNOSIS_BUDGET) -> Guard:
    """A guard of what a call was given.

    Raises:
        UsageError: It cannot be meant.
    """
    policy = checked("policy", policy, _POLICY) or Policy()
    seed = checked("seed", seed, SEED)
    from .training import Trainer

    trainer: Any = Trainer()
    return Guard(policy=policy, seed=seed, trainer=lambda: trainer, budget=budget)


def _is_improvable(run: TrainingRun) -> bool:
    return any(it.kind == "improvable" for it in run.findings)
