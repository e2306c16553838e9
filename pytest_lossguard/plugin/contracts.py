"""Marker ``contracts`` and argument ``contract``: checks of data preparation."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import ContractBroken, UsageError
from .checks import CheckedTests, CheckKind
from .files import keep_replay
from .marks import marker_line
from .state import SESSION, TEST, path_as_typed, run_again

if TYPE_CHECKING:
    from ..preprocessing import ContractPolicy, ContractResult, Preparation

ARGUMENT, MARK = "contract", "contracts"


def _policy(keywords: dict[str, Any]) -> ContractPolicy:
    from ..preprocessing import ContractPolicy

    return ContractPolicy.from_keywords(keywords, MARK)


_KIND = CheckKind(
    mark=MARK,
    argument=ARGUMENT,
    key="contract",
    example=f"{ARGUMENT}(prepare, x, y, serve=...)",
    policy=_policy,
    order=("broken", "kept", "skipped"),
)


_MARKER = marker_line(
    "contracts(relation=True|False|parameter, unused, allow, strict)",
    "tests data preparation: one test for each relation, which contract(prepare, x, y)"
    " checks",
    "reference/contracts",
)


class Contracts:
    """Provides the marker ``contracts`` and the argument ``contract``."""

    def __init__(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", _MARKER)
        self._shared = _Shared()
        self._tests = CheckedTests(_KIND, self)
        config.pluginmanager.register(self._tests, "lossguard-contract-tests")

    @pytest.fixture
    def contract(self, request: pytest.FixtureRequest) -> Contract:
        """Function that checks one relation of a data preparation.
        https://pytest-lossguard.readthedocs.io/reference/contracts/ says more.
        """
        item: Any = request.node
        policy, results = self._tests.policy_of(item), self._tests.results_of(item)
        return Contract(item, request.param, policy, results, self._shared)


class Contract:
    """The value of the argument ``contract``: a function that checks one relation."""

    def __init__(
        self,
        item: Any,
        relation: str,
        policy: ContractPolicy,
        results: list[ContractResult],
        shared: _Shared,
    ) -> None:
        self._item, self._policy, self._shared = item, policy, shared
        self._results = results
        self.relation = relation

    def __call__(
        self,
        prepare: Any,
        x: Any,
        y: Any = None,
        *,
        serve: Any = None,
        labels: Any = None,
        served: Callable[[Any], Any] | None = None,
        requests: Any = None,
    ) -> ContractResult:
        """Check the relation of this item; the arguments are those of
        `pytest_lossguard.contracts`.

        Raises:
            ContractBroken: The relation does not hold.
            UsageError: The preparation or the data cannot be checked as given.
        """
        __tracebackhide__ = True
        from ..preprocessing import check_relation, preparation_of

        session = self._item.config.stash[SESSION]
        try:
            preparation = preparation_of(
                prepare,
                x,
                y,
                serve=serve,
                labels=labels,
                served=served,
                requests=requests,
                seed=session.seed,
                unused=self._policy.unused,
                only=None if session.replay is None else session.replay.draw,
            )
        except UsageError as error:  # its message needs no traceback
            raise error.with_traceback(None) from None
        results = self._results
        self._shared.adopt(self._item, len(results), preparation)
        result = check_relation(preparation, self.relation, self._policy, self._again)
        self._shared.keep(len(results), preparation)
        results.append(result)
        if result.is_bad:
            raise ContractBroken.of([result], [result])
        return result

    def _again(self, draw: tuple[int, ...] | None) -> tuple[str, ...]:
        """Return the lines that say how to run the check again; a drawn case is kept
        for a replay.
        """
        seed = self._item.config.stash[SESSION].seed
        again = f"again: {run_again(self._item)}"
        if draw is None:
            return (again,)
        from ..report.replay import Replay, replay_path

        case = Replay(nodeid=self._item.nodeid, corruption=None, seed=seed, draw=draw)
        keep_replay(self._item.stash[TEST], case)
        path = replay_path(Path(self._item.config.rootpath), case.nodeid)
        return (
            again,
            f"case: pytest --lossguard-replay={path_as_typed(path, self._item)}",
        )


class _Shared:
    """Results that the items of one test share, by value only.

    Every item runs its own objects. Results that another item has computed from the
    same sample with the same code are reused.
    """

    def __init__(self) -> None:
        self._test = ""
        self._known: dict[int, tuple[str | None, Preparation]] = {}

    def adopt(self, item: Any, call: int, preparation: Preparation) -> None:
        """Reuse the results of an earlier item of the same test."""
        if _test_of(item) != self._test:
            self._test, self._known = _test_of(item), {}
        digest, earlier = self._known.get(call, (None, preparation))
        if digest is not None and digest == _digest_of(preparation):
            preparation.adopt(earlier)

    def keep(self, call: int, preparation: Preparation) -> None:
        """Keep the results for the next item."""
        if call not in self._known:
            self._known[call] = (_digest_of(preparation), preparation)


def _test_of(item: Any) -> str:
    """Identify the test that an item belongs to, with its other parameters."""
    values = {k: v for k, v in item.callspec.indices.items() if k != ARGUMENT}
    return f"{item.parent.nodeid}::{item.originalname}{sorted(values.items())}"


def _digest_of(preparation: Preparation) -> str | None:
    """Digest of sample, seed and code; None if the sample cannot be pickled."""
    parts = (preparation.x, preparation.y)
    kinds = [_code_of(it) for it in preparation.subject.given]
    try:
        content = pickle.dumps([None if it is None else it.parts for it in parts])
    except Exception:
        return None
    digest = hashlib.blake2b(content).hexdigest()
    return f"{digest} {preparation.seed} {kinds} {preparation.unused}"


def _code_of(target: Any) -> str:
    function = getattr(target, "__func__", target)
    code = getattr(function, "__code__", None)
    if code is not None:
        return f"{code.co_filename}:{code.co_firstlineno}:{code.co_name}"
    return f"{type(target).__qualname__} {target!r}"
