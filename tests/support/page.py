"""Parser for HTML reports: tags, texts, scripts."""

from __future__ import annotations

import json
from html.parser import HTMLParser

__all__ = ["Page"]


class Page(HTMLParser):
    """Parses an HTML report into tags, texts and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.texts: list[str] = []
        self.places: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag == "details" and "id" in self.tags[-1][1]:
            self._test = self.tags[-1][1]["id"]
        if "data-figure" in self.tags[-1][1]:
            self.places.append(f"{self._test}-{self.tags[-1][1]['data-figure']}")

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            kind, before = self.scripts[-1]
            self.scripts[-1] = (kind, before + data)
        elif self._inside != "style":
            self.texts.append(data)

    @property
    def figures(self):
        """Return the figures of all tests, by test and name."""
        return {
            f"{(attrs['id'] or '')[1:]}-{name}": figure
            for attrs, text in self.scripts
            if (attrs.get("id") or "").startswith("ft")
            for name, figure in json.loads(text).items()
        }

    @property
    def kinds(self):
        """Return the type of each script."""
        return [attrs.get("type") for attrs, _ in self.scripts]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())
