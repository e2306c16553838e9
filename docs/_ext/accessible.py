"""Fixes accessibility problems that axe finds in the theme's pages.

Makes scrolling code blocks and tables reachable by keyboard, and gives the captions of
page lists, which are headings, a level.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

#: Event priority after the theme, which adds its navigation to the context.
_LAST = 900
#: Elements that scroll if they are wider than the page.
_SCROLLING = (("pre", ">"), ("div", ' class="table-wrapper'))


def mend(app: Sphinx, name: str, template: str, context: Any, doctree: Any) -> None:
    """Fix the parts of a page before its template combines them."""
    del app, name, template, doctree
    if "body" in context:
        for tag, rest in _SCROLLING:
            found, mended = f"<{tag}{rest}", f'<{tag} tabindex="0"{rest}'
            context["body"] = context["body"].replace(found, mended)
    level = 'role="heading" aria-level="2"'
    for part in ("body", "furo_navigation_tree"):
        if part in context:
            context[part] = context[part].replace('role="heading"', level)


def setup(app: Sphinx) -> dict[str, bool]:
    """Set up the extension; called by Sphinx."""
    app.connect("html-page-context", mend, priority=_LAST)
    return {"parallel_read_safe": True}
