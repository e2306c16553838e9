"""The option ``--lossguard-explain``: explain a name from a message, without tests."""

from __future__ import annotations

import pytest

from ..core.errors import UsageError
from .state import shows_blocks


def explain(name: str) -> int:
    """Print the explanation of a name, or list all names if it is empty.

    Returns:
        The exit status, 0.

    Raises:
        pytest.UsageError: The name is unknown.
    """
    from ..explanations import listed, text_of

    try:
        lines = text_of(name, ascii_only=not shows_blocks()) if name else listed()
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    print("\n".join(lines))
    return 0
