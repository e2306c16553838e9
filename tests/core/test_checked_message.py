"""The message of a check: the address stays, however much there is to say."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.addresses import explanation
from pytest_lossguard.core.checked import Broken, Line
from pytest_lossguard.core.checked_message import broken_message


@pytest.mark.parametrize("words", [3, 300])
def test_the_page_that_explains_it_stands_before_how_to_run_it_again(words):
    broken = Broken(
        fact="row 0 differs",
        lines=(Line(name="came out", value="1"),),
        meaning="It differs. " * words,
    )

    lines = broken_message(
        "alone", broken, kind="contract_alone", hint="Fit once.", again=("again: x",)
    ).splitlines()

    assert lines[-2:] == [f"see: {explanation('contract_alone')}", "again: x"]
    assert len(lines) <= 15
    assert "hint: Fit once." in lines
