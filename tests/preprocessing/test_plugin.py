"""The marker ``contracts`` and its argument: items, outcomes, reports."""

from __future__ import annotations

import json

import pytest

# Loaded here once: pytester unloads what the inner session loads, and NumPy and
# Hypothesis cannot be loaded twice in a process.
import pytest_lossguard.preprocessing
import pytest_lossguard.strategies  # noqa: F401
from pytest_lossguard.preprocessing import DEFAULTS

PLAIN = (
    *("-p", "no:cacheprovider", "-p", "no:randomly"),
    *("-W", "ignore:The configuration option:pytest.PytestDeprecationWarning"),
)
HEADER = """
import numpy as np
import pytest

SAMPLE = np.random.default_rng(0).normal(5, 2, (40, 3)).round(2)
STATE = {}

def prepare(x):
    STATE["mean"] = x.mean(axis=0)
    return x - STATE["mean"]

def serve(x):
    return x - STATE["mean"]

def refit(x):
    return x - x.mean(axis=0)

"""
GOOD = """
@pytest.mark.contracts
def test_it(contract):
    contract(prepare, SAMPLE, serve=serve)
"""
BAD = GOOD.replace("serve=serve", "serve=refit")
ON = [name for name, on in DEFAULTS.items() if on]


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def run(body, *options):
        pytester.makepyfile(test_it=HEADER + body)
        return pytester.runpytest_inprocess(*PLAIN, *options)

    return run


def test_each_relation_that_is_on_is_an_item_of_its_own(project):
    result = project(GOOD, "--collect-only", "-q")

    shown = [line for line in result.outlines if "::" in line]
    assert shown == [f"test_it.py::test_it[{name}]" for name in ON]


def test_a_good_preparation_passes_and_what_does_not_apply_is_counted(project):
    result = project(GOOD, "--lossguard-json=out.json")

    result.assert_outcomes(passed=len(ON))
    result.stdout.fnmatch_lines(["lossguard: 13 contracts checked: 7 kept, none *"])
    assert "skipped" not in result.outlines[-1]


def test_reports_hold_what_came_of_each_relation(project, pytester):
    result = project(
        BAD,
        "--lossguard-json=out.json",
        "--lossguard-html=out.html",
        "--junitxml=out.xml",
        *("-p", "no:html"),
    )

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    report = json.loads((pytester.path / "out.json").read_text())
    assert report["schema"] == 1
    found = {it["contract"]["relation"]: it["contract"] for it in report["tests"]}
    assert list(found) == sorted(ON)
    assert found["alone"]["outcome"] == "broken"
    assert found["alone"]["rows"] == [0]
    assert found["alone"]["message"].startswith("alone: row 0 served alone comes out")
    assert found["columns"]["outcome"] == "skipped"
    assert found["types"] == {
        "relation": "types",
        "outcome": "kept",
        "column": None,
        "rows": [],
        "message": "",
    }
    assert "row 0 served alone comes out" in (pytester.path / "out.html").read_text()
    junit = (pytester.path / "out.xml").read_text()
    assert '"lossguard_contract_outcome" value="broken"' in junit


def test_the_message_has_the_fact_first_and_fits_the_terminal(project):
    result = project(BAD, "-k", "alone")

    text = [line for line in result.outlines if line.startswith("E ")]
    assert text[0].startswith("E       pytest_lossguard.ContractBroken: alone: row 0")
    assert 6 < len(text) <= 15
    assert all(len(line) <= 84 for line in text[1:])
    assert any("came out" in line for line in text)
    assert any("should be" in line for line in text)
    assert any("hint: " in line for line in text)
    last = [line for line in result.outlines if line.startswith(">")][-1]
    assert "contract(prepare, SAMPLE" in last


def test_a_case_is_run_again_from_its_replay_file(project, pytester):
    project(BAD, "-k", "alone")
    case = next((pytester.path / ".lossguard").glob("*.json"))

    result = pytester.runpytest_inprocess(*PLAIN, f"--lossguard-replay={case}")

    result.assert_outcomes(failed=1, deselected=len(ON) - 1)


def test_one_relation_can_be_run_marked_and_parametrized(project):
    result = project(
        """
@pytest.mark.contracts(kept=False)
class TestThem:
    @pytest.mark.contracts(future=True)
    @pytest.mark.parametrize("count", [20, 40])
    def test_it(self, contract, count):
        contract(prepare, SAMPLE[:count], serve=serve)
""",
        *("-v", "-k", "alone or future or kept"),
    )

    passed = [line.split()[0] for line in result.outlines if "PASSED" in line]
    assert passed == [
        f"test_it.py::TestThem::test_it[{count}-{name}]"
        for count in (20, 40)
        for name in ("alone", "future")
    ]


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ("(alon=True)", "contracts() has no key 'alon': did you mean 'alone'?"),
        ("(unseen=3)", 'contracts(unseen=3): unseen must be True, False or "raises"'),
        ("(allow='contract_keep')", "did you mean 'contract_kept'?"),
        ("(True)", "contracts() takes keywords only, got True"),
    ],
)
def test_what_cannot_be_meant_is_an_error_at_collection(project, mark, text):
    result = project(GOOD.replace("contracts", f"contracts{mark}"))

    result.assert_outcomes(errors=1)
    assert text in result.stdout.str()


def test_mark_and_argument_belong_together(project):
    unmarked = project(GOOD.replace("@pytest.mark.contracts\n", ""))
    unmarked.stdout.fnmatch_lines(["*asks for the argument 'contract' but is not*"])

    unasked = project("@pytest.mark.contracts\ndef test_it():\n    pass\n")
    unasked.stdout.fnmatch_lines(["*does not ask for the argument 'contract': add it*"])


def test_a_mark_of_a_module_is_for_those_that_ask(project):
    result = project(
        """
pytestmark = pytest.mark.contracts(process=False)

def test_it(contract):
    contract(prepare, SAMPLE, serve=serve)

def test_plain():
    pass
"""
    )

    result.assert_outcomes(passed=len(ON))


def test_a_fixture_of_that_name_is_left_alone(project):
    result = project(
        """
@pytest.fixture
def contract():
    return 3

def test_it(contract):
    assert contract == 3

@pytest.mark.parametrize("contract", [1, 2])
def test_other(contract):
    assert contract in (1, 2)
"""
    )

    result.assert_outcomes(passed=3)
    assert "contracts checked" not in result.stdout.str()


def test_a_contract_that_is_never_called_fails(project):
    result = project(
        GOOD.replace("contract(prepare, SAMPLE, serve=serve)", "pass"), "-k", "alone"
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*asked for 'contract' but never called it*"])


def test_what_is_allowed_passes_and_is_reported(project, pytester):
    result = project(
        BAD.replace("contracts\n", "contracts(allow=('alone', 'trained'))\n"),
        "--lossguard-json=out.json",
    )

    result.assert_outcomes(passed=len(ON))
    report = json.loads((pytester.path / "out.json").read_text())
    broken = [it for it in report["tests"] if it["contract"]["outcome"] == "broken"]
    assert [it["contract"]["relation"] for it in broken] == ["alone"]


def test_what_is_allowed_is_no_broken_test_of_the_summary(project):
    result = project(
        BAD.replace("contracts\n", "contracts(allow=('alone', 'trained'))\n"), "-v"
    )

    result.stdout.fnmatch_lines(
        [
            "lossguard: 13 contracts checked: * 1 broken (1 of them allowed), *",
            "  allowed alone: row 0 served alone comes out differently",
            "  skipped *",
        ]
    )
    text = [it for it in result.outlines if it.startswith(("  skipped", "    "))]
    assert all(len(it) <= 80 for it in text)


def test_the_summary_says_where_reports_of_contracts_are(project):
    result = project(GOOD, "--lossguard-json=out.json", "-k", "alone")

    result.stdout.fnmatch_lines(["lossguard: report in *out.json"])
    assert "training" not in result.stdout.str()


def test_workers_give_the_same_verdicts(project):
    result = project(BAD, "-n2", "-k", "alone or trained or types")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["lossguard: 3 contracts checked: 2 kept, 1 broken*"])


def test_items_of_one_test_prepare_the_sample_once_between_them(project):
    result = project(
        """
COUNTS = []

def counted(x):
    COUNTS.append(len(x))
    return prepare(x)

@pytest.mark.contracts
def test_it(contract):
    contract(counted, SAMPLE, serve=serve)

def test_count():
    assert len(COUNTS) < 20
"""
    )

    result.assert_outcomes(passed=len(ON) + 1)


def test_the_handle_checks_all_in_one_call(project):
    result = project(
        """
import pytest_lossguard

def test_good(lossguard):
    assert lossguard.contracts(prepare, SAMPLE, serve=serve) == ()

def test_bad(lossguard):
    with pytest.raises(pytest_lossguard.ContractBroken) as caught:
        lossguard.contracts(prepare, SAMPLE, serve=refit)
    assert [it.kind for it in caught.value.findings] == ["contract_alone"]
"""
    )

    result.assert_outcomes(passed=2)


def test_tensorflow_is_not_imported(pytester):
    pytester.makepyfile(
        test_it=HEADER + GOOD,
        conftest="""
import sys

def pytest_sessionfinish():
    assert "tensorflow" not in sys.modules
    assert "keras" not in sys.modules
""",
    )

    result = pytester.runpytest_subprocess(*PLAIN, "-k", "alone or trained or process")

    assert result.ret == 0
    result.assert_outcomes(passed=3, deselected=len(ON) - 3)
