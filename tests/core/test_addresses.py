"""Every link of the project starts with one base address."""

from __future__ import annotations

from pytest_lossguard.core.addresses import BASE, explanation, page, see
from pytest_lossguard.core.diagnosis import CAUSES
from pytest_lossguard.core.findings import FINDING_KINDS


def test_a_page_stands_below_the_base_and_ends_with_a_slash() -> None:
    assert page("how-to/timeouts") == f"{BASE}/how-to/timeouts/"
    assert page("/how-to/timeouts/") == f"{BASE}/how-to/timeouts/"
    assert page() == f"{BASE}/"


def test_a_finding_has_a_page_of_its_own() -> None:
    assert explanation("dead_units") == f"{BASE}/f/dead_units/"


def test_kinds_lead_to_their_pages_each_once_and_own_ones_to_none() -> None:
    assert see(["noisy_loss", "yours:long", "plateau", "noisy_loss"]) == [
        f"see: {BASE}/f/noisy_loss/",
        f"     {BASE}/f/plateau/",
    ]
    assert see([]) == []


def test_each_line_fits_a_message_in_80_columns() -> None:
    assert max(len(it) for it in see((*FINDING_KINDS, *CAUSES))) <= 76
