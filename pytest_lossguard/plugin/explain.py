"""``--lossguard-explain``: what a name in a message means, without running a test."""

from __future__ import annotations

import pytest

from ..core.errors import UsageError
from .state import shows_blocks

__all__ = ["explain"]


def explain(name: str) -> int:
    """Print what explains a name, or all names if it is empty; the exit status.

    Raises:
        pytest.UsageError: Nothing is called so.
    """
    from ..explanations import listed, text_of

    try:
        lines = text_of(name, ascii_only=not shows_blocks()) if name else listed()
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    print("\n".join(lines))
    return 0
