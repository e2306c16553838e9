"""Accessibility violations found by axe (https://github.com/dequelabs/axe-core).

Nothing is loaded from the network: the script is part of the package.
"""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

__all__ = ["serious_violations"]

_SERIOUS = frozenset({"serious", "critical"})


def serious_violations(page: Page) -> list[str]:
    """Return the violations of a page in its current state that axe calls serious or
    critical.

    Returns:
        One line per element, for example ``"serious color-contrast: Elements must meet
        ... (.badge)"``; empty if axe finds nothing.
    """
    return [
        f"{it['impact']} {it['id']}: {it['help']} ({', '.join(map(str, at['target']))})"
        for it in Axe().run(page).response["violations"]
        if it["impact"] in _SERIOUS
        for at in it["nodes"]
    ]
