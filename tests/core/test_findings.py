"""Findings: every kind of the contract has its words, a value beside its limit."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_lossguard
from pytest_lossguard.core.findings import FINDING_KINDS
from pytest_lossguard.model_checks import DEFAULTS as OF_MODELS
from pytest_lossguard.preprocessing import DEFAULTS
from tests.support.findings import KINDS, finding

CONTRACT = """
nonfinite_loss nonfinite_gradient nonfinite_input diverging_loss impossible_loss
masked_loss exploding_gradient loss_not_decreasing worse_than_constant
constant_predictions slow_convergence oscillating_loss noisy_loss plateau
vanishing_gradient disconnected_variable unchanged_weights symmetric_weights dead_units
saturated_activations overfitting penalty_dominates unscaled_inputs unscaled_targets
input_outliers target_outliers constant_feature missing_values class_imbalance
labels_out_of_range loss_output_mismatch labels_carry_no_signal improvable
baseline_regression nothing_trainable trained_unseen rows_in_class_order
validation_differs nonfinite_validation validation_rows_trained_on
constant_inputs sentinel_values inference_mode target_in_inputs rows_mixed
labels_ignored repeated_batch inputs_ignored predictions_ignore_inputs
update_skipped
optimizer_restarted loss_not_scaled penalty_left_out
rate_ended clipped_to_nothing custom_gradient_wrong sample_weight_ignored
padding_not_masked class_weight_mismatch tokens_masked augmented_apart zipped_apart
labels_coded_apart image_axes_mixed random_drawn_once not_recompiled graph_shuffled
state_shuffled augmentation_cached frozen_untrained layers_untracked argument_ignored
activated_twice
"""


def test_the_kinds_are_those_of_the_contract():
    relations = {f"contract_{name}" for name in DEFAULTS}
    checks = {f"check_{name}" for name in OF_MODELS}
    assert set(FINDING_KINDS) == set(CONTRACT.split()) | relations | checks


def test_each_kind_of_the_closed_list_stands_beside_a_rule():
    assert sorted(KINDS) == sorted(FINDING_KINDS)


#: Where kinds are listed, or name causes; and the changes, which say when to try them.
NAMED_IN = ("core/findings.py", "core/diagnosis.py", "experiments/causes.py")
CHANGES = "experiments/changes/"
PACKAGE = Path(pytest_lossguard.__file__).parent


def quoted_elsewhere(source: str) -> Iterator[str]:
    """Kinds that a module quotes and does not define; a cause may be named like one."""
    tree = ast.parse(source)
    fields = [it for it in ast.walk(tree) if isinstance(it, ast.keyword)]
    own = {text_of(it.value) for it in fields if it.arg == "name"}
    causes = {id(it.value) for it in fields if it.arg in ("suspects", "cause")}
    names = {id(it) for top in tree.body if is_all(top) for it in ast.walk(top)}
    for node in ast.walk(tree):
        if id(node) not in causes | names and text_of(node) in {*FINDING_KINDS} - own:
            yield text_of(node)


def is_all(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def text_of(node: ast.AST) -> str:
    text = node.value if isinstance(node, ast.Constant) else ""
    return text if isinstance(text, str) else ""


def test_a_kind_is_quoted_beside_its_rule_and_by_changes_only():
    """Otherwise: import the `Kind`, or give it a symptom that the code can ask for."""
    files = {it.relative_to(PACKAGE).as_posix(): it for it in PACKAGE.rglob("*.py")}
    quoted = {
        (name, kind)
        for name, file in files.items()
        if name not in NAMED_IN and not name.startswith(CHANGES)
        for kind in quoted_elsewhere(file.read_text(encoding="utf-8"))
    }

    assert quoted == set()


def test_a_kind_that_another_module_quotes_is_found():
    assert [*quoted_elsewhere('is_bad = it.kind == "plateau"')] == ["plateau"]
    assert [*quoted_elsewhere('PLATEAU = Kind(name="plateau")')] == []


def test_a_finding_prints_its_value_beside_its_limit():
    found = finding(
        "worse_than_constant", step=40, value=34.0, limit=0.083, constant="the mean"
    )

    assert found.message == (
        "the loss ended at 34 after step 40; always predicting the mean costs 0.083"
    )
    assert found.to_json()["limit"] == 0.083


@pytest.mark.parametrize("kind", [it for it, how in KINDS.items() if how.headline])
def test_headlines_fit_a_line_of_the_terminal(kind):
    assert len(KINDS[kind].headline.format_map(_Anything())) <= 52


class _Anything(dict):
    def __missing__(self, key):
        return "1.23e8"


@pytest.mark.parametrize(
    ("noise", "text"),
    [(0.88, "by 88% of its value"), (207.85, "by 208 times its value")],
)
def test_a_large_multiple_is_no_percentage(noise, text):
    assert text in finding("noisy_loss", value=noise, limit=0.7).message


def test_a_share_beside_a_small_limit_shows_both():
    found = finding("saturated_activations", value=0.012, limit=0.005, where="dense")
    assert "1% of the outputs of dense are saturated, limit 0.5%" in found.message
