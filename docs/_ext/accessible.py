"""What axe asks of the pages and the theme leaves out.

Code and tables that scroll can be scrolled by the keyboard; captions of lists of
pages, which are headings, say of which level.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

#: After the theme has put its navigation into the context.
_LAST = 900
#: Elements that scroll where they are wider than the page.
_SCROLLING = (("pre", ">"), ("div", ' class="table-wrapper'))


def mend(app: Sphinx, name: str, template: str, context: Any, doctree: Any) -> None:
    """Mend the parts of a page before its template puts them together."""
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
    """Called by Sphinx."""
    app.connect("html-page-context", mend, priority=_LAST)
    return {"parallel_read_safe": True}
