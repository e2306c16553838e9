"""Links that leave the documentation: known hosts, whole addresses, files that exist.

No network is asked. A typo in a host, a lost file or a cut address is seen without.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from pytest_lossguard.core.addresses import BASE, REPOSITORY
from tests.support.docs import DOCS, ROOT, script

OURS = f"https://github.com/{REPOSITORY}"
#: Whom pages link to. A new one is added here, once somebody has opened the link.
HOSTS = {
    "hypothesis.readthedocs.io",
    "keepachangelog.com",
    "pypi.org",
    "semver.org",
}
REPOSITORIES = (f"/{REPOSITORY}", "/leeoniya/uPlot")
TEXTS = {
    it.relative_to(ROOT).as_posix(): it.read_text(encoding="utf-8")
    for it in [
        *ROOT.glob("*.md"),
        ROOT / "CITATION.cff",
        *ROOT.glob("examples/**/*.md"),
        *(it for it in DOCS.rglob("*.md") if "_build" not in it.parts),
        *ROOT.glob(".github/**/*.md"),
        *ROOT.glob(".github/**/*.yml"),
    ]
} | {f"docs/{path}.md": text for path, text in script("_ext/reference").pages().items()}
LINKS = {
    link: path
    for path, text in TEXTS.items()
    for link in re.findall(r"\bhttps?:[^\s<>\"'`;\]\\)}]*", text)
}
FOREIGN = sorted(it for it in LINKS if it != BASE and not it.startswith(f"{BASE}/"))


def troubles(link):
    """What is wrong with an address, as sentences."""
    parts = urlsplit(link)
    host = parts.netloc
    if parts.scheme != "https":
        yield "it does not start with https"
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host):
        yield "it has no host"
    elif host == "github.com":
        if not re.match(rf"({'|'.join(REPOSITORIES)})(/|$)", parts.path):
            yield "its repository is not known"
    elif host not in HOSTS:
        yield "its host is not known"
    if "//" in parts.path or re.search(r"[.,;:!?]$", link):
        yield "it is not whole"


def test_there_are_links_to_check():
    assert len(FOREIGN) > 15
    assert len(TEXTS) > 100


@pytest.mark.parametrize("link", FOREIGN)
def test_a_link_is_whole_and_its_host_is_known(link):
    assert list(troubles(link)) == [], LINKS[link]


def test_every_known_host_is_linked_to():
    assert {urlsplit(it).netloc for it in FOREIGN} == {*HOSTS, "github.com"}


@pytest.mark.parametrize("link", [it for it in FOREIGN if it.startswith(f"{OURS}/")])
def test_a_link_into_the_repository_leads_to_a_file_or_a_page_of_github(link):
    kind, _, path = link.removeprefix(f"{OURS}/").partition("/")

    if kind in ("blob", "tree"):
        branch, _, file = path.partition("/")
        assert branch == "main"
        found = ROOT / file.partition("#")[0]
        assert found.is_file() if kind == "blob" else found.is_dir()
    else:
        assert kind in ("issues", "security", "discussions", "releases", "actions")


@pytest.mark.parametrize(
    ("link", "trouble"),
    [
        ("http://semver.org/", "it does not start with https"),
        ("https://semver.prg/", "its host is not known"),
        ("https://hypothesis.readthedoc.io", "its host is not known"),
        ("https:///semver.org", "it has no host"),
        ("https://semver", "it has no host"),
        (f"{OURS}s/issues", "its repository is not known"),
        ("https://semver.org//spec", "it is not whole"),
        ("https://semver.org/spec.", "it is not whole"),
    ],
)
def test_a_wrong_link_is_seen(link, trouble):
    assert list(troubles(link)) == [trouble]
