"""The value of the ``lossguard`` fixture."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Never

from ..core.errors import UsageError
from ..core.given import Expected, checked
from .state import Session, guard_of

if TYPE_CHECKING:
    from ..core.findings import Finding
    from ..experiments.margins import Margins
    from ..model_checks import ModelCheckResult
    from ..session.guard import Guard
    from ..session.runs import TrainingRun, WatchedRuns

_NAME = Expected("a text or None", lambda it: it is None or isinstance(it, str))


class Lossguard:
    """The value of the ``lossguard`` fixture: one object for the whole session.

    Since the fixture is session-scoped, it can be used together with Hypothesis'
    ``@given``.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def fit(
        self,
        model_or_factory: Any,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        validation_data: Any = None,
        steps: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        shuffle: bool = True,
        seed: int | None = None,
        **unknown: Never,
    ) -> TrainingRun:
        """Train as ``model.fit`` would, as one loop in the graph; then restore the
        model.

        Args:
            model_or_factory: A compiled `keras.Model`, or a function without arguments
                that builds one. The weights, optimizer, metrics and seeds of a model
                are restored afterwards.
            x: Inputs of shape ``(rows, ...)``, a nested structure of arrays, or a
                `tf.data.Dataset` of batches.
            y: Targets, an array or a nested structure as for ``x``; None with a
                dataset.
            sample_weight: Sample weights of shape ``(rows,)``; None for equal weights.
            validation_data: ``(x, y)``, ``(x, y, sample_weight)`` or a dataset; None
                for no validation.
            steps: Number of updates; default: that of the marker, else 100.
            epochs: Number of passes over the data, instead of ``steps``.
            batch_size: Rows per step; default: that of the marker, else 32. A dataset
                has its own batches.
            shuffle: Whether to shuffle arrays before each epoch.
            seed: Seed of the training; default: ``--lossguard-seed``.
            unknown: Not accepted: other arguments of ``model.fit`` raise an error.

        Returns:
            The judged run. In a test marked ``converges`` it has converged.

        Raises:
            NotConverged: In a marked test, the training did not converge.
            UsageError: The model or the data cannot be trained as given.
        """
        __tracebackhide__ = True
        guard = self._guard("fit")
        try:
            return guard.fit(
                model_or_factory,
                x,
                y,
                sample_weight=sample_weight,
                validation_data=validation_data,
                steps=steps,
                epochs=epochs,
                batch_size=batch_size,
                shuffle=shuffle,
                seed=seed,
                **unknown,
            )
        except UsageError as error:  # its message needs no traceback
            raise error.with_traceback(None) from None

    def margins(
        self, model_or_factory: Any, x: Any, y: Any = None, **how: Any
    ) -> Margins:
        """Measure how far a training is from no longer converging, by bisection.

        Args:
            model_or_factory: As for `fit`.
            x: As for `fit`.
            y: As for `fit`.
            how: The other arguments of `fit`.

        Returns:
            How far the learning rate can be raised, and each feature scaled, before the
            training stops converging; see `Margins`.

        Raises:
            NotConverged: In a marked test, the unchanged training does not converge.
            UsageError: The model or the data cannot be trained as given.
            CannotChange: The training cannot be run again with changes.
        """
        __tracebackhide__ = True
        guard = self._guard("margins")
        try:
            return guard.margins(model_or_factory, x, y, **how)
        except UsageError as error:
            raise error.with_traceback(None) from None

    def contracts(
        self, prepare: Any, x: Any, y: Any = None, **how: Any
    ) -> tuple[Finding, ...]:
        """Check a data preparation against its contracts, without training.

        Args:
            prepare: The preparation; see `pytest_lossguard.contracts`.
            x: Raw rows, as for `pytest_lossguard.contracts`.
            y: Raw labels; None if there are none.
            how: The other arguments of `pytest_lossguard.contracts`; ``seed`` defaults
                to ``--lossguard-seed``.

        Returns:
            Findings on relations that are broken and allowed.

        Raises:
            ContractBroken: A relation is broken.
            UsageError: The preparation or the data cannot be checked as given.
        """
        __tracebackhide__ = True
        from ..preprocessing import contracts

        return contracts(prepare, x, y, **{"seed": self._session.seed, **how})

    def check_model(
        self, build_model: Any, x: Any, y: Any = None, **keys: Any
    ) -> tuple[ModelCheckResult, ...]:
        """Check a model before it is trained.

        Args:
            build_model: The model or its factory; see `pytest_lossguard.check_model`.
            x: Inputs or a dataset, as for `pytest_lossguard.check_model`.
            y: Targets; None with a dataset.
            keys: The other arguments of `pytest_lossguard.check_model`; ``seed``
                defaults to ``--lossguard-seed``.

        Returns:
            The result of each check.

        Raises:
            ModelCheckFailed: A check failed.
            UsageError: The model or the data are invalid.
        """
        __tracebackhide__ = True
        from ..model_checks import check_model

        return check_model(build_model, x, y, **{"seed": self._session.seed, **keys})

    def watch(self, name: str | None = None) -> AbstractContextManager[WatchedRuns]:
        """Watch the trainings inside a ``with`` block of an unmarked test.

        Args:
            name: Name of the trainings in reports; default: the name of the model.

        Returns:
            A context manager. Its value has ``.runs`` and ``.run`` once the block has
            ended. A non-finite loss ends the block.
        """
        __tracebackhide__ = True
        return self._guard("watch").watch(checked("name", name, _NAME, "watch({})"))

    def plot(self, run: TrainingRun) -> Any:
        """Plot the loss of a training with its reference losses, and the gradient norm.

        Args:
            run: A run returned by `fit`, or ``.run`` of `watch`.

        Returns:
            A `plotly.graph_objects.Figure`.

        Raises:
            UsageError: plotly is not installed, or ``run`` is not a run.
        """
        __tracebackhide__ = True
        from ..api import plot

        return plot(run)

    def _guard(self, method: str) -> Guard:
        __tracebackhide__ = True
        item = self._session.current
        if item is None:
            raise UsageError(
                f"lossguard.{method} was called while no test was running: call it in"
                " a test or in a fixture of one"
            )
        return guard_of(item)
