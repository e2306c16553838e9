"""The pairs of examples/test_pipelines.py, each on twenty seeds of Hypothesis."""

import importlib.util
import json
import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import configuration

from pytest_lossguard import NotConverged, corruptions
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.corruptions import Corruption
from pytest_lossguard.session.guard import Guard
from tests.support.profile import use_patient_profile

EXAMPLE = Path(__file__).parents[1] / "examples" / "test_pipelines.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not EXAMPLE.exists(), reason="the examples are not beside it"),
]

BROKEN = [
    "test_pipeline_without_scaler",
    "test_normalization_never_adapted",
    "test_one_column_is_forgotten",
    "test_grey_levels_as_they_come",
    "test_target_not_scaled",
    "test_scaled_by_smallest_and_largest",
    "test_missing_values_not_filled",
    "test_rows_shuffled_apart",
]
SEEDS = range(20)


@pytest.fixture
def searched(pytester, monkeypatch, pairs):
    """The searches of one run of the examples, by the name of their test."""
    # Of this run, which is one of many in a process: nothing is remembered.
    monkeypatch.setattr("hypothesis.core.global_force_seed", None)
    configuration.set_hypothesis_home_dir(pytester.path / ".hypothesis")
    shutil.copy(EXAMPLE, pytester.path)

    def run(seed, *options):
        use_patient_profile()
        options += ("-q", "-p", "no:cacheprovider", "-p", "no:randomly")
        options += (f"--hypothesis-seed={seed}", "--lossguard-json=report.json")
        ran = pytester.runpytest_inprocess(EXAMPLE.name, "-p", "no:xdist", *options)
        assert ran.ret == pytest.ExitCode.OK
        tests = json.loads((pytester.path / "report.json").read_text())["tests"]
        return {it["nodeid"].partition("::")[2]: it["search"] for it in tests}

    yield run
    configuration.set_hypothesis_home_dir(None)
    use_patient_profile()


class Pair:
    """The body of an example, run on one corruption and no search."""

    def __init__(self, module, name, trainer):
        self._body = getattr(module, name)
        marks = [module.pytestmark, *self._body.pytestmark]
        asked = [it.kwargs for it in marks if it.name == "converges"]
        policy = {key: value for kwargs in asked for key, value in kwargs.items()}
        self._guard = Guard(
            policy=Policy.from_keywords(policy), seed=0, trainer=lambda: trainer
        )
        self._known = {}

    def fails(self, corruption):
        if corruption not in self._known:
            try:
                with self._guard.example():
                    self._body(self._guard, corruption)
                self._known[corruption] = False
            except NotConverged:
                self._known[corruption] = True
        return self._known[corruption]

    def boundary(self, part):
        """The mildest power of ten at which this family, there, breaks it."""
        name, value = _value(part)
        if name == "share":
            powers = range(-2, 1)  # a thousandth of 285 rows is no row
        else:
            powers = range(1, 5) if abs(value) > 1 else range(-1, -5, -1)
        sign = -1 if value < 0 else 1
        scanned = (replace(part, **{name: sign * 10.0**power}) for power in powers)
        return next(_value(it)[1] for it in scanned if self.fails(Corruption(it)))

    def enough_alone(self, part):
        """The features that break it alone, where ``part`` acts on all."""
        corruption = Corruption(part)
        assert self.fails(corruption)
        alone = (replace(part, features=it) for it in range(corruption.features_seen))
        return [it.features for it in alone if self.fails(Corruption(it))]


def _value(part):
    name = fields(part)[0].name
    return name, getattr(part, name)


@pytest.fixture(scope="module")
def pairs():
    """They load here, once, what the sessions inside would load and unload."""
    import hypothesis.extra.numpy  # noqa: F401

    import pytest_lossguard.session.search
    import pytest_lossguard.strategies  # noqa: F401
    from pytest_lossguard.training import Trainer

    spec = importlib.util.spec_from_file_location("example_pipelines", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    trainer = Trainer()
    return {name: Pair(module, name, trainer) for name in BROKEN}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_good_pipelines_survive(searched, seed):
    found = searched(seed, "-m", "not xfail")
    assert len(found) == len(BROKEN)
    assert {name: it["failing"] for name, it in found.items() if it["failing"]} == {}
    assert not any(it["exhausted_budget"] for it in found.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_broken_ones_fail_and_shrink_to_the_boundary(searched, pairs, seed):
    options = ("--lossguard-max-examples=25", "--lossguard-no-diagnose")
    found = searched(seed, "-m", "xfail", *options)
    assert sorted(found) == sorted(BROKEN)
    for name, search in found.items():
        shrunk = eval(search["failing"], vars(corruptions))
        pair = pairs[name]
        assert pair.fails(shrunk), (name, shrunk)
        assert len(shrunk.parts) <= 1, (name, shrunk)
        if not shrunk.parts:
            continue
        assert not pair.fails(Corruption()), (name, shrunk)
        [part] = shrunk.parts
        boundary = pair.boundary(part)
        assert 0.1 <= _value(part)[1] / boundary <= 10, (name, shrunk, boundary)
        if getattr(part, "features", 0) is None:
            assert pair.enough_alone(part) == [], (name, shrunk)
