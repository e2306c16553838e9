"""README.md: short, and every link of it leads from the package index to the docs."""

from __future__ import annotations

import re

import pytest

from pytest_lossguard.core.addresses import BASE
from tests.support.docs import DOCS, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\]\(([^)]*)\)", README)


def test_it_fits_on_a_screen_and_a_half():
    assert len(README.splitlines()) < 120


def test_it_has_links_and_none_is_relative():
    assert len(LINKS) > 10
    assert [it for it in LINKS if not it.startswith(f"{BASE}/")] == []


@pytest.mark.parametrize("link", LINKS)
def test_a_link_leads_to_a_page_that_is_built(link):
    path = link.removeprefix(f"{BASE}/").strip("/")
    sources = (path, f"{path}.md", f"{path}/index.md")

    assert any((DOCS / it).is_file() for it in sources)


def test_the_picture_is_small():
    picture = DOCS / "_static" / "report.png"

    assert 10_000 < picture.stat().st_size < 200_000
