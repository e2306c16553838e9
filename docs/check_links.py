"""``python docs/check_links.py SITE``: check the internal links of a built site.

Each internal link must have an existing page and anchor as its target. Links to the
site's own address count as internal; others are not checked, so that the check needs no
network. Exits with 1 and prints a line for each broken link.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from pytest_lossguard.core.addresses import BASE


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record the anchors and links of a tag."""
        for name, value in attrs:
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value or "")
            elif name in ("href", "src") and value:
                self.links.append(value)


def broken_links(site: Path) -> list[str]:
    """Return a line for each broken link on the pages of the site, sorted."""
    pages = {
        path.resolve(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
    }
    return sorted(set(_broken(site.resolve(), pages)))


def leads_somewhere(site: Path, link: str) -> bool:
    """Whether the page and the anchor of a link with the site's own address exist."""
    path, anchor = _target(site.resolve(), link)
    if path is None or not path.is_file():
        return False
    return not anchor or anchor in Page(path.read_text(encoding="utf-8")).anchors


def _broken(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    for path, page in pages.items():
        here = f"{BASE}/{path.relative_to(site).as_posix()}"
        for link in page.links:
            target, anchor = _target(site, urljoin(here, link))
            if target is None:
                continue
            if not target.is_file():
                yield f"{path.relative_to(site)}: {link}: there is no such page"
            elif anchor and target in pages and anchor not in pages[target].anchors:
                yield f"{path.relative_to(site)}: {link}: the page has no such anchor"


def _target(site: Path, link: str) -> tuple[Path | None, str]:
    """Return the file and the anchor of a link; the file is None if external."""
    address, anchor = urldefrag(link)
    parts = urlsplit(address)
    if f"{parts.scheme}://{parts.netloc}" != BASE:
        return None, ""
    inner = unquote(parts.path).strip("/")
    path = site / inner
    return path if path.is_file() else path / "index.html", unquote(anchor)


if __name__ == "__main__":
    found = broken_links(Path(sys.argv[1]))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
