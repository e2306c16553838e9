"""Where the project stands on the web: one base address that all links start with."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["BASE", "REPOSITORY", "address_of", "explanation", "page", "see"]

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


def address_of(kind: str) -> str | None:
    """The address of the page of a kind; None for a custom check."""
    return None if ":" in kind else explanation(kind)


def see(kinds: Iterable[str]) -> list[str]:
    """Lines that lead to the pages of some kinds, each page once."""
    known = filter(None, map(address_of, dict.fromkeys(kinds)))
    return [f"{'     ' if index else 'see: '}{it}" for index, it in enumerate(known)]
