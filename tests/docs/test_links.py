"""The check that every internal link of the documentation leads somewhere."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.addresses import BASE, page
from tests.support.docs import script

links = script("check_links")


@pytest.fixture
def site(tmp_path):
    """A site of two pages; the first has what a test writes into it."""

    def made(body):
        (tmp_path / "how-to" / "ci").mkdir(parents=True)
        (tmp_path / "index.html").write_text(body)
        (tmp_path / "how-to" / "ci" / "index.html").write_text('<h2 id="tox">tox</h2>')
        return tmp_path

    return made


@pytest.mark.parametrize(
    "link",
    [
        "how-to/ci/",
        "how-to/ci/#tox",
        page("how-to/ci"),
        f"{BASE}/how-to/ci/#tox",
        BASE,
        "#top",
        "https://elsewhere.example/nowhere/#x",
        f"{BASE}.example/how-to/nowhere/",
        "mailto:somebody@elsewhere.example",
    ],
)
def test_a_link_that_leads_somewhere_or_out_of_the_site(site, link):
    body = f'<p id="top"><a href="{link}">x</a>'

    assert links.broken_links(site(body)) == []


@pytest.mark.parametrize(
    ("tag", "why"),
    [
        ('<a href="how-to/cd/">', "how-to/cd/: there is no such page"),
        ('<a href="how-to/ci/#nox">', "how-to/ci/#nox: the page has no such anchor"),
        ('<img src="_static/x.png">', "_static/x.png: there is no such page"),
        (f'<a href="{page("f/x")}">', f"{page('f/x')}: there is no such page"),
        ('<a href="#bottom">', "#bottom: the page has no such anchor"),
    ],
)
def test_a_broken_link_is_named_with_its_page(site, tag, why):
    assert links.broken_links(site(tag)) == [f"index.html: {why}"]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (page("how-to/ci"), True),
        (f"{page('how-to/ci')}#tox", True),
        (f"{page('how-to/ci')}#nox", False),
        (page("how-to/cd"), False),
        ("https://elsewhere.example/how-to/ci/", False),
    ],
)
def test_a_link_from_elsewhere_is_looked_up_in_the_site(site, link, expected):
    assert links.leads_somewhere(site(""), link) is expected
