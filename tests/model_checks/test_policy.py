"""Which checks a test asks for, and what came of them, without TensorFlow."""

from __future__ import annotations

import pytest

from pytest_lossguard import ModelCheckFailed, PolicyError
from pytest_lossguard.core.checked import KEPT, Broken, Line, Skipped
from pytest_lossguard.core.findings import FINDING_KINDS
from pytest_lossguard.model_checks import DEFAULTS, ModelCheckPolicy, check
from pytest_lossguard.model_checks.kinds import KINDS


class Subject:
    """A model of which the outcome of every check is known."""

    def __init__(self, outcome):
        self.outcome = outcome

    def checked(self, _):
        return self.outcome


@pytest.fixture
def made(monkeypatch):
    """Makes a check whose outcome is given."""
    stand_in = type("Checks", (), {"CHECKS": dict.fromkeys(DEFAULTS)})
    monkeypatch.setitem(
        __import__("sys").modules, "pytest_lossguard.training.model_checks", stand_in
    )

    def make(outcome, **keys):
        policy = ModelCheckPolicy.from_keywords(keys)
        return check.check_of(Subject(outcome), "exports", policy, ("again: x",))

    return make


def test_all_but_two_are_on_by_default():
    off = set(DEFAULTS) - set(ModelCheckPolicy().names)

    assert off == {"causal", "mixed_precision_agrees"}
    assert set(KINDS) == set(DEFAULTS)
    assert {it.name for it in KINDS.values()} <= set(FINDING_KINDS)


def test_keys_turn_checks_on_and_off():
    policy = ModelCheckPolicy.from_keywords({"causal": True, "exports": False})

    assert "causal" in policy.names
    assert "exports" not in policy.names


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"export": True}, r"model_checks\(\) has no key 'export': did you mean"),
        ({"exports": 3}, r"model_checks\(exports=3\): exports must be True or False"),
        ({"strict": "yes"}, "strict must be True or False"),
        ({"allow": "export"}, r"allow=...\) has no check 'export': did you mean"),
        ({"allow": 3}, "allow must be finding kinds"),
    ],
)
def test_what_cannot_be_meant_is_refused(keys, sentence):
    with pytest.raises(PolicyError, match=sentence):
        ModelCheckPolicy.from_keywords(keys)


def test_what_is_kept_passes(made):
    result = made(KEPT)

    assert result.outcome == "passed"
    assert result.to_json() == {
        "check": "exports",
        "outcome": "passed",
        "where": None,
        "message": "",
    }


def test_what_is_broken_fails_with_fact_values_and_remedy(made):
    broken = Broken(fact="it differs", column="dense", lines=(Line("before", "1"),))

    result = made(broken)

    assert result.is_bad
    assert result.where == "dense"
    assert result.message.splitlines()[:3] == ["exports: it differs", "", "  before  1"]
    assert result.message.endswith("again: x")
    assert result.finding.kind == "check_exports"


@pytest.mark.parametrize(
    "allow", ["exports", ("check_exports",), "model_check_exports"]
)
def test_what_is_allowed_fails_no_test(made, allow):
    result = made(Broken(fact="it differs"), allow=allow)

    assert result.outcome == "failed"
    assert not result.is_bad


@pytest.mark.parametrize(
    ("applies", "strict", "outcome"),
    [
        (False, False, "skipped"),
        (False, True, "skipped"),
        (True, False, "skipped"),
        (True, True, "failed"),
    ],
)
def test_strict_fails_what_applies_and_was_not_checked(made, applies, strict, outcome):
    assert made(Skipped("no way", applies=applies), strict=strict).outcome == outcome


def test_the_error_names_all_that_failed(made):
    results = [made(Broken(fact=it)) for it in ("one", "two")]

    error = ModelCheckFailed.of(results, results)

    assert str(error).startswith("exports: one\n")
    assert str(error).endswith("also exports: two")
    assert [it.kind for it in error.findings] == ["check_exports"] * 2
