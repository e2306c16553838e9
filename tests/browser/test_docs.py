"""The documentation in a headless Chromium: accessible and quiet, on phones too."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import pytest_lossguard
from pytest_lossguard.core.addresses import BASE
from tests.browser.conftest import DESKTOP, PHONE
from tests.support.accessibility import serious_violations
from tests.support.docs import DOCS, ROOT, script

#: One of each kind: start, prose, tables, lists of pages, much code, a finding with its
#: curve.
PAGES = (
    "",
    "tutorial/",
    "how-to/",
    "how-to/ci/",
    "explanation/judge/",
    "reference/options/",
    "f/worse_than_constant/",
)

PACKAGE = Path(pytest_lossguard.__file__).parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    options = ("-qEW", "-b", "dirhtml", "--keep-going")
    subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(DOCS), str(folder)], check=True
    )
    return folder


class Quiet(SimpleHTTPRequestHandler):
    """Hands files out, and says nothing of it."""

    def log_message(self, *_):
        pass


@pytest.fixture
def address(site):
    """Where the site is served: axe reads style sheets, which a file may not."""
    handler = partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_no_link_leads_nowhere(site):
    assert script("check_links").broken_links(site) == []


def test_every_address_of_the_project_leads_to_a_page_and_its_anchor(site):
    files = [*ROOT.glob("*.md"), ROOT / "CITATION.cff", ROOT / "pyproject.toml"]
    for folder, kind in (
        (ROOT / ".github", "*.yml"),
        (ROOT / "examples", "*.md"),
        (PACKAGE, "*.py"),
    ):
        files += folder.rglob(kind)
    text = "\n".join(it.read_text(encoding="utf-8") for it in files)
    links = set(re.findall(rf"{re.escape(BASE)}/[\w#/.-]*[\w/]", text))

    leads = script("check_links").leads_somewhere
    assert len(links) > 15
    assert sorted(it for it in links if not leads(site, it)) == []


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"]
)
def test_pages_are_accessible_and_quiet(browser, address, size, scheme):
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    )
    page = context.new_page()
    complaints = []
    page.on("console", lambda it: complaints.append(it.text))
    page.on("pageerror", lambda it: complaints.append(str(it)))

    for name in PAGES:
        page.goto(f"{address}/{name}")
        complaints += serious_violations(page)
        if page.evaluate("document.scrollingElement.scrollWidth > innerWidth"):
            complaints.append(f"{name} scrolls sideways")

    context.close()
    assert complaints == []
