"""The rules: each takes only what it needs, and stands in the list once."""

from __future__ import annotations

import dis
from inspect import signature

import pytest

from pytest_lossguard.judge import RULES


@pytest.mark.parametrize("rule", RULES, ids=lambda it: it.__name__)
def test_a_rule_takes_what_the_judge_has_and_uses_all_of_it(rule):
    asked = set(signature(rule).parameters)
    read = {it.argval for it in dis.get_instructions(rule) if "LOAD" in it.opname}

    assert asked
    assert asked <= {"trace", "curve", "policy"}
    assert asked <= read


def test_no_rule_stands_in_the_list_twice():
    assert len(set(RULES)) == len(RULES)
