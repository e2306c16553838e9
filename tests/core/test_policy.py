"""The keys of the marker: named, checked, never ignored."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard import PolicyError
from pytest_lossguard.core.policy import Policy


def test_the_defaults_need_no_tuning():
    assert Policy.from_keywords({}) == Policy()


def test_an_unknown_key_is_refused_with_the_nearest_right_one():
    with pytest.raises(
        PolicyError, match=r"no key 'min_dorp': did you mean 'min_drop'"
    ):
        Policy.from_keywords({"min_dorp": 0.3})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("steps", 0),
        ("steps", 2.5),
        ("steps", True),
        ("epochs", -1),
        ("batch_size", "32"),
        ("min_drop", 30),
        ("min_drop", float("nan")),
        ("max_loss", "low"),
        ("max_loss_growth", 0.5),
        ("max_grad_norm", 0),
        ("seeds", ()),
        ("seeds", 0),
        ("min_pass", 0),
        ("min_pass", 80),
        ("allow", 3),
        ("strict", 1),
    ],
)
def test_a_bad_value_is_refused_with_what_was_meant(key, value):
    with pytest.raises(PolicyError, match=rf"converges\({key}=.*{key} must be"):
        Policy.from_keywords({key: value})


def test_diagnose_is_on_and_may_be_switched_off():
    assert Policy().diagnose
    assert not Policy.from_keywords({"diagnose": False}).diagnose
    with pytest.raises(PolicyError, match="diagnose must be True or False"):
        Policy.from_keywords({"diagnose": "no"})


def test_steps_and_epochs_exclude_each_other():
    with pytest.raises(PolicyError, match="steps=3 and epochs=2"):
        Policy(steps=3, epochs=2)


def test_allow_names_only_finding_kinds():
    assert Policy(allow="plateau").allow == ("plateau",)
    with pytest.raises(PolicyError, match="did you mean 'dead_units'"):
        Policy(allow=("dead_unit",))


def test_numbers_of_numpy_are_numbers():
    assert Policy(steps=np.int64(3), min_drop=np.float64(0.5)).steps == 3


@pytest.mark.parametrize(
    ("seeds", "expected"), [(None, (7,)), (3, (7, 8, 9)), ((1, 5), (1, 5))]
)
def test_seeds_are_counted_from_the_base_seed_or_named(seeds, expected):
    assert Policy(seeds=seeds).seed_list(7) == expected
