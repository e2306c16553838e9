"""Changes: the closed list, and no other."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.change import Change


def test_no_other_can_be_made():
    with pytest.raises(ValueError, match="no change is called 'learning-rate'"):
        Change(kind="learning-rate", value=0.1)
