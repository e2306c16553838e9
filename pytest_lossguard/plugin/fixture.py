"""What the ``lossguard`` fixture gives."""

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

__all__ = ["Lossguard"]


_NAME = Expected("a text or None", lambda it: it is None or isinstance(it, str))


class Lossguard:
    """What the ``lossguard`` fixture gives: one handle for the whole session.

    Being session scoped it can be asked for beside Hypothesis' ``@given``.
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
        """Train as ``model.fit`` would, as one loop in the graph; put all back.

        Args:
            model_or_factory: A compiled `keras.Model`, or a function without
                arguments that builds one. A model is put back as it was:
                weights, optimizer, metrics, seeds.
            x: Inputs of shape ``(rows, ...)``, a nested structure of arrays, or
                a `tf.data.Dataset` of batches.
            y: Targets, likewise; None with a dataset.
            sample_weight: Shape ``(rows,)``.
            validation_data: ``(x, y)``, ``(x, y, sample_weight)`` or a dataset.
            steps: Updates to make; default 100, or what the marker says.
            epochs: Passes over the data instead of ``steps``.
            batch_size: Rows per step, default 32; a dataset has its own.
            shuffle: Shuffle arrays anew each epoch.
            seed: Default ``--lossguard-seed``.
            unknown: None: what else ``model.fit`` takes is refused.

        Returns:
            The judged run. In a test marked ``converges`` it has converged.

        Raises:
            NotConverged: In a marked test, the training did not converge.
            UsageError: Model or data cannot be trained as given.
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
        except UsageError as error:  # its sentence says all; the way to it nothing
            raise error.with_traceback(None) from None

    def margins(
        self, model_or_factory: Any, x: Any, y: Any = None, **how: Any
    ) -> Margins:
        """How far a training is from no longer converging, found by bisection.

        Args:
            model_or_factory: As for `fit`.
            x: As for `fit`.
            y: As for `fit`.
            how: The other arguments of `fit`.

        Returns:
            How far the learning rate can be raised, and each feature scaled, before
            the training stops converging; see `Margins`.

        Raises:
            NotConverged: In a marked test, it does not converge as it is.
            UsageError: Model or data cannot be trained as given.
            CannotChange: It cannot be run again with changes.
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
        """Check a preparation of data against its contracts, without training.

        Args:
            prepare: See `pytest_lossguard.contracts`.
            x: Raw rows; see there.
            y: Raw labels.
            how: Its other arguments; ``seed`` is ``--lossguard-seed`` by default.

        Returns:
            What is broken and tolerated.

        Raises:
            ContractBroken: A relation is broken.
            UsageError: It cannot be checked as given.
        """
        __tracebackhide__ = True
        from ..preprocessing import contracts

        return contracts(prepare, x, y, **{"seed": self._session.seed, **how})

    def check_model(
        self, build_model: Any, x: Any, y: Any = None, **keys: Any
    ) -> tuple[ModelCheckResult, ...]:
        """Check a model as it is before any training of its own.

        Args:
            build_model: See `pytest_lossguard.check_model`.
            x: Inputs, or a dataset; see there.
            y: Targets.
            keys: Its other arguments; ``seed`` is ``--lossguard-seed`` by default.

        Returns:
            What came of each check.

        Raises:
            ModelCheckFailed: One failed.
            UsageError: Model or data cannot be meant.
        """
        __tracebackhide__ = True
        from ..model_checks import check_model

        return check_model(build_model, x, y, **{"seed": self._session.seed, **keys})

    def watch(self, name: str | None = None) -> AbstractContextManager[WatchedRuns]:
        """Watch the trainings inside a ``with`` block of an unmarked test.

        Args:
            name: What to call them in reports; default the model's name.

        Returns:
            A context manager; what it gives has ``.runs`` and ``.run`` once the
            block has ended. A non-finite loss ends the block.
        """
        __tracebackhide__ = True
        return self._guard("watch").watch(checked("name", name, _NAME, "watch({})"))

    def plot(self, run: TrainingRun) -> Any:
        """The loss of a training between its reference losses, and the gradient norm.

        Args:
            run: What `fit` gave, or `watch` as ``.run``.

        Returns:
            A `plotly.graph_objects.Figure`.

        Raises:
            UsageError: plotly is not installed, or ``run`` is something else.
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
