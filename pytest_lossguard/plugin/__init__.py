"""The pytest plugin: markers, fixture, options and hooks.

This is the only package that imports pytest. Heavy modules are imported inside the
functions that a marked test reaches, so that an unmarked suite pays nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import NotConverged, PolicyError, UsageError
from .baselines import (
    BaselineSummary,
    Unused,
    baseline_of,
    refuse_baseline_of_search,
)
from .collected import COLLECTED, Collected, is_searched
from .contracts import Contracts
from .earlier import EARLIER, EarlierSessions
from .ending import Ending
from .explain import explain
from .failures import leave_out_own_frames, show_in_short
from .files import Files, hand_files_on
from .fixture import Lossguard
from .fixtures import FIXTURES, Fixtures, prepared_for
from .hook_calls import tell_finished
from .html import hand_on_details
from .marks import marker_line, policy_of
from .model_checks import ModelChecks
from .options import (
    add_options,
    base_seed,
    budget_of,
    check_reports,
    default_examples,
    is_diagnosed,
    is_seed_drawn,
)
from .order import Order, orders
from .project_policy import ShowPolicy, project_policy
from .regressions import REGRESSIONS, Regressions
from .report_data import Reporter, hand_on
from .reports import register_others
from .search import Searches, explained, in_examples
from .seeds import DrawnSeed, seeded_body, seeded_fixture, seeded_set_up
from .state import (
    MARKS,
    ORIGINS,
    POLICY,
    PROJECT_POLICY,
    SESSION,
    TEST,
    Session,
    Test,
    guard_of,
)
from .terminal import Summary
from .workers import Controller, replay_of

if TYPE_CHECKING:
    from ..core.policy import Policy
    from ..session.guard import Guard


_CONVERGES = marker_line(
    "converges(steps, epochs, batch_size, min_drop, max_loss, max_loss_growth,"
    " max_grad_norm, seeds, min_pass, allow, strict, baseline, diagnose, max_examples,"
    " budget, shards)",
    "every training in the test must converge; it needs no arguments",
    "reference/markers",
)
_CORRUPTIONS = marker_line(
    "corruptions(scales, offsets, outliers, targets, missing, imbalance, rows, dtype,"
    " mixed_units, constant, duplicates, flipped, sorted_rows, features)",
    "which corruptions a search tries; it fills the argument corruption of a test that"
    " is marked converges",
    "reference/corruptions",
)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the hook specifications of this plugin."""
    from . import hookspec

    pluginmanager.add_hookspecs(hookspec)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the command-line options and ini settings."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Handle ``--lossguard-explain``, which runs no tests."""
    name = config.getoption("lossguard_explain")
    return None if name is None else explain(name)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, check the options and register the other plugins."""
    for line in (_CONVERGES, _CORRUPTIONS):
        config.addinivalue_line("markers", line)
    if not hasattr(config, "workerinput"):
        check_reports(config)
    budget_of(config, None)  # raise on a bad value before any test runs
    default_examples(config)
    is_diagnosed(config)
    config.stash[PROJECT_POLICY] = project_policy(config)
    replay = replay_of(config)
    seed = base_seed(config) if replay is None else replay.seed
    config.stash[SESSION] = Session(config=config, seed=seed, replay=replay)
    config.stash[FIXTURES] = Fixtures()
    config.pluginmanager.register(config.stash[FIXTURES], "lossguard-fixtures")
    config.pluginmanager.register(Searches(), "lossguard-searches")
    config.stash[REGRESSIONS] = Regressions(config)
    config.pluginmanager.register(config.stash[REGRESSIONS], "lossguard-regressions")
    config.pluginmanager.register(Unused(), "lossguard-unused")
    if replay is None and is_seed_drawn(config):
        config.pluginmanager.register(DrawnSeed(seed), "lossguard-drawn-seed")
    config.pluginmanager.register(Contracts(config), "lossguard-contracts")
    config.pluginmanager.register(ModelChecks(config), "lossguard-model-checks")
    if config.getoption("lossguard_show_policy"):
        config.pluginmanager.register(ShowPolicy(config), "lossguard-show-policy")
    is_ordered = orders(config)
    config.stash[COLLECTED] = Collected(config)
    config.stash[EARLIER] = EarlierSessions(config, is_asked=is_ordered)
    config.pluginmanager.register(config.stash[COLLECTED], "lossguard-collected")
    config.pluginmanager.register(config.stash[EARLIER], "lossguard-earlier")
    if is_ordered:
        config.pluginmanager.register(Order(config), "lossguard-order")
    if not hasattr(config, "workerinput"):
        reporter = Reporter(config)
        config.pluginmanager.register(reporter, "lossguard-reporter")
        config.pluginmanager.register(Summary(config, reporter), "lossguard-summary")
        register_others(config, reporter)
        config.pluginmanager.register(BaselineSummary(config), "lossguard-baselines")
        config.pluginmanager.register(Files(config), "lossguard-files")
        config.pluginmanager.register(Ending(config), "lossguard-ending")
        controller = Controller(config, replay)
        config.pluginmanager.register(controller, "lossguard-controller")


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Collector,
) -> Generator[None, Any, Any]:
    """Read the marks of each test early, so that a mistake in them is a collection
    error.
    """
    made = yield
    items = made if isinstance(made, list) else [made]
    for item in items:
        if isinstance(item, pytest.Item):
            try:
                _read_marks(item)
            except PolicyError as error:
                raise collector.CollectError(f"{item.nodeid}: {error}") from None
    return made


def _read_marks(item: pytest.Item) -> None:
    item.stash[MARKS] = _count_marks(item)
    item.stash[POLICY], item.stash[ORIGINS] = policy_of(item)


def _count_marks(item: pytest.Item) -> int:
    return sum(1 for _ in item.iter_markers("converges"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Read the marks of a test again if a conftest has added some."""
    for item in items:
        if item.stash.get(MARKS, 0) == _count_marks(item):
            continue
        try:
            _read_marks(item)
        except PolicyError as error:
            raise pytest.UsageError(f"{item.nodeid}: {error}") from None
    config.stash[COLLECTED].before_split(items)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Make the test known to the session-scoped fixture while it runs."""
    session = item.config.stash[SESSION]
    session.current = item
    item.stash[TEST] = Test(policy=item.stash.get(POLICY, None))
    try:
        return (yield)
    finally:
        session.current = None
        item.stash[TEST].release()


def _refuse_late_marks(item: pytest.Item) -> None:
    """Refuse a mark that was added too late to be read: it would let anything pass.

    Raises:
        UsageError: The test was marked after it was collected.
    """
    if _count_marks(item) != item.stash.get(MARKS, 0):
        raise UsageError(
            f"{item.name} was marked converges after it was collected, which has no"
            " effect: mark it in the file, or in pytest_collection_modifyitems"
        )


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Seed a marked test before its fixtures build anything."""
    test = item.stash[TEST]
    if test.guard is not None:  # pytest-rerunfailures runs the test again
        test.cleanup.close()
        test = item.stash[TEST] = Test(policy=test.policy)
    if test.policy is None:
        return (yield)
    with seeded_set_up(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """Seed fixtures that outlive a test separately from the test that first requests
    them.
    """
    config = request.session.config
    test = config.stash[SESSION].test
    if test is None or fixturedef.scope == "function":
        return (yield)
    if test.seeds is None and not config.stash[FIXTURES].is_shared(fixturedef):
        return (yield)
    with seeded_fixture(config.stash[SESSION], fixturedef, request):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Watch the body of a marked test, and judge it once it has ended."""
    __tracebackhide__ = True
    test = item.stash[TEST]
    _refuse_late_marks(item)
    try:
        return (yield from _judged(item, test))
    finally:
        tell_finished(item, test.guard)


def _judged(item: pytest.Item, test: Test) -> Generator[None, Any, Any]:
    __tracebackhide__ = True
    if test.policy is None:
        return (yield)
    guard = guard_of(item)
    with seeded_body(item):
        if is_searched(item):
            refuse_baseline_of_search(item)
            return (yield from _searched(item, test, guard))
        return (yield from _watched(item, test.policy, guard))


def _watched(
    item: pytest.Item, policy: Policy, guard: Guard
) -> Generator[None, Any, Any]:
    """Run a test without a search, and judge its trainings."""
    __tracebackhide__ = True
    baseline = baseline_of(item) if policy.baseline else None
    try:
        with guard.judging(partial(prepared_for, item), baseline):
            return (yield)
    except NotConverged:
        raise
    except BaseException:
        if guard.failures():
            item.add_report_section("call", "lossguard", guard.failures())
        raise


def _searched(item: pytest.Item, test: Test, guard: Guard) -> Generator[None, Any, Any]:
    """Run a Hypothesis test, judging each example separately."""
    __tracebackhide__ = True
    try:
        with guard.watching(), in_examples(item, test.policy) as test.search:
            result = yield
    except BaseException as error:
        if test.search is None:
            raise
        failed = explained(item, test.search, error)
        guard.show(test.search.runs or guard.runs)
        if failed is error:
            raise
        raise failed from None
    guard.conclude_search(
        test.search.runs,
        trained=test.search.trained or test.search.left_to_others > 0,
        prepared=partial(prepared_for, item),
    )
    return result


@pytest.fixture(scope="session")
def lossguard(pytestconfig: pytest.Config) -> Lossguard:
    """Object that trains, watches and judges models in a test, marked or not.
    https://pytest-lossguard.readthedocs.io/reference/markers/ says more.
    """
    return Lossguard(pytestconfig.stash[SESSION])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the runs to the report as builtins: only these can be sent from a worker
    to the controller.
    """
    test = item.stash.get(TEST, None)
    if test is not None and test.guard is None:
        test = None  # nothing trained in it
    error = None if call.excinfo is None else call.excinfo.value
    if test is not None or isinstance(error, UsageError):
        leave_out_own_frames(item, call)
    report = yield
    show_in_short(item, call, report)
    item.config.stash[COLLECTED].mark(item, report)
    if test is None:
        return report
    test.seconds += call.duration
    if call.when == "teardown":
        hand_on(item, report, test)
        hand_on_details(item, report, test)
        hand_files_on(report, test)
    return report
