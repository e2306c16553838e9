"""``python docs/check_links.py SITE``: the internal links of a built site.

Each must lead to a page, and its anchor be there. Links to the site's own address count
as internal; others are left alone, so that the check needs no network. Ends with 1
and a line for each link that leads nowhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from pytest_lossguard.core.addresses import BASE


class Page(HTMLParser):
    """What a page links to, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep its id, and what it refers to."""
        for name, value in attrs:
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value or "")
            elif name in ("href", "src") and value:
                self.links.append(value)


def broken_links(site: Path) -> list[str]:
    """A line for each link of a page of the site that leads nowhere, sorted."""
    pages = {
        path.resolve(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
    }
    return sorted(set(_broken(site.resolve(), pages)))


def leads_somewhere(site: Path, link: str) -> bool:
    """Whether a link with the site's own address leads to a page and its anchor."""
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
    """The file that a link to the site means, if it is one, and the anchor."""
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
