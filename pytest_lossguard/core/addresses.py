"""Where the project stands on the web: one base address that all links start with."""

from __future__ import annotations

__all__ = ["BASE", "REPOSITORY", "explanation", "page"]

#: Where the documentation is published.
BASE = "https://pytest-lossguard.readthedocs.io"

#: Where the source code is kept, as ``owner/name`` on GitHub.
REPOSITORY = "pytest-lossguard/pytest-lossguard"


def page(path: str = "") -> str:
    """The address of a page of the documentation, as ``how-to/timeouts``."""
    inner = path.strip("/")
    return f"{BASE}/{inner}/" if inner else f"{BASE}/"


def explanation(name: str) -> str:
    """The address of the page that explains a finding, cause, relation or check."""
    return page(f"f/{name}")
