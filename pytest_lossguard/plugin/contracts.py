"""From a test that asks for ``contract`` to one item per relation, and what came of it.

Marker ``contracts``, argument ``contract``; the relations are in `preprocessing`.
"""

from __future__ import annotations

import hashlib
import pickle
import textwrap
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import ContractBroken, PolicyError, UsageError
from .files import hand_files_on, keep_replay
from .private_api import fixtures_of_argument
from .report_data import PAYLOAD, put_properties
from .state import SESSION, TEST, as_typed

if TYPE_CHECKING:
    from ..preprocessing import ContractPolicy, ContractResult, Preparation

__all__ = ["Contracts"]

ARGUMENT, MARK = "contract", "contracts"


@dataclass(slots=True)
class _Checked:
    """What lives as long as one item runs."""

    results: list[ContractResult] = field(default_factory=list)
    seconds: float = 0.0


_CHECKED = pytest.StashKey[_Checked]()


class Contracts:
    """Marker, argument, items and reports of contracts."""

    def __init__(self, config: pytest.Config) -> None:
        config.addinivalue_line(
            "markers",
            "contracts(relation=True|False|parameter, unused, allow, strict): the"
            " preparation that the test gives to `contract` must keep its contracts,"
            " each relation an item of its own.",
        )
        self._shared = _Shared()
        self._told: list[dict[str, Any]] = []
        self._outcomes: dict[str, str] = {}

    # At collection

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One item for each relation that is on."""
        definition = metafunc.definition
        try:
            policy = _policy_of(definition)
            asks = ARGUMENT in metafunc.fixturenames and self._gives(metafunc)
            own = any(it.name == MARK for it in definition.own_markers)
            if own and not asks:
                raise PolicyError(
                    f"{definition.name} is marked {MARK} and does not ask for the"
                    f" argument {ARGUMENT!r}: add it, or remove the mark"
                )
            if asks and policy is None:
                raise PolicyError(
                    f"{definition.name} asks for the argument {ARGUMENT!r} and is not"
                    f" marked: add @pytest.mark.{MARK}, or provide a fixture of that"
                    " name"
                )
        except PolicyError as error:
            told = f"{definition.nodeid}: {error}"
            raise pytest.Collector.CollectError(told) from None
        if policy is not None and asks:
            names = policy.names
            metafunc.parametrize(ARGUMENT, names, ids=names, indirect=True)

    def _gives(self, metafunc: pytest.Metafunc) -> bool:
        """Whether the argument is ours, not a fixture or parameter of the user's."""
        known = fixtures_of_argument(metafunc, ARGUMENT)
        return bool(known) and getattr(known[-1].func, "__self__", None) is self

    # While a test runs

    @pytest.fixture
    def contract(self, request: pytest.FixtureRequest) -> ContractCheck:
        """Checks one relation of a preparation; see `ContractCheck`."""
        item: Any = request.node
        item.stash[_CHECKED] = _Checked()
        policy = _policy_of(item)
        assert policy is not None
        return ContractCheck(item, request.param, policy, self._shared)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """A test that asks for a contract and never checks one has tested nothing."""
        __tracebackhide__ = True
        made = yield
        checked = item.stash.get(_CHECKED, None)
        if checked is not None and not checked.results:
            raise UsageError(
                f"the test asked for {ARGUMENT!r} and never called it: call"
                f" {ARGUMENT}(prepare, x, y, serve=...) in it"
            )
        return made

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        """Hand on what came of it, as builtins, with the last report."""
        report: Any = yield
        checked = item.stash.get(_CHECKED, None)
        if checked is None:
            return report
        checked.seconds += call.duration
        if call.when == "teardown" and checked.results:
            found = getattr(report, PAYLOAD, None)
            if found is None:
                nothing: dict[str, Any] = {"runs": [], "search": None, "baseline": None}
                found = {**nothing, "seconds": checked.seconds}
            found["contract"] = _worst(checked.results).to_json()
            vars(report)[PAYLOAD] = found
            put_properties(item, report, found)
            hand_files_on(report, item.stash[TEST])
            del item.stash[_CHECKED]
        return report

    # At the end

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what came of it, where reports are made."""
        if str(report.outcome) == "rerun":
            return
        worse = {"failed": "failed", "skipped": "skipped"}.get(str(report.outcome))
        if worse is not None:
            self._outcomes.setdefault(report.nodeid, worse)
        found = (getattr(report, PAYLOAD, None) or {}).get("contract")
        if found is not None:
            outcome = self._outcomes.pop(report.nodeid, "passed")
            self._told.append({"runs": [], "outcome": outcome, "contract": found})

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """One line; under ``-v`` what is broken and allowed, and the reasons of what
        was skipped.
        """
        if not self._told:
            return
        from ..report.contracts import counted, is_allowed

        broken = [it for it in self._told if it["contract"]["outcome"] == "broken"]
        bad = not all(map(is_allowed, broken))
        line = f"lossguard: {counted(self._told)}"
        terminalreporter.write_line(line, red=bad, green=not bad)
        if terminalreporter.config.get_verbosity() > 0:
            for line in _reasons(self._told):
                terminalreporter.write_line(line)


def _reasons(tests: list[dict[str, Any]]) -> Iterator[str]:
    """What is broken and allowed, and why what was skipped was, each in lines of 80."""
    from ..report.contracts import is_allowed

    told: dict[str, list[str]] = {}
    for it in tests:
        contract = it["contract"]
        if is_allowed(it):
            yield from _wrapped(f"allowed {contract['message'].partition(chr(10))[0]}")
        if contract["outcome"] == "skipped":
            told.setdefault(contract["message"], []).append(contract["relation"])
    for reason, names in sorted(told.items()):
        yield from _wrapped(f"skipped {', '.join(dict.fromkeys(names))}: {reason}")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 78, initial_indent="  ", subsequent_indent="    ")


def _policy_of(node: Any) -> ContractPolicy | None:
    """The policy of a test, None where it is not marked; the closest mark wins, key by
    key.

    Raises:
        PolicyError: A key is unknown or its value cannot be meant.
    """
    marks = list(node.iter_markers(MARK))
    if not marks:
        return None
    from ..preprocessing import ContractPolicy

    merged: dict[str, Any] = {}
    for mark in marks:
        if mark.args:
            raise PolicyError(
                f"{MARK}() takes keywords only, got {mark.args[0]!r}: name what it is,"
                f" as in {MARK}(missing=True)"
            )
        merged = {**mark.kwargs, **merged}
    return ContractPolicy.from_keywords(merged, MARK)


def _worst(results: list[ContractResult]) -> ContractResult:
    """What stands for a test that checked several: broken, else kept, else skipped."""
    order = ("broken", "kept", "skipped")
    return min(results, key=lambda it: order.index(it.outcome))


class ContractCheck:
    """What the argument ``contract`` gives: a function that checks one relation."""

    def __init__(
        self, item: Any, relation: str, policy: ContractPolicy, shared: _Shared
    ) -> None:
        self._item, self._policy, self._shared = item, policy, shared
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
            ContractBroken: It does not hold.
            UsageError: It cannot be checked as given.
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
            )
        except UsageError as error:  # its sentence says all
            raise error.with_traceback(None) from None
        results = self._item.stash[_CHECKED].results
        self._shared.adopt(self._item, len(results), preparation)
        if session.replay is not None and session.replay.draw is not None:
            preparation.only = session.replay.draw
        result = check_relation(preparation, self.relation, self._policy, self._again)
        self._shared.keep(len(results), preparation)
        results.append(result)
        if result.outcome == "broken" and not result.is_allowed:
            raise ContractBroken.of([result], [result])
        return result

    def _again(self, draw: tuple[int, ...] | None) -> tuple[str, ...]:
        """The lines that run it again; a case that was drawn is kept for a replay."""
        seed = self._item.config.stash[SESSION].seed
        again = f"again: pytest {as_typed(self._item)} --lossguard-seed={seed}"
        if draw is None:
            return (again,)
        from ..report.replay import Replay, replay_path

        case = Replay(nodeid=self._item.nodeid, corruption=None, seed=seed, draw=draw)
        keep_replay(self._item.stash[TEST], case)
        path = replay_path(Path(self._item.config.rootpath), case.nodeid)
        return (again, f"case: pytest --lossguard-replay={_relative(path, self._item)}")


def _relative(path: Path, item: Any) -> str:
    import os.path
    import shlex

    return shlex.quote(os.path.relpath(path, item.config.invocation_params.dir))


class _Shared:
    """What the items of one test share: what came out of the sample, by values only.

    Every item runs its own objects; what another item already found out of the same
    sample with the same code is not found out again.
    """

    def __init__(self) -> None:
        self._test = ""
        self._known: dict[int, tuple[str, Preparation]] = {}

    def adopt(self, item: Any, call: int, preparation: Preparation) -> None:
        """Take over what an earlier item of the same test found out."""
        if _test_of(item) != self._test:
            self._test, self._known = _test_of(item), {}
        known = self._known.get(call)
        if known is not None and known[0] == _print_of(preparation):
            preparation.adopt(known[1])

    def keep(self, call: int, preparation: Preparation) -> None:
        """Keep it for the next item."""
        if call not in self._known:
            self._known[call] = (_print_of(preparation), preparation)


def _test_of(item: Any) -> str:
    """The test that an item belongs to, with its other parameters."""
    values = {k: v for k, v in item.callspec.indices.items() if k != ARGUMENT}
    return f"{item.parent.nodeid}::{item.originalname}{sorted(values.items())}"


def _print_of(preparation: Preparation) -> str:
    """A digest of sample, seed and code; empty, which equals none, without one."""
    parts = (preparation.x, preparation.y)
    kinds = [_code_of(it) for it in preparation.subject.given]
    try:
        content = pickle.dumps([None if it is None else it.parts for it in parts])
    except Exception:
        return str(id(preparation))
    digest = hashlib.blake2b(content).hexdigest()
    return f"{digest} {preparation.seed} {kinds} {preparation.unused}"


def _code_of(target: Any) -> str:
    function = getattr(target, "__func__", target)
    code = getattr(function, "__code__", None)
    if code is not None:
        return f"{code.co_filename}:{code.co_firstlineno}:{code.co_name}"
    return f"{type(target).__qualname__} {target!r}"
