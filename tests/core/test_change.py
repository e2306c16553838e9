"""Changes: the closed list, and no other."""

from __future__ import annotations

from typing import get_args

import pytest

from pytest_lossguard.core.change import CHANGES, Change, ChangeName


def test_the_names_are_those_of_the_changes():
    assert get_args(ChangeName) == tuple(CHANGES)


def test_no_other_can_be_made():
    with pytest.raises(ValueError, match="no change is called 'learning-rate'"):
        Change(kind="learning-rate", value=0.1)
