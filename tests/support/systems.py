"""Markers for tests of features that only some operating systems have."""

from __future__ import annotations

import sys

import pytest

__all__ = ["posix"]

posix = pytest.mark.skipif(sys.platform == "win32", reason="devices, pipes and modes")
