"""Marker ``model_checks`` and argument ``model_check``: checks of any model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import ModelCheckFailed, UsageError
from .checks import CheckedTests, CheckKind
from .marks import marker_line
from .state import SESSION, run_again

if TYPE_CHECKING:
    from ..model_checks import ModelCheckPolicy, ModelCheckResult

ARGUMENT, MARK = "model_check", "model_checks"


def _policy(keywords: dict[str, Any]) -> ModelCheckPolicy:
    from ..model_checks import ModelCheckPolicy

    return ModelCheckPolicy.from_keywords(keywords, MARK)


_KIND = CheckKind(
    mark=MARK,
    argument=ARGUMENT,
    key="model_check",
    example=f"{ARGUMENT}(build_model, x, y)",
    policy=_policy,
    order=("failed", "passed", "skipped"),
)


_MARKER = marker_line(
    "model_checks(check=True|False, allow, strict)",
    "tests a model: one test for each check, which model_check(build_model, x, y)"
    " makes",
    "reference/model-checks",
)


class ModelChecks:
    """Provides the marker ``model_checks`` and the argument ``model_check``."""

    def __init__(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", _MARKER)
        self._tests = CheckedTests(_KIND, self)
        config.pluginmanager.register(self._tests, "lossguard-model-check-tests")

    @pytest.fixture
    def model_check(self, request: pytest.FixtureRequest) -> ModelCheck:
        """Function that makes one check of a model, given its factory and a sample.
        https://pytest-lossguard.readthedocs.io/reference/model-checks/ says more.
        """
        item: Any = request.node
        policy, results = self._tests.policy_of(item), self._tests.results_of(item)
        return ModelCheck(item, request.param, policy, results)


class ModelCheck:
    """The value of the argument ``model_check``: a function that makes one check.

    Attributes:
        check: Name of the check.
    """

    def __init__(
        self,
        item: Any,
        check: str,
        policy: ModelCheckPolicy,
        results: list[ModelCheckResult],
    ) -> None:
        self._item, self._policy, self._results = item, policy, results
        self.check = check

    def __call__(self, build_model: Any, x: Any, y: Any = None) -> ModelCheckResult:
        """Make the check of this item.

        Args:
            build_model: A function without arguments that builds a `keras.Model`, or a
                model, which is restored afterwards.
            x: Inputs of shape ``(rows, ...)``, a nested structure of arrays, or a
                `tf.data.Dataset` of batches; at most 256 rows are used.
            y: Targets, an array or a nested structure as for ``x``; None with a
                dataset, and for a model without a loss.

        Raises:
            ModelCheckFailed: The model fails the check.
            UsageError: The model or the data are invalid.
        """
        __tracebackhide__ = True
        from ..model_checks import check_of, subject_of

        seed = self._item.config.stash[SESSION].seed
        again = f"again: {run_again(self._item)}"
        try:
            subject = subject_of(build_model, x, y, seed=seed)
            result = check_of(subject, self.check, self._policy, (again,))
        except UsageError as error:  # its message needs no traceback
            raise error.with_traceback(None) from None
        self._results.append(result)
        if result.is_bad:
            raise ModelCheckFailed.of([result], [result])
        return result
