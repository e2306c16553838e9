from __future__ import annotations

from pytest_lossguard.core.trace import SOME_CONSTANT, constant_in_words


def test_a_constant_is_named_where_it_is_known():
    assert constant_in_words("the mean") == "a constant (the mean)"
    assert constant_in_words(SOME_CONSTANT) == "a constant"
