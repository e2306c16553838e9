"""Functions for notebooks: the same judge and diagnosis, without pytest or markers."""

from __future__ import annotations

from typing import Any

from .core.diagnosis import Diagnosis
from .core.errors import NotConverged, UsageError
from .core.given import SECONDS, SEED, Expected, checked, shown
from .core.policy import Policy
from .experiments.compare import is_improvable
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
    """Measure by bisection how far a training is from no longer converging.

    Args:
        model_or_factory: As in `diagnose`.
        x: As in `diagnose`.
        y: As in `diagnose`.
        policy: The policy that decides whether a training converges; default
            `Policy()`.
        seed: Seed of the weights and the batches.
        how: As in `diagnose`.

    Returns:
        How far the learning rate can be raised, and how far each feature can be scaled.

    Raises:
        NotConverged: The training does not converge without any change.
        UsageError: Model or data cannot be trained as given.
        LossguardError: The training cannot be run again with changes.
    """
    __tracebackhide__ = True
    try:
        return _guard(policy, seed).margins(model_or_factory, x, y, **how)
    except UsageError as error:  # the message is enough; the traceback adds nothing
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
    """Train, and find out why the training does not converge or could learn far more.

    Args:
        model_or_factory: A compiled `keras.Model`, or a function without arguments that
            builds one. The state of a model is restored afterwards.
        x: Inputs of shape ``(rows, ...)``, a nested structure of arrays, or a
            `tf.data.Dataset` of batches.
        y: Targets, in the same forms as ``x``; None with a dataset.
        budget: Time limit for the experiments, in seconds.
        policy: The policy that the training must meet; default `Policy()`.
        seed: Seed of the weights and the batches.
        how: ``steps`` or ``epochs``, ``batch_size``, ``sample_weight``,
            ``validation_data``, ``shuffle``, as in ``lossguard.fit``.

    Returns:
        The causes, the most likely first, with all experiments. Falsy and without
        causes if the training converges and could not learn far more.

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
    bad = (
        run for run in guard.runs if not run.converged or is_improvable(run.findings)
    )
    run = next(bad, None)
    if run is None:
        return Diagnosis(causes=())
    known = run.verdict.diagnosis or guard.diagnose(run).verdict.diagnosis
    return known or Diagnosis(causes=())


def plot(run: TrainingRun) -> Any:
    """Plot the loss of a training with its reference losses, and the gradient norm.

    Args:
        run: The result of ``lossguard.fit``, or ``.run`` of the result of
            ``lossguard.watch``.

    Returns:
        A `plotly.graph_objects.Figure`, which a notebook displays.

    Raises:
        UsageError: plotly is not installed, or ``run`` is not a `TrainingRun`.
    """
    __tracebackhide__ = True
    if not isinstance(run, TrainingRun):
        raise UsageError(
            f"plot({shown(run)}): it takes a TrainingRun, which lossguard.fit returns"
            " and lossguard.watch has as .run"
        )
    return run.plot()


_POLICY = Expected(
    "a pytest_lossguard.Policy, such as Policy(strict=True), or None",
    lambda it: it is None or isinstance(it, Policy),
)


def _guard(policy: Any, seed: Any, budget: float = DIAGNOSIS_BUDGET) -> Guard:
    """Make a guard with the given policy, seed and budget.

    Raises:
        UsageError: The policy or the seed is not valid.
    """
    policy = checked("policy", policy, _POLICY) or Policy()
    seed = checked("seed", seed, SEED)
    from .training import Trainer

    trainer: Any = Trainer()
    return Guard(policy=policy, seed=seed, trainer=lambda: trainer, budget=budget)
