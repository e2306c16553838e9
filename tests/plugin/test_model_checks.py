"""``model_checks``: one item for each check of a model, and what the reports say."""

from __future__ import annotations

import json

import pytest

MIXING = """
import keras

class OverTheBatch(keras.layers.Layer):
    def call(self, x):
        return x - keras.ops.mean(x, axis=0)

def mixing():
    layers = [keras.layers.Dense(4), OverTheBatch(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile("adam", "mse")
    return model

@pytest.mark.model_checks({marked})
def test_model(model_check):
    model_check(mixing, *load())
"""
#: All but one or two are off: each item costs.
OFF = (
    "learns_one_batch",
    *("starts_at_chance", "every_variable_learns", "uses_every_input"),
    *("ignores_padding", "same_seed_same_weights", "saves_and_loads", "exports"),
    *("resumes", "serves_as_trained", "accumulates"),
)
ONE = ", ".join(f"{it}=False" for it in OFF)


@pytest.fixture
def checked(project, pytester):
    """Run, and read the entries of the JSON report by the check."""

    def run(marked, *options):
        path = pytester.path / "r.json"
        body = MIXING.format(marked=marked)
        result = project(body, f"--lossguard-json={path}", *options)
        tests = json.loads(path.read_text())["tests"] if path.exists() else []
        return result, {it["nodeid"].rpartition("[")[2][:-1]: it for it in tests}

    return run


def test_a_model_that_fails_a_check_fails_its_item_at_the_users_line(checked):
    result, entries = checked(ONE)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       model_check(mixing, *load())",
            "E       pytest_lossguard.ModelCheckFailed: rows_are_independent: row 0 *",
            "E         alone *",
            "E       hint: Normalize and compare over the features of a row*",
            "E       again: pytest 'test_it.py::test_model[[]rows_are_independent[]]'*",
            "lossguard: 1 model check made: 0 passed, 1 failed, none skipped",
        ]
    )
    result.stdout.no_fnmatch_line("*trainings judged*")
    found = entries["rows_are_independent"]
    assert found["outcome"] == "failed"
    assert found["contract"] is None
    assert found["model_check"]["check"] == "rows_are_independent"
    assert found["model_check"]["outcome"] == "failed"


def test_what_is_allowed_passes_and_is_reported(checked):
    result, entries = checked(f"{ONE}, allow='rows_are_independent'", "-v")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "lossguard: 1 model check made: 0 passed, 1 failed (1 of them allowed)*",
            "  allowed rows_are_independent: row 0 alone*",
        ]
    )
    assert entries["rows_are_independent"]["model_check"]["outcome"] == "failed"


def test_what_does_not_apply_passes_with_the_reason(checked):
    result, entries = checked(
        f"{ONE}, rows_are_independent=False, causal=True", "-v", "--junitxml=j.xml"
    )

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["  skipped causal: it does not have one output *"])
    assert entries["causal"]["model_check"]["outcome"] == "skipped"


def test_workers_report_what_one_process_reports(checked):
    _, one = checked(ONE)
    _, two = checked(ONE, "-n1")

    assert one == two


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            "@pytest.mark.model_checks(export=False)\ndef test_a(model_check): pass",
            "*model_checks() has no key 'export': did you mean 'exports'?*",
        ),
        (
            "@pytest.mark.model_checks\ndef test_a(): pass",
            "*marked model_checks but does not ask for the argument 'model_check'*",
        ),
        (
            "def test_a(model_check): pass",
            "*asks for the argument 'model_check' but is not marked*",
        ),
        (
            f"@pytest.mark.model_checks({ONE})\ndef test_a(model_check): pass",
            "*asked for 'model_check' but never called it: call model_check(build_*",
        ),
    ],
)
def test_wrong_use_is_reported_in_a_sentence(project, body, sentence):
    result = project(body)

    assert result.ret != 0
    result.stdout.fnmatch_lines([sentence])
