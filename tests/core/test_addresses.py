"""Every link of the project starts with one base address."""

from __future__ import annotations

from pytest_lossguard.core.addresses import BASE, explanation, page


def test_a_page_stands_below_the_base_and_ends_with_a_slash() -> None:
    assert page("how-to/timeouts") == f"{BASE}/how-to/timeouts/"
    assert page("/how-to/timeouts/") == f"{BASE}/how-to/timeouts/"
    assert page() == f"{BASE}/"


def test_a_finding_has_a_page_of_its_own() -> None:
    assert explanation("dead_units") == f"{BASE}/f/dead_units/"
