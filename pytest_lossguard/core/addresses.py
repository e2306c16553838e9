"""Web addresses of the project, all built from one base address."""

from __future__ import annotations

from collections.abc import Iterable

#: Address at which the documentation is published.
BASE = "https://pytest-lossguard.readthedocs.io"

#: Repository of the source code, as ``owner/name`` on GitHub.
REPOSITORY = "pytest-lossguard/pytest-lossguard"


def page(path: str = "") -> str:
    """Return the address of a documentation page, such as ``how-to/timeouts``."""
    inner = path.strip("/")
    return f"{BASE}/{inner}/" if inner else f"{BASE}/"


def explanation(name: str) -> str:
    """Return the address of the page on a finding, cause, relation or check."""
    return page(f"f/{name}")


def address_of(kind: str) -> str | None:
    """Return the address of the page on a finding kind; None for a custom check."""
    return None if ":" in kind else explanation(kind)


def see(kinds: Iterable[str]) -> list[str]:
    """Return lines that link to the pages of some finding kinds, without repeats."""
    known = filter(None, map(address_of, dict.fromkeys(kinds)))
    return [f"{'     ' if index else 'see: '}{it}" for index, it in enumerate(known)]
