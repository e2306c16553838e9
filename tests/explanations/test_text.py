"""An explanation in a terminal: 80 columns, all parts, one line each in the list."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.addresses import explanation
from pytest_lossguard.explanations import listed, text_of, topics

NAMES = list(dict.fromkeys(it.name for it in topics()))


@pytest.mark.parametrize("name", NAMES)
def test_it_fits_a_terminal_of_80_columns_and_has_its_address(name):
    lines = text_of(name)

    assert max(map(len, lines)) <= 80
    assert lines[-1].endswith(explanation(name))
    for part in ("seen", "why", "to do"):
        assert any(it.startswith(f"  {part} ") for it in lines)


def test_a_warning_about_units_is_reported_with_its_limits():
    assert text_of("dead_units")[:7] == [
        "dead_units (finding, warning): most relu units of a layer are 0",
        "",
        "  seen    After training most relu units of a layer output 0 for every row.",
        "  why     A unit that is 0 for every row gets no gradient and never recovers."
        " A",
        "          learning rate that is too high or unscaled inputs kill units.",
        "  limit   After a bad training a layer is reported if 70% of its units are"
        " dead.",
        "          DeepDiagnosis and AutoTrainer call a layer dead from this share on.",
    ]


def test_curves_beside_each_other_share_one_scale():
    lines = text_of("worse_than_constant")
    loss, constant = (it for it in lines if "▁" in it or "█" in it)

    assert loss.split()[2].startswith("█")
    assert set(constant.split()[1]) == {"▁"}


def test_a_terminal_without_block_characters_gets_others():
    text = "\n".join(text_of("diverging_loss", ascii_only=True))

    assert text.isascii()


def test_the_list_has_every_name_in_a_line():
    lines = listed()

    assert max(map(len, lines)) <= 80
    assert {it.split()[0] for it in lines if it.startswith("  ")} == set(NAMES)
    assert lines[-1] == "Explain one: pytest --lossguard-explain NAME"
