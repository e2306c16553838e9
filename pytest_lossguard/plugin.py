"""The pytest plugin: marker, fixture, options and hooks.

The only module that imports pytest. Everything heavy is imported inside the
functions that a marked test reaches: an unmarked suite pays nothing.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .errors import (
    NotConverged,
    NothingTrained,
    PolicyError,
    TensorFlowMissing,
    UsageError,
)

if TYPE_CHECKING:
    from .guard import Guard, TrainingRun, WatchedRuns
    from .policy import Policy

#: Options of the public contract that this version does not serve yet.
_LATER = {
    "--lossguard-html": "the HTML report",
    "--lossguard-update": "baselines",
    "--lossguard-max-examples": "the search over corruptions",
    "--lossguard-budget": "the search over corruptions",
    "--lossguard-replay": "the search over corruptions",
}


#: Attribute of a test report that carries the runs, as builtins, to the controller.
_PAYLOAD = "lossguard"


# Options


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ``--lossguard-...`` options and their ini settings."""
    group = parser.getgroup("lossguard", "does the model train?")
    group.addoption(
        "--lossguard-json",
        metavar="PATH",
        help="write every training, its curve and its findings to PATH",
    )
    group.addoption(
        "--lossguard-seed",
        metavar="N",
        type=int,
        help="seed of every training in a marked test (default 0)",
    )
    group.addoption(
        "--lossguard-no-diagnose",
        action="store_true",
        help="do not look for the cause of a failure (this version does not yet)",
    )
    for name in _LATER:
        group.addoption(name, nargs="?", const=True, help="not in this version")
    parser.addini("lossguard_json", "default of --lossguard-json")
    parser.addini("lossguard_seed", "default of --lossguard-seed")
    parser.addini(
        "lossguard_no_diagnose", "default of --lossguard-no-diagnose", type="bool"
    )
    for setting in ("lossguard_html", "lossguard_max_examples", "lossguard_budget"):
        parser.addini(setting, "not in this version")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, refuse what is not served yet."""
    config.addinivalue_line(
        "markers",
        "converges(steps, epochs, batch_size, min_drop, max_loss, max_loss_growth,"
        " max_grad_norm, seeds, min_pass, allow, strict): every training in the test"
        " must converge.",
    )
    for option, what in _LATER.items():
        setting = option.strip("-").replace("-", "_")
        if config.getoption(setting) is not None or _ini(config, setting):
            raise pytest.UsageError(
                f"{option} belongs to {what}, which this version of pytest-lossguard"
                f" does not have yet: remove it (the ini setting is {setting})"
            )
    config.stash[SESSION] = _Session(config=config, seed=_seed(config))
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Reporter(config), "lossguard-reporter")


def _ini(config: pytest.Config, setting: str) -> Any:
    try:
        return config.getini(setting)
    except (ValueError, KeyError):  # an option without an ini setting
        return None


def _seed(config: pytest.Config) -> int:
    given = config.getoption("lossguard_seed")
    if given is not None:
        return int(given)
    text = config.getini("lossguard_seed") or "0"
    try:
        return int(text)
    except ValueError:
        raise pytest.UsageError(
            f"lossguard_seed = {text!r} in the ini file: it must be a whole number"
        ) from None


# State


@dataclass(slots=True)
class _Session:
    """What lives as long as pytest runs: traced programs, the test at hand."""

    config: pytest.Config
    seed: int
    current: pytest.Item | None = None
    _trainer: Any = None

    @property
    def test(self) -> _Test | None:
        """The state of the test at hand."""
        return None if self.current is None else self.current.stash.get(TEST, None)

    def trainer(self) -> Any:
        """The floor that trains; imports TensorFlow at its first use."""
        if self._trainer is None:
            from .training import Trainer

            self._trainer = Trainer()
        return self._trainer


@dataclass(slots=True)
class _Test:
    """What lives as long as one test runs."""

    policy: Policy | None
    guard: Guard | None = None
    seconds: float = 0.0
    seeds: Any = None
    cleanup: ExitStack = field(default_factory=ExitStack)


SESSION = pytest.StashKey[_Session]()
TEST = pytest.StashKey[_Test]()
POLICY = pytest.StashKey["Policy | None"]()


# Collection


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Collector,
) -> Generator[None, Any, Any]:
    """Read each test's marks while a mistake in them can still be an error of
    collection.
    """
    made = yield
    items = made if isinstance(made, list) else [made]
    for item in items:
        if isinstance(item, pytest.Item):
            try:
                item.stash[POLICY] = _policy(item)
            except PolicyError as error:
                raise collector.CollectError(f"{item.nodeid}: {error}") from None
    return made


def _policy(item: pytest.Item) -> Policy | None:
    """The policy of a test: the closest mark wins, key by key."""
    merged: dict[str, Any] = {}
    marks = list(item.iter_markers_with_node("converges"))
    if not marks:
        return None
    from .policy import Policy

    owners: dict[str, Any] = {}
    for node, mark in marks:
        if mark.args:
            raise PolicyError(
                f"converges() takes keywords only, got {mark.args[0]!r}: name what it"
                " is, as in converges(steps=60)"
            )
        for key, value in mark.kwargs.items():
            if owners.get(key) is node and merged[key] != value:
                raise PolicyError(
                    f"two marks on {node.name} disagree: converges({key}="
                    f"{merged[key]!r}) and converges({key}={value!r})"
                )
            if key not in merged:
                merged[key], owners[key] = value, node
    if "steps" in merged and "epochs" in merged and owners["steps"] != owners["epochs"]:
        nodes = item.listchain()
        farther = min(("steps", "epochs"), key=lambda key: nodes.index(owners[key]))
        del merged[farther]
    return Policy.from_keywords(merged)


# Running


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let the session-scoped handle find the test it is used in."""
    session = item.config.stash[SESSION]
    session.current = item
    item.stash[TEST] = _Test(policy=_policy_of(item))
    try:
        return (yield)
    finally:
        session.current = None
        item.stash[TEST].cleanup.close()


def _policy_of(item: pytest.Item) -> Policy | None:
    if POLICY in item.stash:
        return item.stash[POLICY]
    return _policy(item)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Seed a marked test before its fixtures build anything."""
    test = item.stash[TEST]
    if test.policy is not None:
        from .training import preserved_seeds, set_seed

        test.seeds = test.cleanup.enter_context(preserved_seeds())
        set_seed(item.config.stash[SESSION].seed)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """Keep what a fixture of the session or module did to the random generators:
    it outlives the marked test that happened to ask for it first.
    """
    made = yield
    test = request.session.config.stash[SESSION].test
    if test is not None and test.seeds is not None and fixturedef.scope != "function":
        test.seeds.keep()
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Watch the body of a marked test and judge it when it has ended."""
    __tracebackhide__ = True
    test = item.stash[TEST]
    if test.policy is None:
        return (yield)
    guard = _guard(item)
    result = None
    try:
        with guard.watching():
            result = yield
    except NotConverged:
        guard.collect()
        raise
    except Exception:
        guard.collect()
        if guard.failures():
            item.add_report_section("call", "lossguard", guard.failures())
        raise
    guard.collect()
    guard.demand(str(item.path))
    return result


def _guard(item: pytest.Item) -> Guard:
    """The guard of a test, made when it first trains."""
    test = item.stash[TEST]
    if test.guard is None:
        from .guard import Guard

        session = item.config.stash[SESSION]
        again = f"pytest {_as_typed(item)} --lossguard-seed={session.seed}"
        test.guard = Guard(
            policy=test.policy,
            seed=session.seed,
            trainer=session.trainer,
            reproduce=again,
            ascii_only=not _shows_blocks(),
        )
    return test.guard


def _as_typed(item: pytest.Item) -> str:
    """The test's id as a shell in the current folder takes it."""
    import os.path
    import shlex

    _, separator, name = item.nodeid.partition("::")
    path = os.path.relpath(item.path, item.config.invocation_params.dir)
    return shlex.quote(f"{path}{separator}{name}")


def _shows_blocks() -> bool:
    import sys

    encoding = getattr(sys.__stdout__, "encoding", None) or "ascii"
    try:
        "▁█".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class Lossguard:
    """What the ``lossguard`` fixture gives: one handle for the whole session.

    Being session scoped it can be asked for beside Hypothesis' ``@given``.
    """

    def __init__(self, session: _Session) -> None:
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
    ) -> TrainingRun:
        """Train as ``model.fit`` would, as one loop in the graph; put all back.

        Args:
            model_or_factory: A compiled `keras.Model`, or a function without
                arguments that builds one. A model leaves as it came: weights,
                optimizer, metrics, seeds.
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
            )
        except UsageError as error:  # its sentence says all; the way to it nothing
            raise error.with_traceback(None) from None

    def watch(self, name: str | None = None) -> AbstractContextManager[WatchedRuns]:
        """Watch the trainings inside a ``with`` block of an unmarked test.

        Args:
            name: What to call them in reports; default the model's name.

        Returns:
            A context manager; what it gives has ``.runs`` and ``.run`` once the
            block has ended. A non-finite loss ends the block.
        """
        return self._guard("watch").watch(name)

    def _guard(self, method: str) -> Guard:
        item = self._session.current
        if item is None:
            raise UsageError(
                f"lossguard.{method} was called while no test was running: call it in"
                " a test or in a fixture of one"
            )
        return _guard(item)


@pytest.fixture(scope="session")
def lossguard(pytestconfig: pytest.Config) -> Lossguard:
    """Train, watch and judge from within a test; see `Lossguard`."""
    return Lossguard(pytestconfig.stash[SESSION])


# Reports


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Hand the runs on as builtins: only those cross from worker to controller."""
    report = yield
    error = None if call.excinfo is None else call.excinfo.value
    if isinstance(error, (NothingTrained, TensorFlowMissing)):
        report.longrepr = f"{type(error).__name__}: {error}"
    elif isinstance(error, NotConverged):
        _shorten_summary(report)
    test = item.stash.get(TEST, None)
    if test is None or test.guard is None:
        return report
    test.seconds += call.duration
    if call.when == "call":
        verdicts = [run.verdict for run in test.guard.runs]
        if verdicts:
            worst = all(verdict.converged for verdict in verdicts)
            verdict = "converged" if worst else "not_converged"
            item.user_properties.append(("lossguard_verdict", verdict))
    if call.when == "teardown":
        vars(report)[_PAYLOAD] = {
            "runs": [run.verdict.to_json() for run in test.guard.runs],
            "seconds": test.seconds,
        }
    return report


def _shorten_summary(report: pytest.TestReport) -> None:
    """Leave room for the fact in pytest's own summary line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = crash.message.removeprefix("pytest_lossguard.")


class _Reporter:
    """Gathers what the tests report, in the process that writes reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._tests: dict[str, dict[str, Any]] = {}
        self._outcomes: dict[str, str] = {}
        self._seconds = 0.0
        self._began = time.perf_counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the runs of one test from its last report."""
        worst = {"failed": 2, "skipped": 1, "passed": 0}
        known = self._outcomes.get(report.nodeid, "passed")
        if worst.get(report.outcome, 0) >= worst[known]:
            self._outcomes[report.nodeid] = report.outcome
        found = getattr(report, _PAYLOAD, None)
        if found is not None:
            self._seconds += found["seconds"]
            self._tests[report.nodeid] = {
                "nodeid": report.nodeid,
                "outcome": self._outcomes[report.nodeid],
                "runs": found["runs"],
                "search": None,
            }

    def pytest_sessionfinish(self) -> None:
        """Write the JSON report."""
        path = self._path()
        if path is not None:
            from .report.json_report import write_json

            write_json(path, list(self._tests.values()))

    def _path(self) -> Path | None:
        given = self._config.getoption("lossguard_json")
        if given:
            return Path(self._config.invocation_params.dir, given)
        setting = self._config.getini("lossguard_json")
        return Path(self._config.rootpath, setting) if setting else None

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """One line, and none where nothing trained."""
        runs = [run for test in self._tests.values() for run in test["runs"]]
        if not runs:
            return
        bad = sum(run["verdict"] != "converged" for run in runs)
        tests = len(self._tests)
        line = (
            f"lossguard: {_plural(len(runs), 'training')} judged in"
            f" {_plural(tests, 'test')},"
            f" {bad if bad else 'none'} not converged ({self._seconds:.1f} s)"
        )
        terminalreporter.write_line(line, red=bool(bad), green=not bad)
        path = self._path()
        if path is not None:
            terminalreporter.write_line(f"lossguard: report in {path}")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
